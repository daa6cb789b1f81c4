"""The short answers: an upload's status, and what may be uploaded at all."""

from datetime import timedelta

from fastapi import APIRouter

from docyard_common.clock import Clock
from docyard_common.media_types import FORMATS
from ingest.api.callers import Caller, DocumentId
from ingest.api.limit_models import ScanPolicy, SecurityConfig, Tier
from ingest.api.models import UploadStatus
from ingest.api.problems import refusals
from ingest.api.upload_models import AllowedType
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.queueing import Queueing
from ingest.limits.admission import Admission
from ingest.settings import LimitSettings


class ShortRoutes:
    """Routes outside of `/api/v1`."""

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        queueing: Queueing,
        admission: Admission,
        limits: LimitSettings,
        clock: Clock,
    ) -> None:
        self._lifecycle = lifecycle
        self._queueing = queueing
        self._clock = clock
        self._admission = admission
        self._limits = limits

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route(
            "/upload-status/{document_id}",
            self.upload_status,
            tags=["documents"],
            summary="Read a document's short status",
            responses=refusals("DOCUMENT_NOT_FOUND"),
        )
        router.add_api_route(
            "/files/security/config",
            self.security,
            tags=["uploads"],
            summary="Read what may be uploaded",
            responses=refusals(),
        )
        return router

    async def upload_status(self, caller: Caller, document_id: DocumentId) -> UploadStatus:
        """Answer state and progress, and when the document may be completed at live rates."""
        document = await self._lifecycle.find(document_id, owner=caller.subject)
        view = document.view
        left_s = await self._queueing.expected(document)
        eta = None if view.eta_s is None else view.updated_at + timedelta(seconds=view.eta_s)
        if left_s is not None:
            eta = self._clock.now() + timedelta(seconds=left_s)
        return UploadStatus(
            status=view.state, progress=view.progress, stage=view.stage, estimated_completion=eta
        )

    async def security(self, caller: Caller) -> SecurityConfig:
        """Answer limits and types, so that a client can refuse a file before it sends it."""
        own, limits = await self._admission.limits(caller.subject), self._limits
        return SecurityConfig(
            tier=own.tier,
            max_file_bytes=own.max_file_bytes,
            max_files_per_upload=limits.max_files_per_upload,
            max_batch_bytes=limits.max_batch_bytes
            or limits.max_files_per_upload * own.max_file_bytes,
            max_metadata_bytes=limits.max_metadata_bytes,
            tiers=[Tier(name=name, max_file_bytes=size) for name, size in limits.tiers.items()],
            allowed_types=[
                AllowedType(content_type=kind.value, extensions=list(known.extensions))
                for kind, known in FORMATS.items()
            ],
            scan_policy=ScanPolicy(),
        )
