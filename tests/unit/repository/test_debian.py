"""Programs that tests use where they are installed are brought, or it is said that they are not."""

from pathlib import Path

import pytest
from scripts import debian


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    monkeypatch.setattr("sys.argv", ["debian.py", *programs])
    debian.main()


def test_what_the_machine_has_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = executable(tmp_path / "tesseract")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(debian, "_ENVIRONMENT", tmp_path / "environment")

    assert debian.bring("tesseract") == installed
    assert not (tmp_path / "environment").exists()


def test_without_debian_a_line_says_what_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(debian, "_ENVIRONMENT", tmp_path)

    run(monkeypatch)

    told = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in told] == ["tesseract", "redis-server"]
    assert all("no Debian" in line and "skipped" in line for line in told)


def test_a_package_server_that_is_away_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("apt-get", "dpkg-deb"):
        executable(tmp_path / "bin" / name).write_text("#!/bin/sh\necho no route >&2; exit 100\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setattr(debian, "_ENVIRONMENT", tmp_path)
    monkeypatch.setattr("shutil.which", {"apt-get": "1", "dpkg-deb": "1"}.get)

    run(monkeypatch, "tesseract")

    assert "no route; tests that need it are skipped" in capsys.readouterr().out
    assert list((tmp_path / "debian").iterdir()) == []
    assert not (tmp_path / "bin" / "tesseract").exists()


def test_a_program_that_nobody_knows_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "gimp")

    assert ended.value.code == 2
    assert "known: tesseract, redis-server" in capsys.readouterr().err
