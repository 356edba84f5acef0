"""What the demo plays, step by step: police refer, the centre accepts, a man signs up, a partner hears of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from chassis.errors import Refused
from chassis.keyed_ids import id_of_key
from chassis.settings import Settings
from deploy.local.commands.rooms import database
from deploy.local.demo.institution import Answer, Institution
from deploy.local.demo.listening import Subscriber, subscriber
from deploy.local.faults import LocalFault
from services.access.usecases.documents import issue_development_token
from services.directory.usecases import importing
from services.groups.usecases import seed_demo
from services.referrals.schemas import NEW_REFERRAL_EXAMPLE
from services.referrals.schemas.transitions import EXAMPLES
from services.referrals.usecases import templates
from services.subscriptions.usecases import grants

POLICE, CENTRE = "lt-police", "lt-kavkc"
CENTRE_NAME = "Kauno apskrities vyrų krizių centras"
GRANT = "demo"
COPY_SECONDS = 20.0
Say = Callable[[str], None]
Known = TypeVar("Known")


def seed(settings: Settings, say: Say) -> str:
    """Import the demo directory and open the demo's group, unless they are there; returns the group's id."""
    with database(settings, "directory") as db:
        report = importing.import_demo(db)
    say(report.lines()[-1])
    seed_templates(settings)
    with database(settings, "groups") as db:
        group = seed_demo(db, id_of_key("organisation", CENTRE), CENTRE)
    for key in (POLICE, CENTRE):
        _when_known(partial(_token, settings, key))
    return str(group)


def seed_templates(settings: Settings) -> None:
    """Let the organisations of the demo have approved templates of legal bases, so that ten fields are enough."""
    with database(settings, "referrals") as db:
        templates.seed_demo(db, importing.demo_organisations())


def run(settings: Settings, say: Say) -> None:
    """Play the demo against the running network of this home. Raises LocalFault with one sentence when a step fails."""
    say("DEMO: every person and case here is invented.")
    group = seed(settings, say)
    address, queue = _when_known(lambda: _grant(settings))
    say(f"{CENTRE_NAME} subscribes to its events: queue {queue}.")
    with subscriber(settings, address=address, queue=queue, say=say) as listening:
        referral = _referral(settings, listening, say)
        _sign_up(settings, listening, say, group)
    say(f"The referral: {settings.url_of('gateway')}/referrals/{referral}")
    say(f"The interface, to read and to try: {settings.url_of('gateway')}/docs")
    say("The network goes on running.")


def _referral(settings: Settings, listening: Subscriber, say: Say) -> str:
    police = Institution(settings, _token(settings, POLICE))
    centre = Institution(settings, _token(settings, CENTRE))
    posted = _when_known(lambda: police.ask("POST", "/referrals", NEW_REFERRAL_EXAMPLE))
    subject = str(posted.body["id"])
    _step(say, "Lietuvos policija posts a referral (POST /referrals)", posted)
    listening.wait_for("referral.sent", subject)
    inbox = centre.ask("GET", "/referrals/inbox?state=sent")
    say(f"{CENTRE_NAME} looks into its inbox: {len(inbox.body['items'])} new, {inbox.milliseconds:.1f} ms")
    read = centre.ask("GET", f"/referrals/{subject}")
    for action, body, told in (("acknowledge", {}, "received"), ("accept", EXAMPLES["accept"], "accepted")):
        read = centre.ask("POST", f"/referrals/{subject}/{action}", body, version=read.version)
        _step(say, f"{CENTRE_NAME}: {action}", read)
        listening.wait_for(f"referral.{told}", subject)
    return subject


def _sign_up(settings: Settings, listening: Subscriber, say: Say, group: str) -> None:
    body = {"group_id": group, "alias": "Jonas", "pin": "4711"}
    answer = Institution(settings).ask("POST", "/signups", body)
    say(f"A man signs up for a group (POST /signups): {answer.body['state']}, {answer.milliseconds:.1f} ms")
    told = ["signup.received"] if answer.body["state"] == "waiting" else ["signup.received", "signup.seated"]
    for name in told:
        listening.wait_for(name, str(answer.body["signup_id"]))


def _step(say: Say, what: str, answer: Answer) -> None:
    say(f"{what}: {answer.body['state']}, version {answer.body['version']}, {answer.milliseconds:.1f} ms")


def _token(settings: Settings, key: str) -> str:
    with database(settings, "access") as db:
        return issue_development_token(db, settings, org_key=key, scope=None)


def _grant(settings: Settings) -> tuple[str, str]:
    with database(settings, "subscriptions") as db:
        with contextlib.suppress(Refused):  # the demo ran before: its queue is there, only the password is new
            made = grants.create_grant(db, settings, org_key=CENTRE, name=GRANT)
            return made.amqp_url, made.queue
        made = grants.rotate_grant(db, settings, org_key=CENTRE, name=GRANT)
        return made.amqp_url, made.queue


def _when_known(ask: Callable[[], Known]) -> Known:
    """Ask again for a while: a service knows an organisation as soon as its event has come."""
    deadline = time.monotonic() + COPY_SECONDS
    while True:
        try:
            return ask()
        except LocalFault:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
