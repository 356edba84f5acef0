"""A whole season over HTTP alone: twelve evenings, fourteen men, two leaders, one man whom a court sent."""

from __future__ import annotations

from typing import Any

import orjson
from joserfc import jws
from joserfc.jwk import OKPKey

from tests.support.client import CENTRE, Answer, Client, client, eventually
from tests.support.network import Network
from tests.support.staffed import MAN, SESSION, opened, posted, programme, version_of

PROBATION = "lt-probation"
# Twelve Mondays that are over: winter time began on 25 October 2020, and All Souls' Day, 2 November, was a Monday.
SCHEDULE = {"start_on": "2020-09-21", "local_start": "18:00", "tz": "Europe/Vilnius", "sessions": 12}
LEADERS = ("member:leader-one", "member:leader-two")
CONSENT = {"code": "group-rules", "version": "1"}
REFERRAL = {
    "service": "lt-kavkc-behaviour-change",
    "person": {"name": "Demo Teismas", "birth_year": 1979},
    "role": "used_violence",
    "contact": {"channel": "phone", "value": "+37060000001", "safe": "unknown"},
    "needs": ["violence_own_use"],
    "reason": "Invented case: the court obliges him to attend a programme.",
    "urgency": "standard",
    "ordered": True,
    "order_reference": "N-2026-115",
    "person_informed": "yes",
}


class Season:
    """The group, and everybody who works with it."""

    def __init__(self, demo: Network) -> None:
        settings = demo.settings
        self.probation, self.man = client(settings, PROBATION), client(settings)
        self.centre = client(settings, CENTRE)
        self.leaders = [client(settings, CENTRE, roles={"group_leader"}, subject=each) for each in LEADERS]
        self.intake = client(settings, CENTRE, roles={"intake_worker", "receiver_worker"}, subject="member:intake")
        self.coordinator = client(settings, CENTRE, roles={"group_coordinator"}, subject="member:coordinator")
        key = programme(
            self.coordinator, kind="behaviour_change", intake="required", mandated="yes", consents=[CONSENT]
        )
        self.group = opened(
            self.coordinator,
            kind="behaviour_change",
            programme=key,
            capacity=12,
            schedule=SCHEDULE,
            leaders=[{"subject": each, "role": role} for each, role in zip(LEADERS, ("lead", "co"), strict=True)],
        )
        self.cards: dict[str, dict[str, str]] = {}

    def sign_up(self, number: int) -> str:
        """A man comes by himself."""
        body = {"group_id": self.group, "alias": f"Man {number}", "language": "lt", "pin": "2580"}
        made = posted(self.man, "/signups", body).body
        self.cards[made["signup_id"]] = {"return_code": made["return_code"], "pin": "2580"}
        signup_id: str = made["signup_id"]
        return signup_id

    def path(self, sign_up: str) -> str:
        """Where staff work with a man."""
        return MAN.format(group_id=self.group, signup_id=sign_up)

    def step(self, by: Client, sign_up: str, action: str, **body: Any) -> Answer:
        """A step of a man, at the version that is read before."""
        version = by.get(self.path(sign_up)).version
        return posted(by, f"{self.path(sign_up)}/{action}", body, version=version)

    def talk(self, sign_up: str) -> None:
        """The conversation with a man, to its good end."""
        for kind in ("booked", "held"):
            posted(self.intake, f"{self.path(sign_up)}/intake", {"kind": kind, "day": "2020-09-14"})
        posted(self.intake, f"{self.path(sign_up)}/consents", {"consents": [CONSENT]})
        assert self.step(self.intake, sign_up, "confirm").body["state"] == "confirmed"

    def evening(self, no: int, codes: dict[str, str]) -> None:
        """A leader enters who came; so long after the evening it may have closed by itself, which asks for a reason."""
        by, path = self.leaders[no % 2], SESSION.format(group_id=self.group, no=no)

        def save() -> bool:
            sheet = by.get(f"{path}/attendance")
            entries = [{"signup_id": each, "code": code} for each, code in codes.items()]
            reason = "late_information" if sheet.body["state"] == "closed" else None
            body = {"entries": entries, "reason": reason}
            answer = by.post(f"{path}/attendance", body, version=sheet.version)
            assert answer.status in {200, 412, 422}, answer.raw  # it closed in between
            return answer.status == 200

        assert eventually(save)
        sheet = by.get(f"{path}/attendance")
        if sheet.body["state"] != "closed":
            by.post(f"{path}/close", {}, version=sheet.version)
        assert by.get(f"{path}/attendance").body["state"] == "closed"


def referral_of(season: Season) -> str:
    """The referral that probation sent and the centre took on."""
    sent = eventually(lambda: made if (made := season.probation.post("/referrals", REFERRAL)).status == 201 else None)
    path = f"/referrals/{sent.body['id']}"
    taken = season.centre.post(
        f"{path}/accept",
        {"responsible": "Intake team", "next_step_on": "2026-12-01"},
        version=season.centre.get(path).version,
    )
    assert taken.status == 200, taken.raw
    referral: str = sent.body["id"]
    return referral


