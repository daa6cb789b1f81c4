r"""Lets records in whose header names are not UTF-8, as any producer in C may send them.

aiokafka takes a record apart only when all its header names are text; otherwise the batch counts as
corrupt, for ever, and the partition stands still. Here such names are read with their bytes escaped
(`\xff`), so that the name of a header stops nothing.
"""

from collections.abc import Iterator
from typing import Any, Final, SupportsIndex, overload

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH_AT: Final = 8  # after the base offset
_OVERHEAD: Final = 12  # base offset and length


def accept_any_header_name() -> None:
    """Make every consumer of this process read header names as above; a repeat changes nothing."""
    fetcher.MemoryRecords = _Batches


class _Batches:
    """The batches of one answer to a fetch, read by aiokafka; stands in for its MemoryRecords."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._batches = MemoryRecords(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)

    def next_batch(self) -> "_Batch":
        start = self._at
        length = self._data[start + _LENGTH_AT : start + _OVERHEAD]
        self._at += _OVERHEAD + int.from_bytes(length, "big")
        return _Batch(self._batches.next_batch(), self._data[start : self._at])


class _Batch:
    """One batch: aiokafka's in everything but the reading of names that are no text."""

    def __init__(self, batch: Any, data: bytes) -> None:
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except (CorruptRecordException, UnicodeDecodeError):
            return iter(_read_with_escapes(self._data))


def _read_with_escapes(data: bytes) -> list[Any]:
    """Read a batch in which aiokafka stumbled. Raises CorruptRecordException if it is corrupt."""
    batch = _DefaultRecordBatchPy(bytearray(data))
    iter(batch)  # uncompresses
    batch._buffer = _EscapingBytes(batch._buffer)  # noqa: SLF001 - the only way to its decoder
    return list(batch)


class _EscapingBytes(bytearray):
    """Bytes whose slices become text whatever they are."""

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> "_EscapingBytes": ...
    def __getitem__(self, index: SupportsIndex | slice) -> "int | _EscapingBytes":
        found = super().__getitem__(index)
        return found if isinstance(found, int) else _EscapingBytes(found)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        del errors
        return super().decode(encoding, "backslashreplace")
