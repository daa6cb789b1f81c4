"""Stages as they are, on a machine that has a table of media types of its own."""

import mimetypes
import os

from processor.stages.run import preload, run_stage

__all__ = ["preload", "run_stage"]

mimetypes.knownfiles.append(os.environ["TEST_MEDIA_TYPES"])
