"""Every example of the specification works, again and again, and every answer has the documented shape."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import amqp
import pytest

from chassis import clock
from chassis.db import Database
from chassis.envelope import CONTENT_TYPE
from chassis.settings import SERVICES
from services.groups.schemas import DEMO_GROUP
from services.referrals.rules.lifecycle import LIFECYCLE, RECEIVER, SENDER
from services.referrals.schemas.transitions import EXAMPLES, SHAPES
from services.referrals.usecases import tasks
from tests.integration.bus_rig import channel_of
from tests.support import staffed
from tests.support.browser import Visitor, invited, signed_in
from tests.support.client import CENTRE, POLICE, Answer, Client, client, eventually, org_id
from tests.support.files import RAW
from tests.support.network import Network
from tests.support.people import PASSWORD
from tests.support.referrals import POLICE as PARTY
from tests.support.referrals import expire_of, safe_contact
from tests.support.specification import OPERATIONS, Operation
from tests.support.ways import WAYS

WITH_BODY = sorted(name for name, each in OPERATIONS.items() if each.has_body)
WITHOUT_IDS = sorted(name for name, each in OPERATIONS.items() if each.method == "GET" and not each.places)
WITH_IDS = sorted(name for name, each in OPERATIONS.items() if each.method == "GET" and each.places)
OF_A_SESSION = {"GET /access/session", "GET /access/sessions"}
ACCEPT = "POST /referrals/{referral_id}/accept"
SERVICE = "lt-kavkc-behaviour-change"
AUTHORITY = "lt-child-rights"
Prepared = tuple[Client, dict[str, str], dict[str, Any], str | None]


class Actors:
    """Who plays, and what they make through other examples."""

    def __init__(self, demo: Network) -> None:
        self.police, self.centre = client(demo.settings, POLICE), client(demo.settings, CENTRE)
        self.man, self.colleague = client(demo.settings), client(demo.settings, CENTRE, subject="user:demo-leader-1")
        self.settings, self.left = demo.settings, list[str]()

    def made(self, by: Client, name: str, /, **changes: Any) -> Answer:
        """What an example creates."""
        operation = OPERATIONS[name]
        answer = by.post(operation.path, {**operation.example, **changes})
        assert answer.status == 201, answer.raw
        return answer

    def referral(self, by: Client) -> Prepared:
        made = self.made(self.police, "POST /referrals").body["id"]
        # where a test writes into every field there is a warning, which the receiver has to have read
        assert self.centre.post(f"/referrals/{made}/warning/read", {}).status == 200
        return by, {"referral_id": made}, {}, by.get(f"/referrals/{made}").version

    def moved(self, action: str) -> Prepared:
        """A referral from which the transition leads, for the party that takes it."""
        edge = next(edge for edge in LIFECYCLE if edge.name == action)
        parties = {SENDER: self.police, RECEIVER: self.centre}
        made = self.made(self.police, "POST /referrals", draft=edge.source == "draft").body["id"]
        if edge.source == "expired":
            database = Database(self.settings, "referrals")
            expire_of(database, PARTY, UUID(made))
            database.close()
        for side, step in WAYS.get(edge.source, ()):
            at = parties[side].get(f"/referrals/{made}").version
            done = parties[side].post(f"/referrals/{made}/{step}", EXAMPLES[step], version=at)
            assert done.status == 200, done.raw
        by = parties[RECEIVER if RECEIVER in edge.actors else SENDER]
        return by, {"referral_id": made}, {}, by.get(f"/referrals/{made}").version

    def draft(self) -> Prepared:
        return self.moved("submit")

    def concern(self) -> Prepared:
        """A concern for a child that its authority has received."""
        authority = client(self.settings, AUTHORITY)
        made = self.made(self.police, "POST /referrals", kind="child_concern", service=None, receiver=AUTHORITY)
        path = f"/referrals/{made.body['id']}"
        received = authority.post(f"{path}/acknowledge", {}, version=authority.get(path).version)
        assert received.status == 200, received.raw
        return authority, {"referral_id": made.body["id"]}, {}, received.version

    def ended(self) -> Prepared:
        """A referral of the police that came back."""
        made = self.moved("accept")
        declined = self.centre.post(
            f"/referrals/{made[1]['referral_id']}/decline", EXAMPLES["decline"], version=made[3]
        )
        assert declined.status == 200, declined.raw
        return self.police, made[1], {}, None

    def card(self) -> Prepared:
        """A card of the area queue at the centre."""
        example = OPERATIONS["POST /referrals"].example
        body = {name: value for name, value in example.items() if name != "service"} | {"area": "LT"}
        made = self.police.post("/referrals", body)
        assert made.status == 201, made.raw
        cards = self.centre.get("/referrals/area-offers?limit=1").body["items"]
        return self.centre, {"offer_id": cards[0]["id"]}, {}, None

    def by_focus(self) -> Prepared:
        """A referral that a Task is about, by what it says itself."""
        by, places, _, version = self.referral(self.centre)
        return by, {}, {"focus": {"reference": f"ServiceRequest/{places['referral_id']}"}}, version

    def reachable(self) -> Prepared:
        """A referral whose person may be written to."""
        made = self.made(self.police, "POST /referrals", contact_via=None, **safe_contact()).body["id"]
        return self.centre, {"referral_id": made}, {}, None

    def notified(self) -> Prepared:
        """An address that a code was mailed to, into the folder that stands for a mail server in development."""
        address = f"a{uuid4().hex[:12]}@example.org"
        answer = self.centre.ask("PUT", "/referrals/notification-settings", {"addresses": [{"address": address}]})
        assert answer.status == 200, answer.raw
        mail = eventually(lambda: self.mail_to(address))
        return self.centre, {}, {"code": mail.partition(": ")[2].split()[0]}, None

    def mail_to(self, address: str) -> str | None:
        """The words of the first mail to an address."""
        for path in (self.settings.home / "mail" / "new").glob("*.eml"):
            mail = message_from_bytes(path.read_bytes(), policy=default)
            if mail["To"] == address:
                return str(mail.get_content())  # type: ignore[attr-defined]
        return None

    def decided(self) -> Prepared:
        """A referral whose members its receiver decides on, which takes no version."""
        return (*self.referral(self.centre)[:3], None)

    def in_hand(self, by: Client) -> Prepared:
        """A referral that its receiver has accepted."""
        made = self.referral(self.centre)
        path = f"/referrals/{made[1]['referral_id']}"
        accepted = self.centre.post(f"{path}/accept", OPERATIONS[ACCEPT].example, version=made[3])
        assert accepted.status == 200, accepted.raw
        return by, made[1], {}, None

    def warned(self) -> Prepared:
        """A referral whose sender left a warning."""
        made = self.made(self.police, "POST /referrals", warning="Invented case: he keeps a large dog.").body["id"]
        return self.centre, {"referral_id": made}, {}, None

    def with_session(self) -> Prepared:
        """The same with a recorded session that nobody signed."""
        made = self.in_hand(self.centre)
        recorded = "POST /referrals/{referral_id}/sessions"
        answer = self.centre.post(OPERATIONS[recorded].path.format(**made[1]), self.body(recorded, {}))
        assert answer.status == 200, answer.raw
        return made

    def body(self, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        """The body of an example."""
        return {**OPERATIONS[name].example, **changes}

    def template(self) -> Prepared:
        """A template of the centre's, under a name of its own."""
        name = f"demo-{uuid4().hex[:8]}"
        made = self.made(self.centre, "POST /referrals/legal-templates", name=name)
        return self.centre, {"name": name}, {}, made.version

    def partner_safety(self) -> Prepared:
        """Partner safety of the centre, before a case that she has not opened yet."""
        safety = client(self.settings, CENTRE, roles={"partner_safety"})
        places = self.referral(self.centre)[1]
        return safety, places, {}, safety.get(f"/referrals/{places['referral_id']}/restricted").version

    def group(self) -> Prepared:
        made = self.made(self.centre, "POST /groups")
        return self.centre, {"group_id": made.body["id"]}, {}, made.version

    def signed_up(self, group: str | None = None) -> Prepared:
        changes = {"group_id": group} if group else {}
        made = self.made(self.man, "POST /signups", **changes).body
        return self.man, {"signup_id": made["signup_id"]}, {"return_code": made["return_code"]}, None

    def offered(self) -> Prepared:
        """A man whom a withdrawal just gave an offer."""
        small = self.made(self.centre, "POST /groups", capacity=2)
        opened = self.centre.post(f"/groups/{small.body['id']}/open", {}, version=small.version)
        assert opened.status == 200, opened.raw
        first, _, last = [self.signed_up(small.body["id"]) for _ in range(3)]
        card = {**OPERATIONS["POST /signups/status"].example, **first[2]}
        left = self.man.post(f"/signups/{first[1]['signup_id']}/withdraw", card)
        assert left.body["state"] == "withdrawn", left.raw
        return last

    def who_came(self) -> Prepared:
        """A man with his card who has been there."""
        group = staffed.opened(self.centre, schedule=staffed.begun_schedule())
        man = self.signed_up(group)
        entries = [{"signup_id": man[1]["signup_id"], "code": "present"}]
        path = f"/groups/{group}/sessions/1/attendance"
        staffed.posted(self.centre, path, {"entries": entries}, version='"1"')
        return man

    def declined(self) -> Prepared:
        """A man who said no, in a group that another one follows."""
        key = staffed.programme(self.centre)
        one, two = (staffed.opened(self.centre, kind="guided", programme=key, capacity=2) for _ in range(2))
        version = staffed.version_of(self.centre, one)
        staffed.posted(self.centre, f"/groups/{one}/change", {"successor_id": two}, version=version)
        first, _, last = [self.signed_up(one) for _ in range(3)]
        card = OPERATIONS["POST /signups/status"].example
        staffed.posted(self.man, f"/signups/{first[1]['signup_id']}/withdraw", {**card, **first[2]})
        staffed.posted(self.man, f"/signups/{last[1]['signup_id']}/offer/decline", {**card, **last[2]})
        return last

    def parked(self, service: str, *, stays: bool = True) -> Prepared:
        """Rubbish in the service's queue, which it parks; what the example does not drop is dropped at the end."""
        event_id = uuid4()
        with channel_of(self.settings) as channel:
            rubbish = amqp.Message(b"no event", message_id=str(event_id), content_type=CONTENT_TYPE, delivery_mode=2)
            channel.basic_publish(rubbish, f"{service}.events", f"{service}.events")
        path = f"/{service}/parked/{event_id}"
        eventually(lambda: self.centre.get(path).status == 200)
        if stays:
            self.left.append(f"{path}/drop")
        return self.centre, {"event_id": str(event_id)}, {}, None

    def invited(self) -> tuple[Visitor, dict[str, str]]:
        """Somebody new with her token."""
        visitor, answer = invited(self.centre)
        return visitor, {"token": answer.body["token"]}

    def accepting_invitation(self) -> Prepared:
        visitor, token = self.invited()
        return visitor.browser, {}, token, None

    def confirming(self) -> Prepared:
        visitor, token = self.invited()
        visitor.come_in_half(token["token"])
        return visitor.browser, {}, {**token, "code": visitor.code()}, None

    def signing_in(self) -> Prepared:
        visitor, token = self.invited()
        visitor.come_in(token["token"])
        return visitor.browser, {}, {"login": visitor.login, "password": PASSWORD, "code": visitor.code()}, None

    def signed_in_person(self, *proofs: str) -> Prepared:
        """Somebody with a session, and what she proves herself with."""
        visitor = signed_in(self.centre)
        known = {"code": visitor.recovery[0], "password": PASSWORD}
        return visitor.browser, {}, {name: known[name] for name in proofs}, None

    def revoking(self) -> Prepared:
        browser = self.signed_in_person()[0]
        return browser, {"session_id": browser.get("/access/session").body["id"]}, {}, None

    def first_of(self, kind: str) -> Prepared:
        """The first one of a list of HSDS."""
        return self.man, {"id": self.man.get(f"/hsds/{kind}").body["contents"][0]["id"]}, {}, None

    def glass(self) -> Prepared:
        """A man of a group that somebody does not lead."""
        places = staffed.seated(self.centre, self.man)[1]
        return signed_in(self.centre).browser, places, {}, None

    def broken_glass(self) -> Prepared:
        """The same after she broke it."""
        return staffed.broken_glass(self.centre, self.man, signed_in(self.centre).browser)

    def glass_to_see(self) -> Prepared:
        return staffed.glass_to_see(self.centre, self.man, signed_in(self.centre).browser)

    def member(self) -> Prepared:
        made = invited(self.centre)[1]
        return self.centre, {"member_id": made.body["member"]["id"]}, {}, made.version

    def attached(self, visibility: str) -> Prepared:
        """A file that the police attached to a referral of theirs."""
        places = self.referral(self.police)[1]
        raw, headers = RAW["POST /referrals/{referral_id}/attachments"]
        path = f"/referrals/{places['referral_id']}/attachments?visibility={visibility}"
        made = self.police.post(path, raw, headers=headers)
        assert made.status == 201, made.raw
        by = self.centre if visibility == "both" else self.police
        return by, {**places, "attachment_id": made.body["id"]}, {}, None

    def police_message(self) -> Prepared:
        """With an order of today, which the example leaves out because it would be over some day."""
        order = {"granted": dt.date.today().isoformat(), "risk": "medium"}  # noqa: DTZ011 -- any of the last 15 days
        return self.police, {}, {"protection_order": order}, None

    def tidy(self) -> None:
        """Leave nothing parked for the tests that come after."""
        for path in self.left:
            eventually(lambda path=path: self.centre.post(path, {"reason": "test"}).status == 200)  # type: ignore[misc]

    def waiting(self) -> Prepared:
        """A referral on the receiver's waiting list; a review takes no version."""
        return (*self.moved("offer_place")[:3], None)

    def tasked(self) -> Prepared:
        """A task of the centre's, as a sweeper would give it."""
        referral = self.referral(self.centre)[1]["referral_id"]
        database = Database(self.settings, "referrals")
        with database.background("test", org=org_id(CENTRE)) as work:
            tasks.add(work, org_id(CENTRE), UUID(referral), "answer_late", clock.now())
        database.close()
        found = self.centre.get("/referrals/tasks?limit=200").items
        return self.centre, {"task_id": next(t["id"] for t in found if t["referral_id"] == referral)}, {}, None

    def system(self) -> Prepared:
        made = self.made(self.centre, "POST /access/clients")
        return self.centre, {"client_id": made.body["id"]}, {}, made.version

    def person(self, service: str, act: str) -> Prepared:
        """A record of the centre's, held already where the example releases it."""
        made = (
            self.referral(self.centre)[1]["referral_id"] if service == "referrals" else self.signed_up()[1]["signup_id"]
        )
        if act == "release":
            path = f"/{service}/persons/{made}/hold"
            assert self.centre.post(path, OPERATIONS[f"POST /{service}/persons/{{key}}/hold"].example).status == 200
        return self.centre, {"key": made}, {}, None

    def accepting(self) -> Prepared:
        version = self.centre.get(f"/directory/services/{SERVICE}").version
        return self.centre, {"service": SERVICE}, {}, version

    def proposal(self, *, by_me: bool = False, weight: str = "plain") -> Prepared:
        """A proposed change of a service or of the organisation itself, for whoever takes the next step."""
        one, two = (client(self.settings, CENTRE, subject=f"member:{name}") for name in ("one", "two"))
        section, key = ("services", SERVICE) if weight == "plain" else ("organisations", CENTRE)
        changed = {"about": str(uuid4())} if weight == "plain" else {"email": f"{uuid4()}@centre.example"}
        row = {"key": key, **changed}
        based_on = one.get(f"/directory/{section}/{key}").body["version"]
        body = {"section": section, "row": row, "based_on": based_on, "reason": "test"}
        made = one.post("/directory/proposals", body)
        assert made.status == 201, made.raw
        return one if by_me else two, {"proposal": made.body["id"]}, {}, made.version

    def report(self) -> Prepared:
        made = self.made(self.man, "POST /directory/reports").body["id"]
        return self.centre, {"report": made}, {}, '"1"'

    def proposing(self) -> Prepared:
        by = client(self.settings, CENTRE, subject="member:one")
        return by, {}, {"based_on": by.get(f"/directory/services/{SERVICE}").body["version"]}, None


