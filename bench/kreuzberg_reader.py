"""Reads documents with kreuzberg in this process: a path a line, answered by seconds and length.

Started by `bench.readers` in kreuzberg's own environment; needs nothing of Docyard's.
"""

import sys
import time

from kreuzberg import ExtractionConfig, extract_file_sync


def read() -> None:
    config = ExtractionConfig(use_cache=False)
    for line in sys.stdin:
        began = time.perf_counter()
        try:
            characters = len(extract_file_sync(line.rstrip("\n"), config=config).content)
        except Exception:  # noqa: BLE001 - whatever it is, the document was not read
            characters = 0
        print(time.perf_counter() - began, characters, flush=True)
