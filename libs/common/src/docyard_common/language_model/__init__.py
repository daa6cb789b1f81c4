"""A language model behind the chat completions protocol that OpenAI's API has set.

What documents say comes from anybody: it is handed over as data, apart from the rules, and what the
model answers is text, which nobody obeys.
"""

from docyard_common.language_model.completions import DEPENDENCY, ChatCompletions, Completion
from docyard_common.language_model.tokens import estimated_tokens

__all__ = ["DEPENDENCY", "ChatCompletions", "Completion", "estimated_tokens"]
