"""Where Docyard is and who is asking: arguments first, then `DOCYARD_*`, then the local stack."""

import base64
import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import platformdirs

from docyard.errors import ConfigurationError


@dataclass(frozen=True)
class Endpoints:
    """Base addresses without a trailing slash, and tokens."""

    ingest: str
    notifier: str
    dlq_admin: str
    token: str | None = None
    operator_token: str | None = None  # for dead letters; the plain token where there is none

    @property
    def websocket(self) -> str:
        """The notifier's address with the scheme of WebSockets."""
        parts = urlsplit(self.notifier)
        return urlunsplit(parts._replace(scheme="wss" if parts.scheme == "https" else "ws"))


@dataclass(frozen=True)
class Wanted:
    """What the caller has said itself; None leaves it to the environment and the stack."""

    url: str | None = None
    notifier_url: str | None = None
    dlq_url: str | None = None
    token: str | None = None
    data: Path | None = None  # folder of a local stack


def default_data() -> Path:
    """Folder in which `docyard up` keeps its state unless told otherwise."""
    return Path(platformdirs.user_data_dir("docyard")) / "stack"


def data_folder(named: Path | None, environment: Mapping[str, str]) -> Path:
    """Return the folder of the local stack: the one that is named, `DOCYARD_DATA`, or the usual."""
    return named or Path(environment.get("DOCYARD_DATA") or default_data())


def resolve(
    wanted: Wanted | None = None, *, environment: Mapping[str, str] | None = None
) -> Endpoints:
    """Return the endpoints in force.

    The stack's state speaks only for the stack's own ingest: its tokens never go to another host.
    Raises ConfigurationError where nothing says where Docyard is.
    """
    wanted = wanted or Wanted()
    env = os.environ if environment is None else environment
    url = wanted.url or env.get("DOCYARD_URL")
    stack = _stack(data_folder(wanted.data, env))
    if url is None and not stack:
        raise ConfigurationError(
            "nothing says where Docyard is: start it here with `docyard up`, "
            "or name it with --url or DOCYARD_URL",
        )
    if url is not None and _plain(url) != _plain(str(stack.get("ingest", ""))):
        stack = {}
    ingest = _address(url or str(stack["ingest"]))
    token = wanted.token or env.get("DOCYARD_TOKEN")
    if token and not (token.isascii() and token.isprintable()):
        raise ConfigurationError("the token has characters that no token has: was it copied whole?")
    return Endpoints(
        ingest=ingest,
        notifier=_address(
            wanted.notifier_url or env.get("DOCYARD_NOTIFIER_URL") or stack.get("notifier", ingest),
        ),
        dlq_admin=_address(
            wanted.dlq_url or env.get("DOCYARD_DLQ_URL") or stack.get("dlq_admin", ingest),
        ),
        token=token or stack.get("token"),
        operator_token=token or stack.get("operator_token"),
    )


def subject_of(token: str | None) -> str | None:
    """Return whom a token speaks for, unverified; None where it can not be read."""
    try:
        payload = (token or "").split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sub"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def is_loopback(url: str) -> bool:
    """Whether *url* names this machine: no proxy may stand between."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _stack(data: Path) -> dict[str, Any]:
    path = data / "client.json"
    try:
        state = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} can not be read: {error}") from error
    if not isinstance(state, dict) or not state.get("ingest"):
        raise ConfigurationError(f"{path} does not say where the stack is: run `docyard up` again")
    return state


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(f"{url!r} is no address: it must be like https://docyard.example")
    return _plain(url)


def _plain(url: str) -> str:
    return url.rstrip("/")
