"""XML of documents, read by lxml with everything off that could expand, load or fetch."""

import posixpath
from collections.abc import Iterator
from typing import Any, Final, Protocol, TypeAlias

from lxml import etree

from processor.stages.errors import DecompressionLimitError, UnreadableDocumentError

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml has no public name for it

_ENTITIES: Final = "The document declares entities, which are not expanded."
_SAFE: Final[dict[str, Any]] = {
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


class Readable(Protocol):
    """Markup that is read piece by piece."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next piece, of about *size* bytes; nothing at the end."""
        ...


def parse(data: bytes) -> Element:
    """Return the root. Raises UnreadableDocumentError or DecompressionLimitError."""
    try:
        root: Element = etree.fromstring(data, etree.XMLParser(**_SAFE))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _not_xml(error) from error
    require_no_entities(root)
    return root


def stream(
    file: Readable,
    *,
    tags: tuple[str, ...] | None = None,
    starts: bool = False,
    flat_entities: bool = False,
    encoding: str | None = None,
) -> Iterator[tuple[str, Element]]:
    """Yield (event, element) as the file is read: `end`, and with *starts* `start`, too.

    *tags* are local names. *encoding* goes before what the document declares. The caller clears
    what it has used. Raises as `parse` does; with *flat_entities* only entities made of others are
    refused.
    """
    events = iter(
        etree.iterparse(
            file,
            events=("start", "end") if starts else ("end",),
            tag=tuple(f"{{*}}{tag}" for tag in tags) if tags else None,
            encoding=encoding,
            **_SAFE,
        )
    )
    first = True
    while True:
        try:
            event, element = next(events)
        except StopIteration:
            return
        except (etree.XMLSyntaxError, ValueError) as error:
            raise _not_xml(error) from error
        if first:
            require_no_entities(element, flat=flat_entities)
            first = False
        yield event, element


def require_no_entities(element: Element, *, flat: bool = False) -> None:
    """Raise DecompressionLimitError where the document declares entities; *flat* ones may stay."""
    dtd = element.getroottree().docinfo.internalDTD
    for entity in () if dtd is None else dtd.iterentities():
        if not flat or "&" in (entity.content or ""):
            raise DecompressionLimitError(_ENTITIES)


def release(element: Element) -> None:
    """Give back the memory of *element* and of what came before it beside it."""
    element.clear(keep_tail=True)
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


def local(element: Element) -> str:
    """Return the local name, so that strict and transitional namespaces read alike."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str | None:
    """Return an attribute by its local name, in whichever namespace."""
    value = element.get(name)
    if value is not None:
        return value
    suffix = f"}}{name}"
    return next((str(v) for key, v in element.attrib.items() if str(key).endswith(suffix)), None)


def first(element: Element, *names: str) -> Element | None:
    """Return the first descendant with one of the local *names*."""
    return next(element.iter(*(f"{{*}}{name}" for name in names)), None)


def every(element: Element, *names: str) -> Iterator[Element]:
    """Yield all descendants with one of the local *names*, in document order."""
    return element.iter(*(f"{{*}}{name}" for name in names))


def resolve(base: str, target: str) -> str:
    """Return the part a relationship of the part *base* leads to; absolute targets stand alone."""
    target = target.replace("\\", "/").partition("#")[0]
    folder = "" if target.startswith("/") else posixpath.dirname(base)
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")


def _not_xml(error: Exception) -> UnreadableDocumentError | DecompressionLimitError:
    message = str(error)
    if "amplification" in message or ("entity" in message.lower() and "loop" in message.lower()):
        return DecompressionLimitError(_ENTITIES)
    return UnreadableDocumentError(f"A part is not well-formed XML: {message}."[:500])
