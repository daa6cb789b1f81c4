"""JSON and JSON lines, as one `name: value` line per leaf, indented as it is nested."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from processor.extraction.document import Source
from processor.extraction.encoding import detect_encoding
from processor.extraction.paging import Block
from processor.extraction.text import BlockDocument
from processor.stages.errors import DecompressionLimitError, UnreadableDocumentError

_SPACE: Final = re.compile(r"[ \t\r\n]+")
_MAX_INDENT: Final = 20


def open_json(source: Source) -> BlockDocument:
    """Open a JSON text, or several one after the other. Raises UnreadableDocumentError."""
    encoding = detect_encoding(source.path)
    if source.path.stat().st_size > source.limits.max_characters:
        raise DecompressionLimitError("The JSON text is longer than one document may be.")
    text = source.path.read_text(encoding, errors="replace").strip("\ufeff \t\r\n")
    values = list(_parse_all(text))
    if not values:
        raise UnreadableDocumentError("The file has no JSON in it.")
    facts: dict[str, Any] = {"encoding": encoding, "values": len(values)}
    return BlockDocument("json", lambda: _blocks(values), facts)


def open_ndjson(source: Source) -> BlockDocument:
    """Open JSON lines. Raises UnreadableDocumentError once a line is no JSON."""
    encoding = detect_encoding(source.path)
    facts: dict[str, Any] = {"encoding": encoding, "values": 0}
    return BlockDocument("ndjson", lambda: _line_blocks(source, facts), facts)


def _parse_all(text: str) -> Iterator[Any]:
    # Numbers stay as written: digits are text here, and a huge one is no error.
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    position = 0
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise UnreadableDocumentError(
                f"Not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
            ) from error
        except RecursionError as error:
            raise UnreadableDocumentError("The JSON is nested too deeply.") from error
        yield value
        position = _end_of_space(text, position)


def _end_of_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _line_blocks(source: Source, facts: dict[str, Any]) -> Iterator[Block]:
    facts["values"] = 0
    with source.path.open(encoding=facts["encoding"], errors="replace") as file:
        for number, line in enumerate(file, start=1):
            try:
                values = list(_parse_all(line.strip("\ufeff \t\r\n")))
            except UnreadableDocumentError as error:
                raise UnreadableDocumentError(f"Record {number}: {error}") from error
            facts["values"] += len(values)
            yield from _blocks(values)


def _blocks(values: list[Any]) -> Iterator[Block]:
    for value in values:
        for line in _lines(value):
            yield Block(line + "\n")


def _lines(root: Any) -> Iterator[str]:
    """Walk without recursion: nesting is the document's, the stack is ours."""
    stack: list[tuple[int, str, Any]] = [(0, "", root)]
    while stack:
        depth, label, value = stack.pop()
        indent = "  " * min(depth, _MAX_INDENT)
        match value:
            case dict():
                stack.extend((depth + 1, f"{key}: ", item) for key, item in reversed(value.items()))
            case list():
                stack.extend((depth + 1, "- ", item) for item in reversed(value))
            case _:
                yield f"{indent}{label}{_scalar(value)}"
                continue
        if label:
            yield f"{indent}{label.rstrip()}"


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
