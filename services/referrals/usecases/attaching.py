"""Files of a referral: attach, list, hand out, remove; looked at before they are kept, sealed for each party apart."""

from __future__ import annotations

import uuid
from typing import Any

from chassis import clock
from chassis.apart import apart
from chassis.audit import Entry
from chassis.db import Database, Work
from chassis.errors import Invalid, Unavailable
from chassis.requests import Call, Outcome, scope_of
from chassis.scanning import Scanner
from services.referrals.rules import attaching, contents, feedback
from services.referrals.rules.lifecycle import SENDER
from services.referrals.store import attachments, legs
from services.referrals.store.attachments import File
from services.referrals.store.legs import Leg
from services.referrals.usecases import files, restricted
from services.referrals.usecases.entering import OBJECT, Entered, caller_of, enter

SANDBOX = "sandbox; default-src 'none'"


def attach(db: Database, scanner: Scanner, call: Call) -> Outcome:
    """Attach a file. Raises Invalid for what is not taken, Conflict for whom it may not go to, NotFound.

    Rights come first, and neither the look at the content nor the scanner holds a connection.
    """
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], call.operation)
        attaching.check_kind(call.query["classification"], partners=restricted.is_partners(work, entered.row["id"]))
        _check_sharing(entered, call, legs.lock_leg(work, entered.row["id"], caller_of(work).org_id))
    name = contents.check_name(call.file_name)
    looked, sha256 = apart(_looked, call.raw, name)
    scan = _scanned(scanner, call.raw)
    with db.work(call) as work:
        done = work.claimed()
        entered = enter(work, call.path["referral_id"], call.operation)
        attachment_id = _id_of(work, call)
        if done is None:
            file = _file(
                call, entered, attachment_id, name=name, media_type=looked.media_type, sha256=sha256, scan=scan
            )
            _keep(work, call, entered, file)
        # whoever attaches a judgment is told what was kept, and can not open it again
        row = attachments.one(work, entered.row["id"], attachment_id, plain_too=True, restricted_too=True)
        work.record(_entry(call.operation, entered, row, outcome="done" if done is None else "repeated"))
        location = f"/referrals/{entered.row['id']}/attachments/{attachment_id}"
        return Outcome(value=files.shown(work, row), location=location, relation=entered.relation)


def listed(db: Database, call: Call) -> Outcome:
    """The files of a referral that the caller may see, oldest first. Raises NotFound."""
    with db.work(call) as work:
        entered = enter(work, call.path["referral_id"], call.operation, reason=call.query.get("reason"))
        sees = _sees(work, entered)
        rows = attachments.listed(work, entered.row["id"], **sees)
        work.record(_entry(call.operation, entered, {"id": None, "restricted": sees["restricted_too"]}))
        value = {"items": [files.shown(work, row) for row in rows], "next": None}
        return Outcome(value=value, relation=entered.relation)


def download(db: Database, scanner: Scanner, call: Call) -> Outcome:
    """The file itself, for a download that no browser opens by itself.

    Raises NotFound, Conflict for an infected file, Unavailable while a scanner that is set up has not seen it.
    """
    _rescan(db, scanner, call)
    with db.work(call) as work:
        entered, row = _entered(work, call)
        attaching.check_scan(row["scan"])
        content = files.opened(work, row)[1]
        work.record(_entry(call.operation, entered, row))
    return Outcome(value=content, headers=_headers(row), relation=entered.relation)


def remove(db: Database, call: Call) -> Outcome:
    """Remove a file of one's own that nobody else has got. Raises NotFound, Conflict."""
    with db.work(call) as work:
        done = work.claimed()
        entered = enter(work, call.path["referral_id"], call.operation)
        if done is None:
            row = _row(work, call, entered)
            own = row["by_org"] == caller_of(work).org_id
            attaching.check_removal(own=own, visibility=row["visibility"], state=entered.row["state"])
            attachments.remove(work, row["id"])
        else:
            row = {"id": call.path["attachment_id"], "restricted": _sees(work, entered)["restricted_too"]}
        work.record(_entry(call.operation, entered, row, outcome="done" if done is None else "repeated"))
        return Outcome(value={}, relation=entered.relation)


def _check_sharing(entered: Entered, call: Call, leg: Leg) -> None:
    scope = feedback.scope_in_force(leg.feedback_scope, fixed=leg.scope_fixed)
    row = entered.row
    attaching.check_sharing(call.query["visibility"], side=row["side"], state=row["state"], scope=scope)


