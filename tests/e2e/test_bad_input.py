"""Everything that is wrong is refused with its code and a sentence, and leaves nothing behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.e2e.conftest import Person, Stack

from docyard_stack.folder import StackFolder

pytestmark = pytest.mark.e2e

UPLOAD = "/api/v1/documents/upload/simple"
TEXT = ("a.txt", b"some words", "text/plain")
BOUNDARY = "b0undary"
MIB = 1024 * 1024
ANSWER_LIMIT_S = 30

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


@dataclass(frozen=True)
class Case:
    """A form, and what it is refused with."""

    name: str
    status: int
    code: str
    file: tuple[str, bytes, str] | None = TEXT
    fields: dict[str, str] = field(default_factory=dict)


CASES = [
    Case("empty file", 422, "EMPTY_FILE", ("a.txt", b"", "text/plain")),
    Case("unknown extension", 415, "UNSUPPORTED_TYPE", ("a.exe", b"MZ words", "text/plain")),
    Case("no extension", 415, "UNSUPPORTED_TYPE", ("words", b"\x00\x01\x02", "")),
    Case("wrong extension", 422, "TYPE_MISMATCH", ("a.png", b"%PDF-1.7\n%words", "image/png")),
    Case("wrong declared type", 422, "TYPE_MISMATCH", ("a.pdf", b"%PDF-1.7\n", "image/png")),
    Case("no file", 422, "FILE_MISSING", None, {"priority": "high"}),
    Case("unknown field", 422, "UNKNOWN_FIELD", TEXT, {"colour": "red"}),
    Case("unknown priority", 422, "FIELD_INVALID", TEXT, {"priority": "highest"}),
    Case("metadata that is no JSON", 422, "FIELD_INVALID", TEXT, {"metadata": "{words"}),
    Case("metadata that is no object", 422, "FIELD_INVALID", TEXT, {"metadata": "[1]"}),
    Case("huge metadata", 422, "FIELD_INVALID", TEXT, {"metadata": json.dumps({"a": "b" * MIB})}),
]


async def check_refused(person: Person, answer: httpx.Response, *, status: int, code: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["detail"].endswith(".")
    assert problem["trace_id"]
    assert "Traceback" not in answer.text
    await check_nothing_is_stored(person)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_form_that_is_wrong(person: Person, case: Case) -> None:
    files = {"file": case.file} if case.file else {"": ("", b"", "")}
    if case.file is None:
        # Without a file httpx would not send a form of parts.
        body = _part("priority", b"high") + f"--{BOUNDARY}--\r\n".encode()
        answer = await _post(person, body)
    else:
        async with person.http() as http:
            answer = await http.post(UPLOAD, data=case.fields, files=files)

    await check_refused(person, answer, status=case.status, code=case.code)


def _part(name: str, content: bytes, *, filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + content + b"\r\n"


async def _post(person: Person, body: bytes | AsyncIterator[bytes]) -> httpx.Response:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    async with person.http() as http:
        return await http.post(UPLOAD, content=body, headers=headers)


FILE = _part("file", b"words", filename="a.txt")
END = f"--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MULTIPART_INVALID"),
        (b"words", "MULTIPART_INVALID"),
        (FILE, "MULTIPART_INVALID"),
        (FILE[:-4], "MULTIPART_INVALID"),
        (f"--{BOUNDARY}\r\nwords: \r\n".encode(), "MULTIPART_INVALID"),
        (END, "FILE_MISSING"),
        (FILE + FILE + END, "FIELD_INVALID"),
    ],
    ids=["nothing", "no parts", "no end", "cut file", "broken head", "no fields", "two files"],
)
async def test_a_body_that_is_broken(person: Person, body: bytes, code: str) -> None:
    answer = await _post(person, body)

    await check_refused(person, answer, status=answer.status_code, code=code)
    assert answer.status_code in {400, 422}


async def test_a_body_that_is_no_form(person: Person) -> None:
    async with person.http() as http:
        answer = await http.post(UPLOAD, json={"file": "words"})

    await check_refused(person, answer, status=400, code="MULTIPART_INVALID")


async def _words(size_mib: int) -> AsyncIterator[bytes]:
    yield FILE[:-2]
    for _ in range(size_mib):
        yield b"wordwort" * (MIB // 8)
    yield b"\r\n" + END


@asynccontextmanager
async def _announced(person: Person, *, length: int) -> AsyncIterator[tuple[Reader, Writer]]:
    """A connection on which a form of *length* bytes is announced, and begun."""
    where = urlsplit(person.endpoints.ingest)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = (
        f"POST {UPLOAD} HTTP/1.1\r\nHost: {where.netloc}\r\n"
        f"Authorization: Bearer {person.token}\r\nContent-Length: {length}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    )
    writer.write(head.encode() + FILE[:-2])
    await writer.drain()
    yield reader, writer
    writer.close()
    await writer.wait_closed()


async def check_nothing_is_stored(person: Person) -> None:
    async with person.http() as http:
        stats = (await http.get("/api/v1/documents/stats")).json()
    assert (stats["total"], stats["size_bytes"]) == (0, 0)


async def status_of(reader: Reader) -> int:
    line = await asyncio.wait_for(reader.readline(), ANSWER_LIMIT_S)
    return int(line.split()[1])


async def test_a_file_that_says_it_is_too_large_is_refused_before_it_is_sent(
    person: Person,
) -> None:
    async with _announced(person, length=1000 * MIB) as (reader, _):
        assert await status_of(reader) == 413

    await check_nothing_is_stored(person)


async def test_a_file_that_is_too_large_without_saying_so(person: Person) -> None:
    answer = await _post(person, _words(110))

    await check_refused(person, answer, status=413, code="FILE_TOO_LARGE")


async def test_memory_stays_flat_while_large_files_are_refused(
    person: Person, stack: Stack
) -> None:
    record = StackFolder(stack.data).load()
    assert record
    process = record.parts["ingest"].process
    assert process
    before = peak_since_now(process.pid)

    answers = await asyncio.gather(*(_post(person, _words(300)) for _ in range(4)))

    assert {answer.status_code for answer in answers} == {413}
    assert peak(process.pid) - before < 200 * MIB


def peak_since_now(pid: int) -> int:
    """Let the peak of a process's memory begin anew; return the bytes that it has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak(pid)


def peak(pid: int) -> int:
    """Return the most bytes that a process has had at once."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(person: Person) -> None:
    async with _announced(person, length=MIB):
        pass

    await check_nothing_is_stored(person)


async def test_a_length_that_promises_less_than_comes_is_cut_and_refused(person: Person) -> None:
    async with _announced(person, length=40) as (reader, _):
        assert await status_of(reader) == 400

    await check_nothing_is_stored(person)
