"""The composition root of the processor: the only place that knows concrete classes."""

from processor.app.build import build

__all__ = ["build"]
