"""A mail with a one-time link: only for who asked for it, one for each referral, and it leads to the page's answer."""

from __future__ import annotations

import pytest

from services.referrals.usecases import links
from tests.integration.messages_rig import CENTRE, INTAKE, Rig, rig  # noqa: F401 - the fixture comes by import
from tests.integration.messages_rig import call as requested
from tests.support.referrals import go
from tests.support.rows import rows

LINK = "organisation.link"


def paths(rig: Rig) -> list[str]:  # noqa: F811 - as above
    bodies = [mail.get_content() for _, mail in rig.post.taken]
    return [line[line.index("/l/") :] for body in bodies for line in body.splitlines() if "/l/" in line]


@pytest.fixture
def hearing(rig: Rig) -> Rig:  # noqa: F811 - as above
    rig.hears(CENTRE, INTAKE, kinds=["link", "withdrawn"])
    return rig


def test_each_new_referral_brings_a_link_of_its_own(hearing: Rig) -> None:
    first, second = hearing.refer(), hearing.refer()
    hearing.send()
    found = paths(hearing)
    assert len(set(found)) == 2
    shown = links.resolve(hearing.db, token_call(found[0])).value
    assert "acknowledge" in shown["actions"]
    links.answer(hearing.db, token_call(found[0], action="acknowledge"))
    states = hearing_states(hearing)
    assert sorted(states[each] for each in (first, second)) == ["received", "sent"]


def test_what_was_answered_meanwhile_gets_none(hearing: Rig) -> None:
    referral = hearing.refer()
    go(hearing.db, CENTRE, referral, "decline", reason="no_capacity")
    hearing.send()
    assert not paths(hearing)
    assert hearing.states(LINK) == [("dropped", "link.nothing_to_answer", 0)]


def test_who_did_not_ask_for_it_gets_no_link(rig: Rig) -> None:  # noqa: F811 - as above
    rig.hears(CENTRE, INTAKE)
    rig.refer()
    rig.send()
    assert rig.post.taken
    assert not paths(rig)
    assert not rig.states(LINK)


def token_call(path: str, **body: object):  # type: ignore[no-untyped-def]  # a Call
    return requested(CENTRE, {"token": path.removeprefix("/l/"), **body})


def hearing_states(rig: Rig) -> dict[object, object]:  # noqa: F811 - as above
    return dict(rows(rig.settings, "referrals", "SELECT id, state::text FROM leg"))  # type: ignore[arg-type]
