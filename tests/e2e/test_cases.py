"""Two common cases over HTTP alone, from the first line to the last: one of the police, one of probation."""

from __future__ import annotations

from typing import Any

import pytest

from services.referrals.events import BESIDES
from tests.support.client import CENTRE, POLICE, THIRD, Answer, Client, client, eventually
from tests.support.network import Network

PROBATION = "lt-probation"
SERVICE, ONWARD = "lt-kavkc-behaviour-change", "lt-kapvc-consultations"
NAME = "Demo Bylaitis"
TEN_FIELDS = {
    "service": SERVICE,
    "person": {"name": NAME, "birth_year": 1979},
    "role": "used_violence",
    "contact": {"channel": "phone", "value": "+37060000001", "safe": "unknown"},
    "needs": ["violence_own_use"],
    "reason": "Invented case: he wants to learn to leave a quarrel in time.",
    "urgency": "standard",
    "ordered": False,
    "person_informed": "yes",
}
"""Section 4 of referrals.md: nine here; the reference of an order is the second half of the ninth field."""


class Case:
    """One referral and the clients of those who work on it; each step is taken at the version that the party sees."""

    def __init__(self, demo: Network, sender: str, body: dict[str, Any]) -> None:
        self._demo, self._clients = demo, dict[str, Client]()
        self.sender = sender
        sent = eventually(
            lambda: answer if (answer := self.by(sender).post("/referrals", body)).status == 201 else None
        )
        self.id: str = sent.body["id"]

    def by(self, party: str) -> Client:
        """A party's client."""
        return self._clients.setdefault(party, client(self._demo.settings, party))

    def read(self, party: str) -> Answer:
        """The referral as a party sees it."""
        return self.by(party).get(f"/referrals/{self.id}")

    def step(self, party: str, action: str, **body: Any) -> Any:
        """Take a transition; returns what the party sees then."""
        shown = self.read(party)
        assert action in shown.body["allowed_actions"], (action, shown.body["allowed_actions"])
        answer = self.by(party).post(f"/referrals/{self.id}/{action}", body, version=shown.version)
        assert answer.status == 200, answer.raw
        return answer.body

    def record(self, party: str, number: int, attended: str) -> None:
        """Record a session by hand."""
        body = {"number": number, "held_on": "2026-11-02", "attended": attended, "minutes": 90}
        answer = self.by(party).post(f"/referrals/{self.id}/sessions", body)
        assert answer.status == 200, answer.raw

    def seen(self, party: str) -> list[str]:
        """The states that a party's own history has."""
        items = self.by(party).get(f"/referrals/{self.id}/history").body["items"]
        return [step["to_state"] for step in items]

    def told(self, party: str) -> list[str]:
        """The verbs of the events that a party's own feed has of it, once all have arrived."""
        wanted = self.read(party).body["version"]
        return eventually(lambda: found if len(found := self._feed(party)) == wanted else None)

    def _feed(self, party: str) -> list[str]:
        after, found = 0, list[str]()
        while True:
            page = self.by(party).get(f"/events?stream=org&after={after}&limit=200").body
            verbs = [each["type"].split(".")[-2] for each in page["events"] if each["subject"] == self.id]
            found += [verb for verb in verbs if verb not in BESIDES]
            if page["next"] == after:
                return found
            after = page["next"]


