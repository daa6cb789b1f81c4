"""What the manual shows runs as it stands there."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.conftest import Person

from docyard_stack import samples

pytestmark = pytest.mark.e2e

MANUAL = Path(__file__).parents[2] / "docs" / "python.md"
LIMIT_S = 120


def programs() -> list[str]:
    return [part.partition("```")[0] for part in MANUAL.read_text().split("```python\n")[1:]]


@pytest.mark.parametrize("program", programs())
def test_a_program_of_the_manual_runs(person: Person, tmp_path: Path, program: str) -> None:
    samples.pdf(tmp_path / "report.pdf", pages=2, seed=51)
    (tmp_path / "report.exe").write_bytes(b"MZ")
    (tmp_path / "papers").mkdir()
    samples.pdf(tmp_path / "papers" / "a.pdf", pages=1, seed=52)

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=person.environment(),
        capture_output=True,
        check=False,
        text=True,
        timeout=LIMIT_S,
    )

    assert done.returncode == 0, done.stderr
    assert "completed" in done.stdout
