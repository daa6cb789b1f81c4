"""Development tokens: signed with the key that the stack made at its first start."""

from collections.abc import Collection, Mapping
from typing import Final

from docyard_common.auth import mint
from docyard_stack.record import StackRecord

DEFAULT_TTL_S: Final = 30 * 24 * 3600
"""A development stack is often left running for weeks; its key never leaves this machine."""

_SECRET: Final = "AUTH__SECRET"  # noqa: S105 - the variable's name


def secret(record: StackRecord, environment: Mapping[str, str]) -> str:
    """Return the key of this stack: the one that the environment gives, or its own."""
    return environment.get(_SECRET) or record.keys.auth_secret


def development_token(
    key: str, *, subject: str, roles: Collection[str] = ("user",), ttl_s: int = DEFAULT_TTL_S
) -> str:
    """Make a token for *subject*, valid for *ttl_s* seconds."""
    return mint(key, subject=subject, roles=roles, ttl_s=ttl_s)
