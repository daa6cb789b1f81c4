"""The text of the same documents by Docyard's child, by a Tika server and by kreuzberg in process.

    python -m bench.text_extraction [--documents 120] [--rounds 3] [--corpus FOLDER]

One document at a time, all three in turns. Documents are made (`bench.mixture`, those that stand
alone), or are the files below FOLDER of the types that Docyard takes, up to 20 MB each. Nobody
looks at pictures. A time is that of one document as its caller sees it: Docyard's with the way into
the child and back, Tika's with HTTP, kreuzberg's inside its own process. Peak memory is that of the
processes that read, all together; the fork server, which every child shares, is Docyard's. A peer
that can not be had is left out with a word.
"""

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from bench import readers
from bench.documents import PeakMemory, ranks, tree_bytes
from bench.embedded import tree_s, used_s
from bench.mixture import Mixture
from bench.peers import PeerMissingError
from bench.readers import Reader

from docyard_common.media_types import FORMATS
from processor.sandbox.nursery import Nursery

_LARGEST = 20_000_000
_PICTURES = "image/"
_CONTAINERS = ("zip", "tar", "gz", "bz2", "xz", "zst", "eml", "msg")


@dataclass
class Found:
    """What one reader did, over all rounds."""

    rates: list[float] = field(default_factory=list)  # documents a second of each round
    cpu_ms: list[float] = field(default_factory=list)  # a document, of each round
    times: list[float] = field(default_factory=list)
    characters: int = 0
    refused: int = 0
    peak: PeakMemory = field(default_factory=PeakMemory)


def made(folder: Path, count: int) -> list[Path]:
    mixture = Mixture(alone=True)
    return [mixture.write(folder, number).path for number in range(count)]


def real(corpus: Path, folder: Path) -> list[Path]:
    """Copy to where children may read: nowhere else."""
    taken = {
        extension
        for media_type, known in FORMATS.items()
        for extension in known.extensions
        if not media_type.startswith(_PICTURES) and extension not in _CONTAINERS
    }
    files = sorted(path for path in corpus.rglob("*") if path.suffix.lower().lstrip(".") in taken)
    chosen = [path for path in files if 0 < path.stat().st_size <= _LARGEST]
    return [
        Path(shutil.copyfile(path, folder / f"{number:04d}{path.suffix.lower()}"))
        for number, path in enumerate(chosen)
    ]


async def one_round(reader: Reader, paths: Sequence[Path], found: Found) -> None:
    with found.peak.watching(lambda: sum(map(tree_bytes, reader.roots))):
        before = _cpu_s(reader)
        began = time.perf_counter()
        found.characters = found.refused = 0
        for path in paths:
            took, characters = await reader.read(path)
            found.times.append(took)
            found.characters += characters
            found.refused += characters == 0
        found.rates.append(len(paths) / (time.perf_counter() - began))
        found.cpu_ms.append((_cpu_s(reader) - before) * 1000 / len(paths))


def _cpu_s(reader: Reader) -> float:
    # With that of this process goes that of readers that died and were replaced.
    return used_s(psutil.Process()) + sum(map(tree_s, reader.roots))


def report(results: dict[str, Found]) -> None:
    docyard = results["docyard"]
    for name, found in results.items():
        print(
            f"{name}: documents a second median {statistics.median(found.rates):.1f} "
            f"({min(found.rates):.1f}-{max(found.rates):.1f}); "
            f"{statistics.median(found.cpu_ms):.1f} CPU ms a document; "
            f"{ranks(found.times)}; {found.peak}; "
            f"{found.characters} characters, no text from {found.refused}"
        )
        if name != "docyard":
            _ratio("documents a second", name, docyard.rates, found.rates)
            _ratio("CPU of a document", name, docyard.cpu_ms, found.cpu_ms)


def _ratio(what: str, peer: str, ours: Sequence[float], theirs: Sequence[float]) -> None:
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    print(
        f"  {what}, docyard / {peer}: {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f}-{max(ratios):.2f})"
    )


async def main(options: argparse.Namespace) -> None:
    nursery = Nursery()
    await nursery.start()
    async with nursery.lend_folder() as folder, AsyncExitStack() as stack:
        paths = real(options.corpus, folder) if options.corpus else made(folder, options.documents)
        opened = {"docyard": await stack.enter_async_context(readers.docyard(nursery))}
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, peer in (("tika", readers.tika(logs)), ("kreuzberg", readers.kreuzberg())):
            try:
                opened[name] = await stack.enter_async_context(peer)
            except PeerMissingError as error:
                print(f"{name} is left out: {error}")
        results = {name: Found() for name in opened}
        for number in range(options.rounds + 1):
            for name, reader in opened.items():
                # The first round warms all of them.
                await one_round(reader, paths, results[name] if number else Found())
        print(f"{len(paths)} documents, {options.rounds} alternating rounds", flush=True)
        report(results)
    await nursery.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.text_extraction", description=__doc__)
    parser.add_argument("--documents", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--corpus", type=Path)
    asyncio.run(main(parser.parse_args()))
