"""What other packages know of this machine: the stack that runs on it comes with `docyard-stack`.

An entry of the group `docyard.checks` is a function from the folder of the local stack to
findings; none where there is nothing of its own to look at.
"""

from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from docyard.diagnosis.finding import Finding, failed

GROUP: Final = "docyard.checks"


def local(data: Path) -> list[Finding]:
    """Run every check of this machine; one that breaks is a finding itself."""
    found: list[Finding] = []
    for entry in entry_points(group=GROUP):
        try:
            found += entry.load()(data)
        except Exception as error:  # noqa: BLE001 - the doctor must not be the patient
            advice = "Please report it: this is a defect."
            found.append(failed(entry.name, f"the check broke: {error!r}", advice))
    return found
