"""The shortest ways between two entities: breadth first, one question to the database a step."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from docyard_common.search.graph import RelationSummary

MAX_STEPS: Final = 5_000
"""Relations looked at in one step: a hub that everything touches is walked in part, and said so."""

Steps = Callable[[Collection[UUID]], Awaitable[list[RelationSummary]]]
"""Return the relations that touch the given entities, at most one beyond MAX_STEPS."""


@dataclass
class _Walk:
    """What has been reached from *source*, and over which relations, by the fewest of them."""

    source: UUID
    depth: dict[UUID, int] = field(default_factory=dict)
    came_by: dict[UUID, list[tuple[UUID, RelationSummary]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def take(self, relation: RelationSummary, *, depth: int) -> Iterator[UUID]:
        """Yield the entity that *relation* leads to for the first time."""
        ends = (relation.source_id, relation.target_id)
        for one, other in (ends, ends[::-1]):
            if self.depth.get(one) == depth - 1 and self.depth.get(other, depth) == depth:
                self.came_by[other].append((one, relation))
                if other not in self.depth:
                    self.depth[other] = depth
                    yield other

    def ways(self, target: UUID) -> Iterator[list[RelationSummary]]:
        """Yield every way back from *target*, as relations in the order from *source*."""
        if target == self.source:
            yield []
            return
        for before, relation in self.came_by[target]:
            for way in self.ways(before):
                yield [*way, relation]


async def shortest(
    steps: Steps, source: UUID, target: UUID, *, max_depth: int
) -> tuple[Iterator[list[RelationSummary]], bool]:
    """Return the shortest ways, and whether a step was too large to be looked at as a whole."""
    walk = _Walk(source, {source: 0})
    frontier: list[UUID] = [source]
    truncated = False
    for depth in range(1, max_depth + 1):
        found = await steps(frontier)
        truncated |= len(found) > MAX_STEPS
        frontier = [
            reached
            for relation in found[:MAX_STEPS]
            for reached in walk.take(relation, depth=depth)
        ]
        if target in walk.depth or not frontier:
            break
    return walk.ways(target) if target in walk.depth else iter(()), truncated
