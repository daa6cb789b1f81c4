"""The SQL of the search index; names are qualified, for it is used under every search_path."""

from typing import Final

from docyard_common.search.port import SearchQuery
from docyard_common.search.text import START, STOP

LOCK: Final = "select pg_advisory_xact_lock(hashtextextended('search:' || %s::uuid, 0))"

UPSERT_DOCUMENT: Final = """
insert into search.documents
    (document_id, owner, generation, filename, content_type, language, document_type,
     configuration, embedding_model)
select %(document_id)s, %(owner)s, %(generation)s, %(filename)s, %(content_type)s, %(language)s,
    %(document_type)s, %(configuration)s::regconfig, %(embedding_model)s
where not exists (select from search.removed where document_id = %(document_id)s)
on conflict (document_id) do update set
    owner = excluded.owner, generation = excluded.generation, filename = excluded.filename,
    content_type = excluded.content_type, language = excluded.language,
    document_type = excluded.document_type, configuration = excluded.configuration,
    embedding_model = excluded.embedding_model, indexed_at = now()
where documents.generation <= excluded.generation
"""
"""No row where the document was removed, or a later generation is there."""

DELETE_CHUNKS: Final = "delete from search.chunks where document_id = %s"

INSERT_CHUNK: Final = """
insert into search.chunks
    (document_id, ordinal, owner, page_first, page_last, start_at, end_at, heading, text, words,
     embedding, embedding_model)
values (%(document_id)s, %(ordinal)s, %(owner)s, %(page_first)s, %(page_last)s, %(start)s, %(end)s,
        %(heading)s, %(text)s,
        setweight(to_tsvector(%(configuration)s::regconfig, %(title)s), 'A')
        || setweight(to_tsvector(%(configuration)s::regconfig, coalesce(%(heading)s, '')), 'B')
        || to_tsvector(%(configuration)s::regconfig, %(text)s),
        %(embedding)s::vector, %(embedding_model)s)
"""

INDEXED: Final = """
select 1 from search.documents where document_id = %(document_id)s and owner = %(owner)s
"""

CHUNKS: Final = """
select ordinal, text, page_first, page_last, start_at as start, end_at as end, heading
from search.chunks
where document_id = %(document_id)s and owner = %(owner)s and ordinal >= %(first)s
order by ordinal limit %(limit)s
"""

REMEMBER_REMOVAL: Final = (
    "insert into search.removed (document_id) values (%s) on conflict do nothing"
)
DELETE_DOCUMENT: Final = "delete from search.documents where document_id = %s"
DELETE_GENERATION: Final = (
    "delete from search.documents where document_id = %s and generation <= %s"
)

# The words of a query are stemmed once for each language that the owner's documents are in.
QUERIES: Final = """
select websearch_to_tsquery(configuration, %(text)s)::text as query,
    array_agg(configuration::text) as configurations, sum(documents)::bigint as documents
from (
    select configuration, count(*) as documents from search.documents d where {filters}
    group by configuration
) as used
group by query
"""

# A query is one of its languages: `-word` of one says nothing about the words of another.
_MATCHES: Final = """
    select c.document_id, c.ordinal, ts_rank_cd(c.words, %(query_{number})s::tsquery) as rank
    from search.chunks c join search.documents d using (document_id)
    where c.words @@ %(query_{number})s::tsquery and c.owner = %(owner)s
        and d.configuration = any(%(configurations_{number})s::regconfig[]) and {filters}
"""
_BY_WORDS: Final = """
select document_id, ordinal from (
    select document_id, ordinal, rank,
        row_number() over (partition by document_id order by rank desc, ordinal) as place
    from ({matches}) as matching
) as placed
where place <= %(of_each)s
order by rank desc, document_id, ordinal
limit %(candidates)s
"""

# Filters come after the walk through the graph: it has to go on until enough have passed.
WALK_ON: Final = """
set local hnsw.iterative_scan = strict_order;
set local hnsw.ef_search = 100;
set local hnsw.max_scan_tuples = 100000
"""

BY_MEANING: Final = """
select document_id, ordinal from (
    select document_id, ordinal, c.embedding <=> %(embedding)s::vector as distance
    from search.chunks c
    where c.owner = %(owner)s and c.embedding_model = %(embedding_model)s
        and c.document_id <> all(%(without)s::uuid[]) and {filters}
    order by distance
    limit %(candidates)s
) as nearest
where distance <= %(distance_max)s
order by distance
"""

DETAILS: Final = f"""
select c.document_id, c.ordinal, d.filename, c.page_first, c.page_last,
       ts_headline(d.configuration, c.text, %(query)s::tsquery,
                   'StartSel={START}, StopSel={STOP}, MaxWords=35, MinWords=15') as headline
from unnest(%(documents)s::uuid[], %(ordinals)s::integer[])
     with ordinality as wanted (document_id, ordinal, place)
join search.chunks c using (document_id, ordinal)
join search.documents d using (document_id)
where d.owner = %(owner)s
order by place
"""  # noqa: S608 - the marks are constants


_PROPERTIES: Final = ("language", "content_type", "document_type")


def by_words(queries: int, query: SearchQuery) -> str:
    """Return the ranking by words, for *query* in the forms of so many languages.

    Each form has its parameters, `query_0` and `configurations_0` for the first.
    """
    filters = document_filters(query, table="d")
    matches = (_MATCHES.format(number=number, filters=filters) for number in range(queries))
    return _BY_WORDS.format(matches=" union all ".join(matches))


def document_filters(query: SearchQuery, *, table: str) -> str:
    """Return the conditions of *query* on the documents of the owner, for *table* c or d."""
    conditions = [f"{table}.owner = %(owner)s"]
    if query.document_id is not None:
        conditions.append(f"{table}.document_id = %(document_id)s")
    properties = [name for name in _PROPERTIES if getattr(query, name) is not None]
    if table == "d":
        conditions += [f"d.{name} = %({name})s" for name in properties]
    elif properties:
        told = " and ".join(f"p.{name} = %({name})s" for name in properties)
        same = "p.document_id = c.document_id"
        conditions.append(f"exists (select from search.documents p where {same} and {told})")
    return " and ".join(conditions)
