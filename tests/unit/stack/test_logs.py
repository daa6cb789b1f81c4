"""Reading the parts' logs onwards."""

import json
from pathlib import Path

import pytest

from docyard_stack import processes
from docyard_stack.logs import LogFile, LogLine, last_words


def test_the_last_lines_come_first_then_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "kafka.log"
    path.write_text("one\ntwo\nthree\n")
    log = LogFile(path)

    assert [line.text for line in log.last(2)] == ["two", "three"]
    with path.open("a") as file:
        file.write("four\n")
    assert [line.text for line in log.onwards()] == ["four"]


def test_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "kafka.log"
    path.write_bytes(b"half \xe2")
    log = LogFile(path)

    assert list(log.onwards()) == []
    with path.open("ab") as file:
        file.write(b"\x82\xac\n")
    assert [line.text for line in log.onwards()] == ["half €"]


def test_a_log_that_was_set_aside_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "kafka.log"
    path.write_text("a long first line\n")
    log = LogFile(path)
    log.last(1)

    path.write_text("new\n")

    assert [line.text for line in log.onwards()] == ["new"]


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert LogFile(tmp_path / "none.log").last(5) == []


def test_a_line_of_json_keeps_its_fields() -> None:
    line = LogLine.of("ingest", '{"event": "started"}')

    assert json.loads(line.as_json()) == {"part": "ingest", "fields": {"event": "started"}}


def test_a_line_that_only_looks_like_json_is_text() -> None:
    line = LogLine.of("kafka", "{not json")

    assert json.loads(line.as_json()) == {"part": "kafka", "text": "{not json"}


def test_a_person_reads_time_level_and_event_first() -> None:
    written = {"event": "started", "port": 80, "service": "ingest", "level": "info", "ts": "10:00"}
    line = LogLine.of("ingest", json.dumps(written))

    assert line.as_text() == "10:00 info started port=80"


def test_the_last_words_of_a_log_of_any_size_are_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "kafka.log"
    with path.open("wb") as file:
        file.truncate(2**40)  # a hole: nobody reads all of it
        file.seek(2**40)
        file.write(b"\nout of memory\n\n")

    assert last_words(path) == "out of memory"
    assert last_words(tmp_path / "none.log") == ""


def test_a_log_that_grows_too_large_is_set_aside_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_LOG_MAX_BYTES", 10)
    path = tmp_path / "kafka.log"
    with processes.open_log(path) as writer:
        writer.write(b"0123456789")
        writer.flush()
        processes.bound_log(path)
        assert path.read_bytes() == b"0123456789"

        writer.write(b"x")
        writer.flush()
        processes.bound_log(path)
        writer.write(b"next")

    assert path.read_bytes() == b"next"
    assert (tmp_path / "kafka.1.log").read_bytes() == b"0123456789x"
