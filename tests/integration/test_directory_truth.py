"""What keeps the directory true: links that ask whether entries are right, watchers, reports, notices."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from chassis import clock
from chassis.db import Database
from chassis.errors import Conflict, Invalid, NotFound, Stale, TooManyRequests
from chassis.messages.carriers import carrier_of
from chassis.messages.recipients import recipient_of
from chassis.messages.sender import Sender
from chassis.requests import Call
from chassis.settings import Settings
from services.directory import usecases
from services.directory.rules import truth
from services.directory.usecases import approving, confirming, searching, watching, wrong
from tests.integration.directory_rig import CENTRE, NETWORK, POLICE, Somebody
from tests.support.databases import root_url
from tests.support.mail import Post, mailing, post_office

PROGRAMME = "lt-kavkc-behaviour-change"
OLD_NUMBER = "+37037000001"
OLD, DESK = "old@centre.example", "desk@police.example"


@dataclass
class Rig:
    """The directory's database with the demo in it, and a mail server."""

    db: Database
    settings: Settings
    post: Post

    def send(self) -> list[str]:
        """One round of the sender; returns to whom mails went."""
        self.post.taken.clear()
        carrier = carrier_of(self.settings.mail)
        assert carrier is not None
        Sender(db=self.db, settings=self.settings.mail, recipient=recipient_of("directory")).send(
            carrier, threading.Event()
        )
        return [address for address, _ in self.post.taken]

    def text(self) -> str:
        """The newest mail."""
        return str(self.post.taken[-1][1].get_content())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(root_url(self.settings, "directory")) as connection:
            return connection.execute(query.encode()).fetchall()

    def run(self, query: str) -> None:
        with psycopg.connect(root_url(self.settings, "directory"), autocommit=True) as connection:
            connection.execute(query.encode())

    def aged(self, days: int, where: str = "true") -> None:
        """Let entries be as old as that."""
        for table in ("organisation", "service"):
            self.run(
                f"UPDATE {table} SET changed_at = now() - interval '{days} days', verified_at = NULL WHERE {where}"
            )

    def asked(self) -> str:
        """The token in the mail that asks the centre."""
        self.aged(100)
        assert confirming.ask_due(self.db, 90) == 2
        assert sorted(self.send()) == [DESK, OLD]
        texts = [str(mail.get_content()) for address, mail in self.post.taken if address == OLD]
        found = re.search(r"/v/([\w-]+)", texts[0])
        assert found, texts
        return found[1]

    def answer(self, token: str, said: str, text: str | None = None, *, seen: str = "") -> Any:
        body = {"token": token, "seen": seen or self.shown(token)["seen"], "answer": said, "text": text}
        call = Call(route="X", operation="confirmation.answer", body=body)
        return confirming.answer(self.db, call).value

    def shown(self, token: str, language: str = "en") -> dict[str, Any]:
        call = Call(route="X", operation="confirmation.resolve", body={"token": token, "language": language})
        value: dict[str, Any] = confirming.resolve(self.db, call).value
        return value

    def report(self, by: Somebody | None = None, **changes: Any) -> dict[str, Any]:
        body = {"section": "services", "mark": PROGRAMME, "field": None, "said": "The number is dead.", **changes}
        call = Call(route="X", operation="report.create", body=body, caller=by.caller if by else None)
        value: dict[str, Any] = wrong.report(self.db, call).value
        return value


@pytest.fixture
def rig(service_database: Callable[..., Settings]) -> Iterator[Rig]:
    settings = service_database("directory")
    with closing(Database(settings, "directory")) as db, post_office() as post:
        usecases.import_demo(db)
        entries = [
            {"key": CENTRE, "type": "crisis_centre", "country": "LT", "names": {"en": "Centre"}, "email": OLD,
             "phones": [{"number": OLD_NUMBER}]},
            {"key": POLICE, "type": "police", "country": "LT", "names": {"en": "Police"}, "email": DESK},
        ]  # fmt: skip
        assert usecases.import_organisations(db, {"organisations": entries}, dry_run=False, actor="test").ok
        yield Rig(db, mailing(settings, f"smtp://127.0.0.1:{post.port}"), post)