@pytest.fixture(scope="module")
def actors(demo: Network) -> Iterator[Actors]:
    found = Actors(demo)
    example = OPERATIONS["POST /referrals"].example
    eventually(lambda: found.police.post("/referrals", example).status == 201)  # the directory has arrived
    yield found
    found.tidy()


def on_staff(actors: Actors, tried: staffed.Tried) -> Prepared:
    """What a route of a group's staff is tried on."""
    return tried(actors.centre, actors.man)


PREPARE: dict[str, Callable[[Actors], Prepared]] = {
    "PUT /directory/services/{service}/accepting": Actors.accepting,
    "POST /directory/proposals": Actors.proposing,
    "POST /directory/reports": lambda actors: (actors.man, {}, {}, None),
    "POST /directory/reports/{report}/close": Actors.report,
    **{
        f"{method} /directory/watches/{{kind}}/{{entry}}{act}": lambda actors: (
            actors.centre,
            {"kind": "services", "entry": SERVICE},
            {},
            None,
        )
        for method, act in (("PUT", ""), ("POST", "/end"))
    },
    **{f"POST /directory/proposals/{{proposal}}/{act}": Actors.proposal for act in ("approve", "reject")},
    "POST /directory/proposals/{proposal}/withdraw": lambda actors: actors.proposal(by_me=True),
    "POST /directory/proposals/{proposal}/evidence": lambda actors: actors.proposal(weight="guarded"),
    "POST /directory/imports": lambda actors: (
        client(actors.settings, CENTRE, subject="member:one"),
        {},
        {},
        None,
    ),
    "POST /referrals": lambda actors: (actors.police, {}, {}, None),
    **{
        f"POST /referrals/{{referral_id}}/{action}": partial(Actors.moved, action=action)
        for action in SHAPES
        if action != "close_concern"
    },
    "POST /referrals/{referral_id}/close_concern": Actors.concern,
    "PUT /referrals/{referral_id}": Actors.draft,
    "POST /referrals/{referral_id}/resend": Actors.ended,
    **{f"POST /referrals/area-offers/{{offer_id}}/{act}": Actors.card for act in ("acknowledge", "accept", "pass")},
    "POST /referrals/police-message": Actors.police_message,
    "POST /referrals/{referral_id}/attachments/{attachment_id}/remove": lambda actors: actors.attached("own_org"),
    "PUT /referrals/notification-settings": lambda actors: (actors.centre, {}, {}, None),
    "POST /referrals/notification-settings/confirm": Actors.notified,
    "POST /referrals/{referral_id}/messages": Actors.reachable,
    **{
        f"POST /referrals/{{referral_id}}/{act}": lambda actors: actors.decided()
        for act in ("assign", "restrict", "unrestrict", "bar", "unbar")
    },
    "POST /referrals/{referral_id}/notes": lambda actors: actors.decided(),
    **{
        f"POST /referrals/{{referral_id}}/{act}": lambda actors: actors.in_hand(actors.centre)
        for act in ("contact-attempts", "sessions", "risk", "drop-out")
    },
    "POST /referrals/{referral_id}/warning/read": Actors.warned,
    "POST /referrals/{referral_id}/sessions/sign": Actors.with_session,
    "POST /referrals/{referral_id}/amend": lambda actors: actors.referral(actors.police),
    "POST /referrals/{referral_id}/review": Actors.waiting,
    "POST /referrals/tasks/{task_id}/done": Actors.tasked,
    "PUT /referrals/clock-settings": lambda actors: (actors.centre, {}, {}, None),
    "POST /referrals/{referral_id}/links": lambda actors: actors.decided(),
    "POST /referrals/{referral_id}/raise_safeguarding": lambda actors: actors.decided(),
    "POST /referrals/legal-templates": lambda actors: (actors.centre, {}, {}, None),
    "POST /referrals/legal-templates/standard": lambda actors: (actors.centre, {}, {}, None),
    "PUT /referrals/legal-templates/{name}": Actors.template,
    "PUT /referrals/{referral_id}/restricted": Actors.partner_safety,
    "POST /fhir/ServiceRequest": lambda actors: (actors.police, {}, {}, None),
    "POST /fhir/Task": Actors.by_focus,
    "PUT /fhir/Task/{referral_id}": lambda actors: actors.referral(actors.centre),
    "POST /programmes": lambda actors: (actors.centre, {}, {}, None),
    "POST /groups": lambda actors: (actors.centre, {}, {}, None),
    "POST /groups/{group_id}/open": Actors.group,
    **{name: partial(on_staff, tried=tried) for name, tried in staffed.PREPARE.items()},
    **{
        f"POST {staffed.GROUP}/{act}": lambda actors: staffed.led(actors.centre, actors.man, actors.colleague)
        for act in ("calendar", "calendar/close")
    },
    f"POST {staffed.MAN}/glass": Actors.glass,
    "POST /groups/glass/{glass_id}/seen": Actors.glass_to_see,
    f"POST {staffed.MAN}/remove": lambda actors: staffed.to_remove(actors.centre, actors.man, actors.colleague),
    "POST /access/clients": lambda actors: (actors.centre, {}, {}, None),
    "POST /access/clients/{client_id}/rotate": Actors.system,
    "POST /access/clients/{client_id}/revoke": Actors.system,
    "POST /signups": lambda actors: (actors.man, {}, {}, None),
    "POST /signups/status": lambda actors: (actors.man, {}, {}, None),
    "POST /signups/hand-over": lambda actors: (actors.centre, {}, {}, None),
    "POST /signups/card": lambda actors: (actors.man, {}, {}, None),
    "POST /signups/{signup_id}/offer/accept": Actors.offered,
    "POST /signups/{signup_id}/offer/decline": Actors.offered,
    "POST /signups/{signup_id}/withdraw": Actors.signed_up,
    "POST /signups/{signup_id}/again": Actors.declined,
    **{
        f"POST /signups/{{signup_id}}/{act}": lambda actors: actors.signed_up(staffed.opened(actors.centre))
        for act in ("calendar/close", "apology", "contact", "erase", "erase/undo")
    },
    "POST /signups/{signup_id}/calendar": Actors.who_came,
    "POST /access/members": lambda actors: (actors.centre, {}, {}, None),
    "POST /access/members/{member_id}/disable": Actors.member,
    "POST /access/members/{member_id}/roles": Actors.member,
    "POST /access/invitations/accept": Actors.accepting_invitation,
    "POST /access/invitations/confirm": Actors.confirming,
    "POST /access/sign-in": Actors.signing_in,
    "POST /access/sign-out": Actors.signed_in_person,
    "POST /access/step-up": lambda actors: actors.signed_in_person("code"),
    "POST /access/password": lambda actors: actors.signed_in_person("code", "password"),
    "POST /access/recovery-codes": Actors.signed_in_person,
    "POST /access/devices": Actors.signed_in_person,
    "POST /access/sessions/{session_id}/revoke": Actors.revoking,
}
READ: dict[str, Callable[[Actors], Prepared]] = {
    "GET /directory/organisations/{organisation}": lambda actors: (actors.man, {"organisation": CENTRE}, {}, None),
    "GET /directory/services/{service}": lambda actors: (actors.man, {"service": SERVICE}, {}, None),
    "GET /directory/network/initiatives/{initiative}": lambda actors: (
        actors.man,
        {"initiative": "nordic-baltic-mcc"},
        {},
        None,
    ),
    "GET /directory/proposals/{proposal}": lambda actors: actors.proposal(),
    "GET /directory/history/{section}/{mark}": lambda actors: (
        actors.centre,
        {"section": "services", "mark": SERVICE},
        {},
        None,
    ),
    **{
        f"GET /hsds/{kind}/{{id}}": partial(Actors.first_of, kind=kind)
        for kind in ("services", "organizations", "service_at_locations", "taxonomies", "taxonomy_terms")
    },
    "GET /referrals/{referral_id}": lambda actors: actors.referral(actors.centre),
    "GET /referrals/area-offers/{offer_id}": Actors.card,
    "GET /referrals/{referral_id}/restricted": Actors.partner_safety,
    "GET /referrals/{referral_id}/messages": lambda actors: actors.referral(actors.centre),
    "GET /referrals/{referral_id}/history": lambda actors: actors.referral(actors.police),
    "GET /referrals/{referral_id}/attachments": lambda actors: actors.attached("both"),
    "GET /referrals/{referral_id}/attachments/{attachment_id}": lambda actors: actors.attached("both"),
    "GET /referrals/{referral_id}/duplicates": lambda actors: actors.referral(actors.centre),
    "GET /fhir/ServiceRequest/{referral_id}": lambda actors: actors.referral(actors.centre),
    "GET /fhir/Task/{referral_id}": lambda actors: actors.referral(actors.police),
    "GET /referrals/{referral_id}/record": Actors.with_session,
    "GET /referrals/{referral_id}/copy": lambda actors: actors.referral(actors.centre),
    "GET /referrals/{referral_id}/copy/print": lambda actors: actors.referral(actors.police),
    "GET /access/clients/{client_id}": Actors.system,
    "GET /referrals/{referral_id}/access": lambda actors: actors.decided(),
    "GET /groups/{group_id}": lambda actors: (actors.man, {"group_id": str(DEMO_GROUP)}, {}, None),
    "GET /groups/{group_id}/roster": lambda actors: (actors.centre, {"group_id": str(DEMO_GROUP)}, {}, None),
    **{name: partial(on_staff, tried=tried) for name, tried in staffed.READ.items()},
    f"GET {staffed.MAN}/glass": Actors.broken_glass,
    "GET /calendars/{token}": lambda actors: staffed.with_calendar(actors.centre, actors.man, actors.colleague),
    "GET /access/members/{member_id}": Actors.member,
}
for service in SERVICES:
    one = f"/{service}/parked/{{event_id}}"
    PREPARE[f"POST /{service}/parked/replay"] = lambda actors: (actors.centre, {}, {}, None)
    PREPARE[f"POST {one}/replay"] = READ[f"GET {one}"] = partial(Actors.parked, service=service)
    PREPARE[f"POST {one}/drop"] = partial(Actors.parked, service=service, stays=False)


