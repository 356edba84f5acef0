"""What each route of a group's staff is tried on, made over HTTP: groups, men and evenings as they come about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from chassis import clock
from tests.support.client import Answer, Client
from tests.support.specification import OPERATIONS

Prepared = tuple[Client, dict[str, str], dict[str, Any], str | None]
Tried = Callable[[Client, Client], Prepared]
"""From a system of the centre and a man: who asks, places of the path, changes to the example, the version."""

MAN = "/groups/{group_id}/signups/{signup_id}"
GROUP = "/groups/{group_id}"
SESSION = "/groups/{group_id}/sessions/{no}"
PAIRS = "/groups/keep-apart"
ZONE = "Europe/Vilnius"


def posted(by: Client, path: str, body: dict[str, Any], *, version: str | None = None) -> Answer:
    """What was done."""
    answer = by.post(path, body, version=version)
    assert answer.status in {200, 201}, answer.raw
    return answer


def begun_schedule(sessions: int = 3) -> dict[str, Any]:
    """Weekly meetings of which the first began today, at the latest an hour ago."""
    now = clock.now().astimezone(ZoneInfo(ZONE))
    start = now - dt.timedelta(hours=1)
    at = start.strftime("%H:%M") if start.date() == now.date() else "00:00"
    return {"start_on": now.date().isoformat(), "local_start": at, "tz": ZONE, "sessions": sessions}


def programme(by: Client, **changes: Any) -> str:
    """The key of a new programme of fathers' evenings."""
    example = OPERATIONS["POST /programmes"].example
    body = {**example, "kind": "guided", "intake": "none", **changes}
    key: str = posted(by, "/programmes", body).body["key"]
    return key


def opened(by: Client, **changes: Any) -> str:
    """The id of a group that takes sign-ups."""
    made = posted(by, "/groups", {**OPERATIONS["POST /groups"].example, **changes})
    posted(by, f"/groups/{made.body['id']}/open", {}, version=made.version)
    group: str = made.body["id"]
    return group


def version_of(by: Client, group: str) -> str:
    """A group's version as If-Match has it."""
    return f'"{by.get(f"/groups/{group}").body["version"]}"'


def signed_up(man: Client, group: str, **changes: Any) -> str:
    """The id of a man's sign-up."""
    body = {**OPERATIONS["POST /signups"].example, "group_id": group, **changes}
    made: str = posted(man, "/signups", body).body["signup_id"]
    return made


def his(by: Client, group: str, sign_up: str) -> tuple[dict[str, str], str | None]:
    """The places of a man's routes, and his version."""
    places = {"group_id": group, "signup_id": sign_up}
    return places, by.get(MAN.format(**places)).version


def with_a_number(by: Client, man: Client) -> Prepared:
    """A man who may be rung."""
    group = opened(by)
    contact = {"channel": "phone", "value": "+37060000003", "safe": "yes", "may_call": True}
    places, _ = his(by, group, signed_up(man, group, contact=contact))
    return by, places, {}, None


def glass_to_see(by: Client, man: Client, leader: Client) -> Prepared:
    """A look outside of duty by somebody who has just signed in, for the officer."""
    places = broken_glass(by, man, leader)[1]
    found = [each["id"] for each in by.get("/groups/glass").items if each["signup_id"] == places["signup_id"]]
    return by, {"glass_id": found[0]}, {}, None


def broken_glass(by: Client, man: Client, leader: Client) -> Prepared:
    """A man of a group that somebody does not lead, whose contact she has opened."""
    places = seated(by, man)[1]
    posted(leader, f"{MAN}/glass".format(**places), {"reason": "meeting_today"})
    return leader, places, {}, None


def seated(by: Client, man: Client) -> Prepared:
    """A man with a seat."""
    group = opened(by)
    places, version = his(by, group, signed_up(man, group))
    return by, places, {}, version


def to_talk_with(by: Client, man: Client) -> Prepared:
    """A man whose conversation is to come, in a programme that asks for one consent."""
    consents = [{"code": "group-rules", "version": "1"}]
    group = opened(by, kind="guided", programme=programme(by, intake="required", consents=consents))
    places, version = his(by, group, signed_up(man, group))
    return by, places, {}, version


def agreed(by: Client, man: Client) -> Prepared:
    """The same after he agreed."""
    _, places, _, version = to_talk_with(by, man)
    posted(by, f"{MAN.format(**places)}/consents", OPERATIONS[f"POST {MAN}/consents"].example)
    return by, places, {}, version


def offered(by: Client, man: Client) -> Prepared:
    """A man who has an offer."""
    group = opened(by, capacity=2)
    first, _, last = (signed_up(man, group) for _ in range(3))
    places, version = his(by, group, first)
    posted(by, f"{MAN.format(**places)}/withdraw", {}, version=version)
    places, version = his(by, group, last)
    return by, places, {}, version


