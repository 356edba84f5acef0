"""Reads what hangs on an object of HSDS 3.0: phones, contacts, hours, costs, addresses, terms of our taxonomies.

The counterpart of hsds_parts: what that module writes, this one reads back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from services.directory.rules import hsds
from services.directory.rules.codes import LANGUAGE, LONGEST_NAME, LONGEST_PLACE, PHONE_KINDS, WEEKDAYS
from services.directory.rules.fields import AREA, CLOCK, CODE, DAY, EMAIL, URL
from services.directory.rules.hsds_cells import Cells, uuid_of
from services.directory.rules.hsds_parts import CLOSED, ENGLISH, NOT_SAID
from services.directory.rules.parts import LONGEST_SHORT

Item = dict[str, Any]
TAXONOMIES = tuple(hsds.TAXONOMIES)  # may be asked for anything that a file has
NOT_TOLD = "und"
"""The language of another name: the file does not say it (BCP 47)."""
CONTACT = "Contact"
"""The title of a contact that has a person's name alone: a name of a person does not come in."""
_CLOCK = re.compile(r"\A([0-2]\d:[0-5]\d)(:\d\d(\.\d+)?)?\Z")
_RULES = ("byweekno", "bymonthday", "byyearday", "count")
_KINDS = {**{kind: kind for kind in PHONE_KINDS}, "cell": "voice", "mobile": "voice", "sms": "text"}


def said(item: Item) -> Item:
    """Without what the file does not say: such parts stay as the directory has them."""
    return {name: value for name, value in item.items() if value not in (None, "", [], {})}


def names(cells: Cells) -> Item:
    """A name in the language of the file, and another one in a language that nobody said."""
    name, other = cells.text("name", LONGEST_NAME), cells.text("alternate_name", LONGEST_NAME)
    return said({cells.source.language: name, NOT_TOLD: None if other == name else other})


def texts(cells: Cells, name: str) -> Item:
    """A text in the language of the file; the sentence for nothing is nothing."""
    found = cells.text(name, lines=True)
    return {} if found in (None, NOT_SAID, hsds.NO_DESCRIPTION) else {cells.source.language: found}


def unique(found: Iterable[Any]) -> list[Any]:
    """Each once, without what is nothing."""
    return list(dict.fromkeys(each for each in found if each))


def short_texts(cells: Cells, name: str, table: str, member: str) -> list[str]:
    """One text of each object in a list."""
    found = []
    for each in cells.each(name, table):
        found.append(each.text(member, LONGEST_SHORT))
        each.done()
    return unique(found)


def phones(cells: Cells) -> list[Item]:
    """Phones of a thing."""
    found = []
    for each in cells.each("phones", "phone"):
        made = {
            "number": each.phone("number"),
            "extension": each.whole("extension"),
            "kind": _kind(each),
            "languages": languages(each),
            "about": each.text("description", LONGEST_SHORT),
        }
        if each.item.get("number") in (None, ""):
            each.blame("number", "a phone number")
        each.done()
        found.append(said(made))
    return found


def _kind(cells: Cells) -> str | None:
    given = cells.raw("type")
    if given is None or (isinstance(given, str) and given in _KINDS):
        return _KINDS.get(given) if given else None
    cells.leave("type")
    return None


def contacts(cells: Cells) -> list[Item]:
    """Contacts as functions: whoever is there by name alone becomes a contact without one."""
    found = []
    for each in cells.each("contacts", "contact"):
        department = each.text("department", LONGEST_SHORT)
        made = {
            "title": each.text("title", LONGEST_SHORT) or department or CONTACT,
            "department": department,
            "email": each.formed("email", EMAIL),
            "phones": phones(each),
        }
        each.done()
        found.append(said(made))
    return found


def schedules(cells: Cells) -> list[Item]:
    """Weekly hours; a rule that is more than days of the week is left out, since half of it would be wrong."""
    found = []
    for each in cells.each("schedules", "schedule"):
        made = _hours(each)
        if made is None:
            each.leave("rule that is more than days of the week")
        else:
            each.done()
            found.append(made)
    return found


