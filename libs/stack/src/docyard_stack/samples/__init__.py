"""Documents made on the spot, each with what must become of it: for demo, tests and benchmarks.

The same arguments give the same bytes on every machine with the same libraries.
"""

from docyard_stack.samples.catalogue import burst, demo, every
from docyard_stack.samples.model import Outcome, Sample
from docyard_stack.samples.pdfs import pdf

__all__ = ["Outcome", "Sample", "burst", "demo", "every", "pdf"]
