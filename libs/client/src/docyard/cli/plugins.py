"""Commands that other packages bring: `up`, `down`, `demo` … come with `docyard-stack`."""

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from typer.core import TyperGroup
from typer.main import get_group

GROUP = "docyard.commands"
"""Entry point group; each entry is a typer app, whose commands join the top level."""


class OpenGroup(TyperGroup):
    """The top level: own commands at once, foreign ones only when they may be meant.

    So `docyard ls` never pays for loading a stack that it does not start.
    """

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name) or plugins().get(cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        own = super().list_commands(ctx)
        return own + [name for name in plugins() if name not in own]


@cache
def plugins() -> dict[str, Any]:
    """Return the foreign commands by name; a package that does not load is named on stderr."""
    found: dict[str, Any] = {}
    for entry in entry_points(group=GROUP):
        found |= _commands(entry)
    return found


def _commands(entry: EntryPoint) -> dict[str, Any]:
    try:
        return dict(get_group(entry.load()).commands)
    except Exception as error:  # noqa: BLE001 - a broken plugin must not take the rest along
        sys.stderr.write(f"docyard: the commands of {entry.value} do not load: {error}\n")
        return {}