for service in ("referrals", "groups"):
    one = f"/{service}/persons/{{key}}"
    READ[f"GET {one}/export"] = partial(Actors.person, service=service, act="export")
    for act in ("erase", "hold", "release"):
        PREPARE[f"POST {one}/{act}"] = partial(Actors.person, service=service, act=act)


@pytest.mark.parametrize("name", WITH_BODY)
def test_an_example_works_twice(actors: Actors, name: str) -> None:
    operation = OPERATIONS[name]
    for _ in range(2):
        by, places, changes, version = PREPARE[name](actors)
        assert (version is not None) == operation.needs_version
        body = {**copy.deepcopy(operation.example), **changes}
        answer = by.ask(operation.method, operation.path.format(**places), body, version=version)
        assert answer.status == operation.success, answer.raw
        operation.check(answer)


@pytest.mark.parametrize("name", WITH_IDS)
def test_one_thing_is_read_as_documented(actors: Actors, name: str) -> None:
    by, places, _, _ = READ[name](actors)
    read_as_documented(by, OPERATIONS[name], OPERATIONS[name].path.format(**places))


@pytest.mark.parametrize("name", WITHOUT_IDS)
def test_lists_and_pages_are_read_as_documented(actors: Actors, name: str) -> None:
    operation = OPERATIONS[name]
    needed = [each for each in operation.parameters if each["in"] == "query" and each.get("required")]
    for value in range(max([len(each["schema"]["enum"]) for each in needed], default=1)):
        query = "&".join(f"{each['name']}={each['schema']['enum'][value]}" for each in needed)
        by = signed_in(actors.centre).browser if name in OF_A_SESSION else actors.centre
        read_as_documented(by, operation, f"{operation.path}?{query}" if query else operation.path)
    operation.check(actors.man.get(operation.path))


