"""Samples of Outlook messages: MAPI properties in a compound file (MS-CFB 3, MS-OXMSG)."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from docyard_stack.samples import prose
from docyard_stack.samples.model import Sample

MSG: Final = "application/vnd.ms-outlook"
_SECTOR: Final = 512
_MINI_SECTOR: Final = 64
_MINI_CUTOFF: Final = 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_STRING, _BINARY, _OBJECT, _INTEGER, _NARROW = 0x001F, 0x0102, 0x000D, 0x0003, 0x001E


@dataclass
class Storage:
    """A folder of a compound file."""

    streams: dict[str, bytes] = field(default_factory=dict)
    storages: dict[str, "Storage"] = field(default_factory=dict)


def message(path: Path, *, seed: int = 0) -> Sample:
    """Write a message with a text attached, and another message inside it."""
    marks = tuple(prose.mark(seed, number) for number in (1, 2))
    inner = message_storage(f"Inner {prose.mark(seed, 3)}", "The first letter.", header_bytes=24)
    storage = message_storage(f"Manifest {marks[0]}", prose.paragraph(seed, mentioning=marks[1]))
    attach(storage, "note.txt", f"A note of {prose.mark(seed, 4)}.".encode())
    attach_message(storage, inner)
    path.write_bytes(compound_file(storage))
    return Sample(path, MSG, words=marks, language="en")


def message_storage(subject: str, body: str, *, header_bytes: int = 32) -> Storage:
    """Return a message; one that lies inside another has a shorter header (24)."""
    strings = {
        0x0037: subject,
        0x1000: body,
        0x001A: "IPM.Note",
        0x0C1A: "Ada Brandt",
        0x5D01: "ada@quay.example",
        0x0E04: "Office",
    }
    return _properties({(pid, _STRING): text for pid, text in strings.items()}, header_bytes)


def narrow_storage(
    texts: dict[int, bytes], pages: dict[int, int], *, header_bytes: int = 32
) -> Storage:
    """Return a message, or a part of one, whose texts are 8-bit, with *pages* for code pages."""
    narrow: dict[tuple[int, int], bytes | int] = {(p, _NARROW): text for p, text in texts.items()}
    listed = {(pid, _INTEGER): page for pid, page in pages.items()}
    return _properties({**narrow, **listed}, header_bytes)


def attach(storage: Storage, name: str, data: bytes) -> None:
    values: dict[tuple[int, int], str | bytes | int] = {
        (0x3707, _STRING): name,
        (0x3701, _BINARY): data,
    }
    storage.storages[_attachment_name(storage)] = _properties(values, 8)


def attach_message(storage: Storage, inner: Storage) -> None:
    part = _properties({(0x3701, _OBJECT): b""}, 8)
    part.storages["__substg1.0_3701000D"] = inner
    storage.storages[_attachment_name(storage)] = part


def _attachment_name(storage: Storage) -> str:
    return f"__attach_version1.0_#{len(storage.storages):08X}"


def _properties(values: Mapping[tuple[int, int], str | bytes | int], header_bytes: int) -> Storage:
    storage = Storage()
    listed = bytearray(header_bytes)
    for (pid, kind), value in values.items():
        if isinstance(value, int):
            listed += struct.pack("<HHIII", kind, pid, 6, value, 0)
            continue
        data = value.encode("utf-16-le") if isinstance(value, str) else value
        listed += struct.pack("<HHIII", kind, pid, 6, len(data), 0)
        if kind != _OBJECT:
            storage.streams[f"__substg1.0_{pid:04X}{kind:04X}"] = data
    storage.streams["__properties_version1.0"] = bytes(listed)
    return storage


def compound_file(root: Storage) -> bytes:
    """Return *root* as a compound file."""
    return _Writer(root).write()


class _Writer:
    """Lays out streams, directory and tables in sectors."""

    def __init__(self, root: Storage) -> None:
        self._sectors: list[bytes] = []
        self._fat: list[int] = []
        self._mini = bytearray()
        self._mini_fat: list[int] = []
        self._entries: list[bytes] = [b""]
        children = self._fill(root)
        start = self._chain(bytes(self._mini))
        self._entries[0] = _entry("Root Entry", _ROOT, children, start, len(self._mini))

    def _fill(self, storage: Storage) -> int:
        """Add what *storage* holds; return the number of its first entry."""
        # Siblings as a list that leans right: readers walk it like any other tree.
        first = previous = _FREE
        for name in sorted([*storage.streams, *storage.storages], key=lambda n: (len(n), n)):
            number = len(self._entries)
            self._entries.append(b"")
            if name in storage.streams:
                data = storage.streams[name]
                start = self._place(data)
                self._entries[number] = _entry(name, _STREAM, _FREE, start, len(data))
            else:
                inner = self._fill(storage.storages[name])
                self._entries[number] = _entry(name, _STORAGE, inner, 0, 0)
            if previous == _FREE:
                first = number
            else:
                before = self._entries[previous]
                self._entries[previous] = before[:72] + struct.pack("<I", number) + before[76:]
            previous = number
        return first

    def _place(self, data: bytes) -> int:
        if len(data) >= _MINI_CUTOFF:
            return self._chain(data)
        if not data:
            return _END
        start = len(self._mini) // _MINI_SECTOR
        count = -(-len(data) // _MINI_SECTOR)
        self._mini_fat += [*range(start + 1, start + count), _END]
        self._mini += data.ljust(count * _MINI_SECTOR, b"\0")
        return start

    def _chain(self, data: bytes) -> int:
        if not data:
            return _END
        start = len(self._sectors)
        pieces = [data[at : at + _SECTOR] for at in range(0, len(data), _SECTOR)]
        self._sectors += [piece.ljust(_SECTOR, b"\0") for piece in pieces]
        self._fat += [*range(start + 1, start + len(pieces)), _END]
        return start

    def write(self) -> bytes:
        entries = b"".join(self._entries)
        padding = -len(self._entries) % 4
        directory = self._chain(entries + _entry("", 0, _FREE, 0, 0) * padding)
        table = struct.pack(f"<{len(self._mini_fat)}I", *self._mini_fat)
        mini_fat = self._chain(table.ljust(-(-len(table) // _SECTOR) * _SECTOR, b"\xff"))
        # The table lists its own sectors, too: 128 numbers a sector.
        count = 1
        while count * 128 < len(self._sectors) + count:
            count += 1
        first = len(self._sectors)
        fat = [*self._fat, *[_FAT] * count]
        fat += [_FREE] * (count * 128 - len(fat))
        header = struct.pack(
            "<8s16xHHHHH6xIIIIIIIIII",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            *(0x3E, 3, 0xFFFE, 9, 6),
            *(0, count, directory, 0, _MINI_CUTOFF),
            *(mini_fat, len(table) // _SECTOR + 1, _END, 0, first),
        )
        listed = struct.pack("<108I", *range(first + 1, first + count), *[_FREE] * (109 - count))
        return b"".join([header, listed, *self._sectors, struct.pack(f"<{len(fat)}I", *fat)])


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le")
    length = len(encoded) + 2 if name else 0
    return struct.pack(
        "<64sHBBIII16xI16xIQ", encoded, length, kind, 1, _FREE, _FREE, child, 0, start, size
    )
