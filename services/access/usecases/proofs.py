"""What members prove themselves with: codes of an authenticator, recovery codes, and the texts around them."""

from __future__ import annotations

import secrets
from functools import cache
from typing import Any

import pyotp
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from chassis import clock
from chassis.db import Work
from chassis.sealing import DataKey
from services.access.rules import sessions as rules
from services.access.rules.members import Member
from services.access.store import members
from services.access.usecases.acting import NOBODY

PERSONAL = "member|personal"
SECRET = "member|totp"  # noqa: S105 - the place of a sealed column
ISSUER = "Tukiverkko"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
HALF = 5
_MISREAD = str.maketrans("OIL", "011", "- ")


@cache
def common_passwords() -> frozenset[str]:
    """The offline list of passwords that are tried first, in small letters."""
    return frozenset(FREQUENCY_LISTS["passwords"])


def login_mac(work: Work, login: str) -> bytes:
    """The keyed hash by which a login is found."""
    return work.digest("member-login", login)


def new_secret(key: DataKey, member: Member) -> tuple[str, bytes]:
    """A secret for an authenticator, and the same sealed."""
    made = pyotp.random_base32()
    return made, key.seal(SECRET, member.id, {"secret": made})


def authenticator_uri(secret: str, login: str) -> str:
    """What an authenticator reads as a picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def secret_of(work: Work, member: Member | None, sealed: bytes | None) -> str | None:
    """The secret behind a sealed one; where there is no member, the same question is asked of the key database."""
    key = work.keys.fetch([member.key_id if member else NOBODY]).get(member.key_id if member else NOBODY)
    if key is None or member is None or sealed is None:
        return None
    text: str = key.unseal(SECRET, member.id, sealed)["secret"]
    return text


def step_of(secret: str | None, given: str, *, last: int, work: Work) -> int | None:
    """The time step that a code of this secret belongs to, if its code was not used yet."""
    if secret is None:
        return None
    totp = pyotp.TOTP(secret)
    codes = {step: totp.at(step * rules.STEP_SECONDS) for step in rules.steps_around(work.now)}
    return rules.accepted_step(given, codes, last)


def take_code(work: Work, member: Member, secret: str | None, given: str) -> bool:
    """Use up a code of the authenticator or a recovery code; the member's row is locked. False when it is neither."""
    step = step_of(secret, given, last=member.totp_step, work=work)
    if step is not None:
        members.accept_step(work, member, step)
        return True
    return members.use_code(work, member, recovery_mac(work, member, given))


def new_recovery_codes(work: Work, member: Member) -> list[str]:
    """Ten codes in the place of the old ones; only their keyed hashes are kept."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(2 * HALF)) for _ in range(rules.RECOVERY_CODES)]
    members.replace_codes(work, member, [(clock.new_id(), recovery_mac(work, member, code)) for code in codes])
    return [f"{code[:HALF]}-{code[HALF:]}" for code in codes]


def recovery_mac(work: Work, member: Member, code: str) -> bytes:
    """The keyed hash of a recovery code; misread letters are mended."""
    return work.digest("member-recovery", f"{member.id} {code.upper().translate(_MISREAD)}")


def personal_of(work: Work, member: Member) -> dict[str, Any]:
    """Name and login of a member. Raises NotFound when they were erased."""
    return work.keys.open(member.key_id, PERSONAL, member.id, member.personal)
