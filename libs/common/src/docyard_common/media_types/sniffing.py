"""How a file is recognised as one of the types that are taken.

Name and content must agree. A type with a signature is believed by its bytes; text types have no
signature, so that among them the name decides. A declared type may add nothing but a contradiction.
"""

import re
from pathlib import PurePosixPath
from typing import Final

from docyard_common.media_types.errors import (
    EmptyFileError,
    TypeMismatchError,
    UnsupportedTypeError,
)
from docyard_common.media_types.formats import FORMATS, MediaType
from docyard_common.signatures import kind_in_zip, looks_like_text, signature

HEAD_BYTES: Final = 8192
"""How many first bytes `sniff` wants: PDF headers and text samples lie within."""

_PDF_HEADER_WINDOW: Final = 1024  # readers accept the header anywhere in here
_PDF_OBJECT: Final = re.compile(rb"%PDF-\d|\b\d+\s+\d+\s+obj\b|\btrailer\s*<<")
_HTML_START: Final = re.compile(
    rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE
)
_XML_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml\s")
_MAIL_HEADER: Final = re.compile(
    rb"^(?:from|to|subject|date|received|return-path|delivered-to|message-id|mime-version|"
    rb"content-type|reply-to|sender|cc|x-[\w-]{1,60})[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_MAIL_START: Final = re.compile(
    # Without a name to believe, more must speak for a mail: two header lines, at the very start.
    rb"(?:From [^\n]{1,200}\n)?(?:return-path|received|delivered-to|message-id|mime-version|from|"
    rb"to|date|subject):[^\n]{0,2000}\n(?:[ \t][^\n]{0,2000}\n){0,50}[a-z][\w-]{0,60}:",
    re.IGNORECASE,
)

_OUTLOOK_STREAM: Final = "__substg1.0_".encode("utf-16-le")
"""A name that only Outlook's messages hold; Word and Excel share their signature."""
# An Office document under a password is a compound file with the ZIP file inside.
_LOCKABLE: Final = frozenset({MediaType.DOCX, MediaType.XLSX, MediaType.PPTX})
_BY_EXTENSION: Final = {ext: kind for kind, known in FORMATS.items() for ext in known.extensions}
_JSON_FAMILY: Final = frozenset({MediaType.JSON, MediaType.NDJSON})
_UNDECLARED: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})


def extension(filename: str) -> str:
    """Return the extension in lower case, without the dot; empty where the name has none."""
    return PurePosixPath(filename.strip().replace("\\", "/")).suffix[1:].lower()


def sniff(head: bytes, filename: str, declared: str | None) -> MediaType:
    """Tell the type from the first `HEAD_BYTES` bytes (all of them in a shorter file).

    Raises EmptyFileError, UnsupportedTypeError or TypeMismatchError, in this order of precedence.
    """
    if not head:
        raise EmptyFileError("The file is empty.")
    named = _named(filename)
    kind = _by_content(head, declared) if named is None else named
    if named is not None and not _matches(head, named):
        raise TypeMismatchError(
            f"The content is not what the extension .{extension(filename)} says."
        )
    _require_consistent(kind, declared)
    return kind


def foresee(filename: str, declared: str | None) -> None:
    """Refuse what name and declared type alone rule out, before there are any bytes.

    Raises UnsupportedTypeError or TypeMismatchError. What passes may still be refused by `sniff`.
    """
    named = _named(filename)
    if named is not None:
        _require_consistent(named, declared)


def _named(filename: str) -> MediaType | None:
    """Return the type the name promises; None where it promises nothing."""
    suffix = extension(filename)
    if suffix and suffix not in _BY_EXTENSION:
        raise UnsupportedTypeError(f"Files with the extension .{suffix} are not supported.")
    return _BY_EXTENSION.get(suffix)


def _by_content(head: bytes, declared: str | None) -> MediaType:
    found = signature(head)
    signed = _signed(head, found)
    if signed is not None:
        return signed
    if found is not None or not looks_like_text(head):
        raise UnsupportedTypeError("The file has no extension and its content is of no known type.")
    if _HTML_START.match(head):
        return MediaType.HTML
    if _XML_START.match(head):
        return MediaType.XML
    if _MAIL_START.match(head):
        return MediaType.EML
    return next((kind for kind in MediaType if kind.is_text and kind == declared), MediaType.TEXT)


def _signed(head: bytes, found: str | None) -> MediaType | None:
    """Return the one type that a signature stands for; containers tell more by what they hold."""
    if found == "zip":
        inside = kind_in_zip(head) or MediaType.ZIP
        return next((kind for kind in MediaType if kind == inside), None)
    if found == "ole":
        return MediaType.MSG if _OUTLOOK_STREAM in head else None
    return next((k for k, known in FORMATS.items() if found and known.container == found), None)


def _matches(head: bytes, kind: MediaType) -> bool:
    """Whether the content can be what the name promises."""
    found = signature(head)
    if kind is MediaType.EML:
        # Bodies may be binary; only the header is sure to be text.
        return found is None and _MAIL_HEADER.search(head) is not None
    match FORMATS[kind].container:
        case None:
            return found is None and looks_like_text(head, torn=True)
        case "zip":
            if found == "ole":
                return kind in _LOCKABLE
            # An archive may hold anything, also what an Office document does.
            fits = kind is MediaType.ZIP or kind_in_zip(head) in {None, kind.value}
            return found == "zip" and fits
        case "pdf":
            return _is_pdf(head)
        case container:
            return found == container


def _is_pdf(head: bytes) -> bool:
    """Whether a PDF reader would try: real files have junk first, or no header at all."""
    if b"%PDF-" in head[:_PDF_HEADER_WINDOW]:
        return True
    return signature(head) is None and _PDF_OBJECT.search(head) is not None


def _require_consistent(kind: MediaType, declared: str | None) -> None:
    """Raise TypeMismatchError when the client declared something that *kind* can not be called."""
    name = (declared or "").partition(";")[0].strip().lower()
    if name in _UNDECLARED or name == kind or name in FORMATS[kind].aliases:
        return
    if kind.is_text and (name.startswith("text/") or name in _JSON_FAMILY):
        return
    raise TypeMismatchError(f"The file is {kind.value}, but was declared as {name}.")
