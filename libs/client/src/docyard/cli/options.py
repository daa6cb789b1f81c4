"""Processing options as a person writes them: `--option ocr=false --option ocr_language=deu`."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from docyard.cli.exits import CommandError, Exit

Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-o",
        metavar="NAME=VALUE",
        help="Processing option: ocr, ocr_language, thumbnail, words, reuse.",
    ),
]


def parsed(pairs: Sequence[str] | None) -> dict[str, Any]:
    """Return what *pairs* say; what is no JSON is text. Raises CommandError without a `=`."""
    found: dict[str, Any] = {}
    for pair in pairs or ():
        name, is_set, value = pair.partition("=")
        if not is_set or not name:
            raise CommandError(f"--option {pair} says no NAME=VALUE", exit_code=Exit.USAGE)
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
