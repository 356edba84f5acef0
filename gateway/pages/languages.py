"""The languages of the pages: which one somebody wants, and the words in it, read from the .po files at start."""

from __future__ import annotations

import datetime as dt
from functools import cache
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).parent / "locale"
SOURCE = "en"
LANGUAGES = ("en", "lt", "lv", "et", "fi", "sv", "nb", "ru")
ALSO = {"no": "nb", "nn": "nb", "da": "nb"}
"""Who reads these reads that, until there are pages in his own."""

LONGEST_WISH = 200


def N_(text: str) -> str:  # noqa: N802 - the customary mark of words that are translated where they are shown
    """The text as it is; tools that look for words find it by this."""
    return text


@cache
def words(language: str) -> NullTranslations:
    """The translations of a language; fuzzy ones are left out, so that nobody reads a guess."""
    path = FOLDER / language / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


@cache
def own_name(language: str) -> str:
    """What a language is called in itself."""
    name: str | None = Locale.parse(language).get_display_name(language)
    return str(name or language).capitalize()


def wished(query: str, accepted: str | None) -> str:
    """The language of `?lang=`, else the first of Accept-Language that there is, else English."""
    for tag in (*parse_qs(query[:LONGEST_WISH]).get("lang", ()), *_in_order((accepted or "")[:LONGEST_WISH])):
        primary = tag.strip().lower().partition("-")[0]
        language = ALSO.get(primary, primary)
        if language in LANGUAGES:
            return str(language)
    return SOURCE


def day(text: str, language: str) -> str:
    """A day in the words of a language."""
    return str(format_date(dt.date.fromisoformat(text), "long", locale=language))


def moment(text: str, language: str) -> str:
    """A moment of time in the words of a language, with its offset."""
    at = dt.datetime.fromisoformat(text)
    offset = at.strftime("%z") or "+0000"
    return f"{day(at.date().isoformat(), language)}, {at:%H:%M} (UTC{offset[:3]}:{offset[3:5]})"


def _in_order(header: str) -> list[str]:
    """The tags of Accept-Language, the most wanted first."""
    wishes = [(part.partition(";")[0], _weight(part.partition(";")[2])) for part in header.split(",")]
    return [tag for tag, weight in sorted(wishes, key=lambda wish: -wish[1]) if weight > 0]


def _weight(parameter: str) -> float:
    try:
        return float(parameter.partition("=")[2]) if "=" in parameter else 1.0
    except ValueError:
        return 0.0
