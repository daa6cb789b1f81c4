"""Where a command's words go: data to stdout, everything else to stderr."""

import codecs
import io
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_STAY = frozenset("\n\t")
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What could steer a terminal, and halves of pairs, as file names of other encodings have them."""
_NO_ASCII = re.compile("[^\x00-\x7e]")


def clean(text: str) -> str:
    """Return *text* without what could steer a terminal: it came from a file or a server."""
    return "".join(
        character if character in _STAY or unicodedata.category(character)[0] != "C" else "\ufffd"
        for character in text
    )


def _harmless(text: str) -> str:
    """Return JSON with escapes for what could steer a terminal or can not be written to it.

    The values are the same, for every parser.
    """
    is_utf8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    return (_UNSAFE if is_utf8 else _NO_ASCII).sub(lambda found: json.dumps(found[0])[1:-1], text)


class Output:
    """The two streams of one command."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        # A name that the terminal's encoding lacks must not end the command that says it.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        self.as_json = as_json
        self.quiet = quiet

    @property
    def is_live(self) -> bool:
        """Whether bars may move: somebody looks at both streams, and no program reads one."""
        watched = sys.stdout.isatty() and sys.stderr.isatty()
        return watched and not self.as_json and not self.quiet

    @property
    def errors(self) -> "Console":
        """A console on stderr; it honours NO_COLOR and knows whether it is a terminal."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, soft_wrap=True)

    def value(self, value: Any) -> None:
        """Write one object, for `--json`."""
        sys.stdout.write(_harmless(json.dumps(value, indent=2, ensure_ascii=False)) + "\n")

    def line(self, value: Any) -> None:
        """Write one object of a stream on a line of its own, at once."""
        sys.stdout.write(_harmless(json.dumps(value, ensure_ascii=False)) + "\n")
        sys.stdout.flush()

    def raw_line(self, line: str) -> None:
        """Write a line of JSON as it came, for programs."""
        sys.stdout.write(_harmless(line) + "\n")
        sys.stdout.flush()

    def text(self, text: str) -> None:
        """Write a line of data."""
        sys.stdout.write(clean(text) + "\n")
        sys.stdout.flush()

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write rows: aligned for a reader, tab-separated and without a head for a program."""
        if sys.stdout.isatty():
            _draw(columns, rows)
            return
        for row in rows:
            self.text("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))

    def note(self, text: str) -> None:
        """Say something to the person in front of it."""
        if not self.quiet:
            sys.stderr.write(clean(text) + "\n")
            sys.stderr.flush()

    def complain(self, text: str) -> None:
        """Say what went wrong, even when quiet."""
        sys.stderr.write(clean(text) + "\n")
        sys.stderr.flush()


def _draw(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # Ids are copied from the screen: they must never be cut or wrapped.
        table.add_column(column, no_wrap=column.endswith("id"), overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    Console(highlight=False).print(table)
