"""The warm process that children are forked from: `python -m processor.sandbox.forkserver`.

It has imported and loaded all that stages need, so that a child costs milliseconds, and it never
sees a document. A number with a descriptor on its control socket asks for a child, which works in
the folder of that name; it answers with lines of JSON: `ready`, `forked`, `refused`, `exited`. When
the socket closes, however the parent ended, it kills every child, removes the folder of all
sandboxes and leaves.
"""

import errno
import gc
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, cast

from processor.sandbox import child, hardening, landlock
from processor.sandbox.frames import REQUEST
from processor.stages.task import RunStage


class StageModule(Protocol):
    """The module that is named at the start: what to load before forking, and what to run."""

    run_stage: RunStage

    def preload(self) -> None: ...


class ForkServer:
    """Single-threaded: a fork must not inherit locks that another thread holds."""

    def __init__(self, control: socket.socket, run_stage: RunStage, folder: Path) -> None:
        self._control = control
        self._run_stage = run_stage
        self._folder = folder
        self._selector: Final = selectors.DefaultSelector()
        self._children: dict[int, int] = {}  # pidfd to pid

    def run(self) -> None:
        self._selector.register(self._control, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._control:
                    self._reap(key.fd)
                elif not self._fork():
                    return

    def tell(self, **message: Any) -> None:
        # A parent that is gone shows as the end of the control socket.
        self._control.sendall(json.dumps(message).encode() + b"\n")

    def _fork(self) -> bool:
        """Fork a child on the next connection; False when the parent has closed."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, REQUEST.size, 1)
        except ConnectionError:
            return False
        if not data:
            return False
        request = REQUEST.unpack(data)[0]
        try:
            pid = self._bear(descriptors, self._folder / str(request))
        except OSError as error:
            # Short of processes, memory or descriptors: perhaps not for the next one.
            self.tell(event="refused", request=request, why=str(error))
        else:
            self.tell(event="forked", pid=pid, request=request)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _bear(self, descriptors: list[int], folder: Path) -> int:
        """Return the child that serves the one of *descriptors*. Raises OSError."""
        if not descriptors:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            _be_child(descriptors[0], self._run_stage, parent=server, folder=folder)
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self._children[pidfd] = pid
        self._selector.register(pidfd, selectors.EVENT_READ)
        return pid

    def _reap(self, pidfd: int) -> None:
        self._selector.unregister(pidfd)
        os.close(pidfd)
        pid, status, usage = os.wait4(self._children.pop(pidfd), 0)
        self.tell(
            event="exited",
            pid=pid,
            code=os.waitstatus_to_exitcode(status),
            peak_bytes=usage.ru_maxrss * 1024,
        )

    def end_children(self) -> None:
        for pid in self._children.values():
            os.kill(pid, signal.SIGKILL)
        for pid in self._children.values():
            os.waitpid(pid, 0)


def _be_child(descriptor: int, run_stage: RunStage, *, parent: int, folder: Path) -> None:
    """Never returns: a child must not unwind into the code of the server."""
    try:
        connection = socket.socket(fileno=descriptor)
        child.serve(connection, run_stage, parent=parent, folder=folder)
    except BaseException:  # noqa: BLE001 - the exit code is all that can still be told
        os._exit(1)
    os._exit(0)


def main(descriptor: str, module: str, folder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    control = socket.socket(fileno=int(descriptor))
    no_network = hardening.leave_network()
    stages = cast("StageModule", importlib.import_module(module))
    stages.preload()
    # What is loaded stays shared between parent and children, pages and all.
    gc.collect()
    gc.freeze()
    server = ForkServer(control, stages.run_stage, Path(folder))
    walls = {"no_network": no_network, "confined": landlock.abi() > 0}
    try:
        # The parent may end while it is told something, too.
        with suppress(ConnectionError):
            server.tell(event="ready", has_ids=hardening.has_ids(), **walls)
            server.run()
    finally:
        server.end_children()
    # Not after an error: then the parent lives, and so do runs whose files lie there.
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
