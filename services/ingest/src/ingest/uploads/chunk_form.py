"""The form of one chunk: its fields may come before or behind its bytes."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from ingest.errors import FieldInvalidError, FileMissingError, PartTooLargeError
from ingest.uploads.checksums import Checksum, of_form
from ingest.uploads.form import FileOpened, FormReader, TextField

CHUNK_FIELD: Final = "chunk_file"
_FIELDS: Final = {
    "upload_id": 64,
    "part_number": 16,
    "total_parts": 16,
    "chunk_hash": 160,
    "is_final_chunk": 8,
}
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class PartClaim:
    """What a client says of the part that it sends."""

    number: int
    total_parts: int | None = None
    is_final: bool | None = None
    checksums: Sequence[Checksum] = ()


@dataclass
class ChunkForm:
    """One chunk as it came; bounded by the largest part that an upload may have."""

    fields: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)

    @property
    def upload_id(self) -> UUID:
        """Raises FieldInvalidError."""
        try:
            return UUID(self._required("upload_id"))
        except ValueError as error:
            raise FieldInvalidError("upload_id is no UUID.", field="upload_id") from error

    def claim(self) -> PartClaim:
        """Return what the fields say. Raises FieldInvalidError or ChunkHashInvalidError."""
        stated = self.fields.get("chunk_hash", "").strip()
        total = self.fields.get("total_parts")
        return PartClaim(
            number=_integer("part_number", self._required("part_number")),
            total_parts=None if total is None else _integer("total_parts", total),
            is_final=self._is_final(),
            checksums=(of_form(stated),) if stated else (),
        )

    def _is_final(self) -> bool | None:
        value = self.fields.get("is_final_chunk")
        if value is None:
            return None
        if (known := _BOOLEANS.get(value.strip().lower())) is None:
            raise FieldInvalidError("is_final_chunk must be true or false.", field="is_final_chunk")
        return known

    def _required(self, name: str) -> str:
        if (value := self.fields.get(name)) is None:
            raise FieldInvalidError(f"The form has no field {name!r}.", field=name)
        return value


async def read_chunk_form(
    boundary: str, body: AsyncIterator[bytes], *, max_part_bytes: int
) -> ChunkForm:
    """Read the whole form.

    Raises MultipartInvalidError, UnknownFieldError, FieldInvalidError, FileMissingError, or
    PartTooLargeError beyond *max_part_bytes*.
    """
    reader = FormReader(boundary, fields=_FIELDS, files=frozenset({CHUNK_FIELD}))
    form, received, opened = ChunkForm(), 0, False
    async for piece in body:
        for event in reader.feed(piece):
            if isinstance(event, TextField):
                form.fields[event.name] = event.value
            elif isinstance(event, FileOpened):
                opened = True
            elif isinstance(event, bytes):
                received += len(event)
                if received > max_part_bytes:
                    raise PartTooLargeError(f"No part has more than {max_part_bytes} bytes.")
                form.chunks.append(event)
    reader.close()
    if not opened:
        raise FileMissingError(f"The form has no field {CHUNK_FIELD!r}.", field=CHUNK_FIELD)
    return form


def _integer(name: str, value: str) -> int:
    text = value.strip()
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        raise FieldInvalidError(f"{name} must be a whole number.", field=name)
    return int(text)
