"""What one document may unfold into is what the settings say."""

from processor.app.limits import document_limits, run_limit_s, sandbox_limits
from processor.settings import ChildSettings, ContainerSettings, ProcessorSettings, RemoteSettings
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


def test_a_run_hangs_only_after_whatever_bulky_work_and_slow_servers_may_take() -> None:
    settings = ProcessorSettings().model_copy(
        update={"child": ChildSettings(total_s=100), "extractor": RemoteSettings(timeout_s=7_200)}
    )

    assert run_limit_s(settings) > 5 * 100 + 7_200 + 600
    assert run_limit_s(settings) < 4 * 3_600


def test_a_child_that_may_take_hours_may_compute_for_as_long() -> None:
    assert sandbox_limits(ChildSettings(total_s=7_200.5)).cpu_s == 7_201
    assert sandbox_limits(ChildSettings(total_s=0.5)).cpu_s == 1
