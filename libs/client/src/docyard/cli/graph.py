"""`docyard graph ...`: what your documents name, and together with what."""

from typing import TYPE_CHECKING, Annotated

import typer

from docyard.cli.session import Session, command

if TYPE_CHECKING:
    from docyard.models import GraphEntity, GraphPath, GraphPlace

app = typer.Typer(
    no_args_is_help=True, help="People, organisations, places: named where, with whom."
)

EntityId = Annotated[str, typer.Argument(metavar="ID", help="Entity id.")]
Kind = Annotated[
    list[str] | None, typer.Option(help="Only person, organisation, place, email … (repeatable).")
]
Most = Annotated[int, typer.Option("--limit", "-n", min=1, max=200, help="At most so many.")]


@command(app)
async def entities(
    session: Session,
    text: Annotated[str | None, typer.Argument(help="Part of the name.")] = None,
    *,
    kind: Kind = None,
    document: Annotated[str | None, typer.Option(help="Only what this document names.")] = None,
    limit: Most = 50,
) -> None:
    """Find what your documents name; what most of them name comes first."""
    async with session.client() as client:
        found = await client.graph.entities(
            text, kinds=kind or (), document_id=document, limit=limit
        )
    if session.output.as_json:
        session.output.value(found.to_json())
        return
    columns = ("entity id", "kind", "documents", "mentions", "name")
    session.output.table(columns, map(_row, found.items))


@command(app)
async def mentions(session: Session, entity_id: EntityId, *, limit: Most = 50) -> None:
    """List where an entity is named: document, page and place."""
    async with session.client() as client:
        found = await client.graph.mentions(entity_id, limit=limit)
    if session.output.as_json:
        session.output.value(found.to_json())
        return
    columns = ("document id", "page", "place", "name")
    session.output.table(columns, map(_place, found.items))


@command(app)
async def neighbours(
    session: Session, entity_id: EntityId, *, kind: Kind = None, limit: Most = 50
) -> None:
    """List what is named together with an entity."""
    async with session.client() as client:
        found = await client.graph.neighbours(entity_id, kinds=kind or (), limit=limit)
    if session.output.as_json:
        session.output.value(found.to_json())
        return
    rows = (
        (
            item.entity.entity_id,
            item.relation.relation_id,
            item.entity.kind,
            f"{item.relation.documents}",
            f"{item.relation.weight:.2f}",
            item.entity.text,
        )
        for item in found.items
    )
    columns = ("entity id", "relation id", "kind", "documents", "weight", "name")
    session.output.table(columns, rows)


@command(app)
async def path(
    session: Session,
    source: Annotated[str, typer.Argument(metavar="FROM", help="Entity id.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Entity id.")],
    *,
    depth: Annotated[int, typer.Option(min=1, max=6, help="Relations of a way at most.")] = 4,
) -> None:
    """Find how two entities are connected."""
    async with session.client() as client:
        found = await client.graph.paths(source, target, max_depth=depth)
    if session.output.as_json:
        session.output.value(found.to_json())
        return
    for way in found.items:
        session.output.text(_way(way))
    if not found.items:
        session.output.note(f"No way of up to {depth} relations.")


@command(app)
async def evidence(
    session: Session,
    relation_id: Annotated[str, typer.Argument(metavar="ID", help="Relation id.")],
    *,
    limit: Most = 50,
) -> None:
    """Show the places that name both ends of a relation."""
    async with session.client() as client:
        found = await client.graph.evidence(relation_id, limit=limit)
    if session.output.as_json:
        session.output.value(found.to_json())
        return
    for place in found.items:
        session.output.text(f"{place.filename}, page {place.page}  ({place.document_id})")
        session.output.text(f"    {place.snippet or ''}")


def _row(entity: "GraphEntity") -> tuple[str, ...]:
    counts = (str(entity.documents), str(entity.mentions))
    return (entity.entity_id, entity.kind, *counts, entity.text)


def _place(place: "GraphPlace") -> tuple[str, ...]:
    return (place.document_id, str(place.page), f"{place.start}-{place.end}", place.filename)


def _way(way: "GraphPath") -> str:
    return " — ".join(f"{entity.text} ({entity.kind})" for entity in way.entities)
