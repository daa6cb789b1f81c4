"""Which failures are the same failure: a fingerprint that ignores ids, numbers, paths and hosts."""

import hashlib
import re
from typing import Final

FINGERPRINT_CHARACTERS: Final = 16
_MESSAGE_CHARACTERS: Final = 2_000
"""More of a message never tells two failures apart, and keeps the patterns cheap."""

_OWN_PACKAGES: Final = ("docyard_common", "processor", "ingest", "notifier", "dlq_admin")

# In order: what is replaced first can not be torn apart by what is replaced after it.
_VARIABLE_PARTS: Final = (
    (re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`"), "<text>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://\S+", re.IGNORECASE), "<url>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"), "<host>"),
    (re.compile(r"\b[\w-]+(?:\.[\w-]+)*:\d{2,5}\b"), "<host>"),
    (re.compile(r"(?<!\w)(?:[a-z]:)?[/\\][\w.@/\\-]+", re.IGNORECASE), "<path>"),
    (re.compile(r"\b(?:0x[0-9a-f]+|[0-9a-f]{8,})\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\d+"), "<n>"),
)
_PYTHON_FRAME: Final = re.compile(r'^\s*File "([^"]+)", line \d+, in (\S+)', re.MULTILINE)
_JAVA_FRAME: Final = re.compile(r"^\s*at ([\w.$<>]+)\(", re.MULTILINE)


def fingerprint(*, stage: str, reason: str, class_name: str, message: str, stack: str) -> str:
    """Return 16 hex digits that failures of one cause share, over documents and machines."""
    parts = (stage, reason, class_name, normalised(message), top_frame(stack))
    digest = hashlib.sha256("\x1f".join(parts).encode(errors="replace"))
    return digest.hexdigest()[:FINGERPRINT_CHARACTERS]


def normalised(message: str) -> str:
    """Return *message* without what changes from one occurrence to the next."""
    text = message[:_MESSAGE_CHARACTERS]
    for pattern, placeholder in _VARIABLE_PARTS:
        text = pattern.sub(placeholder, text)
    return " ".join(text.lower().split())


def top_frame(stack: str) -> str:
    """Return the innermost frame of our own code, or of anybody's, without line numbers."""
    frames = [(path.replace("\\", "/"), name) for path, name in _PYTHON_FRAME.findall(stack)]
    if not frames:
        java = _JAVA_FRAME.search(stack)
        return java.group(1) if java else ""
    own = [frame for frame in frames if set(frame[0].split("/")) & set(_OWN_PACKAGES)]
    path, name = (own or frames)[-1]
    return f"{'/'.join(path.split('/')[-2:])}:{name}"
