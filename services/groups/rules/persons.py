"""Where a man's record lies in groups, what of it needs review before it is handed out, and how long it is kept."""

from __future__ import annotations

from chassis.persons import OTHERS, WORKER, Persons, Rule, Table

PERSONS = Persons(
    object_type="signup",
    tables=(
        Table(name="participant", where="id", through="sign_up.participant_id", closes=True),
        Table(name="sign_up", where="id"),
        Table(name="return_card", where="sign_up_id", drops=True),
        Table(name="intake_entry", where="sign_up_id", drops=True),
        Table(name="consent_given", where="sign_up_id", drops=True),
        Table(name="removal_proposal", where="sign_up_id", drops=True),
        Table(name="attendance", where="sign_up_id", drops=True),
        Table(name="completion", where="sign_up_id", drops=True),
        Table(name="attendance_report", where="sign_up_id", drops=True),
        Table(name="certificate", where="sign_up_id", drops=True),
        Table(name="remark", where="sign_up_id", drops=True),
        Table(name="glass_broken", where="sign_up_id", drops=True),
        Table(name="apart_seat", where="sign_up_id", drops=True),
        Table(name="person_seat", where="sign_up_id", drops=True),
        Table(name="calendar_feed", where="sign_up_id", drops=True),
        Table(name="history", where="sign_up_id", rounds=("at",)),
    ),
    rules=(
        Rule(
            code="signup.ended",
            what="Sign-ups that ended",
            after="the end of the sign-up (completed, withdrawn, declined, lapsed, redirected, removed, closed)",
            days=None,
            source="the programme's retention_days; 30 for peers, 180 for behaviour change unless set (groups.md 10)",
        ),
        Rule(
            code="signup.asked",
            what="Sign-ups that the man himself wants erased, whatever their state",
            after="he asked by his card, unless he took it back meanwhile",
            days=2,
            source="groups.md, top",
        ),
    ),
    review={
        "history.by_subject": WORKER,
        "intake_entry.by_subject": WORKER,
        "remark.by_subject": WORKER,
        "glass_broken.by_subject": WORKER,
        "glass_broken.seen_by": WORKER,
        "remark.content.text": OTHERS,
        "consent_given.by_subject": WORKER,
        "removal_proposal.by_subject": WORKER,
        "attendance.by_subject": WORKER,
        "completion.by_subject": WORKER,
        "certificate.by_subject": WORKER,
        "attendance_report.first_subject": WORKER,
        "attendance_report.second_subject": WORKER,
    },
)
"""The key of a record is the id of the sign-up."""
