"""Fetches what is large piece by piece, so that others get at the store and this process."""

import asyncio
import hashlib
from pathlib import Path

from docyard_common.pace import Pace
from docyard_common.storage.port import ObjectStore


async def fetch_at_pace(objects: ObjectStore, key: str, path: Path, *, pace: Pace) -> str:
    """Do what `ObjectStore.download` does, with *pace* between its pieces of a mebibyte."""
    digest = hashlib.sha256()
    with path.open("wb") as file:

        def take(piece: bytes) -> None:
            file.write(piece)
            digest.update(piece)

        async for piece in objects.stream(key):
            await asyncio.to_thread(take, piece)
            await pace()
    return digest.hexdigest()
