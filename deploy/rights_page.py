"""The page docs/rights.md, made from the tables of rights that the services themselves read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chassis.http import plans_of
from chassis.policy import ANYBODY, Row, policy_of

HEAD = "<!-- Made by `make generate`; do not edit. -->\n"
INTRODUCTION = """\
# Rights

Who may do what, as the services decide it; the tests ask for what is *not* here and expect to be refused. The
organisation comes from the token alone: nothing here reaches another organisation's rows. A relation says how the
caller stands towards the thing; what has no relation depends on the role only. "For a reason" means that the
caller names one and the leads read that he looked. Fields that are not named are not in the answer, and refused
in a body.

Relations of a referral: the side, then where one stands on it: `named` (the case is restricted to named members),
`assigned`, `own_unit`, `whole_side` (the case has no unit, or the caller none: small organisations, systems),
`other_unit`. For a `barred` member, and for whom a restricted case is `shut`, it does not exist. Of a group:
`own_group` (leads it now), `other_group` of the organisation, `system`.
"""


def rights_page(services: Iterable[type]) -> bytes:
    """docs/rights.md: one table per service, one line per row."""
    parts = [HEAD, INTRODUCTION]
    for service in services:
        parts += _service(service)
    return "\n".join(parts).encode("utf-8")


def _service(service: type) -> list[str]:
    rows = [row for row in policy_of(service).rows if row.roles]
    if not rows:
        return []
    routes: dict[str, str] = {}
    for _, plan in plans_of(service):
        before = routes.get(plan.operation)
        routes[plan.operation] = f"{before}<br>{_escaped(plan.name)}" if before else _escaped(plan.name)
    lines = [
        f"## {service.__name__.removesuffix('Service').lower()}\n",
        "| operation | roles | relation | state | sees | writes |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += ["| " + " | ".join(_cells(row, routes.get(row.operation, ""))) + " |" for row in rows]
    return [*lines, ""]


def _cells(row: Row, route: str) -> tuple[str, ...]:
    operation = f"`{row.operation}`<br>{route}" + ("<br>for a reason" if row.reason else "")
    roles = "everybody" if row.roles == ANYBODY else _words(row.roles, "")
    return (
        operation,
        roles,
        _words(row.relations, "-"),
        _words(row.states, "any"),
        _words(row.shows, "all"),
        _words(row.writes, "all"),
    )


def _words(names: frozenset[str] | None, otherwise: str) -> str:
    return otherwise if names is None else ", ".join(sorted(names))


def _escaped(route: str) -> str:
    return re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", route)
