"""The rules of members, passwords, throttling and sessions, and step-up."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import hashing
from chassis.errors import Conflict, Invalid, NotAllowed, Stale, TooManyRequests
from chassis.http.headers import cookies
from chassis.identity import Caller
from chassis.step_up import require_step_up
from services.access.rules import members, passwords, sessions, throttling
from services.access.rules.roles import ROLES
from services.access.usecases.proofs import common_passwords

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
NAMES = ("leader@example.org", "lt-kavkc")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("too brief", "length"),
        ("a" * 201, "length"),
        ("1234567890123", "password.common"),
        ("Password1234!", "password.common"),
        ("passwordpassword", "password.common"),
        ("!!sunshine2024", "password.common"),
        ("aaaaaaaaaaaaaaa", "password.common"),
        ("leader@example.org", "password.own_name"),
        ("LEADER12345678", "password.own_name"),
        ("leaderleader", "password.own_name"),
        ("lt-kavkc2026!!", "password.own_name"),
    ],
)
def test_an_unfit_password_is_refused_with_its_reason(password: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.check_password(password, common=common_passwords(), names=NAMES)
    assert [fault.code for fault in refused.value.fields] == [code]
    assert password not in refused.value.detail


@pytest.mark.parametrize(
    "password", ["reeds along the quiet bay", "ėjome per šlapią pievą", "x9-Tq_v27-pLm0", "12 wild swans 7"]
)
def test_a_good_one_is_taken(password: str) -> None:
    passwords.check_password(password, common=common_passwords(), names=NAMES)


def test_a_password_is_the_same_on_every_keyboard() -> None:
    assert passwords.comparable("e\u0307") == passwords.comparable("\u0117")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert throttling.network_of(address) == network


def test_the_delay_grows_and_has_an_end() -> None:
    delays = [throttling.delay(count, throttling.ACCOUNT_FREE) for count in range(60)]
    assert delays == sorted(delays)
    assert set(delays[: throttling.ACCOUNT_FREE + 1]) == {dt.timedelta(0)}
    assert delays[throttling.ACCOUNT_FREE + 1] == throttling.FIRST_DELAY
    assert delays[-1] == throttling.LONGEST_DELAY
    throttling.check_open(NOW, NOW)
    with pytest.raises(TooManyRequests) as refused:
        throttling.check_open(NOW + dt.timedelta(seconds=1.2), NOW)
    assert refused.value.retry_after == 2


def test_a_code_is_taken_once_and_only_of_the_steps_around() -> None:
    codes = {9: "000001", 10: "000002", 11: "000003"}
    assert sessions.accepted_step("000002", codes, 9) == 10
    assert sessions.accepted_step("000002", codes, 10) is None
    assert sessions.accepted_step("000001", codes, 10) is None
    assert sessions.accepted_step("999999", codes, 0) is None
    assert sessions.accepted_step("000002", {9: "000002", 10: "000002"}, 9) == 10
    now = int(NOW.timestamp()) // 30
    assert sessions.steps_around(NOW) == (now - 1, now, now + 1)


@given(st.text(max_size=20))
def test_whatever_is_given_for_a_code_is_only_compared(text: str) -> None:
    assert sessions.accepted_step(text, {1: "no code of six digits"}, 0) is None


@pytest.mark.parametrize(("idle", "end", "over"), [(1, 1, False), (0, 1, True), (1, 0, True), (-1, 1, True)], ids=str)
def test_a_session_is_over_by_either_limit(idle: int, end: int, *, over: bool) -> None:
    minute = dt.timedelta(minutes=1)
    assert sessions.is_over(NOW, idle_until=NOW + idle * minute, ends_at=NOW + end * minute) == over


def test_the_password_alone_is_enough_on_a_device_for_ten_hours() -> None:
    hours = dt.timedelta(hours=1)
    assert sessions.password_is_enough(NOW - 9 * hours, NOW)
    assert not sessions.password_is_enough(NOW - 10 * hours, NOW)
    assert not sessions.password_is_enough(None, NOW)


def caller(subject: str, proved_at: int | None) -> Caller:
    return Caller(subject, uuid.uuid4(), "lt-kavkc", frozenset({"dpo"}), "t", proved_at=proved_at)


def test_step_up_is_for_people_and_lasts_five_minutes() -> None:
    moment = int(NOW.timestamp())
    require_step_up(caller("member:x", moment - 300), NOW)
    require_step_up(caller("client:x", None), NOW, systems=True)
    for refused in (
        caller("member:x", moment - 301),
        caller("member:x", None),
        caller("client:x", None),
        caller("client:x", moment - 301),
    ):
        with pytest.raises(NotAllowed, match=r"step_up\.required"):
            require_step_up(refused, NOW)
    with pytest.raises(NotAllowed):
        require_step_up(caller("member:x", None), NOW, systems=True)


def test_people_have_no_roles_of_systems_and_every_role_is_one_or_the_other() -> None:
    assert set(ROLES) == members.PEOPLE_ROLES | members.CLIENT_ROLES
    assert not members.PEOPLE_ROLES & members.CLIENT_ROLES
    assert members.RESERVED <= members.PEOPLE_ROLES
    assert members.check_roles(["dpo", "dpo"]) == {"dpo"}
    with pytest.raises(Invalid):
        members.check_units(["Evening Shift"])


def test_what_an_administrator_may_give() -> None:
    one, two = frozenset({"auditor"}), frozenset({"auditor", "dpo"})
    members.check_giving(one, two, own=False)
    members.check_giving(two, one, own=True)
    with pytest.raises(NotAllowed, match=r"role\.own"):
        members.check_giving(one, two, own=True)
    for before, after in ((one, one | {"operator"}), (one | {"network_admin"}, one)):
        with pytest.raises(NotAllowed, match=r"role\.reserved"):
            members.check_giving(before, after, own=False)


def test_states_and_versions_of_a_member() -> None:
    for status in (None, "invited", "disabled"):
        members.check_inviting(status)
    with pytest.raises(Conflict):
        members.check_inviting("active")
    with pytest.raises(Conflict):
        members.check_disabling("disabled")
    members.check_version(2, 2)
    with pytest.raises(Stale):
        members.check_version(3, 2)
    assert members.normalised_login("  Leader@Example.ORG ") == "leader@example.org"
    found = uuid.uuid4()
    assert members.subject_of(found) == f"member:{found}"


def test_nobodys_hash_takes_the_same_work_as_a_real_one() -> None:
    assert not hashing.is_outdated(hashing.NOBODYS)
    assert not hashing.fits("anything", None)


def test_cookies_are_read_as_they_come() -> None:
    assert cookies("a=1; __Host-b=x=y;c; =d; a=2") == {"a": "1", "__Host-b": "x=y"}
    assert cookies(None) == {}
