"""One thing that was looked at, and what was seen."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it is; only `failed` makes `docyard doctor` end with an error."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """*detail* says what was seen; *advice* what to do, empty where nothing need be done."""

    check: str
    verdict: Verdict
    detail: str
    advice: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the finding as `docyard doctor --json` shows it."""
        return asdict(self)


def ok(check: str, detail: str) -> Finding:
    return Finding(check, Verdict.OK, detail)


def warning(check: str, detail: str, advice: str) -> Finding:
    return Finding(check, Verdict.WARNING, detail, advice)


def failed(check: str, detail: str, advice: str) -> Finding:
    return Finding(check, Verdict.FAILED, detail, advice)
