"""Why the server closes a WebSocket, and what the client should do about it."""

from enum import IntEnum


class CloseCode(IntEnum):
    """4400 to 4499 are final: the same client would be refused again. After others: reconnect.

    Reconnect with full jitter between 0.5 and 30 s, and with `since`. The protocol's own codes
    come too: 1009 for a frame above 64 KiB, 1011 also for a pong that did not come within 10 s.
    """

    INTERNAL_ERROR = 1011
    BAD_MESSAGES = 4400
    UNAUTHENTICATED = 4401
    ORIGIN_REFUSED = 4403
    CONNECT_TIMEOUT = 4408
    TOO_MANY_CONNECTIONS = 4429
    GOING_AWAY = 4503
    SLOW = 4508
    INSUFFICIENT_STATE = 4510
    TOKEN_EXPIRED = 4511


REASONS = {
    CloseCode.INTERNAL_ERROR: "something unforeseen went wrong; reconnect with since",
    CloseCode.BAD_MESSAGES: "too many messages could not be read",
    CloseCode.UNAUTHENTICATED: "a valid access token is needed",
    CloseCode.ORIGIN_REFUSED: "pages of this origin may not connect",
    CloseCode.CONNECT_TIMEOUT: "no connect message came in time",
    CloseCode.TOO_MANY_CONNECTIONS: "this user has too many open connections",
    CloseCode.GOING_AWAY: "the server is going away or can not reach what it needs; reconnect",
    CloseCode.SLOW: "slow: too much was waiting to be read; reconnect with since",
    CloseCode.INSUFFICIENT_STATE: "the server lost its place in the stream; reconnect with since",
    CloseCode.TOKEN_EXPIRED: "the access token has expired; reconnect with a fresh one",
}
"""The sentence that goes with each code; at most 123 bytes (RFC 6455, 5.5)."""
