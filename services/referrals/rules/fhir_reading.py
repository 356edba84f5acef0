"""A ServiceRequest that a client sends, read back into the words of a referral.

The shapes have looked at each element by itself (schemas/fhir.py); here stands what they mean together. A fault that is
found later, in the referral's own words, is told by the place in the resource that it came from.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chassis.errors import FieldError, Invalid
from services.referrals.rules import fhir

Sent = Mapping[str, Any]
LANGUAGE = "/contained/0/communication/0/language"
_FIELDS = {fhir.EXTENSION + url: (name, kind) for name, (url, kind) in fhir.FLAGS.items()}


@dataclass
class Read:
    """The body in our words, from where each part of it came, and what did not fit."""

    body: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    faults: list[FieldError] = field(default_factory=list)

    def take(self, name: str, value: Any, place: str) -> None:
        """Note one part; a second one of the same name is a fault."""
        if name in self.body:
            self.fault(place, "repeated", "This may be said only once.")
            return
        self.body[name] = value
        self.places[f"/{name}"] = place

    def fault(self, place: str, code: str, detail: str) -> None:
        """Note what did not fit."""
        self.faults.append(FieldError(place, code, detail))

    def check(self) -> None:
        """Raise Invalid with all that did not fit."""
        if self.faults:
            raise Invalid("body.invalid", "Some elements do not fit.", fields=tuple(self.faults))

    def told(self, error: Invalid) -> Invalid:
        """The same refusal with the places of the resource in it."""
        error.fields = tuple(FieldError(self._place(each.pointer), each.code, each.detail) for each in error.fields)
        return error

    def _place(self, pointer: str) -> str:
        """The place of the nearest part that is known; else the whole resource."""
        while pointer and pointer not in self.places:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, "")


def new_referral(sent: Sent, known: frozenset[str]) -> Read:
    """A ServiceRequest as the body of a new referral, which has these fields. Raises Invalid."""
    read = Read(places=dict(_PLACES))
    _person(read, sent, known)
    _urgency(read, sent, known)
    _performers(read, sent.get("performer", ()))
    _reasons(read, sent["reasonCode"])
    for number, flag in enumerate(sent.get("extension", ())):
        _flag(read, flag, f"/extension/{number}")
    for own in sent.get("identifier", ()):
        read.take("external_ref", own["value"], "/identifier/0/value")
    for area in sent.get("locationCode", ()):
        read.take("area", area["coding"][0]["code"], "/locationCode/0/coding/0/code")
    _kind(read, sent)
    read.check()
    return read


_PLACES = {
    "/person/name": "/contained/0/name/0",
    "/person/birth_year": "/contained/0/birthDate",
    "/person/birth_date": "/contained/0/birthDate",
    "/person/gender": "/contained/0/gender",
    "/person": "/contained/0",
    "/urgency": "/priority",
    "/contact": "/contained/0/telecom",
    "/external_ref": "/identifier",
    "/receiver": "/performer",
    "/service": "/performer",
    "/area": "/performer",
    "/needs": "/reasonCode",
    "/reason": "/reasonCode",
    "/ordered": "/extension",
    "/order_reference": "/extension",
    "/person_informed": "/extension",
    "/role": "/extension",
    "/contact_via": "/extension",
    "/feedback_scope": "/extension",
}
"""Where each part stands, or would stand if it were there."""


def check_requester(sent: Sent, key: str, org_id: uuid.UUID) -> None:
    """The requester is the organisation of the token, whether it is said or not. Raises Invalid."""
    given = sent.get("requester")
    if given is None or same_party(given["identifier"], key, org_id, system=fhir.ORGANISATION):
        return
    detail = f"The requester is the organisation of the token, {key}; name it or leave the element out."
    raise Invalid("body.invalid", detail, fields=(FieldError("/requester/identifier", "requester.foreign", detail),))


def same_party(identifier: Sent, key: str | None, party_id: object, *, system: str) -> bool:
    """Whether an identifier means this organisation or service."""
    if identifier["system"] == system:
        return bool(identifier["value"] == key)
    return bool(identifier["value"].lower() == f"urn:uuid:{party_id}")


def _person(read: Read, sent: Sent, known: frozenset[str]) -> None:
    patient = sent["contained"][0]
    if sent["subject"]["reference"] != f"#{patient['id']}":
        read.fault("/subject/reference", "subject.unknown", "The subject is the contained Patient: # and its id.")
    name = patient["name"][0]
    text = name.get("text") or " ".join([*name.get("given", ()), *_listed(name.get("family"))])
    read.body["person"] = {"name": text, **_birth(read, patient["birthDate"], known)}
    if "gender" in patient:
        read.body["person"]["gender"] = patient["gender"]
    for spoken in patient.get("communication", ()):
        read.take("language", spoken["language"]["coding"][0]["code"], f"{LANGUAGE}/coding/0/code")
    contacts = [_telecom(read, each, f"/contained/0/telecom/{n}") for n, each in enumerate(patient.get("telecom", ()))]
    contacts += [_address(read, each, f"/contained/0/address/{n}") for n, each in enumerate(patient.get("address", ()))]
    if len(contacts) > 1:
        read.fault("/contained/0", "contact.several", "One contact is taken: one telecom or one address.")
    if contacts:
        read.body["contact"] = contacts[0]


def _birth(read: Read, given: str, known: frozenset[str]) -> dict[str, Any]:
    """The year, and the day where a referral has a place for it."""
    born: dict[str, Any] = {"birth_year": int(given[:4])}
    if given != given[:4] and "birth_date" in known:
        return {**born, "birth_date": given}
    if given != given[:4]:
        read.fault("/contained/0/birthDate", "birth_date.year", "Give the year of birth alone, such as 1985.")
    return born


def _telecom(read: Read, given: Sent, place: str) -> dict[str, Any]:
    read.places |= {"/contact": place, "/contact/value": f"{place}/value", "/contact/channel": f"{place}/system"}
    return {"channel": given["system"], "value": given["value"], "safe": _safe(given)}


def _address(read: Read, given: Sent, place: str) -> dict[str, Any]:
    read.places |= {"/contact": place, "/contact/value": f"{place}/text"}
    return {"channel": "post", "value": given["text"], "safe": _safe(given)}


def _safe(given: Sent) -> str:
    """What is not said to be safe is unknown, and counts as unsafe."""
    return next((each["valueCode"] for each in given.get("extension", ())), "unknown")


def _urgency(read: Read, sent: Sent, known: frozenset[str]) -> None:
    priority = sent["priority"]
    at = sent.get("occurrencePeriod", {}).get("start") or sent.get("occurrenceDateTime")
    if at is not None and "not_before" in known:
        place = "/occurrencePeriod/start" if "occurrencePeriod" in sent else "/occurrenceDateTime"
        read.take("not_before", at[:10], place)
    if at is not None and priority != "routine":
        read.fault("/priority", "priority.planned", "An occurrence makes it planned, which has the priority routine.")
    read.body["urgency"] = fhir.URGENCIES[priority] if at is None else "planned"


def _performers(read: Read, performers: Iterable[Sent]) -> None:
    for number, performer in enumerate(performers):
        place = f"/performer/{number}/identifier"
        system, value = performer["identifier"]["system"], performer["identifier"]["value"]
        by_id = system == fhir.URI
        if by_id and not value.lower().startswith("urn:uuid:"):
            read.fault(f"{place}/value", "pattern", "An identifier of this system is urn:uuid: and an id.")
        service = system == fhir.SERVICE or (by_id and performer.get("type") == "HealthcareService")
        read.take("service" if service else "receiver", value[9:] if by_id else value, f"{place}/value")


def _reasons(read: Read, reasons: Iterable[Sent]) -> None:
    needs: list[str] = []
    for number, reason in enumerate(reasons):
        place = f"/reasonCode/{number}"
        for coding in reason.get("coding", ()):
            read.places[f"/needs/{len(needs)}"] = f"{place}/coding/0/code"
            needs.append(coding["code"])
        if reason.get("coding") and reason.get("text"):
            detail = "A need by its code, or the reason as a text, not both in one."
            read.fault(f"{place}/text", "not_supported", detail)
        elif reason.get("text"):
            read.take("reason", reason["text"], f"{place}/text")
    read.take("needs", needs, "/reasonCode")


def _flag(read: Read, flag: Sent, place: str) -> None:
    name, kind = _FIELDS[flag["url"]]
    values = {key: value for key, value in flag.items() if key != "url"}
    if set(values) != {kind}:
        read.fault(place, "extension.value", f"This extension has {kind} and nothing else.")
        return
    read.take(name, values[kind], f"{place}/{kind}")


def _kind(read: Read, sent: Sent) -> None:
    """Only what is not the usual is said on."""
    for category in sent.get("category", ()):
        code = category["coding"][0]["code"]
        if code != "ordinary":
            read.take("kind", code, "/category/0/coding/0/code")


def _listed(value: str | None) -> list[str]:
    return [value] if value else []
