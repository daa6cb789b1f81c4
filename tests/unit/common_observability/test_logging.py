"""A log line is one JSON object with the event, its fields, and what is bound around it."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from docyard_common.observability import logging as logs
from docyard_common.observability import tracing
from docyard_common.settings import LogSettings


@pytest.fixture
def stdout(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stdout", written)
    logs.configure("ingest", LogSettings())
    yield written
    logging.captureWarnings(capture=False)
    root.handlers, root.level = handlers, level


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_an_event_has_its_fields_service_and_time(stdout: io.StringIO) -> None:
    logging.getLogger("ingest.uploads").info("upload.stored", extra={"size_bytes": 5})

    (line,) = lines(stdout)
    assert line.pop("ts").endswith("Z")
    assert line == {
        "event": "upload.stored",
        "level": "info",
        "logger": "ingest.uploads",
        "service": "ingest",
        "size_bytes": 5,
    }


def test_what_is_bound_is_in_every_line_until_the_block_ends(stdout: io.StringIO) -> None:
    logger = logging.getLogger("x")
    with logs.bind(document_id="d", offset=7):
        logger.info("inside")
    logger.info("outside")

    inside, outside = lines(stdout)
    assert (inside["document_id"], inside["offset"]) == ("d", 7)
    assert "document_id" not in outside


def test_the_trace_is_in_the_line(stdout: io.StringIO) -> None:
    with tracing.span("work"):
        logging.getLogger("x").info("traced")
        ids = tracing.current_ids()

    (line,) = lines(stdout)
    assert (line["trace_id"], line["span_id"]) == ids


def test_an_exception_is_one_line_with_its_stack(stdout: io.StringIO) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("x").exception("went.wrong")

    (line,) = lines(stdout)
    assert "ZeroDivisionError" in line["exception"]


def test_values_that_are_no_json_are_written_as_text(stdout: io.StringIO) -> None:
    logging.getLogger("x").info("odd", extra={"value": object(), "bytes": b"\xff"})

    (line,) = lines(stdout)
    assert line["event"] == "odd"


def test_warnings_are_lines_too(stdout: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", UserWarning, stacklevel=1)

    assert "careful" in lines(stdout)[0]["event"]


def test_below_the_level_nothing_is_written(stdout: io.StringIO) -> None:
    logging.getLogger("x").debug("quiet")
    logging.getLogger("aiokafka").info("chatter")

    assert stdout.getvalue() == ""
