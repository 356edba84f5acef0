"""The return code: 55 bits as eleven characters that can be read aloud, and the growing delay for wrong PINs."""

from __future__ import annotations

import datetime as dt

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
LENGTH = 11
BITS = LENGTH * 5
FREE_TRIES = 2
FIRST_DELAY = dt.timedelta(seconds=30)
LONGEST_DELAY = dt.timedelta(hours=1)

_MISREAD = str.maketrans("OIL", "011", "- ")


def return_code(entropy: bytes) -> str:
    """The code made from at least seven random bytes, in groups of four: `7K2M-9QXD-4TR`."""
    number = int.from_bytes(entropy, "big") & ((1 << BITS) - 1)
    text = "".join(ALPHABET[(number >> shift) & 31] for shift in range(BITS - 5, -1, -5))
    return grouped(text)


def grouped(code: str) -> str:
    """A code as it is read aloud, in groups of four."""
    text = normalised(code)
    return "-".join(text[start : start + 4] for start in range(0, LENGTH, 4))


_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "Alfa", "Bravo", "Charlie", "Delta",
    "Echo", "Foxtrot", "Golf", "Hotel", "Juliett", "Kilo", "Mike", "November", "Papa", "Quebec", "Romeo", "Sierra",
    "Tango", "Victor", "Whiskey", "X-ray", "Yankee", "Zulu",
)  # fmt: skip


def spoken(code: str) -> list[str]:
    """A code as it is read aloud on the telephone, a word for each sign (ICAO spelling alphabet)."""
    return [_WORDS[ALPHABET.index(sign)] for sign in normalised(code)]


def normalised(code: str) -> str:
    """The code as it is compared: capitals, without dashes and spaces, misread letters mended."""
    return code.upper().translate(_MISREAD)


def delay(failures: int) -> dt.timedelta:
    """How long the card stays shut after so many wrong PINs: never for good, a stranger must not lock a man out."""
    if failures <= FREE_TRIES:
        return dt.timedelta(0)
    doubled = min(failures - FREE_TRIES - 1, 20)
    return min(FIRST_DELAY * (1 << doubled), LONGEST_DELAY)
