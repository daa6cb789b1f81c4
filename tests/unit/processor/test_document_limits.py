"""What one document may unfold into is what the settings say."""

from processor.app.limits import document_limits
from processor.settings import ChildSettings, ContainerSettings, ProcessorSettings
from processor.stages.task import DocumentLimits


def test_limits_come_from_the_settings_of_children_and_containers() -> None:
    settings = ProcessorSettings().model_copy(
        update={
            "child": ChildSettings(max_pages=7, max_pixels=8, max_characters=9, ocr_seconds=1.5),
            "containers": ContainerSettings(max_members=3),
        }
    )

    limits = document_limits(settings)

    assert (limits.max_pages, limits.max_pixels, limits.max_characters) == (7, 8, 9)
    assert (limits.ocr_seconds, limits.max_members) == (1.5, 3)
    assert document_limits(ProcessorSettings()) == DocumentLimits()
