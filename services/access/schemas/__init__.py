"""Shapes of access, in and out."""

from services.access.schemas.documents import Key, KeySetView, ServerMetadata
from services.access.schemas.members import (
    Acceptance,
    AcceptedView,
    Confirmation,
    Disabling,
    InvitedView,
    MemberQuery,
    MemberView,
    NewMember,
    OrganisationName,
    RecoveryCodes,
    Roles,
)
from services.access.schemas.sessions import (
    DeviceView,
    NewPassword,
    Nothing,
    SessionCookie,
    SessionLine,
    SessionToken,
    SessionView,
    SignIn,
    StepUp,
)

__all__ = [
    "Acceptance",
    "AcceptedView",
    "Confirmation",
    "DeviceView",
    "Disabling",
    "InvitedView",
    "Key",
    "KeySetView",
    "MemberQuery",
    "MemberView",
    "NewMember",
    "NewPassword",
    "Nothing",
    "OrganisationName",
    "RecoveryCodes",
    "Roles",
    "ServerMetadata",
    "SessionCookie",
    "SessionLine",
    "SessionToken",
    "SessionView",
    "SignIn",
    "StepUp",
]
