"""The memory of a process is that of its control group, where that has a limit."""

from pathlib import Path

import psutil

from processor.machine import memory_bytes


def test_the_smallest_limit_holds(tmp_path: Path) -> None:
    physical = psutil.virtual_memory().total
    limited, unlimited, missing = tmp_path / "max", tmp_path / "none", tmp_path / "missing"
    limited.write_text("536870912\n")
    unlimited.write_text("max\n")

    assert memory_bytes((limited, unlimited)) == 512 * 1024 * 1024
    assert memory_bytes((unlimited, missing)) == physical
