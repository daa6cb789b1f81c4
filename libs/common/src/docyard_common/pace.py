"""How long work that may take its time leaves room to others."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

Pace: TypeAlias = Callable[[], Awaitable[None]]
"""Called between two pieces of long work; returns when the next one may go."""
