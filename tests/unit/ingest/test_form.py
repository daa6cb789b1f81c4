"""The form reader: whatever way the body is cut, the same events; whatever is wrong, its code."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import (
    FieldInvalidError,
    MultipartInvalidError,
    RefusedError,
    UnknownFieldError,
)
from ingest.uploads.form import FileOpened, FormReader, TextField, boundary_of

BOUNDARY = "----docyard"
FIELDS = {"priority": 16, "metadata": 64}


def field(name: str, value: bytes) -> bytes:
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + value
        + b"\r\n"
    )


def file(data: bytes, filename: str = "a.txt", content_type: str = "text/plain") -> bytes:
    return (
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"'
            f"\r\nContent-Type: {content_type}\r\n\r\n"
        ).encode()
        + data
        + b"\r\n"
    )


END = f"--{BOUNDARY}--\r\n".encode()


def read(chunks: Iterable[bytes]) -> tuple[list[object], bytes]:
    """Return the events without the file's pieces, and those pieces joined."""
    reader = FormReader(BOUNDARY, fields=FIELDS)
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    reader.close()
    data = b"".join(event for event in events if isinstance(event, bytes))
    return [event for event in events if not isinstance(event, bytes)], data


def cut(body: bytes, places: Iterable[int]) -> Iterator[bytes]:
    marks = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return (body[start:end] for start, end in pairwise(marks))


def test_fields_may_come_before_and_after_the_file() -> None:
    body = field("priority", b"high") + file(b"hello") + field("metadata", b"{}") + END

    events, data = read([body])

    assert events == [
        TextField("priority", "high"),
        FileOpened("a.txt", "text/plain"),
        TextField("metadata", "{}"),
    ]
    assert data == b"hello"


@given(
    data=st.binary(max_size=300).map(lambda b: b.replace(b"x", b"\r\n--")),
    places=st.lists(st.integers(min_value=0), max_size=12),
)
def test_where_the_body_is_cut_changes_nothing(data: bytes, places: list[int]) -> None:
    if f"\r\n--{BOUNDARY}".encode() in b"\r\n" + data:
        return
    body = field("priority", b"low") + file(data) + END

    assert read(cut(body, places)) == read([body])
    assert read([body])[1] == data


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail_in_an_unforeseen_way(noise: bytes) -> None:
    reader = FormReader(BOUNDARY, fields=FIELDS)
    try:
        list(reader.feed(noise))
        list(reader.feed(f"--{BOUNDARY}\r\n".encode() + noise))
        reader.close()
    except RefusedError:
        pass


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (field("colour", b"red") + END, UnknownFieldError),
        (field("priority", b"x" * 17) + END, FieldInvalidError),
        (field("priority", b"low") * 2 + END, FieldInvalidError),
        (file(b"a") + file(b"b") + END, FieldInvalidError),
        (field("metadata", b"\xff\xfe") + END, FieldInvalidError),
        (field("file", b"no name") + END, FieldInvalidError),
        (file(b"hello"), MultipartInvalidError),
        (b"", MultipartInvalidError),
        (b"not a form at all", MultipartInvalidError),
        (f"--{BOUNDARY}\r\nX-Nothing: 1\r\n\r\nvalue\r\n".encode() + END, MultipartInvalidError),
        (f"--{BOUNDARY}\r\n".encode() + b"x" * 9000, MultipartInvalidError),
        (b"".join(field(f"f{n}", b"") for n in range(40)) + END, UnknownFieldError),
    ],
)
def test_what_is_wrong_is_named(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read([body] if body else [])


def test_the_boundary_is_read_from_the_content_type() -> None:
    assert boundary_of('multipart/form-data; boundary="a b"') == "a b"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/mixed; boundary=a",
        f"multipart/form-data; boundary={'x' * 300}",
        "multipart/form-data; boundary=ü",
    ],
)
def test_a_body_that_is_no_form_is_refused(content_type: str) -> None:
    with pytest.raises(MultipartInvalidError):
        boundary_of(content_type)
