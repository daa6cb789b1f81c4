"""The manual knows every command and every exit code."""

from pathlib import Path

from docyard.cli import (
    dead_letters,
    documents,
    folder_jobs,
    get,
    graph,
    processing,
    replays,
    upload,
    watch,
)
from docyard.cli.exits import Exit

MANUAL = Path(__file__).parents[3] / "docs" / "cli.md"


def test_every_command_is_in_the_manual() -> None:
    text = MANUAL.read_text()
    apps = [documents.app, processing.app, get.app, upload.app, watch.app]
    own = [command.name for app in apps for command in app.registered_commands]
    jobs = [command.name for command in folder_jobs.app.registered_commands]
    named = [command.name for command in graph.app.registered_commands]
    letters = [command.name for command in dead_letters.app.registered_commands]
    letters += [command.name for command in replays.app.registered_commands]

    assert [
        name for name in own if f"`{name}`" not in text and f"docyard {name} " not in text
    ] == []
    assert [name for name in letters if f"dlq {name}" not in text] == []
    assert [name for name in named if f"graph {name}" not in text] == []
    assert [name for name in jobs if f"sync {name}" not in text] == []


def test_every_exit_code_is_in_the_manual() -> None:
    text = MANUAL.read_text()

    assert [code for code in Exit if f"| {code.value} |" not in text] == []
