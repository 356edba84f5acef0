"""Groups: made, opened, shown, and the roster of the men in them."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import clock, paging
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import FieldError, Invalid, NotFound, Stale
from chassis.requests import Call, Outcome
from services.groups import events, schemas, views
from services.groups.rules import delegations, grouping, rights
from services.groups.rules.grouping import GroupEdge
from services.groups.rules.lifecycle import WORKER
from services.groups.rules.staff_rights import actors_of
from services.groups.store import delegations as quotas
from services.groups.store import groups, programmes, season
from services.groups.usecases.acts import Act, GroupMoved
from services.groups.usecases.consequences import follow_group
from services.groups.usecases.entering import caller_of, relation_to
from services.groups.usecases.programmes import add, check_licence, organisations
from services.groups.usecases.records import actions_of

GROUP = "group"


def create_group(db: Database, call: Call) -> Outcome:
    """Make a group as a draft of the caller's organisation. Raises Invalid and Conflict."""
    with db.work(call) as work:
        caller = caller_of(call)
        group_id = done = work.claimed()
        if group_id is None:
            group_id = clock.new_id()
            draft(work, group_id, call.body, org=(caller.org_id, caller.org_key), subject=caller.subject)
        work.record(Entry(operation="group.create", object_type=GROUP, object_id=None if done else group_id))
        return own(work, group_id)


def open_group(db: Database, call: Call) -> Outcome:
    """Open a draft for sign-ups. Raises NotFound, Stale, and Conflict with all that is still missing."""
    with db.work(call) as work:
        group_id, done = call.path["group_id"], work.claimed()
        if done is None:
            open_draft(work, group_id, subject=caller_of(call).subject, expected=call.expected_version)
        work.record(Entry(operation="group.open", object_type=GROUP, object_id=None if done else group_id))
        return own(work, group_id)


def list_groups(db: Database, call: Call) -> Outcome:
    """The groups that take sign-ups now, for everybody, newest first."""
    query = call.query
    after = paging.position(query["cursor"])
    with db.view() as work:
        rows = views.public_groups(work, query, after=after, limit=query["limit"] + 1)
    return Outcome(value=paging.page(rows, query["limit"], by="opened_at"))


def read_group(db: Database, call: Call) -> Outcome:
    """The group's page; its own group staff see all that they may. Raises NotFound."""
    group_id = call.path["group_id"]
    if call.caller is not None and grouping.is_group_staff(call.caller.roles):
        with db.work(call) as work:
            inner = views.own_group(work, group_id)
            at = relation_to(work, group_id, call.caller)
            if inner is not None and rights.sees_inside(call.caller.roles, at):
                # what everybody may see is no read that has to be on record
                work.record(Entry(operation="group.read", object_type=GROUP, object_id=group_id))
                return Outcome(value=inner, version=_etag(inner), relation=at)
    with db.view() as work:
        row = views.public_group(work, group_id)
    if row is None:
        raise NotFound
    return Outcome(value=row, version=None)


def my_groups(db: Database, call: Call) -> Outcome:
    """The groups that the caller works with: all of the organisation for coordinators, else those that he leads now."""
    with db.work(call) as work:
        caller, query = caller_of(call), call.query
        subject = None if rights.coordinates(caller.roles) else caller.subject
        rows = views.my_groups(work, subject, after=paging.position(query["cursor"]), limit=query["limit"] + 1)
        work.record(Entry(operation=call.operation, object_type=GROUP, object_id=None))
        return Outcome(value=paging.page(rows, query["limit"], by="created_at"))


def roster(db: Database, call: Call) -> Outcome:
    """The men of a group by alias. Raises NotFound outside the caller's own groups."""
    with db.work(call) as work:
        caller, group_id = caller_of(call), call.path["group_id"]
        if views.own_group(work, group_id) is None:
            raise NotFound
        at = relation_to(work, group_id, caller)
        grouping.check("group.roster", caller.roles, at)
        rows = views.roster(work, group_id, call.query["state"])
        keys = work.keys.fetch([row["key_id"] for row in rows]) if rows else {}
        actors = actors_of(caller.roles, at)
        items = [
            {**row, "alias": views.alias_of(keys, row), "allowed_actions": actions_of(row["state"], actors)}
            for row in rows
            if row["key_id"] in keys
        ]
        work.record(Entry(operation="group.roster", object_type=GROUP, object_id=group_id))
        return Outcome(value={"items": items, "next": None}, relation=at)


