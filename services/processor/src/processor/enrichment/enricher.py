"""Lets a language model describe a document, and does without it where that fails."""

import logging
from collections.abc import Awaitable
from typing import Final
from uuid import UUID

from docyard_common.analysis import (
    Analysis,
    Classification,
    DocumentType,
    Enrichment,
    Keyword,
    NotEnriched,
)
from docyard_common.errors import DependencyUnavailableError, NotAskedError
from docyard_common.language_model import ChatCompletions, Completion, estimated_tokens
from docyard_common.observability import metrics
from processor.enrichment.answer import RULES, AnswerInvalidError, Description, described
from processor.enrichment.budget import Budget, Spending
from processor.settings import ModelSettings

logger = logging.getLogger(__name__)

_SURE: Final = 0.7
"""From here on the rules' own type stands: it has reasons."""
_MODEL_CONFIDENCE: Final = 0.6
"""Models say how sure they are, too, and it means little."""
_FRAME: Final = '{"text": ""}'


class Enricher:
    """Asks the model once for a document; its answer is text that nobody obeys.

    A kill -9 while it waits leaves the run to the next one, which asks again within the budget of
    the document.
    """

    def __init__(self, settings: ModelSettings, *, model: ChatCompletions, budget: Budget) -> None:
        self._settings = settings
        self._model = model
        self._budget = budget

    @property
    def excerpt_bytes(self) -> int:
        """How much of a text is sent: what the budget of one document pays for."""
        return self._settings.excerpt_bytes(rules=RULES + _FRAME)

    async def enrich(
        self, analysis: Analysis, text: str, *, document_id: UUID, generation: int
    ) -> Analysis:
        """Return *analysis* with what the model says of *text*, or with the reason why not.

        Raises DependencyUnavailableError where the budget can not be asked: nothing was sent then.
        """
        if not text.strip():
            return self._without(analysis, NotEnriched.NO_TEXT)
        cost = estimated_tokens(RULES, _FRAME, text) + self._settings.max_answer_tokens
        spending = await self._budget.take(document_id, generation, tokens=cost)
        if isinstance(spending, NotEnriched):
            return self._without(analysis, spending)
        try:
            return await self._asked(analysis, text, spending)
        except DependencyUnavailableError as error:
            logger.warning("enrichment.unavailable", extra={"error": str(error)})
            return self._without(analysis, NotEnriched.MODEL_AWAY)

    async def _asked(self, analysis: Analysis, text: str, spending: Spending) -> Analysis:
        completion = await self._completed(text, spending)
        metrics.MODEL_TOKENS.inc(completion.tokens)
        try:
            found = described(completion.text, text=text)
        except AnswerInvalidError as error:
            logger.warning("enrichment.invalid", extra={"error": str(error)})
            return self._without(analysis, NotEnriched.ANSWER_INVALID, tokens=completion.tokens)
        metrics.MODEL_REQUESTS.labels("used").inc()
        told = Enrichment(model=self._model.name, used=True, tokens=completion.tokens)
        return _with(analysis, found).model_copy(update={"enrichment": told})

    async def _completed(self, text: str, spending: Spending) -> Completion:
        """Ask, and leave in the budget what that did cost. Raises DependencyUnavailableError."""
        most = self._settings.max_answer_tokens
        try:
            completion = await self._model.complete(RULES, {"text": text}, max_tokens=most)
        except NotAskedError:
            await _if_possible(self._budget.give_back(spending))
            raise
        await _if_possible(self._budget.settle(spending, tokens=completion.tokens))
        return completion

    def _without(self, analysis: Analysis, reason: NotEnriched, *, tokens: int = 0) -> Analysis:
        metrics.MODEL_REQUESTS.labels(reason).inc()
        told = Enrichment(model=self._model.name, used=False, reason=reason, tokens=tokens)
        return analysis.model_copy(update={"enrichment": told})


async def _if_possible(correction: Awaitable[None]) -> None:
    """Await *correction*; without a database the budget stays as it was taken.

    An answer that was paid for is worth more than the difference. It is not tried again: whether
    a broken commit took effect is not known, and one that is made twice is wrong.
    """
    try:
        await correction
    except DependencyUnavailableError as error:
        logger.warning("enrichment.not_corrected", extra={"error": str(error)})


def _with(analysis: Analysis, found: Description) -> Analysis:
    """Return *analysis* with the model's summary, its keywords first, and its type where unsure."""
    said = {keyword.casefold() for keyword in found.keywords}
    count = len(found.keywords)
    own = tuple(
        Keyword(text=text, score=round(1 - position / (2 * count), 4))
        for position, text in enumerate(found.keywords)
    )
    others = tuple(word for word in analysis.keywords if word.text.casefold() not in said)
    return analysis.model_copy(
        update={
            "summary": found.summary,
            "summary_pages": (),
            "keywords": own + others,
            "classification": _classified(analysis.classification, found.document_type),
        }
    )


def _classified(
    by_rules: Classification | None, by_model: DocumentType | None
) -> Classification | None:
    if by_model is None or (by_rules is not None and by_rules.confidence >= _SURE):
        return by_rules
    if by_rules is not None and by_rules.document_type is by_model:
        return by_rules.model_copy(update={"rules": (*by_rules.rules, "model")})
    return Classification(document_type=by_model, confidence=_MODEL_CONFIDENCE, rules=("model",))
