"""Passwords: long enough, not a common one, not one's own name (access-and-privacy.md section 2)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

from chassis.errors import FieldError, Invalid

SHORTEST = 12
LONGEST = 200
_ENDS = "0123456789 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def check_password(password: str, *, common: Collection[str], names: Collection[str]) -> None:
    """Raises Invalid with the reason. `common` is a set of small-letter passwords, `names` the login and organisation.

    Digits and signs around a word do not make it another word, and neither does saying it twice.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise _unfit("length", f"A password has {SHORTEST} to {LONGEST} characters; a short sentence is a good one.")
    words = _words(password)
    if words & {word for name in names for word in _words(name)}:
        raise _unfit("password.own_name", "The password is your login or your organisation; take another one.")
    plain = not password.strip(_ENDS) or len(set(password.casefold())) < SHORTEST // 3  # digits only, or a few letters
    if plain or any(word in common for word in words):
        raise _unfit("password.common", "This password is one of those that are tried first; take another one.")


def comparable(password: str) -> str:
    """The password as it is hashed: the same however a keyboard writes its letters."""
    return unicodedata.normalize("NFKC", password)


def _words(text: str) -> set[str]:
    """The text and what is left of it without its ends, its mail domain and its repetition."""
    whole = text.casefold()
    found = {whole, whole.strip(_ENDS), whole.partition("@")[0].strip(_ENDS)}
    return {_once(word) for word in found if word}


def _once(word: str) -> str:
    length = (word + word).find(word, 1)  # where it meets itself again
    return word[:length] if 0 < length < len(word) else word


def _unfit(code: str, message: str) -> Invalid:
    return Invalid("password.unfit", message, fields=(FieldError("/password", code, message),))
