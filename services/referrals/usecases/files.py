"""Copies of files: each party's own by its own key, and what goes along when a draft is sent or a case goes on."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chassis import clock
from chassis.db import Work
from services.referrals import events
from services.referrals.rules import attaching
from services.referrals.store import attachments
from services.referrals.store.attachments import File

if TYPE_CHECKING:
    from services.referrals.usecases.consequences import Moved


def give(work: Work, party: uuid.UUID, file: File, *, sender: bool) -> None:
    """Keep one party's copy and tell it; nothing where it has no record any more."""
    key_id = attachments.key_of(work, file.referral_id, party, sender=sender)
    if key_id is None:
        return
    # A judgment has a key of its own, which the case's readers never fetch.
    key = work.keys.take() if file.restricted else work.keys.fetch([key_id])[key_id]
    attachments.keep(work, file, party, key)
    told = events.attached(
        file.referral_id, file.id, by=file.by_org, kind=file.classification, audience=party, at=work.now
    )
    work.tell(told)


def opened(work: Work, row: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Name and hash of a file of the acting organisation, and its content. Raises NotFound."""
    about = work.keys.open(row["key_id"], attachments.ABOUT, row["id"], row["about"])
    key = work.keys.fetch([row["key_id"]])[row["key_id"]]
    return about, attachments.content_of(work, row, key)


def shown(work: Work, row: dict[str, Any]) -> dict[str, Any]:
    """A file as it is listed."""
    about = work.keys.open(row["key_id"], attachments.ABOUT, row["id"], row["about"])
    return {**row, **about, "by": {"id": row["by_org"], "key": row["by_key"]}}


def hand_over(work: Work, moved: Moved) -> None:
    """A consequence of sending: what a draft has for both goes to the receiver; a new leg takes along its parent's."""
    leg = moved.leg
    made_at_once = work.call is None or "referral_id" not in work.call.path  # then there is nothing yet
    if moved.edge.source != "draft" or moved.edge.target != "sent" or made_at_once:
        return
    pass_on(work, leg.parent_id or leg.id, leg.id, sender=leg.sender_id, receiver=leg.receiver_id)


def pass_on(work: Work, source: uuid.UUID, target: uuid.UUID, *, sender: uuid.UUID, receiver: uuid.UUID | None) -> None:
    """Give what the sender has for both of one leg to the receiver of the same leg, or to both parties of a new one.

    Judgments stay with the leg that they were given for: whoever is next is asked anew what he needs to know.
    """
    with work.acting_for(sender):
        rows = attachments.listed(work, source, plain_too=True, restricted_too=source == target)
    for row in rows:
        if row["visibility"] == attaching.BOTH:
            with work.acting_for(sender):
                file = _again(row, *opened(work, row))
            if source != target:
                file = replace(file, id=clock.new_id(), referral_id=target)
                give(work, sender, file, sender=True)
            if receiver is not None:
                give(work, receiver, file, sender=False)


def _again(row: dict[str, Any], about: dict[str, Any], content: bytes) -> File:
    names = ("id", "referral_id", "media_type", "visibility", "classification", "restricted", "scan")
    same = {name: row[name] for name in (*names, "by_org", "by_subject")}
    return File(name=about["name"], sha256=about["sha256"], content=content, **same)
