import pytest

from dlq_admin.app import build
from dlq_admin.settings import DlqAdminSettings
from docyard_common.settings import AuthSettings


async def test_the_service_is_put_together_without_touching_a_server() -> None:
    auth = AuthSettings.model_validate({"secret": "s" * 32})

    paths = build(DlqAdminSettings(auth=auth)).openapi()["paths"]

    assert {
        "/api/v1/dlq/groups",
        "/api/v1/dlq/entries/{entry_id}",
        "/api/v1/dlq/replays/{replay_id}/items",
        "/api/v1/dlq/stats",
        "/api/v1/dlq/export",
        "/api/v1/dlq/audit",
        "/api/v1/stages/{stage}/resume",
        "/error-handling/failed-tasks/{task_id}",
        "/error-handling/retry-tasks",
    } <= set(paths)


async def test_a_service_without_a_key_to_check_tokens_does_not_start() -> None:
    with pytest.raises(ValueError, match="AUTH__SECRET"):
        build(DlqAdminSettings(auth=AuthSettings()))
