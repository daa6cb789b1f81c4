"""Documents of all kinds, each with its own words: what people send, for soaks and comparisons.

The same number gives the same document. Of forty, twenty-two are texts in six formats, six PDFs,
eight office documents and books, three containers whose files become documents of their own, one
a picture; then comes one PDF that broke off on its way and must fail.
"""

import random
from collections.abc import Callable
from pathlib import Path

from docyard_stack.samples import (
    Sample,
    archives,
    images,
    letters,
    office,
    open_formats,
    outlook,
    pdfs,
    texts,
)

Writer = Callable[[Path, int], Sample]


def _picture(path: Path, seed: int) -> Sample:
    """Write a picture no other has the bytes of: what follows its last chunk says nothing."""
    sample = images.drawing(path)
    with path.open("ab") as file:
        file.write(b"%d" % seed)
    return sample


_PLAIN: tuple[tuple[int, str, Writer], ...] = (
    (8, "txt", lambda path, seed: texts.plain(path, seed=seed, paragraphs=3)),
    (4, "md", lambda path, seed: texts.markdown(path, seed=seed, sections=2)),
    (4, "html", lambda path, seed: texts.html(path, seed=seed)),
    (2, "json", lambda path, seed: texts.document_json(path, seed=seed)),
    (1, "ndjson", lambda path, seed: texts.lines_json(path, seed=seed)),
    (3, "csv", lambda path, seed: texts.table(path, seed=seed)),
    (4, "pdf", lambda path, seed: pdfs.pdf(path, pages=1, seed=seed)),
    (2, "pdf", lambda path, seed: pdfs.pdf(path, pages=12, seed=seed)),
    (2, "docx", lambda path, seed: office.document(path, seed=seed)),
    (2, "xlsx", lambda path, seed: office.workbook(path, seed=seed)),
    (1, "pptx", lambda path, seed: office.slides(path, seed=seed)),
    (1, "odt", lambda path, seed: open_formats.text_document(path, seed=seed)),
    (1, "epub", lambda path, seed: open_formats.book(path, seed=seed)),
    (1, "rtf", lambda path, seed: open_formats.rich_text(path, seed=seed)),
)
_OTHERS: tuple[tuple[int, str, Writer], ...] = (
    (1, "eml", lambda path, seed: letters.mail(path, seed=seed)),
    (1, "msg", lambda path, seed: outlook.message(path, seed=seed)),
    (1, "zip", lambda path, seed: archives.zip_archive(path, seed=seed)),
    (1, "png", _picture),
    (1, "pdf", lambda path, seed: pdfs.truncated_pdf(path, seed=seed)),
)


class Mixture:
    """An endless row of documents. *alone* leaves out containers and what must fail."""

    def __init__(self, *, alone: bool = False) -> None:
        kinds = [*_PLAIN, *(() if alone else _OTHERS)]
        self._deck = [(extension, write) for count, extension, write in kinds for _ in range(count)]
        random.Random(0).shuffle(self._deck)

    def write(self, folder: Path, number: int) -> Sample:
        """Write document *number* to *folder*."""
        extension, write = self._deck[number % len(self._deck)]
        return write(folder / f"mixed-{number:07d}.{extension}", 10_000_000 + number)