def sent_man(season: Season, referral: str) -> str:
    """The man of the referral, as soon as groups has heard of it."""
    body = {
        "alias": "Sent",
        "language": "lt",
        "pin": "2580",
        "referral_id": referral,
        "mandated": True,
        "due_on": "2020-12-31",
    }
    path = f"/groups/{season.group}/signups"
    made = eventually(lambda: got if (got := season.intake.post(path, body)).status == 201 else None)
    signup_id: str = made.body["signup_id"]
    return signup_id


def test_a_season_from_the_first_sign_up_to_the_certificate(demo: Network) -> None:
    season = Season(demo)
    referral = referral_of(season)
    sent = sent_man(season, referral)
    men = [season.sign_up(number) for number in range(1, 14)]
    meetings = season.leaders[0].get(f"/groups/{season.group}/sessions").items
    days = [each["local_start"][:10] for each in meetings]
    assert len(days) == 12
    assert "2020-11-02" not in days  # All Souls' Day
    assert {each["starts_at"][11:16] for each in meetings} == {"15:00", "16:00"}  # the hour on the wall stays

    seated, waiting = [sent, *men[:11]], men[11:]
    assert [line["state"] for line in roster(season)] == ["intake"] * 12 + ["waiting"] * 2
    for each in seated:
        season.talk(each)
    posted(season.leaders[0], f"/groups/{season.group}/start", {}, version=version_of(season.centre, season.group))

    gone = men[0]
    card = season.cards[gone]
    assert posted(season.man, f"/signups/{gone}/withdraw", card).body["state"] == "withdrawn"
    called = season.step(season.coordinator, waiting[0], "offer")
    assert called.body["state"] == "offered"
    assert posted(season.man, f"/signups/{waiting[0]}/offer/accept", season.cards[waiting[0]]).body["state"] == "intake"
    season.talk(waiting[0])

    here = [*(each for each in seated if each != gone), waiting[0]]
    absent = here[-2]
    for no in range(1, 13):
        codes = dict.fromkeys(here, "present") | {absent: "absent" if no in {2, 3} else "late"}
        codes[sent] = "excused" if no == 5 else "present"
        season.evening(no, codes)

    assert eventually(lambda: state_of(season.probation, referral) == "in_progress")
    shown = season.leaders[0].get(season.path(sent)).body["attendance"]
    assert (shown["held"], shown["attended"], shown["excused"], shown["rule_met"]) == (12, 11, 1, True)
    crossed = [each for each in feed(season) if each["type"].endswith("attendance.threshold_reached.v1")]
    assert [each["data"]["signup_ids"] for each in crossed] == [[absent]]

    for each in here:
        assert season.step(season.leaders[1], each, "complete").body["state"] == "completed"
    for leader in season.leaders:
        posted(leader, f"{season.path(sent)}/report/sign", {})
    certificate = posted(season.leaders[0], f"{season.path(sent)}/certificate", {}).body
    verified(season, certificate)
    finished = posted(
        season.coordinator, f"/groups/{season.group}/finish", {}, version=version_of(season.centre, season.group)
    )
    assert (finished.body["state"], finished.body["held"]) == ("finished", 0)
    assert posted(season.man, "/signups/status", season.cards[waiting[1]]).body["state"] == "closed"

    completed(season, referral)
    told = orjson.dumps(feed(season))
    assert referral.encode() not in b"".join(orjson.dumps(each) for each in feed(season) if "signup" in each["type"])
    assert b"Demo Teismas" not in told


def roster(season: Season) -> list[dict[str, Any]]:
    """The lines of the roster, as a leader sees them."""
    return season.leaders[0].get(f"/groups/{season.group}/roster").items


def state_of(by: Client, referral: str) -> str:
    """The state that a party sees."""
    state: str = by.get(f"/referrals/{referral}").body["state"]
    return state


def feed(season: Season) -> list[dict[str, Any]]:
    """What the centre's own feed has of the season."""
    return [each for each in season.centre.events() if season.group in orjson.dumps(each["data"]).decode()]


def verified(season: Season, certificate: dict[str, Any]) -> None:
    """Anybody verifies it by the key that the organisation publishes, and it says what it may."""
    keys = season.man.get("/groups/certificate-keys").items
    key = OKPKey.import_key(next(each["key"] for each in keys if each["organisation"] == CENTRE))
    content = orjson.loads(jws.deserialize_compact(certificate["signed"], key, algorithms=["Ed25519"]).payload)
    assert (content["from"], content["to"], content["held"], content["attended"]) == (
        "2020-09-21",
        "2020-12-14",
        12,
        11,
    )


def completed(season: Season, referral: str) -> None:
    """The worker completes the referral with the counts that were signed, and probation has them."""
    path = f"/referrals/{referral}"
    tasks = eventually(
        lambda: [
            each
            for each in season.centre.get("/referrals/tasks?limit=200").items
            if each["referral_id"] == referral and each["kind"] == "signup_completed"
        ]
    )
    assert len(tasks) == 1
    counts = {"held": 12, "attended": 11, "excused": 1, "absent": 0}
    eventually(lambda: season.centre.get(path).body["attendance"] == counts)
    body = {"ended_on": "2026-11-20", "outcome": "completed", "goals": []}
    done = season.centre.post(f"{path}/complete", body, version=season.centre.get(path).version)
    assert done.status == 200, done.raw
    heard = season.probation.get(path).body
    assert (heard["state"], heard["attendance"]) == ("completed", counts)