def last_events(rig: Rig, prefix: str = "service") -> list[str]:
    return [
        row[0] for row in rig.rows(f"SELECT type FROM outbox WHERE type LIKE '{prefix}.%' ORDER BY no DESC LIMIT 3")
    ]


def grade(rig: Rig) -> str:
    call = Call(route="X", operation="directory.service", path={"service": PROGRAMME})
    found: str = searching.service(rig.db, call).value["grade"]
    return found


def test_an_organisation_confirms_its_entries_by_one_press(rig: Rig) -> None:
    token = rig.asked()
    assert token not in str(rig.rows("SELECT to_jsonb(t)::text FROM confirmation AS t"))
    shown = rig.shown(token)
    assert shown["entries"][0]["name"] == "Centre"
    assert OLD_NUMBER in shown["entries"][0]["lines"]
    assert grade(rig) == "D"
    assert rig.shown(token) == shown  # looking does nothing
    finnish = rig.shown(token, "fi")
    assert finnish["seen"] == shown["seen"]
    assert "liettua" in str(finnish["entries"])
    assert rig.answer(token, "correct") == {"answer": "correct"}
    assert grade(rig) == "A"
    assert last_events(rig)[0] == "service.verified"
    assert last_events(rig, "organisation")[0] == "organisation.changed"
    with pytest.raises(Conflict):
        rig.answer(token, "correct", seen=shown["seen"])
    with pytest.raises(NotFound):
        rig.shown("there-was-none")


def test_nobody_confirms_what_he_has_not_seen(rig: Rig) -> None:
    token = rig.asked()
    shown = rig.shown(token)
    first, second = (Somebody(rig.db, name, CENTRE, "org_admin") for name in ("first", "second"))
    second.approve(first.propose("services", {"key": PROGRAMME, "languages": ["lt", "en"]}))
    with pytest.raises(Invalid) as refused:
        rig.answer(token, "correct", seen=shown["seen"])
    assert [fault.pointer for fault in refused.value.fields] == ["/seen"]
    assert rig.answer(token, "correct") == {"answer": "correct"}


