"""What routes ask for again and again: the caller, a document's id, a page of a list."""

from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import Depends, Path, Query

from docyard_common.auth import Principal
from docyard_common.http import principal

Caller: TypeAlias = Annotated[Principal, Depends(principal)]
DocumentId: TypeAlias = Annotated[UUID, Path(description="As the upload answered it.")]
Cursor: TypeAlias = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before.")
]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=200)]
Words: TypeAlias = Annotated[str | None, Query(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
"""Text that goes into SQL: PostgreSQL refuses the character zero."""
