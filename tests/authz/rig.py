"""A stage for the matrix of rights: real processes of all services over one set of cases, and who tries to reach them.

Without gateway: what a service's own door refuses is refused, whoever stands before it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import urllib3

from chassis.db import Database
from chassis.http import Plan, plans_of
from chassis.identity import Caller, issue_token
from chassis.scanning import NoScanner
from chassis.settings import SERVICES, Settings
from deploy.generate import service_classes
from deploy.local import broker
from services.access.rules.roles import ROLES
from services.groups.rules import rights as group_rights
from services.referrals import usecases
from services.referrals.rules import lifecycle, rights
from services.referrals.rules.lifecycle import RECEIVER, SENDER
from services.referrals.schemas.transitions import EXAMPLES
from services.referrals.usecases import attaching
from services.referrals.usecases import rights as leads
from tests.integration.feed_rig import Running, begin, placed
from tests.support import files, groups, referrals
from tests.support.client import Answer, Client
from tests.support.databases import Databases
from tests.support.files import RAW
from tests.support.referrals import CENTRE, POLICE
from tests.support.specification import named
from tests.support.ways import WAYS

STATES = ("sent", "received", "accepted", "declined", "withdrawn")
"""What every route is asked in; a transition is asked in the states that it leads from as well."""
CASES = ("unit", "restricted", "small")  # north's, with a barred member; restricted by name; of no unit
LEAD, NORTH, SOUTH = "member:lead", frozenset({"north"}), frozenset({"south"})
FOREIGN = "foreign"
SECRET = "Kanarėlė Matrica"
EVERY = frozenset(ROLES)
Rows = dict[tuple[str, str], uuid.UUID]


@dataclass(frozen=True)
class Who:
    """A subject with units, and the case towards which it stands in a relation."""

    subject: str
    units: frozenset[str]
    case: str


CAST: dict[str, Who] = {
    rights.BARRED: Who("member:barred", NORTH, "unit"),
    rights.SHUT: Who("member:unnamed", NORTH, "restricted"),
    rights.NAMED: Who("member:named", SOUTH, "restricted"),
    rights.ASSIGNED: Who("member:worker", SOUTH, "unit"),
    rights.OWN_UNIT: Who("member:colleague", NORTH, "unit"),
    rights.WHOLE_SIDE: Who("client:system", frozenset(), "unit"),
    rights.OTHER_UNIT: Who("member:south", SOUTH, "unit"),
}
PARTIES = {SENDER: POLICE, RECEIVER: CENTRE}
FAR_AWAY = {"forward": {"service": "fi-lyomaton-linja"}}
"""To somebody who is asked nothing here."""


@dataclass
class Stage:
    """The processes, the referrals by case and state, a group led by `user:demo-leader-1` and a draft."""

    settings: Settings
    running: dict[str, Running]
    cases: Rows = field(default_factory=dict)
    files: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    groups: dict[str, uuid.UUID] = field(default_factory=dict)
    men: dict[str, uuid.UUID] = field(default_factory=dict)
    _tokens: dict[Any, str] = field(default_factory=dict)
    _pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=20, maxsize=4)
    )

    def token(self, org: Caller, subject: str, roles: frozenset[str], units: frozenset[str] = frozenset()) -> str:
        """A token, made once."""
        key = (org.org_id, subject, roles, units)
        if key not in self._tokens:
            self._tokens[key] = issue_token(
                self.settings, subject=subject, org_id=org.org_id, org_key=org.org_key, roles=roles, units=units
            )
        return self._tokens[key]

    def ask(
        self, service: str, plan: Plan, token: str | None, places: dict[str, object], body: object = None
    ) -> Answer:
        """One request at the service's own door; a version that was never read shows who got past the rights."""
        by = Client(f"http://127.0.0.1:{self.running[service].port}", token, self._pool)
        path = re.sub(
            r"<(?:([a-z]+):)?([a-z_]+)>",
            lambda place: str(places.get(place[2], 1 if place[1] == "int" else uuid.uuid4())),
            plan.path,
        )
        sent = body if body is not None else plan.example
        given, headers = RAW.get(named(plan), (sent if plan.body is not None else None, None))
        version = '"999"' if plan.needs_version else None
        return by.ask(plan.method, path, given, version=version, headers=headers)


