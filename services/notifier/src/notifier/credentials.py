"""Finds the token of a handshake, and keeps tokens in addresses out of the logs."""

import logging
import re
from typing import Final

from starlette.requests import HTTPConnection

_IN_ADDRESS: Final = re.compile(r"(?<=[?&]token=)[^&\s\"]+")


def token_of(connection: HTTPConnection, *, in_query: bool) -> str:
    """Return the token or API key of a header, else of `?token=` where that is allowed, else ""."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    if key := connection.headers.get("x-api-key", "").strip():
        return key
    return connection.query_params.get("token", "") if in_query else ""


class TokenRedaction(logging.Filter):
    """Takes the tokens out of addresses that the HTTP server logs by itself."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_redacted(argument) for argument in record.args)
        return True


def redact_server_logs() -> None:
    """Install the redaction; calling it again changes nothing."""
    server = logging.getLogger("uvicorn.error")
    if not any(isinstance(found, TokenRedaction) for found in server.filters):
        server.addFilter(TokenRedaction())


def _redacted(argument: object) -> object:
    return _IN_ADDRESS.sub("***", argument) if isinstance(argument, str) else argument