def _keep(work: Work, call: Call, entered: Entered, file: File) -> None:
    """Keep the own copy, and the other party's where it is for both; each party has an event of its own."""
    caller = caller_of(work)
    leg = legs.lock_leg(work, file.referral_id, caller.org_id)
    _check_sharing(entered, call, leg)
    attaching.check_number(attachments.count(work, file.referral_id))
    other = leg.receiver_id if leg.side == SENDER else leg.sender_id
    files.give(work, caller.org_id, file, sender=leg.side == SENDER)
    if file.visibility == attaching.BOTH and other is not None and leg.state != "draft":
        files.give(work, other, file, sender=leg.side != SENDER)


def _file(
    call: Call, entered: Entered, attachment_id: uuid.UUID, *, name: str, media_type: str, sha256: str, scan: str
) -> File:
    classification = call.query["classification"]
    caller = call.caller
    return File(
        id=attachment_id,
        referral_id=entered.row["id"],
        name=name,
        content=call.raw,
        sha256=sha256,
        media_type=media_type,
        visibility=call.query["visibility"],
        classification=classification,
        restricted=classification in attaching.RESTRICTED,
        scan=scan,
        by_org=entered.row[f"{entered.row['side']}_id"],
        by_subject=caller.subject if caller else None,
    )


def _looked(content: bytes, name: str) -> tuple[contents.Looked, str]:
    return contents.look(content, name), attachments.hash_of(content)


def _scanned(scanner: Scanner, content: bytes) -> str:
    """What the scanner says of a new file; one that it could not see yet stays in quarantine. Raises Invalid."""
    try:
        status = scanner.scan(content)
    except Unavailable:
        return attaching.QUARANTINED
    if status == attaching.INFECTED:
        raise Invalid("attachment.infected", "The virus scanner found something in this file; nothing was stored.")
    return status


def _rescan(db: Database, scanner: Scanner, call: Call) -> None:
    """Let the scanner see what it has not seen, before it is handed out; no connection is held meanwhile."""
    if not scanner.looks:
        return
    with db.work(call) as work:
        entered, row = _entered(work, call)
        if row["scan"] in {attaching.CLEAN, attaching.INFECTED}:
            return
        content = files.opened(work, row)[1]
    try:
        status = scanner.scan(content)
    except Unavailable:
        status = attaching.QUARANTINED
    with db.work(call) as work:
        attachments.note_scan(work, row["id"], status)
        work.record(_entry("referral.scan_attachment", entered, row))


def _entered(work: Work, call: Call) -> tuple[Entered, dict[str, Any]]:
    entered = enter(work, call.path["referral_id"], call.operation, reason=call.query.get("reason"))
    return entered, _row(work, call, entered)


def _row(work: Work, call: Call, entered: Entered) -> dict[str, Any]:
    return attachments.one(work, entered.row["id"], call.path["attachment_id"], **_sees(work, entered))


def _sees(work: Work, entered: Entered) -> dict[str, bool]:
    """Judgments are for the partner's side, everything else for the man's; nobody sees both."""
    partners = restricted.is_partners(work, entered.row["id"])
    return {"plain_too": not partners, "restricted_too": partners}


def _headers(row: dict[str, Any]) -> dict[str, str]:
    """A name of ours: the file's own may be a person's, and headers and folders of downloads are no place for it."""
    ending = contents.ENDINGS[row["media_type"]][0]
    name = f"{row['classification']}-{str(row['id'])[:8]}.{ending}"
    return {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": SANDBOX}


def _id_of(work: Work, call: Call) -> uuid.UUID:
    """The id of a new file; the same again for a request that is repeated."""
    if call.idempotency_key is None:
        return clock.new_id()
    digest = work.digest("attachment", f"{scope_of(call)} {call.idempotency_key}")
    return uuid.UUID(bytes=digest[:16], version=4)


def _entry(operation: str, entered: Entered, row: dict[str, Any], *, outcome: str = "done") -> Entry:
    """The audit names the referral, so that its export finds it, and the file; of judgments it tells nothing."""
    return Entry(
        operation=operation,
        object_type=restricted.OBJECT if row["restricted"] else OBJECT,
        object_id=restricted.apart(entered.row["id"]) if row["restricted"] else entered.row["id"],
        purpose=entered.purpose,
        basis=f"attachment:{row['id']}" if row["id"] else None,
        outcome=outcome,
    )
