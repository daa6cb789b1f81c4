"""Which names become keys and which buckets are taken."""

import hashlib
import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from ingest.folder_job import FileFailure

MAX_KEY_BYTES: Final = 1024
"""S3's own limit."""
_SHOWN_BYTES: Final = 900
_TOLD_APART: Final = 12
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED: Final = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS: Final = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def bucket_fault(name: str) -> str | None:
    """Say what is wrong with a bucket's name by S3's rules; None when nothing is."""
    if _BUCKET.fullmatch(name) is None:
        return (
            "A bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens,"
            " with a letter or digit at both ends."
        )
    if ".." in name or ".-" in name or "-." in name:
        return "In a bucket's name a dot stands between letters and digits only."
    if _is_address(name):
        return "A bucket's name must not look like an IP address."
    if name.startswith(_RESERVED) or name.endswith(_RESERVED_ENDS):
        return "S3 reserves such names of buckets for itself."
    return None


def prefix_fault(prefix: str) -> str | None:
    """Say what is wrong with a prefix of keys; None when nothing is."""
    if not prefix:
        return None
    long = len(prefix.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES // 2
    if long or key_fault(prefix) is not None or prefix.startswith("/"):
        return "A prefix is plain text of at most 512 bytes that does not begin with a slash."
    if any(part in {"", ".", ".."} for part in prefix.rstrip("/").split("/")):
        return "The parts of a prefix must not be empty, '.' or '..'."
    return None


def key_fault(key: str) -> FileFailure | None:
    """Say why *key* can not be the key of an object; None when it can.

    Characters that XML does not know would make every later listing of the bucket unreadable.
    """
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return FileFailure.NAME_NOT_UTF8
    if size > MAX_KEY_BYTES:
        return FileFailure.PATH_TOO_LONG
    if not key.isascii() or not key.isprintable():
        for character in key:
            if unicodedata.category(character) == "Cc" or character in "\ufffe\uffff":
                return FileFailure.NAME_INVALID
    return None


def shown(parts: Sequence[str]) -> str:
    """Return a path as it can be stored and read, whatever its bytes are.

    A long one is cut, and ends with a hash of the whole.
    """
    whole = "/".join(parts).encode("utf-8", "surrogateescape")
    path = whole.decode("utf-8", "backslashreplace")
    path = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in path)
    written = path.encode()
    if len(written) <= _SHOWN_BYTES:
        return path
    told_apart = hashlib.sha256(whole).hexdigest()[:_TOLD_APART]
    return f"{written[:_SHOWN_BYTES].decode(errors='ignore')}…{told_apart}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
