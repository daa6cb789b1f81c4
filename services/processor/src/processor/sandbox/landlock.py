"""Landlock: the kernel holds a process to some folders, without TCP, and away from others' signals.

Linux 5.13 and newer; numbers from linux/landlock.h, ABI 1 to 6. Called by ctypes: the few packages
for it are not kept, and three system calls are less than a dependency.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION: Final = 1  # flag: answer the ABI instead
_PATH_BENEATH: Final = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_READING: Final = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15}  # bits that an ABI knows; 16 from 5 on
_TCP: Final = 0b11  # bind and connect, from ABI 4 on
_SCOPED: Final = 0b11  # abstract sockets and signals of others, from ABI 6 on
_WITH_TCP, _WITH_SCOPES = 4, 6

_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def abi() -> int:
    """Return the version of Landlock that the kernel has; 0 for none."""
    return max(0, _call(_CREATE_RULESET, None, 0, _VERSION))


def confine(*, readable: Iterable[Path], writable: Iterable[Path]) -> bool:
    """Hold this process and its children to these folders, for good; false where it is refused.

    Everything below *writable* may be done, what is below *readable* may be read and run, and
    nothing else of the file system be opened; what is open already stays so. Paths that do not
    exist are left out. Needs the promise of no new privileges.
    """
    ruleset = _ruleset(readable, writable)
    if ruleset is None:
        return False
    try:
        return _call(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _ruleset(readable: Iterable[Path], writable: Iterable[Path]) -> int | None:
    known = abi()
    if not known:
        return None
    rights = (1 << _FILE_RIGHTS.get(known, 16)) - 1
    scopes, tcp = known >= _WITH_SCOPES, known >= _WITH_TCP
    attributes = struct.pack("=QQQ", rights, _TCP * tcp, _SCOPED * scopes)
    # A kernel refuses attributes that are longer than it knows them.
    ruleset = _call(_CREATE_RULESET, attributes, 24 if scopes else 16 if tcp else 8, 0)
    if ruleset < 0:
        return None
    for path in readable:
        _allow(ruleset, path, _READING)
    for path in writable:
        _allow(ruleset, path, rights)
    return ruleset


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        granted = rights if path.is_dir() else rights & _OF_FILES
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", granted, beneath), 0)
    finally:
        os.close(beneath)


def _call(number: int, *arguments: int | bytes | None) -> int:
    return int(_libc.syscall(ctypes.c_long(number), *arguments))
