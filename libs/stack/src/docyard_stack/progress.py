"""Shows a download: a bar where somebody looks on, a plain line now and then elsewhere."""

import sys
import threading
from typing import Final, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

_LINES: Final = 5


class PlainDownload:
    """Lines of text: at the beginning, a few on the way, at the end."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._files = 0
        self._done = 0
        self._size_bytes = 0

    def began(self, files: int) -> None:
        self._files = files
        self._write(f"Downloading Kafka: {files} files, once for this user")

    def received(self, size_bytes: int) -> None:
        with self._lock:
            self._size_bytes += size_bytes

    def finished(self, name: str) -> None:  # noqa: ARG002 - a bar shows the name, lines do not
        with self._lock:
            self._done += 1
            if self._done % max(1, self._files // _LINES) == 0 or self._done == self._files:
                mib = self._size_bytes / 1024 / 1024
                self._write(f"  {self._done} of {self._files} files, {mib:.0f} MiB")

    def _write(self, line: str) -> None:
        self._output.write(f"{line}\n")
        self._output.flush()


class BarDownload:
    """One bar over all files; it goes when the last one is there."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("Downloading Kafka, once for this user"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} files"),
            TextColumn("{task.fields[mib]:.0f} MiB"),
            console=console,
            transient=True,
        )
        self._lock = threading.Lock()
        self._task: TaskID | None = None
        self._size_bytes = 0

    def began(self, files: int) -> None:
        self._task = self._bar.add_task("", total=files, mib=0.0)
        self._bar.start()

    def received(self, size_bytes: int) -> None:
        with self._lock:
            self._size_bytes += size_bytes
            self._update(0)

    def finished(self, name: str) -> None:  # noqa: ARG002 - the bar counts, it names nothing
        with self._lock:
            self._update(1)
            if self._bar.finished:
                self._bar.stop()

    def _update(self, files: int) -> None:
        if self._task is not None:
            self._bar.update(self._task, advance=files, mib=self._size_bytes / 1024 / 1024)


def on_stderr() -> PlainDownload | BarDownload:
    """Return the display that suits standard error as it is."""
    console = Console(stderr=True)
    return BarDownload(console) if console.is_terminal else PlainDownload(sys.stderr)