@contextmanager
def staged(
    databases: Databases, settings: Settings, folder: Path, *, module: str = "tests.integration.feed_process"
) -> Iterator[Stage]:
    """Fresh databases with the cases in them, and every service over them."""
    own = placed(replace(settings, vhost=f"test-{uuid.uuid4().hex[:12]}"))
    before = list(databases.made)
    for service in SERVICES:
        own = Databases(own, databases.worker, databases.made).fresh(service)
    broker.make_vhost(own, with_users=False)
    running: dict[str, Running] = {}
    try:
        stage = Stage(own, running)
        _referrals(stage)
        _groups_of(stage)
        with ThreadPoolExecutor(2) as starting:
            found = starting.map(lambda name: (name, begin(own, folder, name=name, module=module)), SERVICES)
            running.update(found)
        yield stage
    finally:
        with ThreadPoolExecutor(len(SERVICES)) as ending:
            list(ending.map(Running.end, running.values()))
        broker.drop_vhost(own)
        databases.drop([name for name in databases.made if name not in before])


def plans() -> list[tuple[str, Plan]]:
    """Every route that needs a token, with its service, those that are only for our own processes too."""
    return [
        (kind.name, plan)  # type: ignore[attr-defined]
        for kind in service_classes()
        for _, plan in plans_of(kind)
        if not plan.public
    ]


def _referrals(stage: Stage) -> None:
    db = Database(stage.settings, "referrals")
    try:
        referrals.seed(db)
        for state in lifecycle.STATES:
            for case in CASES:
                stage.cases[case, state] = _referral(stage, db, case, state)
    finally:
        db.close()


def _referral(stage: Stage, db: Database, case: str, state: str) -> uuid.UUID:
    contact = {**referrals.safe_contact(), "contact_via": None}
    call = referrals.new(person={"name": SECRET, "birth_year": 1971}, reason=SECRET, draft=state == "draft", **contact)
    made: uuid.UUID = usecases.create(db, call).value["id"]
    stage.files[made] = attaching.attach(db, NoScanner(), files.attaching(POLICE, made)).value["id"]
    if state == "expired":
        referrals.expire(db, made)
    for side, action in WAYS.get(state, ()):
        referrals.go(db, PARTIES[side], made, action, **{**EXAMPLES[action], **FAR_AWAY.get(action, {})})
    for party in PARTIES.values():
        if state != "draft" or party is POLICE:
            _place(db, replace(party, subject=LEAD), made, case)
    return made


def _place(db: Database, lead: Caller, made: uuid.UUID, case: str) -> None:
    if case == "small":
        return
    leads.assign(db, referrals.decide(lead, made, "assign", unit="north", worker="member:worker"))
    if case == "restricted":
        leads.restrict(db, referrals.decide(lead, made, "restrict", members=["member:named"]))
    else:
        leads.bar(db, referrals.decide(lead, made, "bar", member="member:barred"))


def _groups_of(stage: Stage) -> None:
    db = Database(stage.settings, "groups")
    try:
        stage.groups["open"] = groups.opened(db, place_full=SECRET)
        stage.groups["draft"] = groups.new_group(db, place_full=SECRET)["id"]
        contact = {"channel": "email", "value": "matrix@example.org"}
        stage.men["open"] = groups.sign_up(db, stage.groups["open"], alias=SECRET, contact=contact)["signup_id"]
    finally:
        db.close()


GROUP_CAST = {
    group_rights.OWN_GROUP: "user:demo-leader-1",
    group_rights.OTHER_GROUP: "user:somebody",
    group_rights.SYSTEM: "client:system",
}
