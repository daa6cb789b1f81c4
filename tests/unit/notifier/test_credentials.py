"""Tokens: where they are looked for, and that they stay out of the logs."""

import logging

import pytest
from starlette.requests import HTTPConnection

from notifier.credentials import TokenRedaction, token_of


def handshake(*, header: str = "", query: str = "") -> HTTPConnection:
    headers = [(b"authorization", header.encode())] if header else []
    return HTTPConnection({"type": "http", "headers": headers, "query_string": query.encode()})


@pytest.mark.parametrize(
    ("header", "query", "in_query", "token"),
    [
        ("Bearer abc", "token=xyz", True, "abc"),
        ("", "token=xyz", True, "xyz"),
        ("", "token=xyz", False, ""),
        ("Basic abc", "", True, ""),
    ],
)
def test_the_header_goes_before_the_query(
    header: str,
    query: str,
    in_query: bool,  # noqa: FBT001 - a column of the table
    token: str,
) -> None:
    assert token_of(handshake(header=header, query=query), in_query=in_query) == token


def test_tokens_in_addresses_are_taken_out_of_log_lines() -> None:
    path = "/api/v1/ws/progress?a=1&token=s3cr3t&b=2"
    record = logging.LogRecord("uvicorn.error", 20, "", 0, '%s - "%s"', ("peer", path), None)

    TokenRedaction().filter(record)

    assert record.getMessage() == 'peer - "/api/v1/ws/progress?a=1&token=***&b=2"'
