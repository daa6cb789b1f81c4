"""Types the commands of the demonstration where everybody can see them."""

import os
import shlex
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from docyard_stack.errors import StackError

_ELSEWHERE: Final = ("DOCYARD_URL", "DOCYARD_NOTIFIER_URL", "DOCYARD_DLQ_URL", "DOCYARD_TOKEN")


class Terminal:
    """Runs `docyard` commands in *workplace* against the stack in *data*."""

    def __init__(self, *, data: Path, workplace: Path) -> None:
        self._workplace = workplace
        # Variables that point at another Docyard must not lead the tour there.
        inherited = {name: text for name, text in os.environ.items() if name not in _ELSEWHERE}
        self._environment = {**inherited, "DOCYARD_DATA": str(data)}
        self._console = Console(highlight=False)

    def chapter(self, title: str) -> None:
        self._console.print(f"\n[bold]{title}[/bold]")

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)

    def run(self, arguments: Sequence[str], *, expected: Collection[int] = (0,)) -> int:
        """Show and run `docyard` with *arguments*; return its exit code.

        Raises StackError when that is not one of *expected*.
        """
        command = f"$ docyard {shlex.join(arguments)}"
        self._console.print(command, style="cyan", markup=False, soft_wrap=True)
        sys.stdout.flush()
        ended = subprocess.run(  # noqa: S603 - our own command line
            (sys.executable, "-m", "docyard", *arguments),
            cwd=self._workplace,
            env=self._environment,
            check=False,
        )
        if ended.returncode not in expected:
            raise StackError(f"'docyard {arguments[0]}' ended with {ended.returncode}")
        return ended.returncode
