"""What the data-protection officer's routes and retention work on: the records of persons of this service."""

from __future__ import annotations

from chassis.records import Records
from services.referrals import schemas
from services.referrals.rules.persons import PERSONS
from services.referrals.schemas.record import EntryContent
from services.referrals.schemas.transitions import Details
from services.referrals.store.case_entries import CONTENT
from services.referrals.store.legs import CASE_HANDLING, HISTORY_DETAILS
from services.referrals.store.opening import CASE_PERSONAL, RECORD_PERSONAL

RECORDS = Records(
    service="referrals",
    persons=PERSONS,
    shapes={
        RECORD_PERSONAL.replace("|", "."): schemas.NewReferral(),
        CASE_PERSONAL.replace("|", "."): schemas.NewReferral(exclude=("external_ref",)),
        CASE_HANDLING.replace("|", "."): Details(),
        HISTORY_DETAILS.replace("|", "."): Details(),
        CONTENT.replace("|", "."): EntryContent(),
    },
)
