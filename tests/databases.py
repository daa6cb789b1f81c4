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


@dataclass
class Databases:
    """Copies of *template* in the server at *url*, the address of an administrator."""

    url: str
    template: str
    _idle: list[str] = field(default_factory=list)
    _made: dict[str, _Made] = field(default_factory=dict)

    @contextmanager
    def one(self) -> Iterator[str]:
        """Lend a database's address; its name was never used before."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            name = self._idle.pop() if self._idle else self._create(admin)
            try:
                yield self._at(name)
            finally:
                self._take_back(admin, name)

    def drop(self) -> None:
        """Drop what is idle."""
        with psycopg.connect(self.url, autocommit=True) as admin:
            while self._idle:
                self._drop(admin, self._idle.pop())

    def _create(self, admin: psycopg.Connection) -> str:
        name = _new_name()
        statement = sql.SQL("create database {} template {}")
        admin.execute(statement.format(sql.Identifier(name), sql.Identifier(self.template)))
        with psycopg.connect(self._at(name)) as connection:
            self._made[name] = _look(connection)
        return name

    def _take_back(self, admin: psycopg.Connection, name: str) -> None:
        try:
            renamed = self._rename(admin, name)
        except psycopg.Error:
            self._drop(admin, name)
            return
        try:
            clean = self._clean(renamed)
        except psycopg.Error:
            clean = False
        if clean:
            self._idle.append(renamed)
        else:
            self._drop(admin, renamed)

    def _rename(self, admin: psycopg.Connection, name: str) -> str:
        """Give it a name that nothing which outlived its test knows."""
        admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s",
            [name],
        )
        new = _new_name()
        statement = sql.SQL("alter database {} rename to {}")
        admin.execute(statement.format(sql.Identifier(name), sql.Identifier(new)))
        self._made[new] = self._made.pop(name)
        return new

    def _clean(self, name: str) -> bool:
        """Empty it; whether it is then what it was when it was new."""
        made = self._made[name]
        with psycopg.connect(self._at(name)) as connection:
            # Triggers forbid to delete from the audit, foreign keys ask for an order.
            connection.execute("set session_replication_role = replica")
            deleted = sum(_delete(connection, table) for table in made.empty)
            for table, rows in made.filled.items():
                _refill(connection, table, rows)
            connection.execute(_REWIND)
            return deleted <= _MANY_ROWS and _shape(connection) == made.shape

    def _drop(self, admin: psycopg.Connection, name: str) -> None:
        self._made.pop(name, None)
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def _at(self, name: str) -> str:
        return f"{self.url.rpartition('/')[0]}/{name}"


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


def _rows(connection: psycopg.Connection, table: str) -> list[tuple[str]]:
    return connection.execute(f"select t::text from {table} t order by 1".encode()).fetchall()


def _delete(connection: psycopg.Connection, table: str) -> int:
    return connection.execute(f"delete from {table}".encode()).rowcount


def _refill(connection: psycopg.Connection, table: str, rows: list[tuple[str]]) -> None:
    if _rows(connection, table) != rows:
        _delete(connection, table)
        insert = f"insert into {table} overriding system value select (%s::{table}).*"
        connection.cursor().executemany(insert.encode(), rows)
