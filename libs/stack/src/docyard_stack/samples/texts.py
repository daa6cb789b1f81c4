"""Samples of text formats: odd encodings, odd separators, and what people really send."""

import csv
import io
import json
from pathlib import Path

from docyard_stack.samples import prose
from docyard_stack.samples.model import Sample


def plain(path: Path, *, seed: int = 0, paragraphs: int = 6, encoding: str = "utf-8") -> Sample:
    """Write English text; *encoding* with a byte order mark where Python's codec writes one."""
    mark = prose.mark(seed, 1)
    text = "\n\n".join(
        prose.paragraph(seed * 1_009 + index, mentioning=mark if index == 0 else None)
        for index in range(paragraphs)
    )
    path.write_bytes(text.encode(encoding))
    return Sample(path, "text/plain", words=(mark,), language="en")


def german(path: Path, *, seed: int = 0, encoding: str = "latin-1") -> Sample:
    """Write German text with umlauts; nothing in the file names its encoding."""
    mark = prose.mark(seed, 1)
    text = "\r\n\r\n".join(
        prose.paragraph(seed * 1_009 + i, language="de", mentioning=mark if i == 0 else None)
        for i in range(6)
    )
    path.write_bytes(text.encode(encoding))
    return Sample(path, "text/plain", words=(mark,), language="de")


def markdown(path: Path, *, seed: int = 0, sections: int = 4) -> Sample:
    """Write Markdown with headings, a list, a table and a code block."""
    marks = tuple(prose.mark(seed, number) for number in range(1, sections + 1))
    lines = ["# Handbook of the quay", ""]
    for number, mark in enumerate(marks, start=1):
        text = prose.paragraph(seed * 1_009 + number, mentioning=mark)
        lines += [f"## Chapter {number}", "", text, "", "- first rule", "- second rule", ""]
    lines += ["| crate | weight |", "|---|---|", "| A-17 | 230 kg |", "", "```", "run --dry", "```"]
    path.write_text("\n".join(lines), encoding="utf-8")
    return Sample(path, "text/markdown", words=marks, language="en")


def html(path: Path, *, seed: int = 0, charset: str = "utf-8") -> Sample:
    """Write a page that declares its *charset*, with a script and a style that are no text."""
    marks = tuple(prose.mark(seed, number) for number in (1, 2))
    body = "".join(
        f"<h2>Notice {number}</h2><p>{prose.paragraph(seed * 1_009 + number, mentioning=mark)}</p>"
        for number, mark in enumerate(marks, start=1)
    )
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="{charset}"><title>Quay</title>'
        "<style>p { color: navy }</style><script>document.title = 'neverrun';</script></head>"
        f"<body><h1>Notices &amp; caf\u00e9</h1>{body}</body></html>"
    )
    path.write_bytes(page.encode(charset))
    return Sample(path, "text/html", words=(*marks, "caf\u00e9"), language="en")


def table(path: Path, *, seed: int = 0, rows: int = 40, delimiter: str = ",") -> Sample:
    """Write rows with quoted separators and line breaks; a `.tsv` is written with tabs."""
    tabs = path.suffix == ".tsv"
    mark = prose.mark(seed, 1)
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t" if tabs else delimiter)
    writer.writerow(["crate", "goods", "remark"])
    for number in range(1, rows + 1):
        remark = f'said "{mark}";\nsigned, sealed' if number == 1 else prose.mark(seed, number + 1)
        writer.writerow([f"A-{number}", "oak planks, cut", remark])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return Sample(path, "text/tab-separated-values" if tabs else "text/csv", words=(mark,))


def document_json(path: Path, *, seed: int = 0) -> Sample:
    """Write one JSON object, nested, with text in its leaves."""
    mark = prose.mark(seed, 1)
    content = {
        "report": {"title": "Harbour report", "reference": mark, "crates": [17, 23, 42]},
        "remarks": [{"by": "Ada Brandt", "text": prose.paragraph(seed)}],
    }
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return Sample(path, "application/json", words=(mark,), language="en")


def lines_json(path: Path, *, seed: int = 0, rows: int = 30) -> Sample:
    """Write one JSON object a line."""
    marks = tuple(prose.mark(seed, number) for number in range(1, rows + 1))
    lines = [json.dumps({"number": n, "reference": mark}) for n, mark in enumerate(marks, start=1)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Sample(path, "application/x-ndjson", words=(marks[0], marks[-1]))
