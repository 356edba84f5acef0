"""What an import has read, kept in the database until all of it was judged: the memory of the process stays small."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, LiteralString
from uuid import UUID

import orjson

from chassis.db import Work

# References are judged by the directory's own keys: a thing that was removed can be named again.
KNOWN: dict[str, LiteralString] = {
    "organisations": "SELECT key FROM organisation WHERE key = ANY(%s)",
    "locations": "SELECT key FROM location WHERE key = ANY(%s)",
    "services": "SELECT key FROM service WHERE key = ANY(%s)",
    "initiatives": "SELECT key FROM initiative WHERE key = ANY(%s)",
}
BY_ID: dict[str, LiteralString] = {
    "organisations": "SELECT id, key FROM organisation WHERE id = ANY(%(ids)s) OR key = ANY(%(keys)s)",
    "locations": "SELECT id, key FROM location WHERE id = ANY(%(ids)s) OR key = ANY(%(keys)s)",
    "services": "SELECT id, key FROM service WHERE id = ANY(%(ids)s) OR key = ANY(%(keys)s)",
}
PARENTS = """
SELECT o.key, p.key AS parent FROM organisation AS o JOIN organisation AS p ON p.id = o.parent_id
"""
STAGE = """
INSERT INTO staged_row (section, place, mark, content)
SELECT r.section, r.place, r.mark, r.content
  FROM jsonb_to_recordset(%s::jsonb) AS r (section text, place text, mark text, content jsonb)
"""
NEXT = """
SELECT no, place, mark, content FROM staged_row WHERE section = %(section)s AND no > %(after)s ORDER BY no
 LIMIT %(limit)s
"""
CLEAR = "DELETE FROM staged_row"


def known(work: Work, section: str, keys: Collection[str]) -> set[str]:
    """Those of the keys that the directory has."""
    return {row["key"] for row in work.all(KNOWN[section], (list(keys),))}


def known_by_id(work: Work, section: str, ids: Collection[UUID], keys: Collection[str]) -> dict[UUID, str]:
    """The keys by id of those that the directory knows by one of these ids or keys."""
    rows = work.all(BY_ID[section], {"ids": list(ids), "keys": list(keys)}) if ids else []
    return {row["id"]: row["key"] for row in rows}


def parents(work: Work) -> dict[str, str]:
    """Which organisation stands inside which."""
    return {row["key"]: row["parent"] for row in work.all(PARENTS)}


def stage(work: Work, rows: list[dict[str, Any]]) -> None:
    """Keep rows that fit: section, place, mark, content."""
    work.run(STAGE, (orjson.dumps(rows).decode(),), expect=len(rows))


def batches(work: Work, section: str, size: int) -> Iterator[list[dict[str, Any]]]:
    """The kept rows of a section in their order, so many at a time."""
    after = 0
    while found := work.all(NEXT, {"section": section, "after": after, "limit": size}):
        yield found
        after = found[-1]["no"]


def clear(work: Work) -> None:
    """Forget what was kept."""
    work.run(CLEAR, expect=None)
