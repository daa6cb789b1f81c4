"""The version that events, dead letters and health tell."""

from importlib.metadata import version
from typing import Final

VERSION: Final = version("docyard-processor")
