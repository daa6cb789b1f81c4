"""The stages as they are, on a pdfium that dies of every file that it opens."""

import ctypes

import pypdfium2

from processor.stages.run import preload, run_stage

__all__ = ["preload", "run_stage"]


def _die(path: object) -> None:
    del path
    ctypes.string_at(0)


setattr(pypdfium2, "PdfDocument", _die)  # noqa: B010 - mypy knows it as a class
