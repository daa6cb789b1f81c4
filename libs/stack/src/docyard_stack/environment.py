"""What a stack takes from the environment, and what it gives to its services."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from docyard_stack.addresses import ObjectStoreAddress
from docyard_stack.errors import StackError

_KAFKA: Final = "KAFKA__BOOTSTRAP_SERVERS"
_DATABASE: Final = "DATABASE__URL"
_STORE: Final = "OBJECT_STORE__ENDPOINT"
_ACCESS_KEY: Final = "OBJECT_STORE__ACCESS_KEY"
_SECRET_KEY: Final = "OBJECT_STORE__SECRET_KEY"  # noqa: S105 - the variable's name

# On one machine a restart is common and a lost packet is not: take partitions over soon.
_SERVICE_DEFAULTS: Final = {
    "KAFKA__SESSION_TIMEOUT_MS": "10000",
    "PYTHONUNBUFFERED": "1",
    # Decision 11: a heap and a cache for each thread would grow for hours.
    "GLIBC_TUNABLES": "glibc.malloc.arena_max=2:glibc.malloc.tcache_count=0",
    # Whoever has a stack of their own shares it with nobody: thousands of documents may come.
    "LIMITS__REQUESTS_PER_MINUTE": "0",
    "LIMITS__UPLOADS_PER_MINUTE": "0",
    "LIMITS__OPERATORS__REQUESTS_PER_MINUTE": "0",
    "LIMITS__MACHINES__REQUESTS_PER_MINUTE": "0",
    "LIMITS__MAX_UPLOADS_IN_FLIGHT": "0",
}
_ROOTS: Final = ("SYNC__ROOTS", "SYNC_ROOTS")


@dataclass(frozen=True)
class GivenServers:
    """The servers that the environment names; None is one that the stack starts itself."""

    kafka: str | None
    database_url: str | None
    object_store: ObjectStoreAddress | None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "GivenServers":
        """Read them; raises StackError for a store without its keys or a foreign token issuer."""
        if environment.get("AUTH__JWKS_URL"):
            raise StackError(
                "the embedded stack makes its own tokens; unset AUTH__JWKS_URL, "
                "or run the services by themselves"
            )
        return cls(
            kafka=environment.get(_KAFKA) or None,
            database_url=environment.get(_DATABASE) or None,
            object_store=_given_store(environment),
        )


def _given_store(environment: Mapping[str, str]) -> ObjectStoreAddress | None:
    endpoint, access_key, secret_key = (
        environment.get(name, "") for name in (_STORE, _ACCESS_KEY, _SECRET_KEY)
    )
    if not endpoint:
        return None
    if not (access_key and secret_key):
        raise StackError(f"{_STORE} is set: {_ACCESS_KEY} and {_SECRET_KEY} must be set too")
    return ObjectStoreAddress(endpoint=endpoint, access_key=access_key, secret_key=secret_key)


@dataclass(frozen=True)
class Endpoints:
    """How to reach the three servers, whoever runs them."""

    kafka: str
    database_url: str
    object_store: ObjectStoreAddress


def _roots(environment: Mapping[str, str]) -> dict[str, str]:
    """Let folder jobs read what the person who starts the stack works in, unless that is said."""
    if any(environment.get(name) for name in _ROOTS):
        return {}
    return {_ROOTS[0]: os.pathsep.join((str(Path.home()), tempfile.gettempdir()))}


def for_services(
    environment: Mapping[str, str],
    endpoints: Endpoints,
    *,
    auth_secret: str,
    store_events_token: str = "",
) -> dict[str, str]:
    """Return the environment of a service: this process's own, with the stack's addresses."""
    return {
        **_SERVICE_DEFAULTS,
        **_roots(environment),
        **environment,
        _KAFKA: endpoints.kafka,
        _DATABASE: endpoints.database_url,
        _STORE: endpoints.object_store.endpoint,
        _ACCESS_KEY: endpoints.object_store.access_key,
        _SECRET_KEY: endpoints.object_store.secret_key,
        "AUTH__SECRET": auth_secret,
        "STORE_EVENTS__TOKEN": store_events_token,
    }
