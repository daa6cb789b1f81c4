"""The whole file held to what its first bytes promised: only a directory says what a ZIP is."""

from pathlib import Path
from typing import Final

import olefile

from docyard_common.media_types import FORMATS, MediaType, TypeMismatchError
from docyard_common.signatures import signature
from processor.extraction import ooxml, xml_parts
from processor.extraction.containers import Container, open_container
from processor.stages.errors import EncryptedDocumentError, UnreadableDocumentError

_LOCKED_STREAMS: Final = ("EncryptedPackage", "EncryptionInfo")
_MANIFEST: Final = "META-INF/manifest.xml"
_HEAD_BYTES: Final = 1_024


def require_identity(path: Path, kind: MediaType) -> None:
    """Raise TypeMismatchError where the file is a container of something other than *kind*.

    Raises EncryptedDocumentError for an Office document under a password, which is no ZIP file any
    more, and UnreadableDocumentError for a container that nobody can tell.
    """
    if FORMATS[kind].container != "zip" or kind is MediaType.ZIP:
        return
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if signature(head) == "ole":
        _refuse_compound_file(path, kind)
    container = open_container(path)
    try:
        found = _kind_of(container)
    finally:
        container.close()
    if found is None:
        raise UnreadableDocumentError(
            "The file lacks the parts that make up a document of its kind."
        )
    if found is not kind:
        raise TypeMismatchError(f"The content is {found.value}, not {kind.value}.")


def _kind_of(container: Container) -> MediaType | None:
    """Tell what a container holds: by its `mimetype`, its content types, or the parts it has."""
    if "mimetype" in container:
        name = container.read("mimetype", most=_HEAD_BYTES).decode("ascii", "replace")
        return _named(name)
    if "META-INF/container.xml" in container:
        return MediaType.EPUB
    if _MANIFEST in container and "content.xml" in container:
        root = xml_parts.parse(container.read(_MANIFEST))
        for entry in xml_parts.every(root, "file-entry"):
            if xml_parts.attribute(entry, "full-path") == "/":
                return _named(xml_parts.attribute(entry, "media-type") or "")
    return ooxml.kind_of(container)


def _named(name: str) -> MediaType | None:
    name = name.strip("\ufeff\0 \r\n").removesuffix("-template")
    return next((kind for kind in MediaType if kind == name), None)


def _refuse_compound_file(path: Path, kind: MediaType) -> None:
    try:
        with olefile.OleFileIO(path) as compound:
            locked = any(compound.exists(stream) for stream in _LOCKED_STREAMS)
    except Exception as error:
        raise UnreadableDocumentError(f"The file is damaged: {error}."[:500]) from error
    if locked:
        raise EncryptedDocumentError("The document opens only with a password.")
    raise TypeMismatchError(f"The content is an old Office document, not {kind.value}.")
