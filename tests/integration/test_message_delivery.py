"""Messages on their way: servers that are full, gone, silent or false, killed senders, erased records."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from chassis import erasure
from chassis.errors import Invalid, NotFound
from chassis.messages import outbox
from chassis.messages.carriers import Gone, OpenSmtp
from chassis.messages.sender import MOST_TRIES
from services.referrals.usecases import RECORDS
from tests.integration.messages_rig import EMAIL, INTAKE, Rig, rig, safe
from tests.support.mail import mailing, post_office
from tests.support.referrals import CENTRE
from tests.support.rows import rows

__all__ = ["rig"]
COLUMNS = "SELECT m::text FROM message AS m"


def test_a_message_leaves_with_its_change_or_not_at_all(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    with pytest.raises(ZeroDivisionError), rig.db.background("test", org=CENTRE.org_id) as work:
        outbox.queue(work, outbox.Message(kind="organisation.new", object_type="referral", object_id=uuid.uuid4()))
        work.one("SELECT 1")
        raise ZeroDivisionError
    assert rig.send() == 0
    with pytest.raises(Invalid):
        rig.refer(service="lt-nobody")
    assert rig.send() == 0


def test_many_of_one_kind_are_one_mail(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    for _ in range(5):
        rig.refer()
    assert rig.send() == 1
    assert len(rig.post.taken) == 1
    assert [state for state, _, _ in rig.states("organisation.new")] == ["sent"] * 5


def test_what_is_full_for_the_moment_is_tried_again_and_what_is_refused_is_dead(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    rig.refer()
    rig.post.recipient = ["451 later"]
    assert rig.send() == 0
    assert rig.states("organisation.new") == [("failed", "recipient.451", 1)]
    assert rig.send() == 0, "not before its pause is over"
    rig.later()
    rig.post.content = ["452 full"]
    assert rig.send() == 0
    assert rig.states("organisation.new") == [("failed", "content.452", 2)]
    rig.later()
    assert rig.send() == 1
    assert rig.states("organisation.new") == [("sent", None, 3)]
    rig.refer()
    rig.post.recipient = ["550 nobody here"]
    rig.send()
    rig.refer()
    rig.post.content = ["554 no"]
    rig.send()
    assert rig.states("organisation.new")[1:] == [("dead", "recipient.550", 1), ("dead", "content.554", 1)]
    rig.later()
    assert rig.send() == 0
    assert len(rig.post.taken) == 1


def test_after_enough_tries_a_person_has_to_look(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    rig.refer()
    for _ in range(MOST_TRIES):
        rig.post.recipient = ["450 later"]
        rig.send()
        rig.later()
    assert rig.states("organisation.new") == [("dead", "recipient.450", MOST_TRIES)]
    assert rig.send() == 0
    assert rig.sender.counted() == {"dead": 1}


def test_a_server_that_is_gone_costs_no_try_and_loses_nothing(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    rig.refer()
    there, rig.settings = rig.settings, mailing(rig.settings, "smtp://127.0.0.1:9")
    with pytest.raises(Gone, match=r"server\.unreachable"):
        rig.send()
    assert rig.states("organisation.new") == [("queued", None, 0)]
    rig.settings = there
    assert rig.send() == 1


def test_a_server_that_dies_over_a_mail_is_asked_again_later(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.hears(CENTRE, INTAKE)
    rig.refer()
    monkeypatch.setattr("chassis.messages.carriers.SECONDS", 0.5)
    rig.post.hangs = 2.0
    with pytest.raises(Gone, match=r"server\.(timeout|unreachable)"):
        rig.send()
    assert rig.states("organisation.new")[0][::2] == ("failed", 1)
    rig.post.hangs = 0.0
    rig.later()
    assert rig.send() == 1


class Killed(BaseException):
    """As if the process had been killed here: nothing after it happens."""


def test_killed_between_sending_and_marking_there_is_one_more_copy_and_never_a_lost_one(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.hears(CENTRE, INTAKE)
    rig.refer()
    carry = OpenSmtp.carry

    def killed_after(self: OpenSmtp, mail: Any) -> None:
        carry(self, mail)
        raise Killed

    def killed_before(_self: OpenSmtp, _mail: Any) -> None:
        raise Killed

    for way, copies in ((killed_before, 0), (killed_after, 1)):
        monkeypatch.setattr(OpenSmtp, "carry", way)
        with pytest.raises(Killed):
            rig.send()
        monkeypatch.setattr(OpenSmtp, "carry", carry)
        assert len(rig.post.taken) == copies
        assert rig.send() == 0, "not at once: the other one might still be at it"
        rig.later()
    assert rig.send() == 1
    assert len({mail["Message-ID"] for _, mail in rig.post.taken}) == 1
    assert len(rig.post.taken) == 2
    assert rig.states("organisation.new") == [("sent", None, 3)]


def test_erasing_the_record_takes_its_messages_along(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    referral = rig.refer(**safe(), contact_via=None)
    rig.word(referral)
    with rig.db.background("test", org=CENTRE.org_id) as work:
        begun = erasure.begin(work, RECORDS, referral, org=CENTRE.org_id, reason="request", basis="gdpr_17")
    with pytest.raises(NotFound):
        rig.delivery(CENTRE, referral)
    held = [message_id for _, message_id in rig.sender.due()]
    assert held, "not yet cleared, and"
    erasure.finish(rig.db, RECORDS, begun)
    assert rows(rig.settings, "referrals", "SELECT id FROM message WHERE object_id = %s", (referral,)) == []
    assert rig.send() == 0


def test_a_record_that_is_erased_while_its_mail_is_on_its_way_leaves_no_row(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.hears(CENTRE, INTAKE)
    referral = rig.refer()
    carry = OpenSmtp.carry

    def erased_meanwhile(self: OpenSmtp, mail: Any) -> None:
        with rig.db.background("test", org=CENTRE.org_id) as work:
            begun = erasure.begin(work, RECORDS, referral, org=CENTRE.org_id, reason="request", basis="gdpr_17")
        erasure.finish(rig.db, RECORDS, begun)
        carry(self, mail)

    monkeypatch.setattr(OpenSmtp, "carry", erased_meanwhile)
    rig.send()
    assert rows(rig.settings, "referrals", "SELECT id FROM message WHERE object_id = %s", (referral,)) == []


def test_one_bad_record_does_not_hold_up_the_others(rig: Rig) -> None:
    bad = rig.refer(**safe(), contact_via=None)
    good = rig.refer(**safe(), contact_via=None)
    rig.word(bad)
    rig.word(good)
    rig.run("UPDATE receiver_case SET personal = '\\x00' WHERE id = %s", (bad,))
    assert rig.send() == 1
    assert rig.states() == [("failed", "record.fault", 1), ("sent", None, 1)]


def test_no_address_stands_in_the_table_in_an_event_or_in_a_log(
    rig: Rig, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    rig.hears(CENTRE, INTAKE)
    referral = rig.refer(**safe(), contact_via=None)
    rig.word(referral)
    rig.post.recipient = [f"550 {INTAKE} is unknown", f"451 {EMAIL} later"]
    rig.send()
    rig.settings = mailing(rig.settings, "smtp://127.0.0.1:9")
    rig.later()
    with pytest.raises(Gone) as gone:
        rig.send()
    captured = capfd.readouterr()
    told = "".join(record.getMessage() + json.dumps(vars(record), default=str) for record in caplog.records
                   if record.name.startswith("chassis"))  # fmt: skip
    stored = [str(rows(rig.settings, "referrals", query)) for query in (
        COLUMNS, "SELECT a::text FROM notification_address AS a", "SELECT a::text FROM audit AS a",
        "SELECT data::text FROM outbox")]  # fmt: skip
    for text in (*stored, told, captured.out, captured.err, str(gone.value)):
        assert INTAKE.partition("@")[0] not in text
        assert EMAIL.partition("@")[0] not in text
    assert "message not taken" in told


def test_every_mail_is_on_record(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    referral = rig.refer()
    rig.send()
    query = "SELECT operation, outcome, subject FROM audit WHERE object_id = %s AND operation = 'message.send'"
    assert rows(rig.settings, "referrals", query, (referral,)) == [("message.send", "sent", "messages")]


def test_what_was_delivered_long_ago_is_forgotten(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE)
    rig.refer()
    rig.run("UPDATE message SET changed_at = now() - interval '91 days'")
    rig.sender.tidy()
    assert [state for state, _, _ in rig.states()] == ["queued"], "what still has to go stays"


def test_a_password_goes_over_tls_only_and_a_false_certificate_is_not_taken(
    rig: Rig, tmp_path: Any, worker: str
) -> None:
    from tests.support.certificates import authority  # noqa: PLC0415

    own, other = authority(tmp_path / "own.pem"), authority(tmp_path / "other.pem")
    own.sign(tmp_path, "localhost")
    password = tmp_path / "password"
    password.write_text("a password of a provider\n", encoding="utf-8")
    rig.hears(CENTRE, INTAKE)
    rig.refer()
    with post_office(certificate=tmp_path, sign_in=True) as post:
        url = f"smtp+starttls://sender%40example.org@localhost:{post.port}"
        files = {"TUKIVERKKO_SMTP_CA": str(own.file), "TUKIVERKKO_SMTP_PASSWORD_FILE": str(password)}
        plain = rig.settings
        for more, code in (
            ({**files, "TUKIVERKKO_SMTP_CA": str(other.file)}, "server.tls"),
            ({**files, "TUKIVERKKO_SMTP_PASSWORD_FILE": str(own.file)}, "server.sign_in"),
        ):
            rig.settings = mailing(plain, url, **more)
            with pytest.raises(Gone, match=code):
                rig.send()
        rig.settings = mailing(plain, url, **files)
        assert rig.send() == 1
        assert (post.signed_in, len(post.taken)) == (["sender@example.org"], 1)
    rig.refer()
    rig.settings = mailing(plain, f"smtp+starttls://127.0.0.1:{rig.post.port}")
    with pytest.raises(Gone, match=r"server\.answer"):
        rig.send()
    assert rig.post.taken == [], "a server without TLS gets nothing"


def test_in_development_mails_are_files_and_in_production_they_wait(rig: Rig, tmp_path: Any) -> None:
    rig.hears(CENTRE, INTAKE)
    rig.refer()
    server = {name: value for name, value in (rig.settings.environment or {}).items() if name != "TUKIVERKKO_SMTP_URL"}
    rig.settings = replace(rig.settings, environment=server, home=tmp_path)
    assert rig.send() == 1
    (file,) = (tmp_path / "mail" / "new").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert "Tukiverkko: something new" in file.read_text(encoding="utf-8")
    assert list((tmp_path / "mail" / "tmp").iterdir()) == []
    from chassis.messages.carriers import carrier_of  # noqa: PLC0415

    production = replace(rig.settings, profile="production")
    assert carrier_of(production.mail) is None