def to_call(by: Client, man: Client) -> Prepared:
    """The first of the queue of a group that has begun, with a free seat."""
    group = opened(by, capacity=2, min_to_start=1)
    first, _, last = (signed_up(man, group) for _ in range(3))
    posted(by, f"/groups/{group}/start", {}, version=version_of(by, group))
    places, version = his(by, group, first)
    posted(by, f"{MAN.format(**places)}/withdraw", {}, version=version)
    places, version = his(by, group, last)
    return by, places, {}, version


def to_remove(by: Client, man: Client, colleague: Client) -> Prepared:
    """A man whose removal somebody else proposed."""
    _, places, _, version = seated(by, man)
    posted(colleague, f"{MAN.format(**places)}/propose-removal", OPERATIONS[f"POST {MAN}/propose-removal"].example)
    return by, places, {}, version


def evening(by: Client, man: Client) -> Prepared:
    """A meeting that has begun, with a man on its list."""
    group = opened(by, schedule=begun_schedule())
    signed_up(man, group)
    return by, {"group_id": group, "no": "1"}, {}, '"1"'


def held(by: Client, man: Client) -> Prepared:
    """A meeting with its attendance."""
    _, places, _, version = evening(by, man)
    lines = by.get(f"{SESSION.format(**places)}/attendance").body["lines"]
    body = {"entries": [{"signup_id": lines[0]["signup_id"], "code": "present"}]}
    sheet = posted(by, f"{SESSION.format(**places)}/attendance", body, version=version)
    return by, places, {}, sheet.version


def in_the_group(by: Client, man: Client) -> Prepared:
    """A man who came."""
    _, places, _, _ = held(by, man)
    line = by.get(f"{SESSION.format(**places)}/attendance").body["lines"][0]
    where, version = his(by, places["group_id"], line["signup_id"])
    return by, where, {}, version


def unknown(by: Client, man: Client) -> Prepared:
    """A man whom nobody has linked, and a person who is new each time."""
    _, places, _, version = seated(by, man)
    return by, places, {"name": f"Demo {uuid4().hex}"}, version


def finished_man(by: Client, man: Client) -> Prepared:
    """A man about whom it was decided that he has finished."""
    _, places, _, version = in_the_group(by, man)
    posted(by, f"{MAN.format(**places)}/complete", {}, version=version)
    return by, places, {}, None


def certified(by: Client, man: Client) -> Prepared:
    """A man with a certificate."""
    _, places, _, _ = finished_man(by, man)
    posted(by, f"{MAN.format(**places)}/certificate", {})
    return by, places, {}, None


def of_fathers(by: Client, man: Client) -> Prepared:
    """A man who came to a group that may report."""
    group = opened(by, kind="guided", programme=programme(by), schedule=begun_schedule())
    sign_up = signed_up(man, group)
    places = {"group_id": group, "no": "1"}
    body = {"entries": [{"signup_id": sign_up, "code": "present"}]}
    posted(by, f"{SESSION.format(**places)}/attendance", body, version='"1"')
    return by, his(by, group, sign_up)[0], {}, None


def linked(by: Client, man: Client) -> Prepared:
    """A man who is linked to a person of the centre, and another one by name; both are new each time."""
    _, places, _, version = seated(by, man)
    posted(by, f"{MAN.format(**places)}/person", {"name": f"Demo {uuid4().hex}", "birth_year": 1980}, version=version)
    other = {"name": f"Demo {uuid4().hex}", "birth_year": 1981}
    return by, {}, {"signup_id": places["signup_id"], "other": other}, None


def paired(by: Client, man: Client) -> Prepared:
    """Two who are kept apart."""
    _, _, changes, _ = linked(by, man)
    made = posted(by, PAIRS, {**changes, "reason": "relatives"})
    return by, {"pair_id": made.body["id"]}, {}, None


def two_groups(by: Client, man: Client) -> Prepared:
    """A man who waits in one group of a programme, and another group of it."""
    key = programme(by)
    one, two = (opened(by, kind="guided", programme=key, capacity=2) for _ in range(2))
    last = [signed_up(man, one) for _ in range(3)][-1]
    places, version = his(by, one, last)
    return by, places, {"group_id": two}, version


def of_partners(by: Client, man: Client) -> Prepared:
    """A man in a programme with a partner step."""
    group = opened(by, kind="behaviour_change", programme=programme(by, kind="behaviour_change"))
    return by, his(by, group, signed_up(man, group))[0], {}, None


def a_programme(by: Client, _: Client) -> Prepared:
    """A programme, and its version."""
    made = posted(by, "/programmes", OPERATIONS["POST /programmes"].example)
    return by, {"programme_id": made.body["id"]}, {}, made.version


def a_group(by: Client, _: Client) -> Prepared:
    """An open group."""
    group = opened(by)
    return by, {"group_id": group}, {}, version_of(by, group)


def led(by: Client, man: Client, leader: Client) -> Prepared:
    """A group, for somebody who leads it."""
    return leader, *a_group(by, man)[1:3], None


