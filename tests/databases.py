"""Databases for tests: each gets one without a row, and what it used is cleaned and used again.

A copy of the migrated template writes some 350 files, its end deletes them. That is most of what a
small test costs, and on ext4 without a journal each new file passes by all that were deleted just
before. Emptied tables cost neither.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import psycopg
from psycopg import sql

_MANY_ROWS = 2_000
"""With more dead rows than these, plans and times are no longer those of an empty database."""

_SHAPE = """
select md5(string_agg(line, '|' order by line)) from (
    select concat_ws(' ', oid, relname, relfilenode, reltuples, reloptions::text) as line
        from pg_class where oid >= 16384
    union all select concat_ws(' ', attrelid, attnum, attname, atttypid, attnotnull)
        from pg_attribute where attrelid >= 16384
    union all select concat_ws(' ', oid, conname) from pg_constraint where oid >= 16384
    union all select concat_ws(' ', oid, tgname, tgenabled) from pg_trigger
    union all select concat_ws(' ', oid, proname, md5(prosrc)) from pg_proc where oid >= 16384
    union all select concat_ws(' ', oid, nspname) from pg_namespace where oid >= 16384
    union all select setconfig::text from pg_db_role_setting
) as shape
"""
_TABLES = """
select oid::regclass::text from pg_class
where relkind = 'r' and oid >= 16384 and relpersistence <> 't'
"""
_REWIND = """
select setval(seqrelid, seqstart, false) from pg_sequence
where seqrelid >= 16384 and pg_sequence_last_value(seqrelid) is not null
"""


@dataclass
class _Made:
    """What a database was like when it was new."""

    shape: str
    empty: tuple[str, ...]
    filled: dict[str, list[tuple[str]]]
    """The rows, as text, of tables that migrations have filled."""


@contextmanager
def empty_database(url: str) -> Iterator[str]:
    """Lend the address of a database without anything in the server at *url*; it is dropped."""
    with psycopg.connect(url, autocommit=True) as admin:
        name = _copy(admin, "template1")
        try:
            yield _at(url, name)
        finally:
            _drop(admin, name)


@dataclass
class Databases:
    """Copies of *template* in the server at *url*, the address of an administrator."""

    url: str
    template: str
    _idle: list[tuple[str, _Made]] = field(default_factory=list)

    @contextmanager
    def one(self) -> Iterator[str]:
        """Lend a database's address; its name was never used before."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            name, made = self._idle.pop() if self._idle else self._create(admin)
            try:
                yield _at(self.url, name)
            finally:
                self._take_back(admin, name, made)

    def drop(self) -> None:
        """Drop what is idle."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            while self._idle:
                _drop(admin, self._idle.pop()[0])

    def _create(self, admin: psycopg.Connection) -> tuple[str, _Made]:
        name = _copy(admin, self.template)
        with psycopg.connect(_at(self.url, name)) as connection:
            return name, _look(connection)

    def _take_back(self, admin: psycopg.Connection, name: str, made: _Made) -> None:
        try:
            name = _rename(admin, name)
            with psycopg.connect(_at(self.url, name)) as connection:
                is_as_new = _clean(connection, made)
        except psycopg.Error:
            is_as_new = False
        if is_as_new:
            self._idle.append((name, made))
        else:
            _drop(admin, name)


def _copy(admin: psycopg.Connection, template: str) -> str:
    name = _new_name()
    statement = sql.SQL("create database {} template {}")
    admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return name


def _rename(admin: psycopg.Connection, name: str) -> str:
    """Give it a name that nothing which outlived its test knows."""
    admin.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", [name]
    )
    new = _new_name()
    statement = sql.SQL("alter database {} rename to {}")
    admin.execute(statement.format(sql.Identifier(name), sql.Identifier(new)))
    return new


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _at(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


def _new_name() -> str:
    return f"t_{uuid4().hex[:10]}"


def _shape(connection: psycopg.Connection) -> str:
    row = connection.execute(_SHAPE).fetchone()
    assert row
    return str(row[0])


def _look(connection: psycopg.Connection) -> _Made:
    tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
    rows = {name: _rows(connection, name) for name in tables}
    return _Made(
        _shape(connection),
        empty=tuple(name for name in tables if not rows[name]),
        filled={name: found for name, found in rows.items() if found},
    )


def _clean(connection: psycopg.Connection, made: _Made) -> bool:
    """Empty it; whether it is then what it was when it was new."""
    # Triggers forbid to delete from the audit, foreign keys ask for an order.
    connection.execute("set session_replication_role = replica")
    deleted = sum(_delete(connection, table) for table in made.empty)
    for table, rows in made.filled.items():
        _refill(connection, table, rows)
    connection.execute(_REWIND)
    return deleted <= _MANY_ROWS and _shape(connection) == made.shape


def _rows(connection: psycopg.Connection, table: str) -> list[tuple[str]]:
    return connection.execute(f"select t::text from {table} t order by 1".encode()).fetchall()


def _delete(connection: psycopg.Connection, table: str) -> int:
    return connection.execute(f"delete from {table}".encode()).rowcount


def _refill(connection: psycopg.Connection, table: str, rows: list[tuple[str]]) -> None:
    if _rows(connection, table) != rows:
        _delete(connection, table)
        insert = f"insert into {table} overriding system value select (%s::{table}).*"
        connection.cursor().executemany(insert.encode(), rows)
