"""What the data-protection officer's routes and retention work on: the records of persons of this service."""

from __future__ import annotations

from chassis.records import Records
from services.referrals import schemas
from services.referrals.rules.persons import PERSONS
from services.referrals.schemas.attachments import AboutFile, FilePiece
from services.referrals.schemas.record import EntryContent
from services.referrals.schemas.restricted import RestrictedPart
from services.referrals.schemas.transitions import Details
from services.referrals.store.area import CARD
from services.referrals.store.attachments import ABOUT
from services.referrals.store.attachments import CONTENT as CONTENT_OF_FILES
from services.referrals.store.case_entries import CONTENT as CONTENT_OF_ENTRIES
from services.referrals.store.legs import CASE_HANDLING, HISTORY_DETAILS
from services.referrals.store.opening import CASE_PERSONAL, RECORD_PERSONAL
from services.referrals.store.restricted import CONTENT

RECORDS = Records(
    service="referrals",
    persons=PERSONS,
    shapes={
        RECORD_PERSONAL.replace("|", "."): schemas.NewReferral(),
        CASE_PERSONAL.replace("|", "."): schemas.NewReferral(exclude=("external_ref",)),
        CASE_HANDLING.replace("|", "."): Details(),
        HISTORY_DETAILS.replace("|", "."): Details(),
        CONTENT_OF_ENTRIES.replace("|", "."): EntryContent(),
        CARD.replace("|", "."): schemas.AreaCard(),
        CONTENT.replace("|", "."): RestrictedPart(),
        ABOUT.replace("|", "."): AboutFile(),
        CONTENT_OF_FILES.replace("|", "."): FilePiece(),
    },
)
