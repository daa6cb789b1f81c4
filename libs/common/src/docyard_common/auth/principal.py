"""Whoever a valid token speaks for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

_IMPLIED: Final = {
    "user": frozenset({"user"}),
    "operator": frozenset({"operator", "user"}),
    "admin": frozenset({"admin", "operator", "user"}),
}


@dataclass(frozen=True)
class Principal:
    """A caller: *roles* is closed (admin implies operator implies user); machines show a key."""

    subject: str
    roles: frozenset[str]
    expires_at: datetime
    is_machine: bool = False

    def has(self, role: str) -> bool:
        return role in self.roles


def closed_roles(claimed: object) -> frozenset[str]:
    """Return the roles that a claim grants: a list, or a string with spaces.

    Who has a valid token is a user; roles that Docyard does not know grant nothing.
    """
    names = claimed.split() if isinstance(claimed, str) else claimed
    if not isinstance(names, list):
        names = []
    granted = (_IMPLIED.get(name, frozenset()) for name in names if isinstance(name, str))
    return frozenset({"user"}).union(*granted)
