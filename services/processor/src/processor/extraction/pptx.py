"""PPTX: each slide is a page: its shapes, tables and charts, then its notes and comments."""

from collections.abc import Iterator
from typing import Any, Final

from docyard_common.artifacts import Page, PageError
from processor.extraction import drawings, xml_parts
from processor.extraction.cleaning import clean, clean_metadata
from processor.extraction.containers import kept_open
from processor.extraction.document import Source
from processor.extraction.ooxml import UNHARMED, Package
from processor.extraction.paging import MAX_HEADING_CHARACTERS
from processor.extraction.xml_parts import Element
from processor.stages.errors import DocumentTooLargeError, UnreadableDocumentError
from processor.stages.task import DocumentLimits

_TITLES: Final = frozenset({"title", "ctrTitle"})
_NOT_NOTES: Final = frozenset({"sldNum", "sldImg", "dt", "hdr", "ftr"})


class Presentation:
    """An open presentation; slides are parsed one at a time."""

    extractor = "lxml"

    def __init__(self, package: Package, limits: DocumentLimits) -> None:
        self._package = package
        self._limits = limits
        self._slides = _slides(package)
        self._hidden: list[int] = []
        if len(self._slides) > limits.max_pages:
            raise DocumentTooLargeError(f"The document has more than {limits.max_pages} slides.")

    @property
    def page_count(self) -> int:
        return len(self._slides)

    def pages(self, first: int) -> Iterator[Page | PageError]:
        for number in range(first, len(self._slides) + 1):
            part = self._slides[number - 1]
            try:
                yield self._read(number, part)
            except UNHARMED as error:
                yield PageError(number=number, message=str(error))

    def metadata(self) -> dict[str, Any]:
        facts = self._package.metadata()
        facts["slides"] = len(self._slides)
        facts["hidden_slides"] = self._hidden or None
        return clean_metadata(facts)

    def thumbnail(self) -> bytes | None:
        return drawings.thumbnail(self._package, self._limits)

    def close(self) -> None:
        self._package.container.close()

    def _read(self, number: int, part: str) -> Page:
        root = self._package.root(part)
        if root.get("show") in {"0", "false"}:
            self._hidden.append(number)
        lines = [*_shown(root), *drawings.drawn_lines(self._package, part)]
        lines += self._notes(part)
        lines += self._comments(part)
        return Page(number=number, text=clean("\n".join(lines)), heading=_title(root))

    def _notes(self, part: str) -> Iterator[str]:
        for notes in self._package.related(part, "notesSlide"):
            root = self._package.optional(notes)
            for shape in () if root is None else xml_parts.every(root, "sp"):
                if _placeholder(shape) not in _NOT_NOTES:
                    yield from drawings.paragraphs(shape)

    def _comments(self, part: str) -> Iterator[str]:
        for comments in self._package.related(part, "comments"):
            root = self._package.optional(comments)
            if root is None:
                continue
            # Older versions write plain text, newer ones paragraphs.
            yield from (item.text.strip() for item in xml_parts.every(root, "text") if item.text)
            yield from drawings.paragraphs(root)


def open_pptx(source: Source) -> Presentation:
    """Open the package. Raises what `Extractor` says."""
    with kept_open(source.path) as container:
        return Presentation(Package(container), source.limits)


def _slides(package: Package) -> list[str]:
    """Return the slides in the order they are shown; a new presentation has none.

    Raises UnreadableDocumentError where there should be some.
    """
    targets = {found.id: found.target for found in package.relationships(package.main)}
    listed = list(xml_parts.every(package.root(package.main), "sldId"))
    slides = []
    for item in listed:
        # `id` is the slide's number and `r:id` its relationship: only the latter has a namespace.
        ids = [str(value) for name, value in item.attrib.items() if str(name).endswith("}id")]
        slides += [targets.get(identifier, identifier) for identifier in ids[:1]]
    if not slides:
        slides = package.related(package.main, "slide")
    if listed and not slides:
        raise UnreadableDocumentError("The presentation lists slides and has none.")
    return slides


def _shown(slide: Element) -> Iterator[str]:
    """Yield the lines of a slide: rows of tables with their cells side by side."""
    for item in xml_parts.every(slide, "p", "tr"):
        if next(item.iterancestors("{*}Fallback"), None) is not None:
            continue
        if xml_parts.local(item) == "tr":
            cells = (" ".join(drawings.paragraphs(cell)) for cell in xml_parts.every(item, "tc"))
            if (line := "\t".join(cells)).strip():
                yield line
        elif next(item.iterancestors("{*}tr"), None) is None and (
            line := drawings.paragraph_text(item)
        ):
            yield line


def _title(slide: Element) -> str | None:
    for shape in xml_parts.every(slide, "sp"):
        if _placeholder(shape) in _TITLES:
            text = " ".join(" ".join(drawings.paragraphs(shape)).split())
            return clean(text)[:MAX_HEADING_CHARACTERS] or None
    return None


def _placeholder(shape: Element) -> str | None:
    found = xml_parts.first(shape, "ph")
    return found.get("type", "obj") if found is not None else None
