"""One environment may serve all services: `docyard up` gives each of them the same."""

from itertools import combinations

import pytest

from dlq_admin.settings import DlqAdminSettings
from docyard_common.settings import ServiceSettings
from ingest.settings import IngestSettings
from notifier.settings import NotifierSettings
from processor.settings import ProcessorSettings

SERVICES: list[type[ServiceSettings]] = [
    IngestSettings,
    ProcessorSettings,
    NotifierSettings,
    DlqAdminSettings,
]


@pytest.mark.parametrize(("one", "other"), [*combinations(SERVICES, 2)])
def test_groups_of_one_name_are_the_same(
    one: type[ServiceSettings], other: type[ServiceSettings]
) -> None:
    """Else what one service is told would keep the other from starting."""
    shared = one.model_fields.keys() & other.model_fields.keys()

    different = {
        name
        for name in shared
        if one.model_fields[name].annotation is not other.model_fields[name].annotation
    }

    assert different == set()
