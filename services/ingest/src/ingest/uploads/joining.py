"""Makes one upload of several partial ones, whose bytes then are its own."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from uuid import UUID

from docyard_common.ids import uuid7
from ingest.errors import PartialInvalidError, UploadBusyError
from ingest.tables import tus_uploads, uploads, usage
from ingest.tables.tus_uploads import Said
from ingest.upload import Announcement, Upload, UploadMode, UploadState
from ingest.uploads.appending import Appender
from ingest.uploads.assembly import Assembler
from ingest.uploads.completion import Completer
from ingest.uploads.desk import UploadDesk
from ingest.uploads.holding import renewed
from ingest.uploads.sessions import UploadSessions
from ingest.uploads.tus import TusUpload, TusUploads


class Joiner:
    """Joins partial uploads by reading them once and appending what was read.

    S3 copies parts only from 5 MiB on, and partial uploads end where their clients like; the bytes
    flow through memory a part at a time, whatever the sizes.
    """

    def __init__(
        self,
        *,
        desk: UploadDesk,
        sessions: UploadSessions,
        appender: Appender,
        completer: Completer,
        door: TusUploads,
    ) -> None:
        self._desk = desk
        self._sessions = sessions
        self._appender = appender
        self._completer = completer
        self._door = door
        self._assembler = Assembler(database=desk.database, store=desk.store)
        self._leftovers = desk.leftovers

    async def join(
        self, announced: Announcement, said: Said, partials: Sequence[UUID]
    ) -> TusUpload:
        """Make a document of *partials*, in this order; the same again answers the same upload.

        Raises UploadNotFoundError, PartialInvalidError, UploadBusyError while another request
        joins one of them, and what `UploadSessions.open`, `Appender.append` and
        `Completer.complete` do: the partial uploads stay as they were then. A kill -9 leaves them
        too, for as long as they have not expired; what was joined so far expires by itself.
        """
        owner = announced.owner
        if (earlier := await self._earlier(owner, said)) is not None:
            return earlier
        found = [await self._whole(upload_id, owner) for upload_id in partials]
        holder = uuid7()
        async with contextlib.AsyncExitStack() as held:
            for upload in found:
                await held.enter_async_context(self._held(upload, holder))
            size = sum(upload.announced.size_bytes or 0 for upload in found)
            whole = await self._made(replace(announced, size_bytes=size), said, found)
            ended = await self._end(found, holder)
        for upload in ended:
            await self._leftovers.clear_soon(upload)
        return await self._door.read(whole.upload.upload_id, owner=owner)

    async def _earlier(self, owner: str, said: Said) -> TusUpload | None:
        async with self._desk.database.transaction() as tx:
            upload_id = await tus_uploads.joined_by(tx, owner=owner, concat=said.concat or "")
        return None if upload_id is None else await self._door.read(upload_id, owner=owner)

    async def _whole(self, upload_id: UUID, owner: str) -> Upload:
        progress = await self._sessions.progress(upload_id, owner=owner)
        upload, size = progress.upload, progress.upload.announced.size_bytes
        if upload.announced.mode is not UploadMode.TUS_PARTIAL or upload.state.is_final:
            raise PartialInvalidError("What is to be joined must be a partial upload.")
        if size is None or progress.received_bytes != size:
            raise PartialInvalidError(
                f"A partial upload is not whole: it has {progress.received_bytes} bytes of {size}."
            )
        return upload

    @contextlib.asynccontextmanager
    async def _held(self, upload: Upload, holder: UUID) -> AsyncIterator[None]:
        """Keep others away from a partial upload; its bytes are counted for the whole meanwhile."""
        async with self._desk.database.transaction() as tx:
            if not await uploads.claim(tx, upload.upload_id, holder=holder):
                raise UploadBusyError("A partial upload is being joined already; ask again soon.")
            await usage.close_upload(tx, upload.upload_id)
        try:
            async with renewed(self._desk.database, upload.upload_id, holder=holder):
                yield
        except BaseException:
            await self._give_back(upload, holder)
            raise

    async def _give_back(self, upload: Upload, holder: UUID) -> None:
        async with self._desk.database.transaction() as tx:
            await uploads.release(tx, upload.upload_id, holder=holder)
            await usage.open_upload(
                tx,
                upload.upload_id,
                owner=upload.announced.owner,
                size_bytes=upload.announced.size_bytes or 0,
                expires_at=upload.expires_at,
            )

    async def _made(
        self, announced: Announcement, said: Said, partials: Sequence[Upload]
    ) -> TusUpload:
        whole = await self._door.create(announced, said)
        upload_id, owner = whole.upload.upload_id, announced.owner
        try:
            body = self._bytes(partials)
            await self._appender.append(upload_id, body, owner=owner, offset=0, patient=True)
            await self._completer.complete(upload_id, owner=owner)
        except BaseException:
            with contextlib.suppress(Exception):  # the sweep ends it otherwise
                await self._sessions.cancel(upload_id, owner=owner)
            raise
        return whole

    async def _bytes(self, partials: Sequence[Upload]) -> AsyncIterator[bytes]:
        for upload in partials:
            await self._assembler.assemble(upload)
            async for piece in self._desk.store.stream(upload.object_key):
                yield piece

    async def _end(self, partials: Sequence[Upload], holder: UUID) -> Sequence[Upload]:
        """End what is held still, and return it: the bytes of the others are not ours to free."""
        now, joined = self._desk.clock.now(), UploadState.JOINED
        async with self._desk.database.transaction() as tx:
            return [
                upload
                for upload in partials
                if await uploads.end(tx, upload.upload_id, joined, at=now, holder=holder)
            ]
