"""Who must not meet in a group, and how a man is known again without his name being kept (groups.md, top)."""

from __future__ import annotations

import unicodedata

from chassis.errors import Conflict, FieldError, Invalid

REASONS = ("relatives", "partner_of_former_partner", "victim_and_offender", "other")


def normalised(name: str, birth_year: int) -> str:
    """What is compared of a person: the words of the name in their alphabetical order, without marks, and the year."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    words = "".join(each if each.isalnum() else " " for each in plain if not unicodedata.combining(each)).split()
    return f"{' '.join(sorted(words))} {birth_year}"


def check_one(*, sign_up: bool, person: bool) -> None:
    """Raise Invalid unless exactly one way of naming the other man is used."""
    if sign_up == person:
        detail = "Name the other man by his sign-up or by name and year of birth, one of the two."
        raise Invalid("apart.other", detail, fields=(FieldError("/other", "required", detail),))


def pair(one: bytes, other: bytes) -> tuple[bytes, bytes]:
    """Both in their order. Raises Conflict for one and the same person."""
    if one == other:
        raise Conflict("apart.same", "Both are the same person.", allowed=())
    return min(one, other), max(one, other)


def not_possible() -> Conflict:
    """How a group that holds the other of a pair is refused: the cause is for the coordinator alone."""
    return Conflict("signup.group_not_possible", "This group is not possible for him; find another one.", allowed=())
