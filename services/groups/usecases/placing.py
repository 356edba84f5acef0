"""What the referrals service hears of a sign-up that was made of a referral, after each of its steps."""

from __future__ import annotations

from chassis.db import Work
from services.groups import events
from services.groups.usecases.acts import Moved


def tell_referrals(work: Work, moved: Moved) -> None:
    """Tell the referrals service of a step, where a referral is behind the sign-up."""
    referral_id, placement_id = moved.sign_up.referral_id, moved.sign_up.placement_id
    if referral_id is None or placement_id is None:
        return
    data = events.placement_state(
        moved.sign_up.id,
        referral_id=referral_id,
        org_id=moved.group.org_id,
        state=moved.sign_up.state,
        day=moved.at.date(),
    )
    work.tell(events.placement_told("changed", placement_id, data, at=work.now))