def _hours(cells: Cells) -> Item | None:
    item = cells.item
    closed = cells.raw("notes") == CLOSED
    if not closed:
        cells.seen.discard("notes")
    days = [day.strip() for day in str(cells.raw("byday") or "").split(",") if day.strip()]
    clocks = [_clock(cells, name) for name in ("opens_at", "closes_at")]
    ruled = any(item.get(name) not in (None, "") for name in _RULES) or item.get("interval") not in (None, 1)
    if ruled or item.get("freq") not in (None, "WEEKLY") or not set(days) <= set(WEEKDAYS):
        return None
    if not days and clocks[0] is not None and not closed:
        return None
    made = {
        "opens": clocks[0],
        "closes": clocks[1],
        "from": cells.formed("valid_from", DAY) or cells.formed("dtstart", DAY),
        "to": cells.formed("valid_to", DAY) or cells.formed("until", DAY),
        "closed": closed or None,
        "about": cells.text("description", LONGEST_SHORT),
    }
    return {"days": unique(days), **said(made)}


def _clock(cells: Cells, name: str) -> str | None:
    def shortened(value: Any) -> Any:
        found = _CLOCK.match(value) if isinstance(value, str) else None
        return found[1] if found else value

    found: str | None = cells.formed(name, CLOCK, shortened)
    return found


def costs(cells: Cells) -> list[Item]:
    """What a service costs."""
    found = []
    for each in cells.each("cost_options", "cost_option"):
        made = {
            "option": each.text("option", LONGEST_SHORT),
            "amount": each.raw("amount"),
            "currency": each.text("currency", 3),
            "about": each.text("amount_description", LONGEST_SHORT),
        }
        each.done()
        found.append(said(made))
    return found


def identifiers(cells: Cells) -> list[Item]:
    """Entries in registers."""
    found = []
    for each in cells.each("organization_identifiers", "organization_identifier"):
        made = {
            "scheme": each.text("identifier_scheme", LONGEST_SHORT),
            "type": each.text("identifier_type", LONGEST_SHORT),
            "identifier": each.text("identifier", LONGEST_SHORT),
        }
        each.done()
        found.append(said(made))
    return found


def languages(cells: Cells) -> list[str]:
    """Codes of languages; one that is there by its English name alone gets its code."""
    found = []
    for each in cells.each("languages", "language"):
        code, name = each.raw("code"), each.raw("name")
        known = code if isinstance(code, str) and LANGUAGE.match(code) else _codes().get(str(name).casefold())
        if known is None:
            each.leave("code")
        each.done()
        found.append(known)
    return unique(found)


@cache
def _codes() -> dict[str, str]:
    return {name.casefold(): code for code, name in ENGLISH.languages.items() if LANGUAGE.match(code)}


def areas(cells: Cells) -> tuple[list[str], list[str]]:
    """Where a service is offered, and where others run it under licence."""
    own: list[str] = []
    licensed: list[str] = []
    for each in cells.each("service_areas", "service_area"):
        extent = each.raw("extent")
        each.seen |= {"name", "extent_type"}
        if AREA.fits(extent):
            (licensed if each.raw("description") == hsds.BY_LICENCE else own).append(extent)
            each.done()
        else:
            each.leave("extent that is no country or municipality")
    return unique(own), unique(licensed)


def address(cells: Cells) -> Item:
    """The first address; further ones are left out."""
    made: Item = {}
    for number, each in enumerate(cells.each("addresses", "address")):
        if number:
            each.leave("second address")
            continue
        found = {
            "address_1": _place(each, "address_1"),
            "address_2": _place(each, "address_2"),
            "city": _place(each, "city"),
            "municipality": _place(each, "region"),
            "county": _place(each, "state_province"),
            "postal_code": _place(each, "postal_code"),
            "country": each.raw("country"),
        }
        each.seen.add("address_type")
        each.done()
        made = said(found)
    return made


def _place(cells: Cells, name: str) -> str | None:
    found = cells.text(name, LONGEST_PLACE)
    return None if found == NOT_SAID else found


def terms(cells: Cells) -> dict[str, list[str]]:
    """Codes by our taxonomies; a term of another taxonomy is left out."""
    found: dict[str, list[str]] = {}
    for each in cells.each("attributes", "attribute"):
        taxonomy, code = each.raw("link_type"), each.raw("value")
        inner = each.inside("taxonomy_term", "taxonomy_term")
        own = uuid_of(each.raw("taxonomy_term_id")) or uuid_of(inner.raw("id") if inner else None)
        if taxonomy in TAXONOMIES and CODE.fits(code) and own == hsds.term_id(taxonomy, code):
            found.setdefault(taxonomy, []).append(code)
        else:
            each.leave("term of another taxonomy")
    return found


def url(cells: Cells, name: str) -> str | None:
    """A web address."""
    found: str | None = cells.formed(name, URL)
    return found
