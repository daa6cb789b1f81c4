"""Stands in for a supervisor: holds a folder, and writes down what its standard input says.

`python stand_in.py DIR` reads a phase a line; `failed` names a part. At the end of its input it
ends as a stopped supervisor does, on SIGTERM at once, but never between a note and its answer:
whoever waits for the note may signal the moment it is there.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docyard_stack.addresses import StackAddresses
from docyard_stack.folder import StackFolder
from docyard_stack.processes import Identity
from docyard_stack.record import Failure, Phase, StackRecord

ADDRESSES = StackAddresses(
    data="",
    ingest="http://127.0.0.1:1",
    notifier="",
    dlq_admin="",
    metrics={},
    kafka="",
    database="",
    object_store={"endpoint": "", "access_key": "", "secret_key": ""},
    token="",
    operator_token="",
)


class StandIn:
    """Such a process, which holds the folder; `say` returns when it has written that down."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            (sys.executable, __file__, data),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._hear()

    def say(self, phase: Phase) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{phase}\n")
        self.process.stdin.flush()
        self._hear()

    def end(self) -> None:
        """End it; a repeat changes nothing."""
        self.process.communicate()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline(), "it has died"


@contextmanager
def unterminated() -> Iterator[None]:
    """Keep SIGTERM waiting for the block."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    yield
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def main() -> None:
    folder = StackFolder(Path(sys.argv[1]))
    record = folder.load() or StackRecord()
    with folder.hold():
        sys.stdout.write("held\n")
        sys.stdout.flush()
        for line in sys.stdin:
            record.phase = Phase(line.strip())
            failed = record.phase is Phase.FAILED
            record.failure = Failure(part="kafka", reason="no", log="") if failed else None
            record.supervisor = None if failed else Identity.own()
            record.addresses = ADDRESSES
            with unterminated():
                folder.save(record)
                sys.stdout.write(line)
                sys.stdout.flush()
        record.phase, record.supervisor = Phase.STOPPED, None
        folder.save(record)


if __name__ == "__main__":
    main()