def test_nobody_is_asked_twice_in_a_fortnight_or_without_need(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert confirming.ask_due(rig.db, 90) == 0  # all were changed today
    rig.asked()
    assert confirming.ask_due(rig.db, 90) == 0
    assert confirming.ask_due(rig.db, 0) == 0
    later = clock.now() + truth.ASK_AGAIN + dt.timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert confirming.ask_due(rig.db, 90) == 2


def test_a_link_ends(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    token = rig.asked()
    later = clock.now() + truth.LINK_LIFE + dt.timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(NotFound):
        rig.answer(token, "correct")
    confirming.ask_due(rig.db, 90)


def test_a_suspended_organisation_is_neither_asked_nor_heard(rig: Rig) -> None:
    token = rig.asked()
    rig.run(f"UPDATE organisation SET status = 'suspended' WHERE key = '{CENTRE}'")
    with pytest.raises(NotFound):
        rig.answer(token, "correct")
    rig.run("DELETE FROM confirmation_asked")
    assert confirming.ask_due(rig.db, 90) == 1


def test_what_is_wrong_is_reported_by_the_link(rig: Rig) -> None:
    token = rig.asked()
    with pytest.raises(Invalid):
        rig.answer(token, "wrong")
    rig.answer(token, "wrong", "The second number is dead.")
    own = Somebody(rig.db, "own", CENTRE, "org_admin")
    assert [(row["mark"], row["said"], row["by_kind"]) for row in reports(own)] == [
        (CENTRE, "The second number is dead.", "organisation")
    ]
    assert grade(rig) == "D"
    assert rig.send() == [OLD]


def test_what_nobody_confirmed_for_a_year_is_stale_and_says_so(rig: Rig) -> None:
    assert confirming.mark_stale(rig.db) == 0
    rig.aged(366, f"key = '{PROGRAMME}'")
    assert confirming.mark_stale(rig.db) == 1
    assert last_events(rig)[0] == "service.became_stale"
    assert rig.rows("SELECT data->>'stale' FROM outbox WHERE type = 'service.became_stale'") == [("true",)]
    assert confirming.mark_stale(rig.db) == 0
    first, second = (Somebody(rig.db, name, CENTRE, "org_admin") for name in ("first", "second"))
    version = rig.rows(f"SELECT version FROM service WHERE key = '{PROGRAMME}'")[0][0]
    second.approve(first.propose("services", {"key": PROGRAMME, "languages": ["lt", "en"]}, based_on=version))
    assert rig.rows(f"SELECT stale FROM service WHERE key = '{PROGRAMME}'") == [(False,)]


def watch(by: Somebody, section: str, mark: str, *, on: bool = True) -> dict[str, Any]:
    call = by.call("watch.put", path={"kind": section, "entry": mark})
    value: dict[str, Any] = (watching.watch if on else watching.unwatch)(by.db, call).value
    return value


def test_whoever_watches_an_entry_gets_one_mail_about_it(rig: Rig) -> None:
    desk = Somebody(rig.db, "desk", POLICE, "sender_lead")
    assert watch(desk, "organisations", CENTRE)["watching"]
    watch(desk, "organisations", CENTRE)
    listed = watching.listed(rig.db, desk.call("watch.list")).value["items"]
    assert [(row["section"], row["mark"]) for row in listed] == [("organisations", CENTRE)]
    first, second = (Somebody(rig.db, name, CENTRE, "org_admin") for name in ("first", "second"))
    for based_on, languages in enumerate((["lt", "en"], ["lt", "ru"]), 1):
        second.approve(first.propose("services", {"key": PROGRAMME, "languages": languages}, based_on=based_on))
    assert rig.send() == [DESK]  # two changes, one mail
    assert f"/directory/organisations/{CENTRE}" in rig.text()
    assert PROGRAMME not in rig.text()
    watch(desk, "organisations", CENTRE, on=False)
    second.approve(first.propose("services", {"key": PROGRAMME, "languages": ["lt"]}, based_on=3))
    assert rig.send() == []
    for section, mark in (("organisations", "nobody"), ("locations", CENTRE), ("services", CENTRE)):
        with pytest.raises(NotFound):
            watch(desk, section, mark)


def test_what_only_partners_may_know_tells_no_watcher(rig: Rig) -> None:
    desk = Somebody(rig.db, "desk", POLICE, "sender_lead")
    first, second = (Somebody(rig.db, name, CENTRE, "org_admin") for name in ("first", "second"))
    row = {"key": PROGRAMME, "visibility": {"referral": "partners"}}
    second.approve(first.propose("services", row, based_on=1))
    watch(desk, "services", PROGRAMME)
    second.approve(first.propose("services", {"key": PROGRAMME, "referral": {"promise_hours": 24}}, based_on=2))
    assert rig.send() == []


def test_the_old_address_hears_of_a_guarded_change_while_it_can_be_stopped(rig: Rig) -> None:
    first, keeper = Somebody(rig.db, "first", CENTRE, "org_admin"), Somebody(rig.db, "keeper", NETWORK, "network_admin")
    made = first.propose("organisations", {"key": CENTRE, "email": "new@centre.example"}, based_on=2)
    assert rig.send() == []
    keeper.record(made, "call_back", OLD_NUMBER)
    waiting = keeper.approve(made)
    assert rig.send() == [OLD]
    assert f"{waiting['due_at']:%Y-%m-%d}" in rig.text()
    assert "new@centre" not in rig.text()


def test_a_notice_of_what_was_stopped_meanwhile_does_not_go(rig: Rig) -> None:
    first, keeper = Somebody(rig.db, "first", CENTRE, "org_admin"), Somebody(rig.db, "keeper", NETWORK, "network_admin")
    made = first.propose("organisations", {"key": CENTRE, "email": "new@centre.example"}, based_on=2)
    keeper.record(made, "call_back", OLD_NUMBER)
    keeper.approve(made)
    first.act(approving.withdraw, made, reason="A slip.")
    assert rig.send() == []
    assert rig.rows("SELECT state, reason FROM message") == [("dropped", "over")]


def reports(by: Somebody) -> list[dict[str, Any]]:
    query = {"state": None, "cursor": None, "limit": 50}
    found: list[dict[str, Any]] = wrong.listed(by.db, by.call("report.list", query=query)).value["items"]
    return found


def test_anybody_reports_what_is_wrong_and_its_organisation_reads_it(rig: Rig) -> None:
    rig.report()
    desk = Somebody(rig.db, "desk", POLICE, "sender_worker")
    rig.report(desk, section="organisations", mark=CENTRE, field="phones")
    own, keeper = Somebody(rig.db, "own", CENTRE, "org_admin"), Somebody(rig.db, "keeper", NETWORK, "network_admin")
    assert [(row["by_kind"], row["field"]) for row in reports(own)] == [("institution", "phones"), ("anybody", None)]
    assert len(reports(keeper)) == 2
    assert reports(Somebody(rig.db, "x", POLICE, "org_admin")) == []
    assert rig.send() == [OLD]  # once, as long as one is open
    assert "dead" not in rig.text()
    for section, mark in (("services", "nobody"), ("organisations", PROGRAMME)):
        with pytest.raises(NotFound):
            rig.report(section=section, mark=mark)


def test_a_report_is_closed_once_and_its_words_go_after_a_month(rig: Rig) -> None:
    made = rig.report()
    own = Somebody(rig.db, "own", CENTRE, "org_admin")

    def close(by: Somebody, version: int = 1) -> dict[str, Any]:
        call = by.call(
            "report.close", path={"report": made["id"]}, body={"outcome": "mended"}, expected_version=version
        )
        value: dict[str, Any] = wrong.close(by.db, call).value
        return value

    with pytest.raises(NotFound):
        close(Somebody(rig.db, "x", POLICE, "org_admin"))
    with pytest.raises(Stale):
        close(own, 7)
    assert close(own)["state"] == "mended"
    with pytest.raises(Conflict):
        close(own, 2)
    wrong.forget_words(rig.db)
    assert [row["said"] for row in reports(own)] == ["The number is dead."]
    assert "dead" not in str(rig.rows("SELECT to_jsonb(t)::text, encode(words, 'escape') FROM wrong_report AS t"))
    wrong.forget_words(rig.db, clock.now() + truth.REPORT_KEPT + dt.timedelta(minutes=1))
    assert [(row["said"], row["state"]) for row in reports(own)] == [(None, "mended")]
    assert rig.rows("SELECT words, key_id FROM wrong_report") == [(None, None)]


def test_reports_have_an_end(rig: Rig) -> None:
    for _ in range(truth.MOST_OPEN):
        rig.report()
    with pytest.raises(TooManyRequests):
        rig.report()
    rig.report(section="organisations", mark=POLICE)


def test_memberships_and_initiatives_are_told(rig: Rig) -> None:
    assert rig.rows("SELECT count(*) FROM outbox WHERE type = 'partnership.recorded'")[0][0] > 3
    assert rig.rows("SELECT count(*) FROM outbox WHERE type = 'membership.started'")[0][0] > 3
    key = rig.rows(
        "SELECT o.key, n.key FROM membership AS m JOIN organisation AS o ON o.id = m.organisation_id"
        " JOIN organisation AS n ON n.id = m.network_id WHERE m.started IS NULL AND m.ended IS NULL ORDER BY 1, 2"
    )[0]
    ended = {"organisation": key[0], "in": key[1], "to": "2026-10"}
    report = usecases.import_organisations(rig.db, {"memberships": [ended]}, dry_run=False, actor="test")
    assert report.ok, report
    told = rig.rows("SELECT type, sequence, data->>'ended' FROM outbox ORDER BY no DESC LIMIT 1")
    assert told == [("membership.ended", 2, "2026-10")]


def test_a_service_is_withdrawn_under_a_name_of_its_own(rig: Rig) -> None:
    first, second = (Somebody(rig.db, name, CENTRE, "org_admin") for name in ("first", "second"))
    second.approve(first.propose("services", {"key": PROGRAMME, "status": "withdrawn"}))
    assert last_events(rig)[0] == "service.withdrawn"
    keeper, other = (Somebody(rig.db, name, NETWORK, "network_admin") for name in ("k1", "k2"))
    other.approve(keeper.propose("organisations", {"key": POLICE, "status": "suspended"}, based_on=2))
    assert last_events(rig, "organisation")[0] == "organisation.suspended"
