"""The package around every Office document: parts, relationships, and what it says of itself."""

from dataclasses import dataclass
from typing import Any, Final

from docyard_common.media_types import MediaType
from processor.extraction import xml_parts
from processor.extraction.containers import Container
from processor.extraction.xml_parts import Element
from processor.stages.errors import DecompressionLimitError, UnreadableDocumentError

_CONTENT_TYPES: Final = "[Content_Types].xml"
_MAIN: Final = (
    # Documents, templates and shows, with macros and without, end alike.
    ("wordprocessingml.document", MediaType.DOCX),
    ("wordprocessingml.template", MediaType.DOCX),
    ("ms-word.document", MediaType.DOCX),
    ("ms-word.template", MediaType.DOCX),
    ("spreadsheetml.sheet.main", MediaType.XLSX),
    ("spreadsheetml.template", MediaType.XLSX),
    ("ms-excel.sheet.macroenabled", MediaType.XLSX),
    ("ms-excel.template.macroenabled", MediaType.XLSX),
    ("ms-excel.addin.macroenabled", MediaType.XLSX),
    ("presentationml.presentation", MediaType.PPTX),
    ("presentationml.template", MediaType.PPTX),
    ("presentationml.slideshow", MediaType.PPTX),
    ("ms-powerpoint.presentation", MediaType.PPTX),
    ("ms-powerpoint.slideshow", MediaType.PPTX),
    ("ms-powerpoint.template", MediaType.PPTX),
)
_ROOTS: Final = {
    "document": MediaType.DOCX,
    "workbook": MediaType.XLSX,
    "presentation": MediaType.PPTX,
}
_CORE: Final = {
    "title": "title",
    "creator": "author",
    "subject": "subject",
    "description": "description",
    "keywords": "keywords",
    "category": "category",
    "language": "language",
    "lastModifiedBy": "last_modified_by",
    "revision": "revision",
    "created": "created",
    "modified": "modified",
}
_APP: Final = {"Application": "application", "Company": "company", "Manager": "manager"}
UNHARMED: Final = (UnreadableDocumentError, DecompressionLimitError)
"""What a part may raise that the document can be read without."""


@dataclass(frozen=True)
class Relationship:
    """Where a part leads."""

    id: str
    kind: str  # last word of its type, such as `footnotes`; the same in strict and transitional
    target: str  # name of a part, or an address where it is external
    external: bool = False


class Package:
    """The parts of an Office document. Raises UnreadableDocumentError where it has no main part."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.skipped: list[str] = []  # parts that should be there and can not be read
        self.main = self._main_part()

    def relationships(self, part: str) -> list[Relationship]:
        """Return where *part* leads; nothing where that is not said or not readable."""
        folder, _, name = part.rpartition("/")
        rels = f"{folder}/_rels/{name}.rels"
        if rels not in self.container:
            return []
        root = self.optional(rels)
        return [] if root is None else [_relationship(part, item) for item in root]

    def related(self, part: str, *kinds: str) -> list[str]:
        """Return the existing parts that *part* leads to by relationships of these *kinds*."""
        return [
            found.target
            for found in self.relationships(part)
            if found.kind in kinds and not found.external and found.target in self.container
        ]

    def root(self, part: str) -> Element:
        """Return the root of a part. Raises UnreadableDocumentError or DecompressionLimitError."""
        return xml_parts.parse(self.container.read(part))

    def optional(self, part: str) -> Element | None:
        """Return the root of a part the document can be read without."""
        try:
            return self.root(part)
        except UNHARMED:
            self.skipped.append(part)
            return None

    def metadata(self) -> dict[str, Any]:
        """Return core properties, some of the application's, and what is embedded."""
        facts: dict[str, Any] = {}
        for part, names in (("docProps/core.xml", _CORE), ("docProps/app.xml", _APP)):
            root = self.optional(part) if part in self.container else None
            for item in () if root is None else root:
                if (name := names.get(xml_parts.local(item))) and (item.text or "").strip():
                    facts[name] = item.text
        folder = self.main.rpartition("/")[0]
        embedded = [
            name.rpartition("/")[2] for name in self.container.names(f"{folder}/embeddings/")
        ]
        facts["embedded"] = embedded or None
        facts["has_macros"] = f"{folder}/vbaProject.bin" in self.container or None
        facts["skipped_parts"] = self.skipped or None
        return facts

    def _main_part(self) -> str:
        for found in self.relationships(""):
            if found.kind == "officeDocument" and found.target in self.container:
                return found.target
        for usual in ("word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"):
            if usual in self.container:
                return usual
        raise UnreadableDocumentError("The file is no Office document: its main part is missing.")


def kind_of(container: Container) -> MediaType | None:
    """Tell which kind of Office document this is; None where it is none."""
    if _CONTENT_TYPES not in container:
        return None
    package = Package(container)
    types = xml_parts.parse(container.read(_CONTENT_TYPES))
    for override in xml_parts.every(types, "Override"):
        part = (override.get("PartName") or "").lstrip("/").casefold()
        if part == package.main.casefold():
            return _kind_named(override.get("ContentType") or "") or _kind_by_root(package)
    return _kind_by_root(package)


def _kind_named(content_type: str) -> MediaType | None:
    return next((kind for name, kind in _MAIN if name in content_type.casefold()), None)


def _kind_by_root(package: Package) -> MediaType | None:
    with package.container.open(package.main) as file:
        for _, element in xml_parts.stream(file, starts=True):
            return _ROOTS.get(xml_parts.local(element))
    return None


def _relationship(part: str, item: Element) -> Relationship:
    external = item.get("TargetMode") == "External"
    target = item.get("Target") or ""
    return Relationship(
        id=item.get("Id") or "",
        kind=(item.get("Type") or "").rpartition("/")[2],
        target=target if external else xml_parts.resolve(part, target),
        external=external,
    )
