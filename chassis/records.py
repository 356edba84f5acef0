"""Reads, closes and clears the rows of one record of a person, as its service's declaration and the classes say.

The SQL is put together from names of our own tables and columns alone (rules/persons.py, classes.json); values are
parameters. Everything runs in the context of the acting organisation: row security leaves another one's rows out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

from marshmallow import Schema
from psycopg import sql

from chassis.classes import Classed, classes_of
from chassis.persons import REVIEW_OF_ALL, Persons, Table
from chassis.work import Work

EMPTY = {"bytea": sql.SQL("''::bytea"), "text": sql.SQL("''")}


def _nothing(_work: Work, _key: UUID) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an organisation's own record stands, under its lock, and the keys that seal any part of it."""

    held_at: dt.datetime | None
    erased_at: dt.datetime | None
    key_ids: list[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The records of persons of one service.

    `shapes` are the schemas by which sealed columns ("table.column") were read, for the classes of their members.
    `before` runs under the lock before a record is marked erased, in the context of its organisation.
    """

    service: str
    persons: Persons
    shapes: Mapping[str, Schema] = field(default_factory=dict)
    before: Callable[[Work, UUID], None] = _nothing

    def columns(self, table: Table) -> dict[str, Classed]:
        """The classes of a table's columns."""
        return classes_of(self.service)[table.name]

    def reason_to_review(self, place: str) -> str | None:
        """Why an officer has to read this place before it is handed out; None when he need not."""
        return self.persons.review.get(place) or REVIEW_OF_ALL.get(place)

    def reason_to_review_all(self, found: Iterable[tuple[Table, Mapping[str, Any]]]) -> str | None:
        """Why an officer has to read the whole record before any of it is handed out; None when he need not."""
        for table, row in found:
            for place, (value, reason) in self.persons.review_whole.items():
                name, _, column = place.partition(".")
                if name == table.name and row[column] == value:
                    return reason
        return None

    def lock(self, work: Work, key: UUID) -> Standing | None:
        """Lock the acting organisation's own record, closed or not; None when it has none under this key."""
        with work.closed_too():
            found = [row for table in self._closing() for row in work.all(_select(table, LOCKED), {"key": key})]
            if not found:
                return None
            sealed = [table for table in self.persons.all_tables if "key_id" in self.columns(table)]
            keys = {row["key_id"] for table in sealed for row in work.all(_select(table, KEYS), {"key": key})}
        return Standing(held_at=found[0]["held_at"], erased_at=found[0]["erased_at"], key_ids=sorted(keys - {None}))

    def close(self, work: Work, key: UUID, *, erased: bool) -> None:
        """Hide the record from every ordinary statement: because it is erased, else because it is held."""
        self._mark(work, key, "erased_at" if erased else "held_at", work.now)

    def reopen(self, work: Work, key: UUID) -> None:
        """Let ordinary statements see a record again that was held."""
        self._mark(work, key, "held_at", None)

    def clear(self, work: Work, key: UUID) -> None:
        """Empty every column about people, let rows go that have nothing else, leave the day of other times."""
        with work.closed_too():
            for table in self.persons.all_tables:
                work.run(self._clearing(work, table), {"key": key}, expect=None)

    def rows(self, work: Work, key: UUID) -> Iterator[tuple[Table, dict[str, Any]]]:
        """Every row of the record as it is stored, without what speaks of somebody else apart from it."""
        with work.closed_too():
            for table in self.persons.all_tables:
                found = [] if table.apart else work.all(_select(table, ALL), {"key": key})
                yield from ((table, row) for row in found if not (table.hides and row[table.hides]))

    def _closing(self) -> list[Table]:
        return [table for table in self.persons.tables if table.closes]

    def _mark(self, work: Work, key: UUID, column: str, at: dt.datetime | None) -> None:
        with work.closed_too():
            for table in self._closing():
                query = sql.SQL("UPDATE {} SET {} = %(at)s WHERE {}").format(
                    sql.Identifier(table.name), sql.Identifier(column), _where(table)
                )
                work.run(_text(query), {"key": key, "at": at}, expect=None)

    def _clearing(self, work: Work, table: Table) -> LiteralString:
        name = sql.Identifier(table.name)
        if table.drops:
            return _text(sql.SQL("DELETE FROM {} WHERE {}").format(name, _where(table)))
        doomed = [column for column, classed in self.columns(table).items() if classed.is_about_people]
        kinds = {row["name"]: row for row in work.all(CATALOGUE, (table.name,))}
        sets = [_set(column, _emptied(kinds[column])) for column in doomed]
        sets += [
            _set(column, sql.SQL("date_trunc('day', {})").format(sql.Identifier(column))) for column in table.rounds
        ]
        return _text(sql.SQL("UPDATE {} SET {} WHERE {}").format(name, sql.SQL(", ").join(sets), _where(table)))


LOCKED = sql.SQL("SELECT held_at, erased_at FROM {} WHERE {} FOR UPDATE")
KEYS = sql.SQL("SELECT key_id FROM {} WHERE {}")
ALL = sql.SQL("SELECT * FROM {} WHERE {}")
CATALOGUE = """
SELECT column_name AS name, is_nullable = 'YES' AS nullable, data_type AS kind FROM information_schema.columns
 WHERE table_schema = 'public' AND table_name = %s
"""


def _select(table: Table, query: sql.SQL) -> LiteralString:
    return _text(query.format(sql.Identifier(table.name), _where(table)))


def _where(table: Table) -> sql.Composed:
    if not table.through:
        return sql.SQL("{} = %(key)s").format(sql.Identifier(table.where))
    link, _, column = table.through.partition(".")
    inner = sql.SQL("{} IN (SELECT {} FROM {} WHERE id = %(key)s)")
    return inner.format(sql.Identifier(table.where), sql.Identifier(column), sql.Identifier(link))


def _set(column: str, value: sql.Composable) -> sql.Composed:
    return sql.SQL("{} = {}").format(sql.Identifier(column), value)


def _emptied(kind: dict[str, Any]) -> sql.Composable:
    # A column that may not be null and is neither text nor bytes is a KeyError: such a fact could never be erased.
    return sql.SQL("NULL") if kind["nullable"] else EMPTY[kind["kind"]]


def _text(query: sql.Composed) -> LiteralString:
    # No value of anybody's is in it: names come from our own declaration and are quoted as identifiers.
    return query.as_string(None)
