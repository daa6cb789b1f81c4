"""Which account runs a server that refuses to run as root, and what that account can reach."""

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from docyard_stack.errors import StackError


@dataclass(frozen=True)
class Account:
    """A user and group to become."""

    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Give *path* and all below it to this account."""
        os.chown(path, self.uid, self.gid)
        for child in path.rglob("*"):
            os.chown(child, self.uid, self.gid, follow_symlinks=False)

    def reaches(self, path: Path) -> bool:
        """Whether this account may walk down to *path*, judged by the folders' mode bits."""
        return all(_opens_to_all(folder) for folder in path.resolve().parents)


def unprivileged() -> Account | None:
    """Return the account for servers that refuse root; None when this process is not root.

    Raises StackError when this machine has no such account.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise StackError(
            "running as root needs an account called 'nobody' for PostgreSQL; "
            "create it or run as an ordinary user"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def copy_for(account: Account, source: Path, target: Path) -> None:
    """Copy the folder *source* to *target* and give it to *account*; whole or not at all."""
    if target.exists():
        return
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial, symlinks=True)
    account.own(partial)
    partial.rename(target)


def _opens_to_all(folder: Path) -> bool:
    return not folder.exists() or bool(folder.stat().st_mode & stat.S_IXOTH)
