"""Large objects come piece by piece, and others get a turn in between."""

import hashlib
import os
from pathlib import Path

import pytest

from docyard_common.errors import ObjectMissingError
from docyard_common.storage import InMemoryObjectStore
from processor.handlers.fetching import fetch_at_pace

_MIB = 1024 * 1024


async def test_every_piece_is_followed_by_a_rest(tmp_path: Path) -> None:
    store, data, sizes = InMemoryObjectStore(), os.urandom(3 * _MIB + 7), list[int]()
    await store.put("k", data)
    path = tmp_path / "file"

    async def pace() -> None:
        sizes.append(len(sizes))

    digest = await fetch_at_pace(store, "k", path, pace=pace)

    assert digest == hashlib.sha256(data).hexdigest()
    assert path.read_bytes() == data
    assert len(sizes) == 4


async def test_what_is_not_there_is_told_as_by_a_download(tmp_path: Path) -> None:
    async def pace() -> None:
        """There is nothing to rest from."""

    with pytest.raises(ObjectMissingError):
        await fetch_at_pace(InMemoryObjectStore(), "k", tmp_path / "file", pace=pace)
