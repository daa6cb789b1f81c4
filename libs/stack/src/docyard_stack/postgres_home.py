"""Where the cluster of a stack lies: in its data folder, unless PostgreSQL can not get there."""

import hashlib
from pathlib import Path
from typing import Final

from docyard_stack.accounts import unprivileged

_ROOT_HOME: Final = Path("/var/lib/docyard")


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
