"""PDFs that lie about their pages, refer to themselves, or unfold into too much."""

import zlib
from typing import Final

from tests.hostile.model import (
    COMPLETED,
    CRASHED,
    MEMORY,
    MIB,
    TOO_LARGE,
    TOO_MUCH,
    UNREADABLE,
    Hostile,
)


def pdf(objects: list[bytes]) -> bytes:
    """Return a PDF of *objects*; the first is the catalogue."""
    data, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    trailer = b"trailer\n<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (count, len(data))
    return data + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + trailer


_CATALOGUE: Final = b"<</Type/Catalog/Pages 2 0 R>>"
_PAGE: Final = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>"


def declared_pages() -> bytes:
    """Return a page tree that says it has a million pages, and has one."""
    return pdf([_CATALOGUE, b"<</Type/Pages/Count 1000000/Kids[3 0 R]>>", _PAGE])


def shared_pages() -> bytes:
    """Return a page tree whose million kids are the same page."""
    kids = b"3 0 R " * 1_000_000
    return pdf([_CATALOGUE, b"<</Type/Pages/Count 1000000/Kids[%s]>>" % kids, _PAGE])


def looping_pages() -> bytes:
    """Return a page tree that is its own kid."""
    return pdf([_CATALOGUE, b"<</Type/Pages/Count 3/Kids[2 0 R 3 0 R 2 0 R]>>", _PAGE])


def looping_references() -> bytes:
    """Return cross references whose predecessor is themselves."""
    whole = pdf([_CATALOGUE, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", _PAGE])
    start = whole.rindex(b"xref\n0")
    return whole.replace(b"/Size", b"/Prev %d/Size" % start)


def swollen_page() -> bytes:
    """Return a page whose drawing is a gibibyte of blanks."""
    packer = zlib.compressobj(9)
    stream = b"".join(packer.compress(b" " * MIB) for _ in range(1024)) + packer.flush()
    content = b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(stream), stream)
    page = _PAGE.replace(b"/MediaBox", b"/Contents 4 0 R/MediaBox")
    return pdf([_CATALOGUE, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page, content])


def looping_drawing() -> bytes:
    """Return a page that draws a form, which draws itself twice, and so on."""
    form = (
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 4 0 R>>>>/Length 12>>"
        b"stream\n/F Do /F Do \nendstream"
    )
    page = _PAGE.replace(
        b"/MediaBox", b"/Contents 4 0 R/Resources<</XObject<</F 4 0 R>>>>/MediaBox"
    )
    return pdf([_CATALOGUE, b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page, form])


PDFS: Final = (
    Hostile("declared.pdf", declared_pages, (COMPLETED, TOO_LARGE, UNREADABLE)),
    Hostile("shared.pdf", shared_pages, (TOO_LARGE,)),
    Hostile("looping-pages.pdf", looping_pages, (COMPLETED, UNREADABLE)),
    Hostile("looping-references.pdf", looping_references, (COMPLETED, UNREADABLE)),
    Hostile("swollen-page.pdf", swollen_page, (COMPLETED, TOO_MUCH, MEMORY, CRASHED)),
    Hostile("looping-drawing.pdf", looping_drawing, (COMPLETED, MEMORY)),
)
