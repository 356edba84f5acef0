"""Where an organisation hears of news: an address counts when its code came back, and nobody is flooded."""

from __future__ import annotations

import pytest

from chassis.errors import Conflict, Invalid
from tests.integration.messages_rig import INTAKE, Rig, code_in, rig
from tests.support.referrals import CENTRE, OTHER, POLICE
from tests.support.rows import rows

__all__ = ["rig"]


def test_an_address_counts_only_when_its_code_came_back(rig: Rig) -> None:
    shown = rig.put(CENTRE, {"address": INTAKE, "kinds": ["new"]})["addresses"]
    assert [(each["address"], each["confirmed_at"], each["kinds"]) for each in shown] == [(INTAKE, None, ["new"])]
    rig.refer()
    assert rig.send() == 1, "the code alone"
    code = code_in(rig.post)
    assert code not in str(rows(rig.settings, "referrals", "SELECT a::text FROM notification_address AS a"))
    for wrong in ("AAAAA-AAAAA", code[:-1] + ("A" if code[-1] != "A" else "B")):
        with pytest.raises(Invalid):
            rig.confirm(CENTRE, wrong)
    with pytest.raises(Invalid):
        rig.confirm(OTHER, code)
    assert rig.confirm(CENTRE, code.lower().replace("-", " "))["addresses"][0]["confirmed_at"] is not None
    with pytest.raises(Invalid):
        rig.confirm(CENTRE, code)
    rig.refer()
    assert rig.send() == 1
    assert rig.put(CENTRE, {"address": INTAKE.upper(), "kinds": ["withdrawn"]})["addresses"][0]["confirmed_at"]
    rig.refer()
    assert rig.send() == 0, "it does not want to hear of new ones any more"
    assert rig.put(CENTRE)["addresses"] == []
    with pytest.raises(Invalid):
        rig.put(CENTRE, {"address": INTAKE}, {"address": f" {INTAKE}".strip().upper()})


def test_a_code_runs_out_and_is_then_sent_anew(rig: Rig) -> None:
    rig.put(CENTRE, {"address": INTAKE})
    rig.send()
    old = code_in(rig.post)
    assert len(rig.put(CENTRE, {"address": INTAKE})["addresses"]) == 1
    assert rig.send() == 0, "while the first counts there is no second"
    rig.run("UPDATE notification_address SET code_until = now() - interval '1 second'")
    with pytest.raises(Invalid):
        rig.confirm(CENTRE, old)
    rig.put(CENTRE, {"address": INTAKE})
    assert rig.send() == 1
    assert code_in(rig.post) != old


def test_nobody_is_flooded_with_codes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.referrals.usecases.notifications.CODES_A_DAY", 20)
    rig.put(CENTRE, *({"address": f"a{number}@example.org"} for number in range(10)))
    rig.put(CENTRE, *({"address": f"b{number}@example.org"} for number in range(10)))
    with pytest.raises(Conflict):
        rig.put(CENTRE, {"address": "c@example.org"})
    rig.put(POLICE, {"address": "c@example.org"})
    assert rig.send() == 11, "those that were taken away meanwhile get none"
    assert [state for state, _, _ in rig.states()].count("dropped") == 10


def test_an_address_may_be_for_one_kind_of_service(rig: Rig) -> None:
    rig.hears(CENTRE, INTAKE, service_kind="helpline")
    rig.refer()
    assert rig.send() == 0
    rig.hears(CENTRE, INTAKE, service_kind="behaviour_change")
    rig.refer()
    assert rig.send() == 1


def test_two_who_set_the_addresses_at_once_do_so_one_after_the_other(rig: Rig) -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: rig.put(CENTRE, {"address": INTAKE}), range(8)))
    assert all(len(each["addresses"]) == 1 for each in done)
    assert len(rows(rig.settings, "referrals", "SELECT id FROM notification_address")) == 1
    assert rig.send() == 1
