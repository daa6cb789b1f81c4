"""Shows many documents on their way: moving bars for a person, plain lines for a log."""

from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from docyard.cli.output import Output, clean

if TYPE_CHECKING:
    from rich.progress import TaskID

    from docyard.models import Progress

VISIBLE_ROWS = 16
"""Bars on the screen at a time; the others wait their turn, and the last line counts them all."""

NAME_WIDTH = 36
"""Columns for a name; a longer one loses its beginning, because its end tells more."""

_RUNNING = {
    "accepted": "waiting",
    "validating": "checking",
    "extracting": "reading",
    "analyzing": "analysing",
    "indexing": "indexing",
}


def stage_text(update: "Progress") -> str:
    """Say in a few words what is happening to a document."""
    words = _RUNNING.get(update.state, update.state)
    if update.state == "extracting" and update.pages_total:
        words += f" page {update.pages_done or 0}/{update.pages_total}"
    if (update.attempt or 1) > 1:
        words += f", attempt {update.attempt}"
    if update.eta_s is not None and not update.is_terminal:
        words += f", {update.eta_s:.0f} s left"
    return words


class Board(Protocol):
    """Rows by a key of the caller's choosing. What a row shows never goes backwards."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def add(self, key: str, name: str) -> None:
        """Begin a row."""
        ...

    def show(self, key: str, fraction: float, text: str) -> None:
        """Say how far a row is, from 0 to 1, and what is happening."""
        ...

    def end(self, key: str, text: str, *, good: bool) -> None:
        """Finish a row; *text* is the last word about it."""
        ...


def board(output: Output) -> Board:
    """Return the board that suits whoever looks."""
    return LiveBoard(output) if output.is_live else PlainBoard(output)


class PlainBoard:
    """One line when a document begins a stage, and one when it ends."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._names: dict[str, str] = {}
        self._said: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave everything as it was said."""

    def add(self, key: str, name: str) -> None:
        self._names[key] = name

    def show(self, key: str, fraction: float, text: str) -> None:
        del fraction
        stage = text.partition(" ")[0].rstrip(",")
        if not self._output.as_json and self._said.get(key) != stage:
            self._said[key] = stage
            self._output.note(f"{self._names[key]}: {stage}")

    def end(self, key: str, text: str, *, good: bool) -> None:
        say = self._output.note if good else self._output.complain
        say(f"{self._names[key]}: {text}")


@dataclass
class _Row:
    task: "TaskID"
    name: str
    fraction: float = 0.0


class LiveBoard:
    """A bar per document on stderr, with the stage beside it."""

    def __init__(self, output: Output) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._progress = Progress(
            TextColumn("{task.fields[name]}", markup=False),
            BarColumn(bar_width=28),
            TaskProgressColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            console=output.errors,
            redirect_stdout=False,  # stdout is data, whatever moves on stderr
            transient=True,
        )
        self._rows: dict[str, _Row] = {}
        self._hidden: list[str] = []
        self._total = self._progress.add_task("", name="", text="", total=0, visible=False)
        self._ended = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bars away, so that what comes next stands on clean lines."""
        self._progress.stop()

    def add(self, key: str, name: str) -> None:
        visible = len(self._rows) - len(self._hidden) < VISIBLE_ROWS
        name = _short(clean(name))
        task = self._progress.add_task("", name=name, text="", total=1.0, visible=visible)
        self._rows[key] = _Row(task, name)
        if not visible:
            self._hidden.append(key)
        self._count()

    def show(self, key: str, fraction: float, text: str) -> None:
        row = self._rows[key]
        row.fraction = max(row.fraction, fraction)
        self._progress.update(row.task, completed=row.fraction, text=clean(text))

    def end(self, key: str, text: str, *, good: bool) -> None:
        from rich.text import Text

        row = self._rows.pop(key)
        self._progress.remove_task(row.task)
        self._reveal(instead_of=key)
        mark = ("✓", "green") if good else ("✗", "red")
        self._progress.console.print(Text.assemble(mark, f" {row.name}  {clean(text)}"))
        self._ended += 1
        self._count()

    def _reveal(self, *, instead_of: str) -> None:
        if instead_of in self._hidden:
            self._hidden.remove(instead_of)
        elif self._hidden:
            self._progress.update(self._rows[self._hidden.pop(0)].task, visible=True)

    def _count(self) -> None:
        total = self._ended + len(self._rows)
        text = f"{self._ended} of {total} ended"
        self._progress.update(
            self._total, completed=self._ended, total=total, text=text, visible=total > 1
        )


def _short(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"…{name[1 - NAME_WIDTH :]}"
