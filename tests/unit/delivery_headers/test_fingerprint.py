import pytest

from docyard_common.delivery.fingerprint import fingerprint, normalised, top_frame

PYTHON_STACK = """Traceback (most recent call last):
  File "/opt/venv/site-packages/processor/extraction/pdf.py", line {line}, in read_page
    page = document[number]
  File "/usr/lib/python3.11/site-packages/pypdfium2/document.py", line 12, in __getitem__
    raise PdfiumError
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("page 7 of 9", "page 1200 of 1300"),
        ("no '/home/a/x.pdf'", "no '/srv/b/y.pdf'"),
        (
            "document 0190f5c2-0000-7000-8000-000000000001 is gone",
            "document 0190f5c2-ffff-7000-8000-000000000002 is gone",
        ),
        ("cannot reach db-1.internal:5432", "cannot reach 10.0.0.7:5433"),
        ("Bad  object\nat 0x7f3a", "bad object at 0x1b2c"),
        ("open /tmp/a/b failed", "open /var/c failed"),
    ],
)
def test_what_changes_from_one_occurrence_to_the_next_is_ignored(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


def test_different_failures_stay_different() -> None:
    assert normalised("page is empty") != normalised("page is damaged")


def test_the_innermost_frame_of_our_own_code_counts_without_its_line() -> None:
    assert top_frame(PYTHON_STACK.format(line=3)) == "extraction/pdf.py:read_page"


def test_foreign_stacks_count_too() -> None:
    assert top_frame("java.lang.E: x\n\tat a.b.C.run(C.java:3)\n\tat d.E.f(E.java)") == "a.b.C.run"
    assert top_frame("") == ""


def test_one_cause_has_one_fingerprint_over_documents_and_releases() -> None:
    def of(line: int, message: str) -> str:
        return fingerprint(
            stage="extract",
            reason="unreadable_document",
            class_name="PdfiumError",
            message=message,
            stack=PYTHON_STACK.format(line=line),
        )

    assert of(3, "page 7 is damaged") == of(5, "page 8 is damaged")
    assert of(3, "page 7 is damaged") != of(3, "page 7 is encrypted")
