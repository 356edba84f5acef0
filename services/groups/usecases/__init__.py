"""What can be done with programmes, groups and sign-ups: load, decide, save, tell, audit, in one transaction."""

from __future__ import annotations

from services.groups.usecases.copies import keep_organisation
from services.groups.usecases.demo import seed_demo
from services.groups.usecases.grouping import (
    create_group,
    list_groups,
    my_groups,
    open_group,
    read_group,
    roster,
)
from services.groups.usecases.history import BASELINES, tell_again
from services.groups.usecases.leaving import RECORDS
from services.groups.usecases.own import accept_offer, decline_offer, status, withdraw
from services.groups.usecases.own_erasing import drop_cards
from services.groups.usecases.recipients import recipient as RECIPIENT  # noqa: N812 - what the sender asks for
from services.groups.usecases.referred import REFERRAL_TYPES, keep_referral
from services.groups.usecases.risks import sweep as sweep_risks
from services.groups.usecases.seating import sweep
from services.groups.usecases.signing_up import sign_up

__all__ = [
    "BASELINES",
    "RECIPIENT",
    "RECORDS",
    "REFERRAL_TYPES",
    "accept_offer",
    "create_group",
    "decline_offer",
    "drop_cards",
    "keep_organisation",
    "keep_referral",
    "list_groups",
    "my_groups",
    "open_group",
    "read_group",
    "roster",
    "seed_demo",
    "sign_up",
    "status",
    "sweep",
    "sweep_risks",
    "tell_again",
    "withdraw",
]
