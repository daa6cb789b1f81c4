"""Fields of an upload: what they may say, and what becomes of file names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docyard_common.events.stages import Priority
from ingest.errors import FieldInvalidError
from ingest.uploads.fields import UploadFields, clean_filename


def test_fields_that_do_not_come_have_defaults() -> None:
    assert UploadFields() == UploadFields(Priority.NORMAL, {}, {})


def test_fields_are_read() -> None:
    fields = UploadFields()
    fields.take("priority", " HIGH ")
    fields.take("metadata", '{"customer": "4711", "tags": ["a", 1, null, 1.5, true]}')
    fields.take("processing_options", "")

    assert fields.priority is Priority.HIGH
    assert fields.metadata == {"customer": "4711", "tags": ["a", 1, None, 1.5, True]}
    assert fields.options == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("priority", "urgent"),
        ("priority", ""),
        ("metadata", "{"),
        ("metadata", "[1]"),
        ("metadata", '"text"'),
        ("metadata", '{"a": NaN}'),
        ("metadata", '{"a": 1e999}'),
        ("metadata", '{"a": "\\u0000"}'),
        ("metadata", '{"\\u0000": 1}'),
        ("metadata", '{"a": "\\ud800"}'),
        ("metadata", '{"a":' * 40 + "1" + "}" * 40),
        ("processing_options", "[" * 5000),
    ],
)
def test_what_can_not_be_stored_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(FieldInvalidError) as refused:
        UploadFields().take(name, value)
    assert refused.value.field == name


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("report.pdf", "report.pdf"),
        ("C:\\Users\\me\\report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\x00b\r\n.txt", "ab.txt"),
        ("re\u0301sume\u0301.txt", "résumé.txt"),
        ("  .hidden.txt ", ".hidden.txt"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_file_names_are_cleaned(raw: str, clean: str) -> None:
    assert clean_filename(raw) == clean


@pytest.mark.parametrize("raw", ["", "/", "..", "a/", "\x00", " . "])
def test_file_names_of_nothing_are_refused(raw: str) -> None:
    with pytest.raises(FieldInvalidError):
        clean_filename(raw)


@given(st.text())
def test_clean_names_are_short_printable_and_have_no_folder(raw: str) -> None:
    try:
        name = clean_filename(raw)
    except FieldInvalidError:
        return
    assert 0 < len(name) <= 255
    assert name.isprintable()
    assert "/" not in name
    assert "\\" not in name
