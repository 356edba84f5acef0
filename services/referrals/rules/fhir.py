"""A referral in the words of FHIR R4: what one side may see of it as a ServiceRequest and as a Task.

Source: referrals.md section 2 (states), section 5 (priority); docs/fhir.md says it to integrators. Nothing here decides
what may be seen: the values that come in are what the caller's side was shown, and nothing else goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SERVICE_REQUEST, TASK = "ServiceRequest", "Task"
SYSTEM = "urn:tukiverkko:"
EXTENSION = "urn:tukiverkko:fhir:"
CODES = "http://hl7.org/fhir/CodeSystem/task-code"
OBSERVED = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
URI = "urn:ietf:rfc:3986"
LANGUAGES = "urn:ietf:bcp:47"

ORGANISATION, SERVICE, OWN_REFERENCE = SYSTEM + "organisation", SYSTEM + "service", SYSTEM + "own-reference"
AREA = SYSTEM + "area"
STATE, REASON, NEED, KIND = SYSTEM + "referral-state", SYSTEM + "reason", SYSTEM + "need", SYSTEM + "referral-kind"
FIELD, GOAL_LEVEL = SYSTEM + "transition-field", SYSTEM + "goal-level"
ACTION = EXTENSION + "action"
ALLOWED_ACTION = EXTENSION + "allowed-action"
CONTACT_SAFE = EXTENSION + "contact-safe"
Seen = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """How one state is said: the status of the Task and that of the ServiceRequest."""

    task: str
    request: str


STATES: dict[str, Words] = {
    "draft": Words("draft", "draft"),
    "sent": Words("requested", "active"),
    "received": Words("received", "active"),
    "info_requested": Words("received", "active"),
    "assessing": Words("accepted", "active"),
    "accepted": Words("accepted", "active"),
    "waitlisted": Words("accepted", "active"),
    "in_progress": Words("in-progress", "active"),
    "on_hold": Words("on-hold", "on-hold"),
    "completed": Words("completed", "completed"),
    "ended": Words("failed", "completed"),
    "declined": Words("rejected", "active"),
    "forwarded": Words("rejected", "active"),
    "withdrawn": Words("cancelled", "revoked"),
    "expired": Words("cancelled", "active"),
    "entered_in_error": Words("entered-in-error", "entered-in-error"),
    # What a sender sees of an end that he may not know (section 6): completed says no more than that nothing follows.
    "closed": Words("completed", "completed"),
}
"""By state; the state itself is always the Task's businessStatus, so that nothing is lost where two share a status."""

PRIORITIES = {"crisis": "stat", "urgent": "urgent", "standard": "routine", "planned": "routine"}
URGENCIES = {"stat": "crisis", "urgent": "urgent", "routine": "standard"}
"""The other way; routine with an occurrence is planned."""

FLAGS: dict[str, tuple[str, str]] = {
    "role": ("role", "valueCode"),
    "contact_via": ("contact-via", "valueCode"),
    "ordered": ("ordered", "valueBoolean"),
    "order_reference": ("order-reference", "valueString"),
    "person_informed": ("person-informed", "valueCode"),
    "feedback_scope": ("feedback-scope", "valueCode"),
}
"""What R4 has no element for: field of a referral, the extension's name and the type of its value."""


def statuses(kind: str) -> tuple[str, ...]:
    """The statuses that a resource of this kind can have here, each once."""
    said = (words.task if kind == TASK else words.request for words in STATES.values())
    return tuple(dict.fromkeys(said))


def states_of(kind: str, wanted: Iterable[str]) -> list[str]:
    """The states that are said by one of these statuses."""
    names = frozenset(wanted)
    return [state for state, words in STATES.items() if (words.task if kind == TASK else words.request) in names]


def service_request(seen: Seen, *, subset: bool = False) -> dict[str, Any]:
    """The request: whom it concerns, who asks whom for what, how soon; `subset` says that it is a line of a list."""
    known = bool(seen.get("person"))
    service = seen.get("service")
    return _present(
        {
            "resourceType": SERVICE_REQUEST,
            "id": seen["id"],
            "meta": _meta(seen, subset=subset),
            "contained": [_patient(seen)] if known else None,
            "extension": [_flag(name, seen[name]) for name in FLAGS if seen.get(name) is not None],
            "identifier": _own_reference(seen),
            "status": STATES[seen["state"]].request,
            "intent": "order",
            "category": [_concept(KIND, seen["kind"])] if seen.get("kind") else None,
            "priority": PRIORITIES[seen["urgency"]],
            "subject": {"reference": "#person"} if known else _masked(),
            **_occurrence(seen),
            "authoredOn": seen.get("sent_at"),
            "requester": organisation(seen["sender"]),
            "performer": _present_list([organisation(seen.get("receiver")), _service(service)]),
            "locationCode": [_concept(AREA, seen["area"])] if seen.get("area") else None,
            "reasonCode": _reasons(seen),
        }
    )


