"""Answers a question in PostgreSQL: a ranking by words, one by meaning, and what both name."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from docyard_common.database.pool import Transaction
from docyard_common.search import statements
from docyard_common.search.port import Hit, SearchQuery
from docyard_common.search.ranking import (
    MIN_SIMILARITY,
    Place,
    Ranked,
    candidates,
    fuse,
    of_each,
)
from docyard_common.search.rows import rows_of, vector
from docyard_common.search.text import storable, unmarked

_ROUNDS: Final = (1, 4, 16)
"""By how much more passages are asked for, while long documents leave too few of others."""


@dataclass(frozen=True)
class _Words:
    """The query in the forms of the languages in use, and how many documents are asked."""

    forms: Sequence[tuple[str, list[str]]]  # a tsquery, and the configurations that make it
    documents: int

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of the ranking by words."""
        told: dict[str, Any] = {}
        for number, (form, configurations) in enumerate(self.forms):
            told |= {f"query_{number}": form, f"configurations_{number}": configurations}
        return told

    @property
    def joined(self) -> str:
        """The query in every language at once; empty when it has only stop words."""
        return " | ".join(f"({form})" for form, _ in self.forms)


async def hits(
    tx: Transaction, query: SearchQuery, embedding: Sequence[float] | None, *, embedding_model: str
) -> list[Hit]:
    """Return the best passages, as `SearchIndex.search` promises."""
    parameters = _parameters(query, embedding) | {"embedding_model": embedding_model}
    words = await _words(tx, query, parameters)
    rankings = []
    if query.mode != "semantic":
        rankings.append(await _by_words(tx, query, words, parameters))
    if query.mode != "text" and embedding is not None:
        wanted = min(query.limit, words.documents)
        rankings.append(await _by_meaning(tx, query, parameters, documents=wanted))
    fused = fuse(rankings, limit=query.limit, per_document=_is_per_document(query))
    return await _shown(tx, fused, parameters | {"query": words.joined}) if fused else []


def _parameters(query: SearchQuery, embedding: Sequence[float] | None) -> dict[str, Any]:
    return {
        **asdict(query),
        "text": storable(query.text),
        "candidates": candidates(query.limit),
        "of_each": of_each(query.limit, per_document=_is_per_document(query)),
        "embedding": vector(embedding) if embedding is not None else None,
        "distance_max": 1 - MIN_SIMILARITY,
    }


def _is_per_document(query: SearchQuery) -> bool:
    return query.document_id is None


async def _words(tx: Transaction, query: SearchQuery, parameters: dict[str, Any]) -> _Words:
    filters = statements.document_filters(query, table="d")
    found = await rows_of(tx, statements.QUERIES.format(filters=filters), parameters)
    forms = [(row["query"], row["configurations"]) for row in found if row["query"]]
    return _Words(forms, sum(row["documents"] for row in found))


async def _by_words(
    tx: Transaction, query: SearchQuery, words: _Words, parameters: dict[str, Any]
) -> list[Place]:
    if not words.forms:
        return []
    statement = statements.by_words(len(words.forms), query)
    found = await rows_of(tx, statement, parameters | words.parameters)
    return [Place(**row) for row in found]


async def _by_meaning(
    tx: Transaction, query: SearchQuery, parameters: dict[str, Any], *, documents: int
) -> list[Place]:
    """Return the nearest places, of as many as *documents* where there are as many near ones.

    It goes on behind what it has, without the documents that have a place: one may have thousands
    of near passages, and an index that is walked by distance does not count by document.
    """
    await tx.execute(statements.WALK_ON)
    filters = statements.document_filters(query, table="c")
    places: list[Place] = []
    for more in _ROUNDS:
        seen = {place.document_id for place in places}
        asked = {"candidates": parameters["candidates"] * more, "without": list(seen)}
        statement = statements.BY_MEANING.format(filters=filters)
        found = await rows_of(tx, statement, parameters | asked)
        places += [Place(**row) for row in found]
        if len(found) < asked["candidates"] or _documents(places) >= documents:
            break
    return places


def _documents(places: Sequence[Place]) -> int:
    return len({place.document_id for place in places})


async def _shown(tx: Transaction, fused: list[Ranked], parameters: dict[str, Any]) -> list[Hit]:
    places = {
        "documents": [entry.place.document_id for entry in fused],
        "ordinals": [entry.place.ordinal for entry in fused],
    }
    scores = {entry.place: entry.score for entry in fused}
    # A document may go away between two statements: then it is no hit any more.
    found = await rows_of(tx, statements.DETAILS, parameters | places)
    return [_hit(row, scores) for row in found]


def _hit(row: dict[str, Any], scores: dict[Place, float]) -> Hit:
    score = scores[Place(row["document_id"], row.pop("ordinal"))]
    snippet, highlights = unmarked(row.pop("headline"))
    return Hit(**row, score=score, snippet=snippet, highlights=highlights)
