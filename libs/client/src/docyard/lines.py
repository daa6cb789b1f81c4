"""Splits a body into lines at line feeds alone: JSON may hold every other separator unescaped."""

from collections.abc import AsyncIterator

from docyard.errors import ProtocolError

MAX_LINE_BYTES = 64 * 1024 * 1024
"""Longer lines are no answer of Docyard; without a bound a foreign server could fill memory."""


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Yield lines without their ends, and what is left after the last one.

    Raises ProtocolError for a line that is too long or not UTF-8.
    """
    rest = bytearray()
    async for chunk in chunks:
        *whole, tail = chunk.split(b"\n")
        for line in whole:
            yield _text(bytes(rest) + line)
            rest.clear()
        rest += tail
        if len(rest) > MAX_LINE_BYTES:
            raise ProtocolError(f"a line of more than {MAX_LINE_BYTES} bytes")
    if rest:
        yield _text(bytes(rest))


def _text(line: bytes) -> str:
    try:
        return line.decode().removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ProtocolError("the answer is not UTF-8") from error
