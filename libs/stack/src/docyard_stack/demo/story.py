"""The story: documents come in, one is broken, all others can be searched."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from docyard import Client, DeadLetter, DeadLetterFilter
from docyard_stack.addresses import StackAddresses
from docyard_stack.demo.terminal import Terminal
from docyard_stack.errors import StackError
from docyard_stack.samples import Outcome, Sample

_POLL_S: Final = 0.2
_PATIENCE_S: Final = 120.0
_PARTLY_FAILED: Final = 8  # what `docyard upload --wait` answers when some documents failed
_FAILED: Final = 7
_ENDINGS: Final = {"open", "resolved", "parked"}


class Story:
    """Tells itself on *terminal*; *client* looks on, as an operator."""

    def __init__(self, terminal: Terminal, client: Client) -> None:
        self._terminal = terminal
        self._client = client
        self._began = datetime.now(UTC)

    def tell(self, samples: Sequence[Sample]) -> None:
        """Tell it with our own documents. Raises StackError where it does not go as promised."""
        self._upload([sample.name for sample in samples], expected={_PARTLY_FAILED})
        self._search(samples)
        self._dead_letter()

    def tell_with(self, files: Sequence[Path]) -> None:
        """Tell it with a person's own files; what becomes of them is theirs to see."""
        outcome = self._upload([str(file) for file in files], expected={0, _FAILED, _PARTLY_FAILED})
        if outcome != 0:
            self._dead_letter()

    def end(self, addresses: StackAddresses, *, stays: bool) -> None:
        """Say what to open next."""
        self._terminal.chapter("What to open next")
        if not stays:
            self._terminal.say("  docyard up          keeps all this running; then open")
        for title, address in (
            ("the API", f"{addresses.ingest}/docs"),
            ("live progress", f"{addresses.notifier}/docs"),
            ("dead letters", f"{addresses.dlq_admin}/docs"),
        ):
            self._terminal.say(f"  {address:<34}{title}")

    def _upload(self, names: Sequence[str], *, expected: set[int]) -> int:
        self._terminal.chapter("Documents come in; each is checked, read, analysed and indexed")
        return self._terminal.run(["upload", *names, "--wait"], expected=expected)

    def _search(self, samples: Sequence[Sample]) -> None:
        paged = max(samples, key=lambda sample: len(sample.page_words))
        page = len(paged.page_words) // 2
        self._terminal.chapter(f"A word that stands on page {page} of {paged.name} alone")
        self._terminal.run(["search", paged.page_words[page - 1]])
        spoken = next(sample for sample in samples if sample.outcome is Outcome.COMPLETED)
        self._terminal.chapter(f"And a question in plain words, to {spoken.name} and the others")
        self._terminal.run(["search", "who moved pallets during the storm"])

    def _dead_letter(self) -> None:
        letter = self._awaited(self._newest_letter)
        self._terminal.chapter("What could not be processed is kept, with its reason")
        self._terminal.run(["dlq", "groups"])
        self._terminal.run(["dlq", "show", letter.id])
        self._terminal.chapter("Replayed, it fails again: the file itself is broken, and we see it")
        self._terminal.run(["dlq", "replay", letter.id, "--because", "demo", "--wait", "--yes"])
        self._awaited(lambda: self._ended_replay(letter))
        self._terminal.run(["dlq", "show", letter.id])
        self._terminal.chapter("So it is put aside; `docyard dlq restore` would bring it back")
        self._terminal.run(["dlq", "discard", letter.id, "--because", "damaged file", "--yes"])

    def _newest_letter(self) -> DeadLetter | None:
        only = DeadLetterFilter(states=["open"], since=self._began.isoformat())
        return next(iter(self._client.dlq.list(only, limit=1).items), None)

    def _ended_replay(self, before: DeadLetter) -> DeadLetter | None:
        now = self._client.dlq.get(before.id)
        ended = now.replay_count > before.replay_count and now.state in _ENDINGS
        return now if ended else None

    def _awaited(self, look: Callable[[], DeadLetter | None]) -> DeadLetter:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            time.sleep(_POLL_S)
        raise StackError(f"the dead letter did not show up within {_PATIENCE_S:.0f} s")