def draft(work: Work, group_id: uuid.UUID, body: dict[str, Any], *, org: tuple[uuid.UUID, str], subject: str) -> None:
    """Write a draft; without a programme under the organisation's default one of that kind."""
    key = body["programme"]
    programme = programmes.by_key(work, org[0], key) if key else _default(work, org, body)
    if programme is None:
        detail = "Your organisation has no programme with this key."
        raise Invalid("programme.unknown", detail, fields=(FieldError("/programme", "unknown", detail),))
    check_licence(work, programme, org[0])
    grouping.check_capacity(programme["kind"], body["capacity"])
    absent = {"start_on": None, "local_start": None, "tz": None}
    lengths = {"minutes": grouping.MINUTES, "sessions": grouping.SESSIONS}
    row = {**body, **absent, **lengths, **(body["schedule"] or {}), "id": group_id, "org_id": org[0]}
    if grouping.KINDS[programme["kind"]].always_open:
        row["admission"] = "open"
    row |= {"programme_id": programme["id"], "min_to_start": min(body["min_to_start"], body["capacity"])}
    delegations.check_quotas(programme["kind"], body["quotas"], capacity=body["capacity"])
    co_orgs = organisations(work, body["co_organisers"], at="/co_organisers", without=org[0])
    groups.add_group(work, {**row, "co_orgs": co_orgs, "subject": subject}, body["leaders"])
    if body["quotas"]:
        quotas.write(work, group_id, body["quotas"])


def open_draft(work: Work, group_id: uuid.UUID, *, subject: str, expected: int | None) -> None:
    """Open a draft and tell it. Raises NotFound, Stale and Conflict."""
    group = groups.lock_for_opening(work, group_id)
    edge = grouping.decide_group("open", group["state"])
    check_version(group, expected)
    names = ("kind", "leaders", "scheduled", "placed", "retention_days")
    grouping.check_ready(grouping.Readiness(**{name: group[name] for name in names}, texts=len(group["names"])))
    move_group(work, group, edge, act=Act(actor=WORKER, subject=subject))


def check_version(group: dict[str, Any], expected: int | None) -> None:
    """Raise Stale when somebody changed the group since it was read."""
    if expected != group["version"]:
        raise Stale("group.stale", f"The group is at version {group['version']} now; read it again.")


def move_group(work: Work, group: dict[str, Any], edge: GroupEdge, *, act: Act) -> None:
    """Walk one edge of a group that is locked: its row, history, event, and what follows.

    `group` needs the columns of `store.groups.lock_for_opening`.
    """
    groups.move_group(work, group, transition=edge.name, state=edge.target, subject=act.subject, reason=act.reason)
    tell_group(work, {**group, "state": edge.target, "version": group["version"] + 1}, edge.event)
    follow_group(work, GroupMoved(group_id=group["id"], org_id=group["org_id"], edge=edge, act=act, at=work.now))


def tell_group(work: Work, group: dict[str, Any], verb: str) -> None:
    """Tell a group as it now stands, and keep what was said of whether it takes sign-ups."""
    accepting, public = grouping.accepting(group), grouping.KINDS[group["kind"]].public
    work.tell(events.group_told(verb, group, public=public, accepting=accepting, at=work.now))
    season.told(work, group["id"], accepting=accepting)


def _default(work: Work, org: tuple[uuid.UUID, str], body: dict[str, Any]) -> dict[str, Any] | None:
    key = grouping.programme_key(org[1], body["kind"])
    found = programmes.by_key(work, org[0], key)
    if found is None:
        chosen = schemas.NewProgramme().load({"key": key, "kind": body["kind"], "names": body["names"]})
        add(work, org[0], {**chosen, "id": clock.new_id()})
        found = programmes.by_key(work, org[0], key)
    return found


def own(work: Work, group_id: uuid.UUID) -> Outcome:
    """A group as its organisation sees it, as the answer to a change. Raises NotFound."""
    row = views.own_group(work, group_id)
    if row is None:
        raise NotFound
    return Outcome(value=row, version=_etag(row), location=f"/groups/{group_id}")


def _etag(group: dict[str, Any]) -> int | None:
    # Men come and go without a new version, so only a draft's page is the same as long as its version is; and only a
    # draft is changed with If-Match.
    return group["version"] if group["state"] == "draft" else None
