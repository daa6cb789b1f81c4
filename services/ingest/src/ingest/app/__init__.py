"""The composition root: the only place that knows which adapter stands behind which port."""

from ingest.app.build import build
from ingest.app.servers import SERVICE

__all__ = ["SERVICE", "build"]
