"""Becomes the program of a part: drops privileges, ties its life to the supervisor, then execs.

Run as a script by a bare interpreter (`python -I -S launch.py PARENT UID GID PROGRAM ARG…`), so
it may import nothing but the standard library. A hook between fork and exec would do the same
work in a process with threads, where it can deadlock.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_KEEP = -1


def main(arguments: list[str]) -> None:
    """Exec the program; exits 1 when the supervisor is gone already."""
    parent, uid, gid = (int(argument) for argument in arguments[:3])
    if uid != _KEEP:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid, which clears it. SIGKILL: whatever hangs must not outlive the stack.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    program = arguments[3:]
    os.execv(program[0], program)  # noqa: S606 - the supervisor chose the program


if __name__ == "__main__":
    main(sys.argv[1:])
