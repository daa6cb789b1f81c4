"""Nothing is left behind by a process that is killed while its child works."""

import asyncio
import sys
from pathlib import Path

import pytest
from tests.unit.sandbox.conftest import REPOSITORY, is_gone
from tests.waiting import eventually


@pytest.mark.parametrize("options", [(), ("--halted",)])
async def test_kill_9_of_the_parent_ends_server_and_child_and_removes_their_folder(
    options: tuple[str, ...],
) -> None:
    command = (sys.executable, "-m", "tests.unit.sandbox.driver", *options)
    parent = await asyncio.create_subprocess_exec(
        *command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    server, child, folder = (await parent.stdout.readline()).decode().split(maxsplit=2)
    assert not is_gone(int(child))
    parent.kill()
    await parent.wait()

    await eventually(lambda: is_gone(int(child)))
    await eventually(lambda: is_gone(int(server)))
    await eventually(lambda: not Path(folder.strip()).exists())
