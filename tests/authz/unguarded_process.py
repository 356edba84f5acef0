"""A service without its own checks of rights, to see what row security alone keeps: python -m … NAME.

Only for tests: whoever has a token may do everything; organisation and subject still come from the token alone.
"""

# ruff: noqa: I001 - chassis.launch patches the standard library and must come first
from __future__ import annotations

from chassis import launch

import sys

from chassis.keyed_ids import id_of_key
from chassis.http.route import Route
from chassis.policy import Policy
from chassis.settings import Settings

POLICE = id_of_key("organisation", "lt-police")


def plant() -> None:
    """Switch off every check of a role, a relation, a field and a unit."""
    Route._permit = lambda *_: None  # type: ignore[method-assign]
    Policy.allows = lambda *_: True  # type: ignore[method-assign]
    Policy.granting = lambda self, operation, *_: self.of(operation)  # type: ignore[method-assign]
    Policy.visible = lambda *_: None  # type: ignore[method-assign]
    Policy.writable = lambda *_: None  # type: ignore[method-assign, assignment]
    from services.referrals.rules import rights  # noqa: PLC0415 - before the use cases take it by name

    from services.subscriptions import rules  # noqa: PLC0415 - as above

    rules.stream_read = lambda *_: rules.stream_of(POLICE)
    rights.standing = lambda *_, **__: rights.WHOLE_SIDE
    rights.led_sides = lambda _: frozenset(rights.SIDES)


if __name__ == "__main__":
    plant()
    launch.set_up_logging(sys.argv[1])
    sys.exit(launch.serve(launch.service_class(sys.argv[1]), Settings.load()))
