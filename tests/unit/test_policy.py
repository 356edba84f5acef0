"""The table of rights: what rows give, what they show, and that nothing is given by accident."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import NotAllowed, NotFound, Refused
from chassis.policy import ANYBODY, Policy, Row, policy_of
from services.groups.rules import rights as group_rights
from services.referrals.rules import lifecycle, rights
from services.referrals.rules.rights import POLICY, Closeness, check, relation, standing

ROLES = frozenset().union(*POLICY.operations().values())
OPERATIONS = sorted(POLICY.operations())
subjects = st.sampled_from(["member:a", "member:b", "client:c"])
units = st.frozensets(st.sampled_from(["north", "south", "east"]), max_size=2)
closenesses = st.builds(
    Closeness,
    unit=st.none() | st.sampled_from(["north", "south"]),
    worker=st.none() | subjects,
    restricted=st.booleans(),
    member=st.frozensets(st.sampled_from(["named", "barred"])),
)
roles_of = st.frozensets(st.sampled_from(sorted(ROLES)), max_size=4)


def test_fields_of_several_rows_add_up_and_a_row_without_fields_shows_all() -> None:
    some = Policy(
        Row("x", frozenset({"a"}), shows=frozenset({"p"})), Row("x", frozenset({"b"}), shows=frozenset({"q"}))
    )
    assert some.visible("x", frozenset({"a", "b"}), None) == {"p", "q"}
    assert some.visible("x", frozenset({"c"}), None) == frozenset()
    assert some.visible("other", frozenset({"a"}), None) is None
    assert Policy(*some.rows, Row("x", frozenset({"a"}))).visible("x", frozenset({"a"}), None) is None


def test_a_row_with_relations_shows_nothing_to_whom_no_relation_is_told_of() -> None:
    """A use case that forgets to say the relation shows an empty answer, not a full one."""
    policy = Policy(Row("x", frozenset({"a"}), relations=frozenset({"own"}), shows=frozenset({"p"})))
    assert policy.visible("x", frozenset({"a"}), None) == frozenset()
    assert policy.visible("x", frozenset({"a"}), "own") == {"p"}


def test_a_plain_entry_is_a_row_and_does_not_widen_a_written_one() -> None:
    class Service:
        policy = Policy(Row("x", frozenset({"a"}), shows=frozenset({"p"})))
        operations = {"x": frozenset({"a", "b"}), "y": frozenset({"b"})}

    found = policy_of(Service)
    assert found.operations() == {"x": {"a"}, "y": {"b"}}
    assert found.allows("y", frozenset({"b"}), None)


def test_what_everybody_sees_gives_nobody_a_role() -> None:
    policy = Policy(Row("x", ANYBODY, shows=frozenset({"p"})))
    assert policy.operations() == {"x": frozenset()}
    assert policy.visible("x", frozenset(), None) == {"p"}


@given(case=closenesses, subject=subjects, own=units)
def test_barred_and_restricted_come_before_everything_else(case: Closeness, subject: str, own: frozenset[str]) -> None:
    where = standing(case, subject=subject, units=own)
    if "barred" in case.member:
        assert where == rights.BARRED
    elif case.restricted:
        assert where == (rights.NAMED if "named" in case.member else rights.SHUT)
    elif where == rights.OTHER_UNIT:
        assert own
        assert case.unit not in own
        assert subject != case.worker
    else:
        assert subject == case.worker or case.unit is None or not own or case.unit in own


JUDGMENTS = {"referral.attach", "referral.remove_attachment", "referral.attachments", "referral.attachment"}


@given(
    case=closenesses,
    who=st.tuples(subjects, units, roles_of),
    operation=st.sampled_from(OPERATIONS),
    side=st.sampled_from(rights.SIDES),
    reason=st.none() | st.sampled_from(rights.REASONS),
)
def test_nothing_opens_a_case_to_the_barred_the_unnamed_and_the_other_side(
    case: Closeness, who: tuple[str, frozenset[str], frozenset[str]], operation: str, side: str, reason: str | None
) -> None:
    subject, own, roles = who
    where = standing(case, subject=subject, units=own)
    at = relation(side, where)
    opened = _opened(operation, roles, at, reason)
    if where in {rights.BARRED, rights.SHUT} and _has_relations(operation):
        assert isinstance(opened, NotFound)
    of_every_unit = {f"{side}_lead", "network_coordinator"}
    if operation in JUDGMENTS:  # partner safety works for all units, on judgments alone
        of_every_unit.add("partner_safety")
    if where == rights.OTHER_UNIT and reason is None and not roles & of_every_unit:
        assert isinstance(opened, Refused) or not _has_relations(operation)


def _has_relations(operation: str) -> bool:
    return all(row.relations is not None for row in POLICY.of(operation))


def _opened(operation: str, roles: frozenset[str], at: str, reason: str | None) -> bool | Refused:
    try:
        return check(operation, roles, at, reason=reason)
    except Refused as refused:
        return refused


def test_a_refusal_tells_of_the_case_only_whoever_may_read_it() -> None:
    inside = frozenset({"receiver_worker"})
    assert check("referral.read", inside, "receiver.own_unit") is False
    assert check("referral.read", inside, "receiver.other_unit", reason="stand_in") is True
    refusals = {
        ("referral.read", "receiver.other_unit"): "referral.reason_needed",
        ("referral.accept", "receiver.other_unit"): "referral.other_unit",
        ("referral.withdraw", "receiver.own_unit"): "referral.wrong_side",
        ("referral.assign", "receiver.own_unit"): "operation.not_allowed",
    }
    for (operation, at), code in refusals.items():
        with pytest.raises(NotAllowed) as refused:
            check(operation, inside, at)
        assert refused.value.code == code
    for at in ("sender.own_unit", "receiver.barred", "receiver.shut"):
        with pytest.raises(NotFound):
            check("referral.accept", inside, at, reason="stand_in")


def test_states_of_the_rows_are_those_of_the_lifecycle() -> None:
    for action in lifecycle.ACTIONS:
        sources = {edge.source for edge in lifecycle.LIFECYCLE if edge.name == action}
        rows = POLICY.of(f"referral.{action}")
        assert all(row.states is not None and row.states <= sources for row in rows)
        # what the system alone takes nobody has a right to
        assert (
            not rows
            if lifecycle.ACTORS[action] == {lifecycle.SYSTEM}
            else {s for r in rows for s in r.states or ()} == sources
        )


@pytest.mark.parametrize("role", ["org_admin", "operator", "group_leader", "network_admin"])
def test_roles_without_case_work_see_nothing_of_a_case(role: str) -> None:
    assert not any(role in row.roles for row in POLICY.rows)


def test_a_coordinator_of_the_network_sees_no_personal_part_and_a_leader_no_reason() -> None:
    for row in POLICY.rows:
        if "network_coordinator" in row.roles:
            assert row.shows is not None
            assert not row.shows & (rights.PERSONAL | {"handling", "reason_code"})
    assert {"language"} == group_rights.LINE & rights.PERSONAL  # of the man in his group; not what a referral says