@pytest.mark.parametrize("name", sorted(RAW))
def test_what_is_no_object_works_twice_too(actors: Actors, name: str) -> None:
    operation, (raw, headers) = OPERATIONS[name], RAW[name]
    for _ in range(2):
        places = actors.referral(actors.police)[1] if operation.places else {}
        answer = actors.police.ask("POST", operation.path.format(**places), raw, headers=headers)
        assert answer.status == operation.success, answer.raw
        operation.check(answer)


def read_as_documented(by: Client, operation: Operation, path: str) -> None:
    answer = by.get(path)
    assert answer.status == 200, answer.raw
    operation.check(answer)
    if "304" in operation.about["responses"] and "ETag" in answer.headers:
        again = by.ask("GET", path, headers={"If-None-Match": answer.version})
        assert (again.status, again.raw) == (304, b"")


def test_every_operation_is_tried() -> None:
    assert set(PREPARE) == set(WITH_BODY)
    assert set(READ) == set(WITH_IDS)
    assert {each.method for each in OPERATIONS.values()} == {"GET", "POST", "PUT"}
    forms = {"POST /oauth/token"}  # tests/integration/test_access_door.py
    assert set(WITH_BODY) | set(WITH_IDS) | set(WITHOUT_IDS) | forms | set(RAW) == set(OPERATIONS)
