"""The simulated vIDM, SDDC Manager and VCF Operations that a story started, and an idhook server in front of them."""

import json
import os
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from idhook import Fleet, FleetSession, SyncSession, Timeouts, Vcf, VcfSession, Vidm, VidmSession, Webhook

VIDM = os.environ["VIDM_URL"]
VIDM_TLS = os.environ["VIDM_TLS_URL"]
VIDM_LOGIN = (os.environ["VIDM_USERNAME"], os.environ["VIDM_PASSWORD"])
VCF = os.environ["VCF_URL"]
VCF_TLS = os.environ["VCF_TLS_URL"]
VCF_LOGIN = (os.environ["VCF_USERNAME"], os.environ["VCF_PASSWORD"])
FLEET = os.environ["FLEET_URL"]
FLEET_LOGIN = (os.environ["FLEET_USERNAME"], os.environ["FLEET_PASSWORD"])
FLEET_API_TOKEN = os.environ["FLEET_API_TOKEN"]
CA = os.environ["CA_FILE"]
IDHOOK = os.environ["IDHOOK_URL"]
KEY = os.environ["IDHOOK_KEY"]

PRESENT = "gg-app@corp.example"
ABSENT = "CN=gg-nobody,OU=Groups,DC=corp,DC=example"


def control(method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{VIDM}/_simulator/{path}", data, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        text = response.read().decode()
    return json.loads(text) if text.startswith(("{", "[")) else text


def configure(**settings: Any) -> None:
    control("POST", "settings", settings)


def fault(**fault: Any) -> None:
    control("POST", "faults", fault)


def clear_faults() -> None:
    control("DELETE", "faults")


def finish(outcome: str = "completed", message: str = "") -> None:
    control("POST", "directories/corp.example/finish", {"outcome": outcome, "message": message})


def asked() -> list[str]:
    """What was asked since the last time, as `METHOD path`."""
    calls = control("GET", "calls")
    control("DELETE", "calls")
    return [f"{call['method']} {call['pathAndQuery'].split('?')[0]}" for call in calls]


def direct() -> Vidm:
    return Vidm(VIDM, *VIDM_LOGIN)


def server() -> VidmSession:
    return Webhook(IDHOOK, KEY).vidm()


def both() -> Iterator[tuple[str, Callable[[], VidmSession]]]:
    yield "direct", direct
    yield "webhook", server


def both_vcf() -> Iterator[tuple[str, Callable[[], VcfSession]]]:
    yield "direct", lambda: Vcf(VCF, *VCF_LOGIN)
    yield "webhook", Webhook(IDHOOK, KEY).vcf


def both_fleet() -> Iterator[tuple[str, Callable[[], FleetSession]]]:
    yield "direct", lambda: Fleet(FLEET, *FLEET_LOGIN)
    yield "webhook", Webhook(IDHOOK, KEY).fleet


class Product:
    """How a story of syncs changes a product; ``base`` is the place of its controls."""

    def __init__(self, name: str, base: str, sessions: Callable[[], Iterator[tuple[str, Callable[[], SyncSession]]]]) -> None:
        self.name, self._base, self.sessions = name, base, sessions

    def configure(self, **settings: Any) -> None:
        control("POST", f"{self._base}settings", settings)

    def add_group(self, dn: str) -> None:
        control("POST", f"{self._base}groups", {"directory": "corp.example", "dn": dn})

    def finish(self, outcome: str = "completed", message: str = "") -> None:
        control("POST", f"{self._base}directories/corp.example/finish", {"outcome": outcome, "message": message})


PRODUCTS = (Product("vIDM", "", both), Product("VCF Operations", "fleet/", both_fleet))


def quick() -> Timeouts:
    return Timeouts(connect=1, first_byte=0.4, between_bytes=0.3, operation=8)
