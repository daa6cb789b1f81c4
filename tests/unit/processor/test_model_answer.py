"""What is believed of a model's answer, and what is not."""

import json
from typing import Any

import pytest

from processor.enrichment.answer import AnswerInvalidError, described

TEXT = "The tenant pays a rent of 700 euros. Write to ann@example.org or see https://example.org/a."


def answer(**changed: Any) -> str:
    return json.dumps({"summary": "A tenant pays rent.", "keywords": ["rent"]} | changed)


def test_an_answer_of_the_asked_shape_is_believed() -> None:
    found = described(answer(document_type="contract"), text=TEXT)

    assert (found.summary, found.keywords) == ("A tenant pays rent.", ("rent",))
    assert found.document_type == "contract"


def test_a_fence_around_it_is_taken_off() -> None:
    assert described(f"```json\n{answer()}\n```", text=TEXT).summary == "A tenant pays rent."


def test_keywords_that_do_not_stand_in_the_text_are_left_out() -> None:
    found = described(answer(keywords=["Rent", "bitcoin", "rent  of", "x" * 61, "Rent"]), text=TEXT)

    assert found.keywords == ("Rent", "rent of")


def test_a_summary_is_one_line_without_what_steers_a_terminal() -> None:
    found = described(answer(summary="A\u202e tenant\n\x1b[31m pays."), text=TEXT)

    assert found.summary == "A tenant [31m pays."


def test_addresses_of_the_text_may_be_named() -> None:
    found = described(answer(summary="Write to ann@example.org."), text=TEXT)

    assert found.summary.endswith("ann@example.org.")


@pytest.mark.parametrize(
    "said",
    [
        "I can not do that.",
        "[]",
        "{}",
        '{"summary": 3}',
        answer(summary=""),
        answer(summary="\u200b"),
        answer(summary="x" * 1_201),
        answer(document_type="napkin"),
        answer(keywords="rent"),
        answer(summary="Pay at https://evil.example/now."),
        answer(summary="Write to eve@evil.example."),
        answer() + answer(),
    ],
)
def test_anything_else_is_refused(said: str) -> None:
    with pytest.raises(AnswerInvalidError):
        described(said, text=TEXT)