def test_a_case_of_the_police_goes_on_to_another_centre_and_is_completed(demo: Network) -> None:
    case = Case(demo, POLICE, TEN_FIELDS)
    case.step(CENTRE, "acknowledge")
    case.step(CENTRE, "request_info", question="May we ring him in the evening?", fields=["contact"])
    assert case.read(POLICE).body["asked"]["question"] == "May we ring him in the evening?"
    case.step(POLICE, "provide_info", answer="Yes, after six.")
    case.step(CENTRE, "start_assessment", assessor="Intake team", planned_on="2026-12-08")
    moved = case.step(CENTRE, "forward", service=ONWARD, reason="other_service_better")
    assert case.seen(POLICE) == ["sent", "received", "info_requested", "received", "forwarded"]
    assert case.told(POLICE) == ["sent", "received", "info_requested", "info_provided", "forwarded"]
    assert NAME not in case.by(POLICE).get(f"/referrals/{case.id}/history").raw.decode()

    onward = case.by(THIRD)
    leg = Case.__new__(Case)
    leg.__dict__ |= {**case.__dict__, "sender": CENTRE, "id": moved["handling"]["new_referral_id"]}
    assert onward.get(f"/referrals/{leg.id}").body["person"]["name"] == NAME
    assert case.by(POLICE).get(f"/referrals/{leg.id}").status == 404
    leg.step(THIRD, "accept", responsible="Counsellor", next_step_on="2026-12-10")
    leg.step(THIRD, "waitlist", expected_on=None, review_on="2026-12-22")
    leg.step(THIRD, "hold", reason="travel_or_work", review_on="2027-01-11")
    leg.step(THIRD, "resume")
    leg.step(THIRD, "offer_place", place="Spring places", answer_by="2027-01-20T12:00:00+02:00")
    leg.step(THIRD, "start", started_on="2027-01-25", how="first_session")
    for number, attended in enumerate(("attended", "attended", "excused", "attended"), start=1):
        leg.record(THIRD, number, attended)
    done = leg.step(THIRD, "complete", ended_on="2026-11-20", outcome="completed", goals=[])
    counts = {"held": 4, "attended": 3, "excused": 1, "absent": 0}
    assert (done["state"], done["handling"]["attendance"]) == ("completed", counts)  # from the sessions
    assert leg.read(CENTRE).body["state"] == "closed"  # received_only: nothing of how it went
    assert leg.told(CENTRE) == ["sent", "received", "closed"]
    assert leg.told(THIRD) == [
        *("sent", "received", "accepted", "waitlisted", "on_hold", "resumed", "accepted", "started", "completed"),
    ]


def test_a_case_of_probation_with_an_order_is_held_waits_starts_and_is_completed(demo: Network) -> None:
    case = Case(demo, PROBATION, {**TEN_FIELDS, "ordered": True, "order_reference": "N-2026-114"})
    assert case.read(PROBATION).body["feedback_scope"] == "attendance_and_completion"
    case.step(CENTRE, "accept", responsible="Programme team", next_step_on="2026-12-03")
    case.step(CENTRE, "start_assessment", assessor="Programme team", planned_on="2026-12-15")
    case.step(CENTRE, "accept", responsible="Programme team", next_step_on="2026-12-16")
    case.step(CENTRE, "waitlist", expected_on="2027-01-18", review_on="2027-01-11")
    case.step(PROBATION, "hold", reason="custody", review_on="2027-02-01")
    assert case.read(CENTRE).body["state"] == "on_hold"
    case.step(PROBATION, "resume")
    case.step(CENTRE, "offer_place", place="Winter group", answer_by="2027-02-05T12:00:00+02:00")
    case.step(CENTRE, "start", started_on="2027-02-08", how="first_session")
    for number in range(1, 17):
        case.record(CENTRE, number, "absent" if number == 3 else "excused" if number == 9 else "attended")
    case.step(CENTRE, "complete", ended_on="2026-11-20", outcome="completed", goals=GOALS)
    assert case.seen(PROBATION) == [
        *("sent", "received", "accepted", "waitlisted", "on_hold", "waitlisted", "accepted", "in_progress"),
        "completed",
    ]
    last = case.by(PROBATION).get(f"/referrals/{case.id}/history").body["items"][-1]
    assert last["details"]["attendance"] == {"held": 16, "attended": 14, "excused": 1, "absent": 1}
    assert "goals" not in last["details"]
    everything = case.by(PROBATION).get(f"/referrals/{case.id}/history").raw.decode()
    assert "Winter group" not in everything
    assert "Programme team" not in everything


GOALS = [{"goal": "Leaves a quarrel in time", "level": "achieved"}]


@pytest.mark.parametrize("left_out", sorted(TEN_FIELDS))
def test_the_ten_fields_are_enough_and_each_is_needed(demo: Network, left_out: str) -> None:
    police = client(demo.settings, POLICE)
    assert len(TEN_FIELDS) + 1 <= 10
    sent = eventually(lambda: answer if (answer := police.post("/referrals", TEN_FIELDS)).status == 201 else None)
    assert sent.body["state"] == "sent"
    less = {name: value for name, value in TEN_FIELDS.items() if name != left_out}
    refused = police.post("/referrals", less)
    assert refused.status == 422
    assert [each["pointer"] for each in refused.body["errors"]] == [f"/{left_out}"]
