"""Reads the logs of the parts: the last lines, and what comes after."""

import json
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_POLL_S: Final = 0.2
_FIRST: Final = ("ts", "level", "event")
_BLOCK_BYTES: Final = 256 * 1024
_LAST_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class LogLine:
    """A line of a part; `fields` when the part wrote it as a JSON object."""

    part: str
    text: str
    fields: dict[str, object] | None

    @classmethod
    def of(cls, part: str, text: str) -> "LogLine":
        fields = None
        if text.startswith("{"):
            try:
                fields = json.loads(text)
            except ValueError:
                fields = None
        return cls(part, text, fields if isinstance(fields, dict) else None)

    def as_text(self) -> str:
        """Return the line for a person: time, level and event first, then what else it says."""
        if self.fields is None:
            return self.text
        first = " ".join(str(self.fields[name]) for name in _FIRST if name in self.fields)
        rest = {k: v for k, v in self.fields.items() if k not in _FIRST and k != "service"}
        return " ".join((first, *(f"{name}={value}" for name, value in rest.items())))

    def as_json(self) -> str:
        content = {"fields": self.fields} if self.fields is not None else {"text": self.text}
        return json.dumps({"part": self.part, **content}, ensure_ascii=False)


class LogFile:
    """One part's log, read onwards; a log that was cut or set aside is read from its beginning."""

    def __init__(self, path: Path) -> None:
        self._part = path.stem
        self._path = path
        self._offset = 0
        self._rest = b""

    def last(self, count: int) -> list[LogLine]:
        """Return the last *count* lines, and stand behind them."""
        lines: deque[LogLine] = deque(maxlen=count)
        lines.extend(self.onwards())
        return list(lines)

    def onwards(self) -> Iterator[LogLine]:
        """Yield the whole lines written since the last call."""
        if not self._path.exists():
            return
        if self._path.stat().st_size < self._offset:
            self._offset, self._rest = 0, b""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            while block := file.read(_BLOCK_BYTES):
                self._offset += len(block)
                *whole, self._rest = (self._rest + block).split(b"\n")
                for line in whole:
                    yield LogLine.of(self._part, line.decode(errors="replace"))


def last_words(log: Path) -> str:
    """Return the last line that says anything; empty where none of the last 64 KiB does."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LAST_BYTES))
            lines = file.read(_LAST_BYTES).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def follow(files: list[LogFile]) -> Iterator[LogLine]:
    """Yield what the parts write from here on, for ever."""
    while True:
        for file in files:
            yield from file.onwards()
        time.sleep(_POLL_S)
