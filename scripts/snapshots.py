"""Compares the API documents in `docs/` with what the code says, or writes them with `--write`.

A difference is a change of what clients may rely on: it must be seen in a review.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final, get_type_hints

from pydantic import SecretStr

from docyard_common import asyncapi
from docyard_common.settings import AuthSettings
from notifier import asyncapi as websocket

ROOT: Final = Path(__file__).resolve().parent.parent
HTTP_SERVICES: Final = ("ingest", "notifier", "dlq_admin")
VERSION: Final = "0.1.0"


def openapi(service: str) -> dict[str, Any]:
    """Return the OpenAPI document of *service*, without starting anything."""
    build = importlib.import_module(f"{service}.app").build
    settings = get_type_hints(build)["settings"]
    unused_key = AuthSettings(secret=SecretStr("x" * 32))
    document: dict[str, Any] = build(settings(auth=unused_key)).openapi()
    return document


def snapshots() -> Iterator[tuple[Path, str]]:
    """Yield every snapshot: where it lies, and what must be in it."""
    yield ROOT / "docs" / "asyncapi" / "topics.json", _text(asyncapi.document(VERSION))
    yield ROOT / "docs" / "asyncapi" / "websocket.json", _text(websocket.document(VERSION))
    for service in HTTP_SERVICES:
        name = service.replace("_", "-")
        yield ROOT / "docs" / "openapi" / f"{name}.json", _text(openapi(service))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write them instead of comparing")
    if parser.parse_args().write:
        for path, text in snapshots():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return 0
    different = [path for path, text in snapshots() if _differs(path, text)]
    if different:
        sys.stderr.write("Run `make snapshots` when the change is meant.\n")
    return 1 if different else 0


def _differs(path: Path, text: str) -> bool:
    committed = path.read_text(encoding="utf-8") if path.exists() else ""
    name = str(path.relative_to(ROOT))
    difference = unified_diff(
        committed.splitlines(keepends=True), text.splitlines(keepends=True), name, "the code"
    )
    sys.stderr.writelines(difference)
    return committed != text


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
