"""idhook: vIDM (Workspace ONE Access) directory syncs and SDDC Manager's identity providers (VMware Cloud Foundation).

    from idhook import Vidm

    vidm = Vidm("https://vidm.corp.example", "svc-idhook", password, ca="corp-ca.pem")
    vidm.ensure_groups("corp.example", ["CN=gg-new,OU=Groups,DC=corp,DC=example"], timeout=300)
"""

from ._embedded import Timeouts, Vcf, Vidm
from ._errors import IdhookError
from ._sessions import VcfSession, VidmSession
from ._types import *
from ._types import __all__ as _types
from ._webhook import Webhook

__version__ = "0.0.0"
__all__ = ["IdhookError", "Timeouts", "Vcf", "VcfSession", "Vidm", "VidmSession", "Webhook", *_types]