def with_calendar(by: Client, man: Client, leader: Client) -> Prepared:
    """An address of a calendar."""
    _, places, _, _ = a_group(by, man)
    path = posted(leader, f"/groups/{places['group_id']}/calendar", {}).body["path"]
    return man, {"token": path.rpartition("/")[2]}, {}, None


def a_draft(by: Client, _: Client) -> Prepared:
    """A draft."""
    made = posted(by, "/groups", OPERATIONS["POST /groups"].example)
    return by, {"group_id": made.body["id"]}, {}, made.version


def startable(by: Client, man: Client) -> Prepared:
    """A group with enough men."""
    group = opened(by, min_to_start=1)
    signed_up(man, group)
    return by, {"group_id": group}, {}, version_of(by, group)


def settled(by: Client, man: Client) -> Prepared:
    """A running group about which everything is decided."""
    _, places, _, _ = startable(by, man)
    group = places["group_id"]
    posted(by, f"/groups/{group}/start", {}, version=version_of(by, group))
    for each in by.get(f"/groups/{group}/sessions").items:
        posted(by, f"/groups/{group}/sessions/{each['no']}/cancel", {}, version=f'"{each["version"]}"')
    return by, places, {}, version_of(by, group)


def finished(by: Client, man: Client) -> Prepared:
    """A finished group."""
    _, places, _, version = settled(by, man)
    posted(by, f"/groups/{places['group_id']}/finish", {}, version=version)
    return by, places, {}, version_of(by, places["group_id"])


def a_meeting(by: Client, man: Client) -> Prepared:
    """A meeting that is ahead."""
    _, places, _, _ = a_group(by, man)
    return by, {**places, "no": "1"}, {}, '"1"'


def merging(by: Client, man: Client) -> Prepared:
    """A group and another one that takes its queue."""
    _, places, changes, _ = two_groups(by, man)
    return by, {"group_id": places["group_id"]}, changes, None


def unversioned(tried: Tried) -> Tried:
    """The same for a route that compares no version."""
    return lambda by, man: (*tried(by, man)[:3], None)


PREPARE: dict[str, Tried] = {
    f"POST {MAN}/offer": to_call,
    f"POST {MAN}/offer/accept": offered,
    f"POST {MAN}/offer/decline": offered,
    f"POST {MAN}/withdraw": seated,
    f"POST {MAN}/intake": unversioned(to_talk_with),
    f"POST {MAN}/consents": unversioned(to_talk_with),
    f"POST {MAN}/confirm": agreed,
    f"POST {MAN}/redirect": to_talk_with,
    f"POST {MAN}/propose-removal": unversioned(seated),
    f"POST {MAN}/complete": in_the_group,
    f"POST {MAN}/apology": unversioned(seated),
    f"POST {MAN}/contact/confirm": with_a_number,
    f"POST {MAN}/notes": unversioned(seated),
    f"POST {GROUP}/messages": unversioned(a_group),
    f"POST {MAN}/report/sign": of_fathers,
    f"POST {MAN}/partner-step": of_partners,
    "POST /programmes/{programme_id}/change": a_programme,
    f"POST {GROUP}/duplicate": unversioned(a_group),
    f"POST {MAN}/certificate": finished_man,
    f"POST {MAN}/transfer": two_groups,
    f"POST {MAN}/person": unknown,
    f"POST {PAIRS}": linked,
    f"POST {PAIRS}/{{pair_id}}/end": paired,
    f"POST {GROUP}/signups": unversioned(a_group),
    f"POST {GROUP}/sessions": unversioned(a_group),
    f"POST {GROUP}/sessions/series": unversioned(a_draft),
    f"POST {SESSION}/move": a_meeting,
    f"POST {SESSION}/cancel": a_meeting,
    f"POST {SESSION}/attendance": evening,
    f"POST {SESSION}/close": held,
    f"POST {GROUP}/change": a_group,
    f"POST {GROUP}/postpone": a_group,
    f"POST {GROUP}/start": startable,
    f"POST {GROUP}/finish": settled,
    f"POST {GROUP}/cancel": a_group,
    f"POST {GROUP}/archive": finished,
    f"POST {GROUP}/merge": merging,
    f"POST {GROUP}/leaders": unversioned(a_group),
    f"POST {GROUP}/leaders/end": unversioned(a_group),
}
READ: dict[str, Tried] = {
    f"GET {MAN}": seated,
    f"GET {MAN}/contact": seated,
    "GET /programmes/{programme_id}": a_programme,
    f"GET {GROUP}/call-list": a_group,
    f"GET {MAN}/certificate": certified,
    f"GET {MAN}/certificate/print": certified,
    f"GET {GROUP}/roster/export.csv": a_group,
    f"GET {GROUP}/roster/export.xlsx": a_group,
    f"GET {GROUP}/roster/print.pdf": a_group,
    f"GET {GROUP}/sessions": a_group,
    f"GET {GROUP}/sessions/proposal": a_draft,
    f"GET {SESSION}/attendance": held,
}
