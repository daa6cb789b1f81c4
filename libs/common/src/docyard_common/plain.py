"""Text that everybody can keep: PostgreSQL has no room for NUL, UTF-8 none for lone surrogates."""

import re
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """Return *text* without NUL, and with U+FFFD for each lone surrogate."""
    return _LONE_SURROGATE.sub("\ufffd", text.replace("\x00", ""))


def _plain(value: object) -> object:
    return plain(value) if isinstance(value, str) else value


Plain: TypeAlias = Annotated[str, BeforeValidator(_plain)]
"""A text that may hold foreign bytes: made plain where it is written, and where it is read."""
