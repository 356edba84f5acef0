"""Where a person's record lies in referrals, what of it needs review before it is handed out, how long it is kept."""

from __future__ import annotations

from chassis.persons import OTHERS, WORKER, Controller, Persons, Rule, Table
from services.referrals.rules.lifecycle import CHILD_CONCERN
from services.referrals.rules.record import RISKS

OF_A_CHILD = "A concern for a child: nothing of it is handed out before an officer has read it."
OF_ANOTHER = "It speaks of the victim or partner."

PERSONS = Persons(
    object_type="referral",
    tables=(
        Table(name="sender_record", where="id", closes=True),
        Table(name="receiver_case", where="id", closes=True),
        Table(name="history", where="referral_id", rounds=("at",)),
        Table(name="case_entry", where="referral_id", drops=True),
        Table(name="case_member", where="referral_id", drops=True),
        Table(name="outside_read", where="referral_id", drops=True),
        Table(name="area_offer", where="leg_id", drops=True),
        Table(name="institution_link", where="referral_id", drops=True),
        Table(name="person_index", where="record_id", drops=True),
        Table(name="clock", where="referral_id", drops=True),
        Table(name="placement", where="referral_id", drops=True),
        Table(name="task", where="referral_id", drops=True),
        Table(name="restricted_part", where="referral_id", drops=True, apart=True),
        Table(name="partner_side", where="referral_id", drops=True, apart=True),
        Table(name="attachment", where="referral_id", drops=True, hides="restricted"),
        Table(name="attachment_piece", where="referral_id", drops=True, apart=True),
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
    review_whole={
        "sender_record.kind": (CHILD_CONCERN, OF_A_CHILD),
        "receiver_case.kind": (CHILD_CONCERN, OF_A_CHILD),
    },
    review={
        "sender_record.personal.reason": OTHERS,
        "sender_record.personal.warning": OTHERS,
        "receiver_case.personal.warning": "Written by the sender. " + OTHERS,
        "sender_record.personal.contact.unsafe_if_answered_by": OTHERS,
        "sender_record.personal.contact.verified_by": WORKER,
        "sender_record.personal.contact.further": OTHERS,
        "receiver_case.personal.contact.unsafe_if_answered_by": OTHERS,
        "receiver_case.personal.contact.verified_by": WORKER,
        "receiver_case.personal.contact.further": OTHERS,
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
        "history.details.because": OTHERS,
        "history.details.before.reason": OTHERS,
        "history.details.before.warning": OTHERS,
        "case_entry.content.text": "A note, a remark on an attempt or on a risk. " + OTHERS,
        **{f"case_entry.content.risks.{item}": "Speaks of others too." for item in RISKS},
        "case_entry.by_subject": WORKER,
        "case_entry.named": WORKER,
        "sender_record.personal.legal_basis.approved_by": WORKER,
        "sender_record.personal.legal_basis.consent.taken_by": WORKER,
        "sender_record.personal.legal_basis.person_informed.by": WORKER,
        # it is never in the copy at all; if it were, this would hold it back
        "restricted_part.content.incident_address": OF_ANOTHER,
        "restricted_part.content.partner_note": OF_ANOTHER,
        "history.by_subject": WORKER,
        "sender_record.worker": WORKER,
        "receiver_case.worker": WORKER,
        "case_member.subject": WORKER,
        "case_member.by_subject": WORKER,
        "outside_read.subject": WORKER,
        "task.done_by": WORKER,
        "attachment.by_subject": WORKER,
        "attachment.about.name": OTHERS,
        "institution_link.made_by": WORKER,
    },
)
"""The key of a record is the id of the referral; each organisation has a record of its own under it."""
