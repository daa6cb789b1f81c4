"""The versions that events, dead letters and health tell."""

from importlib.metadata import version
from typing import Final

VERSION: Final = version("docyard-processor")

PIPELINE_VERSION: Final = 4
"""Raise it when the same bytes give another result: owners reprocess what an older one made."""
