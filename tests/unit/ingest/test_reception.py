"""A reception judges the file by its first bytes, before anything is stored."""

import pytest

from docyard_common.media_types import (
    EmptyFileError,
    MediaType,
    TypeMismatchError,
    UnsupportedTypeError,
)
from ingest.errors import FieldInvalidError, FileMissingError, FileTooLargeError
from ingest.uploads.form import FileOpened, FormEvent, TextField
from ingest.uploads.reception import ReceivedFile, Reception
from ingest.uploads.transfer import HashOnly, Sink


class Sinks:
    """Opens sinks and remembers for what."""

    def __init__(self) -> None:
        self.opened: list[MediaType] = []

    def open(self, kind: MediaType) -> Sink:
        self.opened.append(kind)
        return HashOnly()


async def receive(*events: FormEvent, sinks: Sinks | None = None, most: int = 1000) -> ReceivedFile:
    reception = Reception(open_sink=(sinks or Sinks()).open, max_file_bytes=most)
    for event in events:
        await reception.take(event)
    return await reception.finish()


async def test_a_file_is_received_with_its_fields() -> None:
    received = await receive(
        TextField("priority", "high"), FileOpened("a.txt", None), b"hel", b"lo"
    )

    assert received.filename == "a.txt"
    assert received.content_type is MediaType.TEXT
    assert received.stored.size_bytes == 5
    assert received.fields.priority == "high"


@pytest.mark.parametrize(
    ("name", "declared", "data", "error"),
    [
        ("a.txt", None, b"", EmptyFileError),
        ("a.exe", None, b"MZ", UnsupportedTypeError),
        ("a.pdf", None, b"\x89PNG\r\n\x1a\n", TypeMismatchError),
        ("a.txt", "image/png", b"hello", TypeMismatchError),
    ],
)
async def test_a_refused_file_opens_no_sink(
    name: str, declared: str | None, data: bytes, error: type[Exception]
) -> None:
    sinks = Sinks()

    with pytest.raises(error):
        await receive(FileOpened(name, declared), *([data] if data else []), sinks=sinks)

    assert sinks.opened == []


async def test_the_type_is_judged_as_soon_as_the_head_is_there() -> None:
    reception = Reception(open_sink=Sinks().open, max_file_bytes=10**6)
    await reception.take(FileOpened("a.pdf", None))

    with pytest.raises(TypeMismatchError):
        await reception.take(b"\x00" * 9000)


async def test_a_file_of_exactly_the_limit_passes_and_one_more_byte_does_not() -> None:
    received = await receive(FileOpened("a.txt", None), b"x" * 10, most=10)
    assert received.stored.size_bytes == 10

    with pytest.raises(FileTooLargeError):
        await receive(FileOpened("a.txt", None), b"x" * 10, b"x", most=10)


async def test_a_form_without_a_file_is_refused() -> None:
    with pytest.raises(FileMissingError):
        await receive(TextField("priority", "low"))


async def test_a_bad_field_behind_the_file_is_refused() -> None:
    with pytest.raises(FieldInvalidError):
        await receive(FileOpened("a.txt", None), b"x", TextField("metadata", "{"))


async def test_equal_uploads_have_equal_fingerprints_whatever_the_order_of_keys() -> None:
    first = await receive(
        FileOpened("a.txt", None), b"x", TextField("metadata", '{"a": {"x": 1, "y": 2}, "b": 3}')
    )
    second = await receive(
        TextField("metadata", '{"b": 3, "a": {"y": 2, "x": 1}}'), FileOpened("a.txt", None), b"x"
    )

    assert first.fingerprint({}) == second.fingerprint({})


@pytest.mark.parametrize(
    "other",
    [
        [FileOpened("b.txt", None), b"x"],
        [FileOpened("a.txt", None), b"y"],
        [FileOpened("a.txt", None), b"x", TextField("priority", "low")],
        [FileOpened("a.txt", None), b"x", TextField("metadata", '{"a": 1}')],
        [FileOpened("a.txt", None), b"x", TextField("processing_options", '{"ocr": true}')],
    ],
)
async def test_other_uploads_have_other_fingerprints(other: list[FormEvent]) -> None:
    first = await receive(FileOpened("a.txt", None), b"x")

    assert (await receive(*other)).fingerprint({}) != first.fingerprint({})
