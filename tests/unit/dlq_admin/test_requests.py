from typing import Any

import pytest
from pydantic import ValidationError

from dlq_admin.api.requests import ReplayRequest
from docyard_common.ids import uuid7

ONE, OTHER = str(uuid7()), str(uuid7())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"entry_ids": []},
        {"entry_ids": [ONE], "group": "f", "reason": "fixed"},
        {"entry_ids": [ONE, OTHER]},
        {"entry_ids": [ONE, OTHER], "reason": "  "},
        {"group": "f"},
        {"group": "f", "reason": "a\0b"},
        {"filter": {}, "reason": "fixed"},
        {"filter": {"colour": "red"}, "reason": "fixed"},
        {"entry_ids": [ONE], "rate_per_s": 0},
        {"entry_ids": [ONE], "max": 0},
        {"entry_ids": [ONE], "unknown": 1},
    ],
)
def test_an_order_that_is_not_clear_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReplayRequest.model_validate(body)


@pytest.mark.parametrize(
    "body",
    [
        {"entry_ids": [ONE]},
        {"entry_ids": [ONE, OTHER], "reason": "fixed"},
        {"group": "f", "dry_run": True},
        {"filter": {"stage": "extract"}, "reason": "fixed"},
        {"filter": {"fingerprint": "f", "state": ["parked"]}, "reason": "fixed"},
    ],
)
def test_a_clear_order_is_taken(body: dict[str, Any]) -> None:
    assert ReplayRequest.model_validate(body).selection().described


def test_an_id_named_twice_is_meant_once() -> None:
    request = ReplayRequest.model_validate({"entry_ids": [ONE, ONE], "reason": "fixed"})

    assert len(request.selection().entry_ids) == 1
