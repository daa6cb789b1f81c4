"""Stages for tests, forked by a server whose system is short of something while a file is there."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.unit.sandbox.misbehaving import run_stage

__all__ = ["preload", "run_stage"]


def preload() -> None:
    call = os.environ["TEST_SHORT_CALL"]
    setattr(os, call, _refused(getattr(os, call), Path(os.environ["TEST_SHORT_FILE"])))


def _refused(call: Callable[..., Any], while_there: Path) -> Callable[..., Any]:
    def refused(*arguments: Any) -> Any:
        if while_there.exists():
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return call(*arguments)

    return refused
