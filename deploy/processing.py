"""Makes docs/security/record-of-processing.md (GDPR article 30) from classes, shapes, retention and purposes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from marshmallow import Schema, fields

from chassis.classes import Tables, classes_of, key_classes
from chassis.erasure import records_of
from chassis.persons import Rule
from chassis.retention import SWEPT_ELSEWHERE
from chassis.settings import SERVICES
from deploy.catalogue import HEAD

PATH = "docs/security/record-of-processing.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What one service does with facts about people, in the words of article 30."""

    purpose: str
    subjects: str
    basis: str
    recipients: str


ACTIVITIES: dict[str, Activity] = {
    "referrals": Activity(
        purpose="Hand a person over from one institution to another, and tell the sender what it may know of it.",
        subjects="Persons who are referred; workers who act.",
        basis="Consent, an order or a statutory duty, as the sending organisation names it (articles 6, 9 and 10; for "
        "police and probation Directive 2016/680).",
        recipients="The sending and the receiving organisation, each its own record. Nobody else.",
    ),
    "groups": Activity(
        purpose="Give a man a place in a group or in its queue, and reach him by a channel that is safe.",
        subjects="Men who sign up, by alias; leaders and workers who act.",
        basis="The man's own request (article 6(1)(b)); for what the kind of group tells of him, consent (9(2)(a)).",
        recipients="The organisation that owns the group. Nobody else.",
    ),
    "directory": Activity(
        purpose="Say which organisations and services there are, and who changed an entry.",
        subjects="Members who change public entries.",
        basis="Legitimate interest in entries that can be traced (article 6(1)(f)).",
        recipients="The public, without the member's id.",
    ),
    "access": Activity(
        purpose="Know who acts for which organisation, and let nobody else.",
        subjects="Members of organisations.",
        basis="Security of processing (articles 6(1)(c) and 32).",
        recipients="The member's own organisation.",
    ),
    "subscriptions": Activity(
        purpose="Tell partner systems that something happened, by ids, codes and times.",
        subjects="Persons behind the ids, who cannot be told from them without another service.",
        basis="As the service that tells of it.",
        recipients="The organisation whose stream it is.",
    ),
}

INTRODUCTION = """\
# Record of processing

For the record that article 30 GDPR asks of every controller and processor. Each organisation is the controller of its
own records; who runs the machines is a processor. Fill in names and contacts of controller, processor and
data-protection officer; the rest is made from the code: a column without a class, or a purpose that is missing, stops
the build.

**Transfers to third countries**: none by the software. **Measures** (article 32): see [SECURITY.md](../../SECURITY.md)
and [data protection](../data-protection.md). Sealed means AES-256-GCM with a key per record, kept in another database
and destroyed by erasure. Every look at a record and every change leaves a row in the audit.
"""
STAYS = """\
Rows of the audit and the ledger of erasures stay: they prove what was done, and name objects and workers by id only.
"""


def page() -> bytes:
    """The whole page. Raises KeyError for a service whose purpose nobody wrote down."""
    parts = [HEAD, INTRODUCTION]
    for service in SERVICES:
        parts += _service(service, ACTIVITIES[service])
    parts += ["## In every service\n", *_columns(_of_chassis()), *_rules(SWEPT_ELSEWHERE)]
    parts += [STAYS, "## The key database\n", _keys()]
    return "\n".join(parts).rstrip("\n").encode("utf-8") + b"\n"


def _service(service: str, activity: Activity) -> Iterator[str]:
    yield f"## {service}\n"
    yield f"- **Purpose**: {activity.purpose}"
    yield f"- **Whose data**: {activity.subjects}"
    yield f"- **Legal basis**: {activity.basis}"
    yield f"- **Recipients**: {activity.recipients}\n"
    yield from _columns(_own(service))
    records = records_of(service)
    if records is not None:
        for place, shape in records.shapes.items():
            inside = ", ".join(f"{name} ({kind})" for name, kind in _members(shape, ""))
            yield f"Inside `{place}`: {inside}.\n"
        yield from _rules(records.persons.rules)


def _columns(tables: Tables) -> Iterator[str]:
    rows = [
        (f"`{table}.{column}`", classed.kind, classed.why or _kept(column, classed.kind))
        for table, columns in tables.items()
        for column, classed in columns.items()
        if classed.is_about_people
    ]
    if not rows:
        yield "No column holds facts about people.\n"
        return
    yield from _table(("column", "class", "how it is kept"), rows)


def _kept(column: str, kind: str) -> str:
    return f"sealed, under {column}" if kind == "sealed" else "keyed hash"


def _rules(rules: Iterable[Rule]) -> Iterator[str]:
    rows = [
        (rule.what, "its own figure" if rule.days is None else f"{rule.days} days", rule.after, rule.source)
        for rule in rules
    ]
    yield from _table(("what goes", "after", "counted from", "source"), rows)


def _members(shape: Schema, prefix: str) -> Iterator[tuple[str, str]]:
    for name, field in shape.fields.items():
        if isinstance(field, fields.Nested):
            yield from _members(field.schema, f"{prefix}{name}.")
        elif field.metadata["class"] not in {"public", "internal"}:
            yield f"{prefix}{name}", str(field.metadata["class"])


def _of_chassis() -> Tables:
    shared = set.intersection(*(set(classes_of(service)) for service in SERVICES))
    return {table: columns for table, columns in classes_of(SERVICES[0]).items() if table in _shared(shared)}


def _own(service: str) -> Tables:
    shared = _shared(set.intersection(*(set(classes_of(each)) for each in SERVICES)))
    return {table: columns for table, columns in classes_of(service).items() if table not in shared}


def _shared(names: set[str]) -> set[str]:
    first = classes_of(SERVICES[0])
    return {name for name in names if all(classes_of(service)[name] == first[name] for service in SERVICES)}


def _keys() -> str:
    tables = ", ".join(f"`{name}`" for name in key_classes())
    return f"Wrapped keys and the ledger of erasures ({tables}): ids, codes and times, nothing about a person."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]
