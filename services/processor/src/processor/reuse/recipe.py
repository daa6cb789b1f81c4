"""What a result follows from: equal recipes give equal results."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from pydantic_core import to_jsonable_python

from docyard_common.delivery.ladder import Mode
from docyard_common.events.stages import Stage
from docyard_common.events.work import StageRequested
from docyard_common.media_types import CONTAINERS
from docyard_common.work.model import Lease
from processor.settings import ProcessorSettings
from processor.version import PIPELINE_VERSION

REUSE: Final = "reuse"
"""The processing option that says whether a result may be taken over; it is no part of a recipe."""


class Recipes:
    """Writes recipes as `<code and settings>:<document>`, both as hashes.

    The first half is told apart because stages of one document may run in replicas of different
    releases or settings: then the document has no recipe any more.
    """

    def __init__(self, kitchen: Mapping[str, Any]) -> None:
        self._kitchen = _hash(kitchen)

    @classmethod
    def of_settings(cls, settings: ProcessorSettings) -> "Recipes":
        """Return the recipes of this release with *settings* on this machine."""
        return cls(
            {
                "pipeline_version": PIPELINE_VERSION,
                "ocr": settings.child.ocr and shutil.which("tesseract") is not None,
                "ocr_language": settings.child.ocr_language,
                "ocr_seconds": settings.child.ocr_seconds,
                "extractor": settings.extractor.model_dump(include={"url", "kind", "types"}),
                "containers": settings.containers,
                "model": settings.model.model_dump(include={"base_url", "model"}),
            }
        )

    def write(self, request: StageRequested) -> str:
        """Return the recipe of the document, as validate gets it to see."""
        return f"{self._kitchen}:{_hash(_document(request))}"

    def kept(self, lease: Lease, request: StageRequested, *, with_errors: bool) -> str | None:
        """Return the recipe that still holds after a run of *lease*; None when it does not.

        What an attempt after the first has made, or a run in another mode, or what is incomplete,
        is not what the recipe promises.
        """
        if with_errors or lease.attempt > 1 or lease.meter.mode is not Mode.STANDARD:
            return None
        if lease.key.stage is Stage.VALIDATE:
            return self.write(request)
        recipe = request.recipe
        return recipe if recipe and recipe.startswith(f"{self._kitchen}:") else None


def _document(request: StageRequested) -> Mapping[str, Any]:
    container = request.content_type in CONTAINERS
    name = request.filename
    return {
        "sha256": request.sha256,
        "content_type": request.content_type,
        # A compressed file is called by its container's name; elsewhere only the suffix is read.
        "name": name if container else PurePosixPath(name).suffix.lower(),
        "options": {key: value for key, value in request.options.items() if key != REUSE},
        "lineage": request.lineage.model_dump(exclude={"parent_id"})
        if container and request.lineage
        else None,
    }


def _hash(value: Mapping[str, Any]) -> str:
    written = json.dumps(to_jsonable_python(value), sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:32]
