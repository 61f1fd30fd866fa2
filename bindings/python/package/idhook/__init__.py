"""idhook: directory syncs of vIDM (Workspace ONE Access) and VCF Operations (VMware Cloud Foundation 9.1), and SDDC Manager's identity
providers.

    from idhook import Vidm

    vidm = Vidm("https://vidm.corp.example", "svc-idhook", password, ca="corp-ca.pem")
    vidm.ensure_groups("corp.example", ["CN=gg-new,OU=Groups,DC=corp,DC=example"], timeout=300)
"""

from ._embedded import Fleet, Timeouts, Vcf, Vidm
from ._errors import IdhookError
from ._sessions import FleetSession, SyncSession, VidmSession
from ._types import *
from ._types import __all__ as _types
from ._vcf_session import VcfSession
from ._webhook import Webhook

__version__ = "0.0.0"
__all__ = [
    "Fleet",
    "FleetSession",
    "IdhookError",
    "SyncSession",
    "Timeouts",
    "Vcf",
    "VcfSession",
    "Vidm",
    "VidmSession",
    "Webhook",
    *_types,
]
