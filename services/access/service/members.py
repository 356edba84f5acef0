"""The door of members: administrators invite, list and disable; whoever was invited accepts."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from services.access.schemas import members as schemas
from services.access.usecases import invitations, members


class Members:
    """People of an organisation and how they come in."""

    db: Database

    @route("POST", "/access/members", operation="member.invite", body=schemas.NewMember, answers=schemas.InvitedView,
           status=201, changes=True, example=schemas.NEW_MEMBER_EXAMPLE,
           summary="Invite somebody into my organisation; the token is shown this once")  # fmt: skip
    def invite_member(self, call: Call) -> Outcome:
        """Invite."""
        return invitations.invite(self.db, call)

    @route("GET", "/access/members", operation="member.list", query=schemas.MemberQuery, answers=schemas.MemberView,
           many=True, summary="The members of my organisation, newest first")  # fmt: skip
    def list_members(self, call: Call) -> Outcome:
        """List."""
        return members.list_members(self.db, call)

    @route("GET", "/access/members/<uuid:member_id>", operation="member.read", answers=schemas.MemberView,
           summary="One member of my organisation")  # fmt: skip
    def read_member(self, call: Call) -> Outcome:
        """Show one."""
        return members.read_member(self.db, call)

    @route("POST", "/access/members/<uuid:member_id>/disable", operation="member.disable", body=schemas.Disabling,
           answers=schemas.MemberView, changes=True, needs_version=True, example={},
           summary="Take a member's access; his sessions end at once")  # fmt: skip
    def disable_member(self, call: Call) -> Outcome:
        """Disable."""
        return members.disable(self.db, call)

    @route("POST", "/access/members/<uuid:member_id>/roles", operation="member.set_roles", body=schemas.Roles,
           answers=schemas.MemberView, changes=True, needs_version=True, example=schemas.ROLES_EXAMPLE,
           summary="Give a member other roles and units")  # fmt: skip
    def set_member_roles(self, call: Call) -> Outcome:
        """Set roles."""
        return members.set_roles(self.db, call)

    @route("POST", "/access/invitations/accept", operation="invitation.accept", public=True, body=schemas.Acceptance,
           answers=schemas.AcceptedView, example=schemas.ACCEPT_EXAMPLE,
           summary="Choose a password; the answer is for an authenticator")  # fmt: skip
    def accept_invitation(self, call: Call) -> Outcome:
        """Accept."""
        return invitations.accept(self.db, call)

    @route("POST", "/access/invitations/confirm", operation="invitation.confirm", public=True,
           body=schemas.Confirmation, answers=schemas.RecoveryCodes, example=schemas.CONFIRM_EXAMPLE,
           summary="Prove the authenticator by a first code; recovery codes are shown this once")  # fmt: skip
    def confirm_invitation(self, call: Call) -> Outcome:
        """Confirm."""
        return invitations.confirm(self.db, call)
