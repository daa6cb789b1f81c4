"""Notes of uploads that have not ended, so that the next try goes on where the last one was."""

import contextlib
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from docyard.uploads import Upload, Via

_KEPT_S: Final = 7 * 86_400.0
"""Servers give uploads up earlier; older notes are of no use to anybody."""


@dataclass
class Resumable:
    """One upload of one file: where its note lies, and what it says."""

    path: Path
    upload_id: str = ""  # empty: nothing can go on
    via: Via = "chunked"
    key: str = ""  # under which it was opened, where fresh URLs are asked for by it

    def note(self, upload_id: str, *, via: Via, key: str = "") -> None:
        """Remember the upload; a note is there whole or not at all. A full disk costs resuming."""
        self.upload_id, self.via, self.key = upload_id, via, key
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = self.path.with_suffix(f".{os.getpid()}")
            partial.write_text(json.dumps({"upload_id": upload_id, "via": via, "key": key}))
            partial.replace(self.path)

    def forget(self) -> None:
        """Remove the note; none is fine."""
        self.upload_id = self.key = ""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


class ResumeFolder:
    """One note a file, named by all that must be the same for bytes to belong together."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder or Path(platformdirs.user_state_dir("docyard")) / "uploads"

    def of(self, server: str, upload: Upload, sha256: str) -> Resumable:
        """Return what is noted of *upload* to *server*. Raises OSError for a missing file.

        Path, size, time of change, hash and all that is said of the file make the name: a file
        that was changed begins anew. A note that can not be read counts as none.
        """
        self._forget_old()
        source = Path(str(upload.source))
        stat = source.stat()
        said = json.dumps(
            [upload.priority, dict(upload.metadata), dict(upload.processing_options)],
            sort_keys=True,
        )
        parts = (
            server,
            str(source.resolve()),
            str(stat.st_size),
            str(stat.st_mtime_ns),
            sha256,
            upload.name,
            said,
        )
        name = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
        path = self._folder / f"{name}.json"
        try:
            note = json.loads(path.read_bytes())
            via: Via = "presigned" if note.get("via") == "presigned" else "chunked"
            return Resumable(path, str(note["upload_id"]), via, str(note.get("key", "")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Resumable(path)

    def _forget_old(self) -> None:
        before = time.time() - _KEPT_S
        with contextlib.suppress(OSError):
            for note in self._folder.iterdir():
                if note.stat().st_mtime < before:
                    note.unlink(missing_ok=True)
