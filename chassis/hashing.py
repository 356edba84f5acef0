"""Password hashes: argon2id, slow by design, so it runs in eventlet's thread pool, four at a time (trap 16).

Source: access-and-privacy.md section 2 (46 MiB, t=1, p=1). Outside a service process, in a command or a test, there is
no green thread to hold up and the work is done at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chassis.apart import apart
from chassis.errors import Unavailable

AT_ONCE = 4
MOST_WAITING = 16
"""Who would wait behind more is asked to come again: a flood of sign-ins must leave workers for everybody else."""

NOBODYS = "$argon2id$v=19$m=47104,t=1,p=1$MYWrDBz+R8EMlNI68DqXZg$AvH2VhaBZD7JpCJtI3CaL+/Q8fGz7NcghCGI0Va8088"
"""What is compared where there is no such account, so that both take the same work; nobody knows a password for it."""

_hasher = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)
_places = threading.BoundedSemaphore(AT_ONCE)  # green in a service, where chassis.launch has patched threading
_waiting = [0]
Made = TypeVar("Made")


def hashed(password: str) -> str:
    """The hash to keep. Raises Unavailable while too many are being made."""
    return _apart(_hasher.hash, password)


def fits(password: str, kept: str | None) -> bool:
    """Whether the password belongs to the hash; without one the same work is done. Raises Unavailable."""
    return _apart(_verified, password, kept or NOBODYS) and kept is not None


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with other parameters than those of today."""
    return _hasher.check_needs_rehash(kept)


def _verified(password: str, kept: str) -> bool:
    try:
        return _hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def _apart(work: Callable[..., Made], *given: str) -> Made:
    if _waiting[0] >= MOST_WAITING:
        raise Unavailable("sign_in.busy", "Too many people sign in at this moment; try again.", retry_after=1)
    _waiting[0] += 1
    try:
        _places.acquire()
    finally:
        _waiting[0] -= 1
    try:
        return apart(work, *given)
    finally:
        _places.release()
