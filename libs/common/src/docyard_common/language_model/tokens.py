"""What a text costs, without any model's own tokenizer."""

from typing import Final

CHARACTERS_PER_TOKEN: Final = 3
"""English has four and more, German three and a half; Chinese one: there the estimate is low."""


def estimated_tokens(*texts: str) -> int:
    """Return about how many tokens *texts* are; each model counts in a way of its own."""
    return sum(-(-len(text.encode()) // CHARACTERS_PER_TOKEN) for text in texts)
