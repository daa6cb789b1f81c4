"""What a kernel may refuse, and what stands all the same."""

from pathlib import Path

import pytest

from processor.sandbox import hardening


class _Kernel:
    """Allows an empty network only together with a namespace of users."""

    def unshare(self, flags: int) -> int:
        return 0 if flags & 0x1000_0000 else -1


def test_a_network_is_left_where_the_kernel_refuses_the_map_of_ids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Path] = []

    def refuse(path: Path, _text: str) -> int:
        asked.append(path)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(hardening, "_libc", _Kernel())
    monkeypatch.setattr(Path, "write_text", refuse)

    assert hardening.leave_network()
    assert asked


def test_ids_are_told_missing_where_there_is_no_map(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hardening.has_ids()

    monkeypatch.setattr(Path, "read_text", lambda _path: "")

    assert not hardening.has_ids()
