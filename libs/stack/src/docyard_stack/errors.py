"""What can go wrong with a stack, each with the sentence a person needs."""

from collections.abc import Sequence
from pathlib import Path


class StackError(Exception):
    """The root of what the stack raises on purpose; its text is meant for people."""


class NotReadyError(StackError):
    """A part runs but does not answer as it should yet; ask again."""


class StartFailedError(StackError):
    """The stack could not start: nothing of it is left running.

    *part* is the part that failed, *reason* one sentence, *log* where the rest can be read.
    """

    def __init__(self, part: str, reason: str, log: Path) -> None:
        super().__init__(f"{part} could not start: {reason} (log: {log})")
        self.part = part
        self.reason = reason
        self.log = log


class FolderInUseError(StackError):
    """Another stack holds this data folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"a stack is running in {folder}; stop it with 'docyard down' first")


class ForeignFolderError(StackError):
    """A folder that never held a stack has files where a stack would write."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        super().__init__(
            f"{folder} has {', '.join(names)} which no stack wrote; name another folder by --data"
        )


class DownloadFailedError(StackError):
    """A jar could not be fetched, or is not the one the list names."""
