"""What routes ask for again and again: the caller, a document's id, a page of a list."""

import re
from typing import Annotated, Final, TypeAlias
from uuid import UUID

from fastapi import Depends, Header, Path, Query

from docyard_common.auth import Principal
from docyard_common.http import principal
from ingest.errors import IdempotencyKeyInvalidError

Caller: TypeAlias = Annotated[Principal, Depends(principal)]
UploadId: TypeAlias = Annotated[UUID, Path(description="As the upload's opening answered it.")]
IdempotencyKey: TypeAlias = Annotated[
    str | None, Header(description="Makes the request safe to send again for a day.")
]
DocumentId: TypeAlias = Annotated[UUID, Path(description="As the upload answered it.")]
Cursor: TypeAlias = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before.")
]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=200)]
Words: TypeAlias = Annotated[str | None, Query(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
"""Text that goes into SQL: PostgreSQL refuses the character zero."""

_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")


def checked_key(key: str | None) -> str | None:
    """Return the `Idempotency-Key`. Raises IdempotencyKeyInvalidError."""
    if key is not None and _KEY.fullmatch(key) is None:
        raise IdempotencyKeyInvalidError(
            "The Idempotency-Key must be 1 to 255 printable ASCII characters."
        )
    return key