def task(seen: Seen, *, subset: bool = False) -> dict[str, Any]:
    """The work on the request: where it stands and who has the ball; nothing about the person."""
    state = seen["state"]
    reason = seen.get("reason_code")
    return _present(
        {
            "resourceType": TASK,
            "id": seen["id"],
            "meta": _meta(seen, subset=subset),
            "extension": [{"url": ALLOWED_ACTION, "valueCode": name} for name in seen.get("allowed_actions") or ()],
            "status": STATES[state].task,
            "statusReason": _concept(REASON, reason) if reason else None,
            "businessStatus": _concept(STATE, state),
            "intent": "order",
            "priority": PRIORITIES[seen["urgency"]],
            "code": _concept(CODES, "fulfill"),
            "focus": {"reference": f"{SERVICE_REQUEST}/{seen['id']}", "type": SERVICE_REQUEST},
            "authoredOn": seen.get("sent_at"),
            "lastModified": seen["changed_at"],
            "requester": organisation(seen["sender"]),
            "owner": organisation(seen.get("receiver")),
        }
    )


MAPPINGS = {SERVICE_REQUEST: service_request, TASK: task}


def bundle(kind: str, lines: Iterable[Seen], *, base: str, links: Mapping[str, str]) -> dict[str, Any]:
    """A page of a search; `base` is where the resources are read, `links` are addresses by relation."""
    entries = [
        {
            "fullUrl": f"{base}/{kind}/{line['id']}",
            "resource": MAPPINGS[kind](line, subset=True),
            "search": {"mode": "match"},
        }
        for line in lines
    ]
    told = [{"relation": relation, "url": url} for relation, url in links.items()]
    return _present({"resourceType": "Bundle", "type": "searchset", "link": told, "entry": entries})


def organisation(party: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A logical reference: organisations are not read over FHIR, their keys are known from the directory."""
    return None if party is None else {"type": "Organization", "identifier": _identifier(ORGANISATION, party)}


def plain(text: str) -> str:
    """A text as a FHIR string: of white space only spaces, tabs and line ends may stand in one."""
    return "".join(" " if sign.isspace() and sign not in " \t\r\n" else sign for sign in text)


def _service(service: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if service is None else {"type": "HealthcareService", "identifier": _identifier(SERVICE, service)}


def _identifier(system: str, party: Mapping[str, Any]) -> dict[str, str]:
    """The key; the id where the directory has not told the key yet."""
    if party.get("key"):
        return {"system": system, "value": party["key"]}
    return {"system": URI, "value": f"urn:uuid:{party['id']}"}


def _meta(seen: Seen, *, subset: bool) -> dict[str, Any]:
    tags = [{"system": OBSERVED, "code": "SUBSETTED"}] if subset else None
    return _present({"versionId": str(seen["version"]), "lastUpdated": seen["changed_at"], "tag": tags})


def _patient(seen: Seen) -> dict[str, Any]:
    person, contact = seen["person"], seen.get("contact")
    born = person.get("birth_date") or (str(person["birth_year"]) if person.get("birth_year") else None)
    names = [{"text": plain(person["name"])}] if person.get("name") else None
    return _present(
        {
            "resourceType": "Patient",
            "id": "person",
            "name": names,
            "gender": person.get("gender"),
            "birthDate": born,
            **(_contact(contact) if contact else {}),
            "communication": _language(seen.get("language")),
        }
    )


def _language(tag: str | None) -> list[dict[str, Any]] | None:
    return [{"language": _concept(LANGUAGES, tag)}] if tag else None


def _contact(contact: Mapping[str, Any]) -> dict[str, Any]:
    safe = [{"url": CONTACT_SAFE, "valueCode": contact["safe"]}]
    value = plain(contact["value"])
    if contact["channel"] == "post":
        return {"address": [{"extension": safe, "text": value}]}
    return {"telecom": [{"extension": safe, "system": contact["channel"], "value": value}]}


def _flag(name: str, value: Any) -> dict[str, Any]:
    url, kind = FLAGS[name]
    return {"url": EXTENSION + url, kind: plain(value) if isinstance(value, str) else value}


def _own_reference(seen: Seen) -> list[dict[str, Any]] | None:
    own = seen.get("external_ref")
    return [{"system": OWN_REFERENCE, "value": plain(own)}] if own else None


def _occurrence(seen: Seen) -> dict[str, Any]:
    """What is planned says from when; where no day was named, from the day on which it was sent."""
    if seen["urgency"] != "planned":
        return {}
    at = seen.get("not_before") or seen.get("sent_at") or seen["changed_at"]
    return {"occurrencePeriod": {"start": str(at)[:10]}}


def _reasons(seen: Seen) -> list[dict[str, Any]]:
    """The needs by their codes, and the free text as a concept without one."""
    text = [{"text": plain(seen["reason"])}] if seen.get("reason") else []
    return [_concept(NEED, need) for need in seen.get("needs") or ()] + text


def _masked() -> dict[str, Any]:
    """There is a person, who is not shown here."""
    return {"extension": [{"url": ABSENT, "valueCode": "masked"}]}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _present(resource: dict[str, Any]) -> dict[str, Any]:
    """What there is: FHIR knows neither null nor empty lists."""
    return {name: value for name, value in resource.items() if value is not None and value != []}


def _present_list(values: list[dict[str, Any] | None]) -> list[dict[str, Any]]:
    return [value for value in values if value is not None]
