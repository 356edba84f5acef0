"""Checks the audit of a database from its first link to its last, and says in plain words what does not fit.

What is found: a row that was deleted, changed, swapped, put in or left without a link, an end that was cut, and, by
heads that were written elsewhere before, a chain that was made anew as a whole by somebody who has the keys.
It reads as the owner of the tables, in one snapshot, and writes nothing.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from chassis.audit import mac_of
from chassis.chain import NO_ORGANISATION, START, link_hash, top_mac

READ_AT_ONCE = 1_000
UNSEALED_AFTER = dt.timedelta(seconds=5)
MOST_NAMED = 20
BEGINNING = (0, START)
OPTIONS = "-c timezone=UTC -c work_mem=64MB -c application_name=audit"
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not fit: kind, chain (None for the whole database), number of the row, a sentence."""

    kind: str
    chain: UUID | None
    audit_no: int | None
    words: str


@dataclass(slots=True)
class Report:
    """What a check found: how many rows were linked, and the faults, the first one first."""

    rows: int = 0
    faults: list[Fault] = field(default_factory=list)


Heads = Mapping[tuple[UUID, int], bytes]
"""Hashes that must stand at (chain, place in the chain)."""

# The content as chassis/audit.py writes it: the database makes the text, which is many times faster than making values.
ROWS = r"""
SELECT l.no, uuid_send(l.chain), l.seq, l.audit_no, l.hash, a.mac,
       convert_to(concat(
           a.id, E'\x1f', to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
           E'\x1f', coalesce(a.org_id::text, E'\x1e'), E'\x1f', a.subject, E'\x1f', coalesce(a.token_id, E'\x1e'),
           E'\x1f', a.operation, E'\x1f', a.object_type, E'\x1f', coalesce(a.object_id::text, E'\x1e'),
           E'\x1f', a.purpose, E'\x1f', coalesce(a.basis, E'\x1e'), E'\x1f', a.request_id, E'\x1f', a.outcome), 'UTF8'),
       coalesce(a.org_id, '00000000-0000-0000-0000-000000000000') = l.chain
  FROM audit_link AS l LEFT JOIN audit AS a ON a.no = l.audit_no ORDER BY l.no
"""


def verify(url: str, *, audit_key: bytes, chain_key: bytes, heads: Heads | None = None) -> Report:
    """Check one database. Raises psycopg.Error when it does not answer.

    `url` names the owner's role, `heads` what an earlier export said.
    """
    with psycopg.connect(url, options=OPTIONS, connect_timeout=5) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        report = Report()
        for fault in _faults(connection, _Check(audit_key, chain_key, dict(heads or {}), report)):
            if len(report.faults) < MOST_NAMED:
                report.faults.append(fault)
        return report


@dataclass(slots=True)
class _Check:
    audit_key: bytes
    chain_key: bytes
    expected: dict[tuple[UUID, int], bytes]
    report: Report
    ends: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    no: int = 0


def _faults(connection: Connection, check: _Check) -> Iterator[Fault]:
    # Streamed: the database reads on while this process computes, and neither holds it all.
    with connection.cursor(binary=True) as cursor:
        yield from _row_faults(check, cursor.stream(ROWS.encode(), size=READ_AT_ONCE))
    yield from _end_faults(connection, check)
    yield from _unsealed(connection)
    for chain, seq in check.expected:
        words = f"the chain of {_name(chain)} ends before place {seq}, which was exported: its end was cut"
        yield Fault("head.missing", chain, None, words)


def _row_faults(check: _Check, rows: Iterable[tuple[Any, ...]]) -> Iterator[Fault]:
    """One pass without a call for a row that fits: this loop is what a check costs."""
    ends, expected, audit_key, chain_key = check.ends, check.expected, check.audit_key, check.chain_key
    for no, chain, seq, audit_no, stored, mac, content, own_chain in rows:
        place, before = ends.get(chain, BEGINNING)
        made = mac and link_hash(chain_key, before, chain, (no, seq, audit_no), mac)
        fits = made == stored and own_chain and mac_of(content, audit_key) == mac
        if not fits or no != check.no + 1 or seq != place + 1:
            yield _named(check, UUID(bytes=chain), (no, seq, audit_no), (made == stored, seq == place + 1, mac))
        if expected and expected.pop((UUID(bytes=chain), seq), stored) != stored:
            name = _name(UUID(bytes=chain))
            words = f"the chain of {name} is another one than was exported, at place {seq} or before: made anew"
            yield Fault("head.differs", UUID(bytes=chain), audit_no, words)
        ends[chain] = (seq, stored)
        check.no = no
        check.report.rows += 1


