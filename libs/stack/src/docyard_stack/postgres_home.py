"""Where the cluster of a stack lies, and what a killed server has left running there."""

import contextlib
import hashlib
import signal
from pathlib import Path
from typing import Final

import psutil

from docyard_stack.accounts import unprivileged

_ROOT_HOME: Final = Path("/var/lib/docyard")
_LEFTOVERS_S: Final = 20.0


def home_of(folder: Path) -> Path:
    """Where the cluster of the stack in *folder* lies.

    As root the server runs as another account; when that account can not walk down to *folder*
    (a home with mode 0700), the cluster gets a folder of its own under /var/lib/docyard.
    """
    account = unprivileged()
    if account is None or account.reaches(folder / "postgres"):
        return folder / "postgres"
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return _ROOT_HOME / f"postgres-{name}"


def cluster_of(folder: Path) -> Path:
    """Where the data directory of the stack in *folder* lies, whether it is there or not."""
    return home_of(folder) / "cluster"


def end_leftovers(cluster: Path) -> None:
    """End what a killed server left running in *cluster*, and remove its pid file. Idempotent.

    A backend that computes does not see that its server was killed, and no other one starts while
    it holds the shared memory. The caller holds the stack's folder: no server runs there. A crash
    here leaves the pid file, so that the next call ends the rest.
    """
    pid_file = cluster / "postmaster.pid"
    if not pid_file.exists():
        return
    left = [each for each in psutil.process_iter() if _is_postgres(each, cluster)]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGQUIT)
    psutil.wait_procs(left, timeout=_LEFTOVERS_S)
    pid_file.unlink(missing_ok=True)


def _is_postgres(process: psutil.Process, cluster: Path) -> bool:
    try:
        return process.name() == "postgres" and process.cwd() == str(cluster.resolve())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
