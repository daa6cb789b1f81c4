"""Brings programs that tests and benchmarks use from Debian into this environment.

    python scripts/debian.py [PROGRAM ...]

Nothing is installed on the machine, and nobody has to be root: packages are unpacked beside the
environment's own libraries, with what they need and the machine has not. A program that is on PATH
is left alone. Where one can not be had, a line says so and the exit code is 0: tests that need it
skip with a word. Repeating it costs nothing; a crash leaves nothing that would be taken for whole.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

PACKAGES: Final = {"tesseract": "tesseract-ocr", "redis-server": "redis-server"}
_TESSDATA: Final = "usr/share/tesseract-ocr/*/tessdata"
_ENVIRONMENT: Final = Path(sys.prefix)
_LISTS_OF_MACHINE: Final[tuple[str, ...]] = ("-o", "Debug::NoLocking=1")


class NotHadError(Exception):
    """The program can not be had on this machine; the message says why."""


def bring(program: str) -> Path:
    """Return where *program* is: the machine's own, or Debian's in this environment.

    Raises NotHadError.
    """
    installed = shutil.which(program)
    if installed:
        return Path(installed)
    wrapper = _ENVIRONMENT / "bin" / program
    if not wrapper.exists():
        _write(wrapper, _unpacked(PACKAGES[program]))
    return wrapper


def _write(wrapper: Path, root: Path) -> None:
    libraries = ":".join(str(path) for path in sorted(root.glob("**/lib/*-linux-gnu")))
    lines = ["#!/bin/sh", f'export LD_LIBRARY_PATH="{libraries}"']
    lines += [f'export TESSDATA_PREFIX="{path}"' for path in root.glob(_TESSDATA)]
    lines += [f'exec "{root}/usr/bin/{wrapper.name}" "$@"', ""]
    partial = wrapper.with_suffix(".partial")
    partial.write_text("\n".join(lines))
    partial.chmod(0o755)
    partial.rename(wrapper)


def _unpacked(package: str) -> Path:
    """Unpack *package*, and what it needs and the machine has not, into a folder of its own."""
    root = _ENVIRONMENT / "debian" / package
    if root.exists():
        return root
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise NotHadError("it is not installed, and there is no Debian to take it from")
    root.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent) as partial:
        folder = Path(partial)
        folder.chmod(0o755)  # apt fetches as a user of its own
        _download(package, folder)
        for file in folder.glob("*.deb"):
            _run("dpkg-deb", "-x", str(file), str(folder / "whole"))
        (folder / "whole").rename(root)
    return root


def _download(package: str, folder: Path) -> None:
    try:
        _run("apt-get", *_LISTS_OF_MACHINE, "download", "-q", *_missing(package), cwd=folder)
    except NotHadError:
        # Small images come without any lists of packages.
        lists = (*_LISTS_OF_MACHINE, "-o", f"Dir::State::lists={folder}/lists")
        (folder / "lists" / "partial").mkdir(parents=True)
        _run("apt-get", *lists, "-o", "APT::Update::Error-Mode=any", "update", "-q")
        _run("apt-get", *lists, "download", "-q", *_missing(package, lists), cwd=folder)


def _missing(package: str, lists: tuple[str, ...] = _LISTS_OF_MACHINE) -> list[str]:
    """Return the names of the packages that an installation would fetch."""
    wanted = ("--print-uris", "-y", "-q", "--no-install-recommends", "install", package)
    lines = _run("apt-get", *lists, *wanted).splitlines()
    # 'https://…' NAME_VERSION_ARCHITECTURE.deb SIZE HASH
    return [line.split()[1].partition("_")[0] for line in lines if line.startswith("'")]


def _run(*command: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - commands of this file
            command, check=True, cwd=cwd, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise NotHadError(f"{command[0]}: {said[-1] if said else 'no reason given'}") from error
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(prog="python scripts/debian.py", description=__doc__)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=", ".join(PACKAGES))
    programs = parser.parse_args().programs or list(PACKAGES)
    if unknown := set(programs) - set(PACKAGES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(PACKAGES)}")
    for program in programs:
        try:
            said = str(bring(program))
        except NotHadError as error:
            said = f"{error}; tests that need it are skipped"
        sys.stdout.write(f"{program}: {said}\n")


if __name__ == "__main__":
    main()
