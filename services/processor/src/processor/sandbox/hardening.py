"""What a child gives up before it touches a document. Linux only.

What is missing on a kernel is told, not fatal: the child reports which isolation it has.
"""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from processor.sandbox import landlock
from processor.sandbox.limits import SandboxLimits

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x1000_0000
_CLONE_NEWNET: Final = 0x4000_0000
_MOST_DESCRIPTORS: Final = 1 << 20
_NICE: Final = 10
"""Weight 110 against 1,024: it goes on under full load, too, and is not taken for stuck."""
_SYSTEM: Final = tuple(
    map(
        Path,
        (
            "/usr",
            "/bin",
            "/lib",
            "/lib64",
            "/opt",
            "/etc/ld.so.cache",
            "/etc/localtime",
            "/etc/fonts",
            "/dev/urandom",
            "/dev/zero",
            "/sys/devices/system/cpu",
            "/proc/self",
        ),
    )
)
"""Programs, libraries, fonts and time zones; of /proc only what is the child's own."""
_libc: Final = ctypes.CDLL(None, use_errno=True)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when *parent*, which forked it, ends; leave if it has."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def give_up_privileges() -> None:
    """No new privileges, no core files, and the first victim when memory runs out."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Where /proc is not writable the kernel chooses its victim by itself.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Last: a process that is not dumpable no longer owns its files in /proc.
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def confine(folder: Path) -> bool:
    """Keep this process to what it runs from and to *folder*; false where the kernel has no way.

    So a parser that somebody has taken over reads no keys from the disk, and no other process's
    environment from /proc. After `give_up_privileges`, without which the kernel refuses.
    """
    # Python also looks for modules where it was started; documents may lie there.
    modules = {Path(entry) for entry in sys.path} - {Path(), Path.cwd()}
    return landlock.confine(
        readable=(*_SYSTEM, Path(sys.prefix), Path(sys.base_prefix), *modules),
        writable=(folder, Path(os.devnull)),
    )


def silence_streams() -> None:
    """Lead the standard streams nowhere: C libraries write words of documents to them."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)


def close_descriptors(*, keep: int) -> None:
    """Close everything inherited but the standard streams, which lead nowhere, and *keep*."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.closerange(3, keep)
    os.closerange(keep + 1, _MOST_DESCRIPTORS if limit == resource.RLIM_INFINITY else limit)


def apply_limits(limits: SandboxLimits, *, address_space: int) -> None:
    """Set the limits of the next document; *address_space* is what the child has without one."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = int(usage.ru_utime + usage.ru_stime) + 1 + limits.cpu_s
    # Processor time adds up over documents, so that its hard limit must stay open.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    _bound(resource.RLIMIT_AS, address_space + limits.memory_bytes)
    _bound(resource.RLIMIT_FSIZE, limits.file_bytes)
    _bound(resource.RLIMIT_NOFILE, limits.open_files)


def scheduling_group() -> int | None:
    """Open what ranks this session among others; None where the kernel ranks processes alone.

    To be called in a session of one's own, before the walls are up.
    """
    with suppress(OSError):
        return os.open("/proc/self/autogroup", os.O_WRONLY | os.O_CLOEXEC)
    return None


def give_way(group: int | None) -> None:
    """Take what processors others leave, for good: a tenth of what an equal would get.

    Linux ranks sessions first where it groups by them (autogroup), and there a process's own
    niceness says nothing outside of its session.
    """
    os.nice(_NICE - os.nice(0))
    if group is not None:
        with suppress(OSError):
            os.write(group, str(_NICE).encode())


def address_space_bytes() -> int:
    """Return the size of this process's address space."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def leave_network() -> bool:
    """Move into a network namespace with nothing in it, children included; False where refused.

    Single-threaded processes only. Unprivileged users need a user namespace for it, in which they
    keep their own ids where the kernel lets them; `has_ids` tells.
    """
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(_CLONE_NEWNET) == 0:
        return True
    if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    # AppArmor may allow the namespace and refuse its map (Ubuntu since 23.10). The network is as
    # empty without, and files are still those of the same user: only the name of its id is gone.
    with suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    return True


def has_ids() -> bool:
    """Whether user and group have numbers here; without, they show as those of nobody."""
    maps = (Path("/proc/self/uid_map"), Path("/proc/self/gid_map"))
    return all(each.read_text().strip() for each in maps)


def _bound(which: int, value: int) -> None:
    """Lower a limit for good; one that is lower already stays."""
    hard = resource.getrlimit(which)[1]
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (bound, bound))