def _named(check: _Check, chain: UUID, numbers: tuple[int, int, int], fit: tuple[bool, bool, bytes | None]) -> Fault:
    (no, seq, audit_no), (linked, follows, mac) = numbers, fit
    if no != check.no + 1 or not follows:
        words = f"links before number {no} are missing (place {seq} in the chain of {_name(chain)}): rows were cut out"
        return Fault("link.missing", chain, audit_no, words)
    if mac is None:
        return Fault("row.deleted", chain, audit_no, f"row {audit_no} of {_name(chain)} was deleted")
    if linked:
        return Fault("row.changed", chain, audit_no, f"row {audit_no} of {_name(chain)} was changed")
    words = f"row {audit_no} of {_name(chain)} is not the one that was linked: swapped, replaced or linked anew"
    return Fault("row.replaced", chain, audit_no, words)


TOP = "SELECT no, at, mac FROM audit_top"


def _end_faults(connection: Connection, check: _Check) -> Iterator[Fault]:
    top = connection.execute(TOP).fetchone()
    if top is None:
        if check.no:
            yield Fault("top.missing", None, None, "the mark that says how many links there are was taken away")
    elif not hmac.compare_digest(top_mac(check.chain_key, top[0], top[1]), top[2]):
        yield Fault("top.forged", None, None, "the mark that says how many links there are is not the sealer's own")
    elif top[0] != check.no:
        words = f"the last link is number {check.no} and {top[0]} were made: the end was cut"
        yield Fault("end.cut", None, None, words)


UNSEALED = """
SELECT a.no, a.org_id, p.no IS NULL FROM audit AS a LEFT JOIN audit_pending AS p USING (no)
 WHERE a.at < %s AND NOT EXISTS (SELECT FROM audit_link AS l WHERE l.audit_no = a.no) ORDER BY a.no LIMIT %s
"""
LOST = "SELECT p.no FROM audit_pending AS p WHERE NOT EXISTS (SELECT FROM audit AS a WHERE a.no = p.no) LIMIT %s"


def _unsealed(connection: Connection) -> Iterator[Fault]:
    # By the clock of the database: what is younger in this snapshot is the sealer's to link still.
    limit = connection.execute(b"SELECT now() - %s", (UNSEALED_AFTER,)).fetchone()
    for no, org, strange in connection.execute(UNSEALED, (limit and limit[0], MOST_NAMED)):
        why = "and never waited for one: put in from outside" if strange else "for seconds: does the relay run?"
        yield Fault("row.unsealed", org or NO_ORGANISATION, no, f"row {no} of {_name(org)} has no link {why}")
    for (no,) in connection.execute(LOST, (MOST_NAMED,)):
        yield Fault("row.lost", None, no, f"row {no} was deleted before it was linked")


HEADS = "SELECT DISTINCT ON (chain) chain, seq, hash, linked_at FROM audit_link ORDER BY chain, seq DESC"
OF_ORGANISATION = """
SELECT l.seq, a.no, a.id, a.at, a.org_id, a.subject, a.token_id, a.operation, a.object_type, a.object_id, a.purpose,
       a.basis, a.request_id, a.outcome, encode(a.mac, 'hex') AS mac, encode(l.hash, 'hex') AS hash
  FROM audit AS a LEFT JOIN audit_link AS l ON l.audit_no = a.no WHERE a.org_id = %s ORDER BY a.no
"""


def heads_of(url: str) -> list[dict[str, Any]]:
    """The head of every chain of a database: chain, seq, hash, linked_at. Raises psycopg.Error."""
    return list(_dicts(url, HEADS, ()))


def rows_of(url: str, org: UUID) -> Iterator[dict[str, Any]]:
    """Every row of an organisation, oldest first, with its place in the chain and both hashes. Raises psycopg.Error."""
    return _dicts(url, OF_ORGANISATION, (org,))


def _dicts(url: str, query: LiteralString, parameters: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    with (
        psycopg.connect(url, options=OPTIONS, connect_timeout=5, row_factory=psycopg.rows.dict_row) as connection,
        connection.cursor("listed") as cursor,
    ):
        cursor.execute(query, parameters)
        yield from cursor


def _name(chain: UUID | None) -> str:
    return f"organisation {chain}" if chain not in {None, NO_ORGANISATION} else "no organisation"
