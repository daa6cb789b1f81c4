"""The SQL of the entity graph; names are qualified, for it is used under every search_path."""

from typing import Final

_VISIBLE: Final = "{table}.owner = %(owner)s and {table}.document_id <> all(%(hidden)s::uuid[])"
_NAMED: Final = _VISIBLE.format(table="n")
_RELATED: Final = _VISIBLE.format(table="r")

# The spelling of the document that names it most stands for all: the greatest by its count, without
# sorting the rows of every entity.
_SUMMARY: Final = """
select n.entity_id, n.kind, substr(max(lpad(n.count::text, 10, '0') || n.text), 11) as text,
    count(*) as documents, sum(n.count)::bigint as count
from search.named_entities n
"""
_AFTER: Final = """
(%(after_id)s::uuid is null
 or ({documents}, {count}, {id}) < (%(after_documents)s::bigint, %(after_count)s::bigint,
     %(after_id)s))
"""
# Places go by document, the newest first, and within one as they stand in it.
_AFTER_PLACE: Final = """
(%(after_document)s::uuid is null
 or {table}.document_id < %(after_document)s
 or ({table}.document_id = %(after_document)s and {places}.ordinal > %(after_ordinal)s))
"""

# A key lacks what the name is shown with: legal forms, articles, the blanks of a phone number.
# Names of ASCII are most of all, and normalizing costs more than everything else.
_FOLDED: Final = """
replace(lower(case when octet_length(spelled.text) = length(spelled.text) then spelled.text
    else normalize(spelled.text, nfkc) end), 'ß', 'ss')
"""
# All documents tell of an entity that one of them spells as was asked.
_SPELLED: Final = f"""
select spelled.entity_id from search.named_entities spelled
where {_VISIBLE.format(table="spelled")}
    and (strpos(spelled.key, %(text)s) > 0 or strpos({_FOLDED}, %(text)s) > 0)
"""  # noqa: S608 - joined from constants

_OF_TEXT: Final = f"and n.entity_id in ({_SPELLED})"
_ENTITIES: Final = f"""
{_SUMMARY}
where {_NAMED}
    and (%(kinds)s::text[] is null or n.kind = any(%(kinds)s)) {{of_text}}
    and (%(document_id)s::uuid is null or n.entity_id in (
        select entity_id from search.named_entities where document_id = %(document_id)s))
group by n.entity_id, n.kind
having {_AFTER.format(documents="count(*)", count="sum(n.count)", id="n.entity_id")}
order by documents desc, count desc, entity_id desc
limit %(limit)s
"""  # noqa: S608 - joined from constants


def entities(*, by_text: bool) -> str:
    """Return the statement of a page of entities, narrowed to what is spelled so where asked.

    A condition that may also be absent, `... or x in (...)`, is no semi-join to PostgreSQL: it
    would walk the list for each row once that is too long to be hashed.
    """
    return _ENTITIES.format(of_text=_OF_TEXT if by_text else "")


SUMMARIES: Final = f"""
{_SUMMARY} where {_NAMED} and n.entity_id = any(%(entity_ids)s::uuid[])
group by n.entity_id, n.kind
"""

MENTIONS: Final = f"""
select n.document_id, d.filename, m.ordinal, m.page, m.start_at as start, m.end_at as end
from search.named_entities n
join search.mentions m using (document_id, entity_id)
join search.documents d using (document_id)
where n.entity_id = %(id)s and {_NAMED}
    and {_AFTER_PLACE.format(table="n", places="m")}
order by n.document_id desc, m.ordinal
limit %(limit)s
"""  # noqa: S608 - joined from constants

EVIDENCE: Final = f"""
select r.document_id, d.filename, e.ordinal, e.page, e.start_at as start, e.end_at as end, e.snippet
from search.relations r
join search.evidence e using (document_id, relation_id)
join search.documents d using (document_id)
where r.relation_id = %(id)s and {_RELATED}
    and {_AFTER_PLACE.format(table="r", places="e")}
order by r.document_id desc, e.ordinal
limit %(limit)s
"""  # noqa: S608 - joined from constants

# 'sentence' sorts after 'page': the closest window of all documents stands for them.
_RELATION: Final = """
select r.relation_id, r.source_id, r.target_id, max(r.in_window) as "window",
    count(*) as documents, sum(r.count)::bigint as count, avg(r.weight)::float8 as weight
from search.relations r
"""
_SAME: Final = "group by r.relation_id, r.source_id, r.target_id"

RELATION: Final = f"{_RELATION} where r.relation_id = %(id)s and {_RELATED} {_SAME}"

NEIGHBOURS: Final = f"""
with related as (
    {_RELATION}
    where (r.source_id = %(id)s or r.target_id = %(id)s) and {_RELATED} {_SAME}
), others as (
    select related.*, case when source_id = %(id)s then target_id else source_id end as other_id
    from related
)
select * from others
where (%(kinds)s::text[] is null or exists (
        select from search.named_entities n
        where n.entity_id = others.other_id and n.kind = any(%(kinds)s)))
    and {_AFTER.format(documents="documents", count="count", id="other_id")}
order by documents desc, count desc, other_id desc
limit %(limit)s
"""  # noqa: S608 - joined from constants

STEPS: Final = f"""
{_RELATION}
where (r.source_id = any(%(from_ids)s::uuid[]) or r.target_id = any(%(from_ids)s::uuid[]))
    and {_RELATED} {_SAME}
order by documents desc, count desc, r.relation_id
limit %(limit)s
"""
