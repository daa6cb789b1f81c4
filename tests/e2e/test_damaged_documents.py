"""Damaged documents through every door and stage: each ends, and leaves nobody behind.

Twenty in the suite; five hundred (DOCYARD_FUZZ_STACK_CASES) by `make fuzz-stack`, real documents
of the corpus among them where it is there.
"""

import asyncio
import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from tests.e2e import watching
from tests.e2e.conftest import Person, Stack
from tests.fuzz.mutations import damaged
from tests.fuzz.test_damaged_documents import originals

from docyard import ApiError, AsyncClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(7_000)]

CASES: Final = int(os.environ.get("DOCYARD_FUZZ_STACK_CASES", "20"))
SEED: Final = 20_261_126
AT_ONCE: Final = 8
FLAT_MIB: Final = 96
SLOTS: Final = 16
ENDS: Final = ("completed", "failed")
WAIT_S: Final = 1_800


class Fuzzing:
    """One person with many damaged documents."""

    def __init__(self, client: AsyncClient, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._originals = originals(folder / "originals", real=CASES > 20)
        self._cases = iter(range(CASES))
        self.accepted: dict[str, str] = {}  # the case of each document
        self.refused: Counter[str] = Counter()

    async def upload(self) -> None:
        for number in self._cases:
            dice = random.Random(SEED + number)
            original = dice.choice(self._originals)
            path = self._folder / f"{number}-{original.name}"
            path.write_bytes(damaged(original.read_bytes(), dice))
            try:
                accepted = await self._client.upload(path)
            except ApiError as error:
                self.refused[f"{error.status} {error.code}"] += 1
            else:
                self.accepted[accepted.document_id] = path.name


async def test_damaged_documents_end_and_leave_no_service_larger(
    person: Person, stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = watching.resident(stack.data)
    async with person.client() as client:
        fuzzing = Fuzzing(client, tmp_path)
        await asyncio.gather(*(fuzzing.upload() for _ in range(AT_ONCE)))
        await client.wait(list(fuzzing.accepted), timeout_s=WAIT_S)
        ends = {one: await client.documents.get(one) for one in fuzzing.accepted}

    grown = watching.resident(stack.data).grown_mib(before)
    counted = Counter(end.error.code if end.error else str(end.state) for end in ends.values())
    with capsys.disabled():
        told = f"{dict(counted)}, refused {dict(fuzzing.refused)}, grown by MiB {grown}"
        sys.stdout.write(f"\n{CASES} damaged documents: {told}\n")
    assert [told for told in fuzzing.refused if not told.startswith("4")] == []
    assert [name for one, name in fuzzing.accepted.items() if ends[one].state not in ENDS] == []
    unforeseen = [
        f"{fuzzing.accepted[one]}: {end.error}"
        for one, end in ends.items()
        if end.error and end.error.code == "unforeseen_error"
    ]
    assert unforeseen == []
    assert {name: mib for name, mib in grown.items() if mib > FLAT_MIB} == {}
    await watching.no_helper_left(stack.data)
    assert watching.children(stack.data) <= SLOTS
