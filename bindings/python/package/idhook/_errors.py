"""What every call raises when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ._json import read
from ._types import Candidate, FieldError, Step, Sync, UpstreamEvidence


T = TypeVar("T")


class IdhookError(Exception):
    """A call failed: what failed, and what to do about it. No password, secret or token is ever in it.

    ``str(error)`` is ``code: detail (hint)``.
    """

    code: str
    """What failed, as a stable word to match on: ``group_absent``, ``upstream_auth``, ``upstream_tls``, …"""
    title: str
    """What the code means; the same at every occurrence."""
    status: int
    """The HTTP status that the webhook returns for this code."""
    detail: str
    """What happened this time."""
    hint: str | None
    """What to do about it."""
    retryable: bool
    """Whether the same call may succeed later although nobody changes anything, and does no harm when it is repeated."""
    retry_after: int | None
    """Seconds to wait before that, if the server said so."""
    errors: list[FieldError]
    """Each field that is wrong."""
    candidates: list[Candidate]
    """The things that an ambiguous name may mean."""
    steps: list[Step]
    """The steps of a job that failed (``Vcf.apply``)."""
    upstream: UpstreamEvidence | None
    """What vIDM, VCF Operations or SDDC Manager returned, if it was called."""
    sync: Sync | None
    """From ``ensure_groups``, once the sync is started: its last known state. ``wait_for_sync(error.sync.id)`` goes on."""

    problem: Mapping[str, Any]
    """The problem document as it came (RFC 9457)."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self.problem = problem
        self.code = problem.get("code", "internal")
        self.title = problem.get("title", self.code)
        self.status = whole(problem.get("status")) or 500
        self.detail = problem.get("detail", self.title)
        self.hint = problem.get("hint")
        self.retryable = problem.get("retryable", False)
        self.retry_after = whole(problem.get("retryAfter"))
        self.errors = _all(FieldError, problem.get("errors"))
        self.candidates = _all(Candidate, problem.get("candidates"))
        self.steps = _all(Step, problem.get("steps"))
        self.upstream = next(iter(_all(UpstreamEvidence, problem.get("upstream"))), None)
        self.sync = next(iter(_all(Sync, problem.get("sync"))), None)
        # If one field is wrong, the detail names it already.
        fields = "; ".join(f"{error.pointer} {error.detail}" for error in self.errors) if len(self.errors) > 1 else ""
        text = f"{self.code}: {self.detail}" + (f": {fields}" if fields else "")
        super().__init__(f"{text} ({self.hint})" if self.hint else text)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restored, (self.args, self.__dict__))


def whole(value: Any) -> int | None:
    """A whole number of seconds; ``None`` for anything else that a server may send."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _all(kind: type[T], value: Any) -> list[T]:
    """Those of the values that are a ``kind``: a server may send others."""
    return [one for one in read(list[kind], value) or [] if isinstance(one, kind)]  # type: ignore[valid-type]


def _restored(args: tuple[Any, ...], state: dict[str, Any]) -> IdhookError:
    """For pickle: an exception that crosses processes."""
    error = IdhookError.__new__(IdhookError, *args)
    error.__dict__.update(state)
    return error


def invalid(field: str, detail: str, hint: str | None = None) -> IdhookError:
    """The error for one setting that is wrong, found before anything is sent."""
    problem = {
        "code": "request_invalid",
        "title": "The request is not valid",
        "status": 400,
        "detail": f"{field} {detail}",
        "errors": [{"pointer": f"/{field}", "detail": detail}],
    }
    return IdhookError({**problem, "hint": hint} if hint else problem)
