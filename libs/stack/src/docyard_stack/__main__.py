"""`python -m docyard_stack --data DIR`: the supervisor process behind `docyard up --detach`."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from docyard_stack import progress
from docyard_stack.background import FOLDER_IN_USE
from docyard_stack.errors import FolderInUseError, StackError
from docyard_stack.folder import StackFolder
from docyard_stack.running import Stack


def _note(name: str, took_s: float) -> None:
    sys.stderr.write(f"{name} serves after {took_s:.1f} s\n")


def main() -> int:
    """Run until SIGTERM; a failed start is a sentence on standard error, and exits 1 or 5.

    It is 5 when another process holds the folder.
    """
    parser = argparse.ArgumentParser(prog="python -m docyard_stack", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data folder of the stack")
    folder = StackFolder(parser.parse_args().data)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    stack = Stack(
        folder,
        environment=os.environ,
        progress=progress.on_stderr(),
        notice=_note,
    )
    try:
        asyncio.run(stack.run(lambda _addresses: None))
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return FOLDER_IN_USE if isinstance(error, FolderInUseError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
