"""The door of sessions: signing in, one's own session, and what the gateway asks for."""

from __future__ import annotations

from chassis.db import Database
from chassis.http import route
from chassis.requests import Call, Outcome
from chassis.settings import Settings
from services.access.schemas import members as member_schemas
from services.access.schemas import sessions as schemas
from services.access.usecases import changing, sessions, signing_in


class Sessions:
    """Sign-in and what belongs to a session. All but the first and the last need the session's cookie."""

    db: Database
    settings: Settings

    @route("POST", "/access/sign-in", operation="session.sign_in", public=True, body=schemas.SignIn,
           answers=schemas.SessionView, example=schemas.SIGN_IN_EXAMPLE,
           summary="Sign in; the session is a cookie")  # fmt: skip
    def sign_in(self, call: Call) -> Outcome:
        """Sign in."""
        return signing_in.sign_in(self.db, call)

    @route("POST", "/access/sign-out", operation="session.end", body=schemas.Nothing, status=204, example={},
           summary="Sign out; the session ends at once")  # fmt: skip
    def sign_out(self, call: Call) -> Outcome:
        """Sign out."""
        return sessions.end(self.db, call)

    @route("GET", "/access/session", operation="session.read", answers=schemas.SessionView,
           summary="Who I am, the CSRF token, and when my session ends")  # fmt: skip
    def read_session(self, call: Call) -> Outcome:
        """Show the session."""
        return sessions.read(self.db, call)

    @route("POST", "/access/step-up", operation="session.step_up", body=schemas.StepUp, answers=schemas.SessionView,
           example=schemas.STEP_UP_EXAMPLE, summary="Give a code again, for what is most delicate")  # fmt: skip
    def step_up(self, call: Call) -> Outcome:
        """Step up."""
        return sessions.step_up(self.db, call)

    @route("POST", "/access/password", operation="session.password", body=schemas.NewPassword, status=204,
           example=schemas.PASSWORD_EXAMPLE, summary="Change my password; my other sessions end")  # fmt: skip
    def change_password(self, call: Call) -> Outcome:
        """Change the password."""
        return changing.change_password(self.db, call)

    @route("POST", "/access/recovery-codes", operation="session.recovery_codes", body=schemas.Nothing,
           answers=member_schemas.RecoveryCodes, example={},
           summary="New recovery codes, shown this once; needs step-up")  # fmt: skip
    def new_recovery_codes(self, call: Call) -> Outcome:
        """Make new recovery codes."""
        return sessions.new_recovery_codes(self.db, call)

    @route("POST", "/access/devices", operation="session.register_device", body=schemas.Nothing,
           answers=schemas.DeviceView, example={},
           summary="Register this device; needs step-up")  # fmt: skip
    def register_device(self, call: Call) -> Outcome:
        """Register the device."""
        return sessions.register_device(self.db, call)

    @route("GET", "/access/sessions", operation="session.list", answers=schemas.SessionLine, many=True,
           summary="My open sessions, newest first")  # fmt: skip
    def list_sessions(self, call: Call) -> Outcome:
        """List the caller's sessions."""
        return sessions.own_sessions(self.db, call)

    @route("POST", "/access/sessions/<uuid:session_id>/revoke", operation="session.revoke", body=schemas.Nothing,
           status=204, example={}, summary="End another session of mine")  # fmt: skip
    def revoke_session(self, call: Call) -> Outcome:
        """End a session."""
        return sessions.revoke(self.db, call)

    @route("POST", "/access/internal/session-token", operation="session.exchange", public=True, internal=True,
           body=schemas.SessionCookie, answers=schemas.SessionToken,
           summary="For the gateway: a user token for a session")  # fmt: skip
    def exchange_session(self, call: Call) -> Outcome:
        """Give a token for a session."""
        return sessions.exchange(self.db, self.settings, call)
