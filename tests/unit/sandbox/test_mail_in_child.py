"""What a mail needs of the machine is there, though its child may open nothing of it."""

from email.message import EmailMessage
from pathlib import Path

from tests.unit.extraction.reading import task_for
from tests.unit.sandbox.conftest import REPOSITORY, ignore

from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Extracted


async def test_an_attachment_without_a_name_is_named_by_the_machines_table_of_types(
    tmp_path: Path,
) -> None:
    types = tmp_path / "mime.types"
    types.write_text("application/x-crate crate\n")
    mail = EmailMessage()
    mail.set_content("See the crate.")
    mail.add_attachment(b"oak", maintype="application", subtype="x-crate")
    nursery = Nursery(
        stages="tests.unit.sandbox.typed",
        environment={"PYTHONPATH": str(REPOSITORY), "TEST_MEDIA_TYPES": str(types)},
    )
    sandbox = Sandbox(SandboxLimits(), nursery=nursery)
    try:
        async with nursery.lend_folder() as folder:
            path = folder / "letter.eml"
            path.write_bytes(mail.as_bytes())
            result = await sandbox.run(task_for(path), on_progress=ignore)
    finally:
        await sandbox.close()
        await nursery.close()

    assert isinstance(result, Extracted)
    assert result.metadata["attachments"] == ["part-1.crate"]
