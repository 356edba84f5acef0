"""Shapes of groups, in and out: programmes and groups, sign-ups, and the parts they share."""

from __future__ import annotations

from services.groups.schemas.grouping import (
    NEW_GROUP_EXAMPLE,
    GroupQuery,
    GroupView,
    NewGroup,
    Opening,
    PublicGroup,
    RosterLine,
    RosterQuery,
)
from services.groups.schemas.parts import (
    DEMO_GROUP,
    ListQuery,
)
from services.groups.schemas.programmes import NEW_PROGRAMME_EXAMPLE, NewProgramme, ProgrammeChange, ProgrammeView
from services.groups.schemas.signing_up import (
    CARD_EXAMPLE,
    FOR_HIM_EXAMPLE,
    NEW_SIGN_UP_EXAMPLE,
    Card,
    CardToKeep,
    ConfirmContact,
    HandOverView,
    NewSignUp,
    NewSignUpView,
    SignUpForHim,
    SignUpView,
)

__all__ = [
    "CARD_EXAMPLE",
    "DEMO_GROUP",
    "FOR_HIM_EXAMPLE",
    "NEW_GROUP_EXAMPLE",
    "NEW_PROGRAMME_EXAMPLE",
    "NEW_SIGN_UP_EXAMPLE",
    "Card",
    "CardToKeep",
    "ConfirmContact",
    "GroupQuery",
    "GroupView",
    "HandOverView",
    "ListQuery",
    "NewGroup",
    "NewProgramme",
    "NewSignUp",
    "NewSignUpView",
    "Opening",
    "ProgrammeChange",
    "ProgrammeView",
    "PublicGroup",
    "RosterLine",
    "RosterQuery",
    "SignUpForHim",
    "SignUpView",
]
