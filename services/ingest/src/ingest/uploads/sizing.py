"""How large the parts of an upload are: S3 takes 5 MiB to 5 GiB, and 10,000 of them."""

from typing import Final

MAX_PARTS: Final = 10_000
MAX_PRESIGNED_PARTS: Final = 1_000
"""Each has a URL in one answer: it should stay below a mebibyte."""
_MIB: Final = 1024 * 1024


def part_bytes_for(
    size_bytes: int | None, *, least: int, largest_file: int, most_parts: int = MAX_PARTS
) -> int:
    """Return the size of the parts of a file: *least*, or whole mebibytes more where it must be.

    A file whose size is not known yet (None) is taken to be as large as a file may be.
    """
    size = largest_file if size_bytes is None else size_bytes
    needed = -(-size // most_parts)
    return max(least, -(-needed // _MIB) * _MIB)
