"""The role of a source of progress, and the two ways in which one stops."""

from collections.abc import AsyncGenerator
from typing import Any, Protocol

from pydantic import ValidationError

from docyard.errors import ProtocolError
from docyard.models import Progress
from docyard.watching.positions import Positions


class SourceLostError(Exception):
    """The connection broke, or was never made: the same or another source may go on."""


class SourceUnusableError(Exception):
    """The way is closed here, for example by a proxy without WebSockets: use another."""


class Source(Protocol):
    """Says where documents are: first their present state, then every change."""

    def follow(self, positions: Positions) -> AsyncGenerator[Progress, None]:
        """Yield updates of what is pending; old ones and repeats may be among them.

        Raises SourceLostError or SourceUnusableError, ApiError for a refusal of the whole watch,
        and UnreachableError where a poll finds nobody.
        """
        ...


def update_of(message: dict[str, Any]) -> Progress:
    """Read `{job_id, seq, data}`, the form in which streams speak. Raises ProtocolError."""
    try:
        data = message["data"] | {"document_id": message["job_id"], "seq": message["seq"]}
        return Progress.model_validate(data)
    except (KeyError, TypeError, ValidationError) as error:
        raise ProtocolError(f"no message of Docyard: {error}") from error
