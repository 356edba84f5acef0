"""Where a person's record lies in referrals, what of it needs review before it is handed out, how long it is kept."""

from __future__ import annotations

from chassis.persons import OTHERS, WORKER, Controller, Persons, Rule, Table

PERSONS = Persons(
    object_type="referral",
    tables=(
        Table(name="sender_record", where="id", closes=True),
        Table(name="receiver_case", where="id", closes=True),
        Table(name="history", where="referral_id", rounds=("at",)),
        Table(name="case_member", where="referral_id", drops=True),
        Table(name="outside_read", where="referral_id", drops=True),
        Table(name="area_offer", where="leg_id", drops=True),
        Table(name="institution_link", where="referral_id", drops=True),
        Table(name="person_index", where="record_id", drops=True),
    ),
    rules=(
        Rule(
            code="referral.final",
            what="Referrals that ended, each party's own record",
            after="the last change, in a final state as that party sees it",
            days=365,
            source="product default, to be set with the organisations' officers; no law names a figure",
        ),
        Rule(
            code="referral.in_error",
            what="Referrals that were entered in error; nobody reads them from that moment",
            after="the correction",
            days=30,
            source="referrals.md section 3, T25",
        ),
        Rule(
            code="referral.unmoved",
            what="Referrals of which a party has heard nothing more, in any state",
            after="the last change that this party may know of",
            days=1095,
            source="product default: a sender under `received_only` never hears of the end, and must not keep for ever",
        ),
    ),
    controllers=(
        Controller(table="sender_record", column="receiver_id", role="receiver"),
        Controller(table="receiver_case", column="sender_id", role="sender"),
    ),
    review={
        "sender_record.personal.reason": OTHERS,
        "receiver_case.personal.reason": "Written by the sender. " + OTHERS,
        "receiver_case.handling.text": OTHERS,
        "receiver_case.handling.responsible": WORKER,
        "receiver_case.handling.note": OTHERS,
        "receiver_case.handling.question": OTHERS,
        "receiver_case.handling.assessor": WORKER,
        "history.details.text": OTHERS,
        "history.details.question": OTHERS,
        "history.details.answer": OTHERS,
        "history.details.note": OTHERS,
        "history.details.responsible": WORKER,
        "history.details.assessor": WORKER,
        "history.by_subject": WORKER,
        "sender_record.worker": WORKER,
        "receiver_case.worker": WORKER,
        "case_member.subject": WORKER,
        "case_member.by_subject": WORKER,
        "outside_read.subject": WORKER,
        "institution_link.made_by": WORKER,
    },
)
"""The key of a record is the id of the referral; each organisation has a record of its own under it."""
