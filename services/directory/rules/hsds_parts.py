"""What hangs on a thing of HSDS 3.0: phones, contacts, schedules, costs, places; ids are made from the thing's own.

The id of a part is UUIDv5 of its parent's id, its kind and its place there: it stays while the parts before it do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from babel import Locale

from chassis.keyed_ids import id_of_key
from services.directory.rules.codes import fallback_name

Item = dict[str, Any]
LANGUAGE = "en"
ENGLISH = Locale(LANGUAGE)
NOT_SAID = "Not stated"
CLOSED = "Closed on these days."


def said(item: Item) -> Item:
    """Without what nobody said: the schemas know no null."""
    return {name: value for name, value in item.items() if value is not None}


def part_id(of: UUID, kind: str, place: object) -> UUID:
    """The id of a part."""
    return id_of_key(kind, f"{of}|{place}")


def phones(of: UUID, owner: str, rows: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Phones of a thing; `owner` is the field of its id: organization_id, service_id, location_id or contact_id."""
    found = []
    for place, row in enumerate(rows):
        own = part_id(of, "phone", place)
        spoken = [language(own, "phone_id", code) for code in row.get("languages", ())]
        found.append(
            said(
                {
                    "id": own,
                    owner: of,
                    "number": row["number"],
                    "extension": row.get("extension"),
                    "type": row.get("kind"),
                    "description": row.get("about"),
                    "languages": spoken or None,
                }
            )
        )
    return found


def contacts(of: UUID, owner: str, rows: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Contacts of a thing: functions, never persons."""
    found = []
    for place, row in enumerate(rows):
        own = part_id(of, "contact", place)
        told = {"title": row["title"], "department": row.get("department"), "email": row.get("email")}
        found.append(
            said({"id": own, owner: of, **told, "phones": phones(own, "contact_id", row.get("phones", ())) or None})
        )
    return found


def schedules(of: UUID, owner: str, rows: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Hours of a thing as weekly rules; days on which it is shut say so in words."""
    return [
        said(
            {
                "id": part_id(of, "schedule", place),
                owner: of,
                "freq": "WEEKLY",
                "wkst": "MO",
                "byday": ",".join(row["days"]) or None,
                "opens_at": None if row.get("closed") else row.get("opens"),
                "closes_at": None if row.get("closed") else row.get("closes"),
                "valid_from": row.get("from"),
                "valid_to": row.get("to"),
                "description": row.get("about"),
                "notes": CLOSED if row.get("closed") else None,
            }
        )
        for place, row in enumerate(rows)
    ]


def costs(of: UUID, rows: Iterable[Mapping[str, Any]]) -> list[Item]:
    """What a service costs."""
    return [
        said(
            {
                "id": part_id(of, "cost_option", place),
                "service_id": of,
                "option": row.get("option"),
                "amount": row.get("amount"),
                "currency": row.get("currency"),
                "amount_description": row.get("about"),
            }
        )
        for place, row in enumerate(rows)
    ]


def documents(of: UUID, rows: Iterable[str]) -> list[Item]:
    """What has to be brought."""
    return [
        {"id": part_id(of, "required_document", text), "service_id": of, "document": text}
        for text in dict.fromkeys(rows)
    ]


def funding(of: UUID, owner: str, rows: Iterable[str]) -> list[Item]:
    """Who pays."""
    return [{"id": part_id(of, "funding", text), owner: of, "source": text} for text in rows]


def programs(of: UUID, rows: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Programs of an organisation."""
    return [program(of, row) for row in rows]


def program(of: UUID, row: Mapping[str, Any]) -> Item:
    """One program."""
    name, other = names(row["names"])
    return said(
        {
            "id": part_id(of, "program", row["key"]),
            "organization_id": of,
            "name": name,
            "alternate_name": other,
            "description": fallback_name(row.get("descriptions", {})) or NOT_SAID,
        }
    )


def identifiers(of: UUID, rows: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Entries in registers."""
    return [
        said(
            {
                "id": part_id(of, "organization_identifier", place),
                "organization_id": of,
                "identifier_scheme": row.get("scheme"),
                "identifier_type": row["type"],
                "identifier": row["identifier"],
            }
        )
        for place, row in enumerate(rows)
    ]


def language(of: UUID, owner: str, code: str) -> Item:
    """A language of a service, a place or a phone."""
    name = ENGLISH.languages.get(code.partition("-")[0], code)
    return {"id": id_of_key("language", f"{of}|{code}"), owner: of, "name": name, "code": code}


def location(row: Mapping[str, Any], attributes: Sequence[Item], metadata: Sequence[Item] | None = None) -> Item:
    """A place with all that hangs on it; where its address is withheld there is none, and an attribute says why."""
    of = row["id"]
    name, other = names(row["names"])
    made = {
        "id": of,
        "location_type": row["kind"],
        "url": row["url"],
        "organization_id": row["organisation_id"],
        "name": name or None,
        "alternate_name": other,
        "description": fallback_name(row["descriptions"]) or None,
        "transportation": fallback_name(row["transport"]) or None,
        "latitude": row["latitude"],
        "longitude": row["longitude"],
        "external_identifier": row["key"],
        "external_identifier_type": "key",
        "languages": [language(of, "location_id", code) for code in row["languages"]],
        "addresses": address(row),
        "contacts": [],
        "accessibility": [
            {"id": part_id(of, "accessibility", text), "location_id": of, "description": text}
            for text in row["accessibility"]
        ],
        "phones": phones(of, "location_id", row["phones"]),
        "schedules": schedules(of, "location_id", row["schedules"]),
        "attributes": list(attributes),
        "metadata": None if metadata is None else list(metadata),
    }
    return said(made)


def address(row: Mapping[str, Any]) -> list[Item]:
    """The address of a place, if there is one; what the schema requires and nobody said is a neutral sentence."""
    if not any(row[name] for name in ("address_1", "city", "postal_code", "municipality")):
        return []
    return [
        said(
            {
                "id": part_id(row["id"], "address", "own"),
                "location_id": row["id"],
                "address_1": row["address_1"] or NOT_SAID,
                "address_2": row["address_2"],
                "city": row["city"] or row["municipality"] or NOT_SAID,
                "region": row["municipality"],
                "state_province": row["county"] or NOT_SAID,
                "postal_code": row["postal_code"] or NOT_SAID,
                "country": row["country"],
                "address_type": row["kind"],
            }
        )
    ]


def names(given: Mapping[str, str]) -> tuple[str, str | None]:
    """The name to show, and another one."""
    name = fallback_name(dict(given))
    others = [each for _, each in sorted(given.items()) if each != name]
    return name, others[0] if others else None
