"""CSV and TSV: the separator is found by what gives the most even table."""

import csv
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from docyard_common.media_types import MediaType
from processor.extraction.document import Source
from processor.extraction.encoding import detect_encoding
from processor.extraction.paging import Block
from processor.extraction.text import BlockDocument, read_lines
from processor.stages.errors import UnreadableDocumentError

_SEPARATORS: Final = ",;\t|"
_SAMPLE_LINES: Final = 50
_MAX_FIELD_CHARACTERS: Final = 16 * 1024 * 1024
_MAX_NAMED_COLUMNS: Final = 100


def open_table(source: Source) -> BlockDocument:
    csv.field_size_limit(_MAX_FIELD_CHARACTERS)
    encoding = detect_encoding(source.path)
    if source.media_type is MediaType.TSV:
        separator = "\t"
    else:
        separator = _find_separator(_sample(source, encoding))
    facts: dict[str, Any] = {"encoding": encoding, "delimiter": separator}
    return BlockDocument("csv", lambda: _rows(source, facts), facts)


def _sample(source: Source, encoding: str) -> list[str]:
    lines = read_lines(source.path, encoding)
    return [line for line, _ in zip(lines, range(_SAMPLE_LINES), strict=False)]


def _find_separator(lines: list[str]) -> str:
    """Return the separator whose rows agree best on a number of columns above one.

    Of equals a comma is the last: it stands inside of numbers, too.
    """
    return max(_SEPARATORS, key=lambda separator: _evenness(lines, separator))


def _evenness(lines: list[str], separator: str) -> tuple[float, bool, int]:
    rows = [row for row in csv.reader(lines, delimiter=separator) if row]
    columns, agreeing = Counter(map(len, rows)).most_common(1)[0] if rows else (1, 0)
    return (agreeing / len(rows), separator != ",", columns) if columns > 1 else (0.0, False, 1)


def _rows(source: Source, facts: dict[str, Any]) -> Iterator[Block]:
    """Yield one block per row, cells joined by tabs; counts rows into *facts* on the way."""
    facts["rows"], facts["columns"] = 0, 0
    reader = csv.reader(read_lines(source.path, facts["encoding"]), delimiter=facts["delimiter"])
    try:
        for row in reader:
            if row:
                _count(row, facts)
                yield Block("\t".join(row) + "\n", row=tuple(row))
    except csv.Error as error:
        raise UnreadableDocumentError(f"Row {facts['rows'] + 1} is not CSV: {error}.") from error


def _count(row: list[str], facts: dict[str, Any]) -> None:
    if not facts["rows"]:
        facts["header"] = row[:_MAX_NAMED_COLUMNS]
    facts["rows"] += 1
    facts["columns"] = max(facts["columns"], len(row))
