"""On what basis a person's data may be sent: kinds and articles, the gate of article 10, consent and its end.

The basis of a referral is an object of plain values, as it is sealed with the record; dates in it are dates or ISO
texts. Source: referrals.md section 10. Product design, not legal advice: an officer approves the templates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chassis.errors import FieldError, Invalid
from services.referrals.rules.lifecycle import CHILD_CONCERN

CONSENT = "consent"
ORDERS = frozenset({"court_order", "protection_order", "probation_condition"})
DUTIES = frozenset({"statutory_duty_child", "statutory_duty_other"})

ARTICLES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    CONSENT: (frozenset("a"), frozenset({"none", "a"})),
    "court_order": (frozenset("ce"), frozenset({"none", "b", "g", "h"})),
    "protection_order": (frozenset("ce"), frozenset({"none", "b", "g", "h"})),
    "probation_condition": (frozenset("ce"), frozenset({"none", "b", "g", "h"})),
    "statutory_duty_child": (frozenset("ce"), frozenset({"none", "b", "c", "g", "h"})),
    "statutory_duty_other": (frozenset("c"), frozenset({"none", "b", "g", "h"})),
    "public_task": (frozenset("e"), frozenset({"none", "b", "g", "h"})),
    "vital_interest": (frozenset("d"), frozenset({"none", "c"})),
    "self_referral": (frozenset("aef"), frozenset({"none", "a", "d", "h"})),
}
"""Which articles can carry a kind: GDPR 6(1) and 9(2); an office that needs another pair has picked another kind."""

KINDS = tuple(ARTICLES)
GDPR6 = ("a", "c", "d", "e", "f")
GDPR9 = ("none", "a", "b", "c", "d", "g", "h")
METHODS = ("written", "oral", "electronic")
ONWARD = ("none", "ask_sender", "allowed")
SCOPE_DATA = ("all", "identity", "contact", "needs", "reason", "risk", "order", "reports")
CRIMINAL_JUSTICE = frozenset({"police", "probation", "prison", "prosecutor", "court"})
"""What these send of a man is about an offence or the suspicion of one, whatever the form says."""

EASTERN = dt.timedelta(days=1)
"""Days are compared in UTC, and east of it the next one has begun."""

UNINFORMED_BY_CONSENT = "A consent counts only of who was told: `person_informed` is not `yes`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What surrounds a basis: the day, who sends and whom it goes to (key and id, for the scope of a consent)."""

    today: dt.date
    sender_type: str
    receiver: frozenset[str]
    kind: str
    ordered: bool


def holds_offence_data(basis: Mapping[str, Any], sender_type: str) -> bool:
    """Whether article 10 speaks of it: it is said, or the sender or the kind makes it so."""
    evident = sender_type in CRIMINAL_JUSTICE or basis["kind"] == "probation_condition"
    return evident or bool(basis["gdpr10"]["contains_offence_data"])


def needs_reason(kind: str) -> bool:
    """Whether an officer has to answer for doing without consent: neither consent, order nor duty."""
    return kind != CONSENT and kind not in ORDERS | DUTIES


def check(basis: Mapping[str, Any], setting: Setting) -> None:
    """Whether a referral may be sent on this basis. Raises Invalid with every fault and its place."""
    faults = tuple(FieldError(f"/legal_basis{at}", code, told) for at, code, told in _faults(basis, setting))
    if faults:
        raise Invalid(faults[0].code, faults[0].detail, fields=faults)


Found = Iterator[tuple[str, str, str]]


def _faults(basis: Mapping[str, Any], setting: Setting) -> Found:
    yield from of_articles(basis)
    yield from _of_offence_data(basis, setting)
    yield from _of_order(basis, setting)
    yield from _of_doing_without(basis)
    yield from _of_consent(basis, setting)
    yield from _of_concern(basis, setting)


def of_articles(basis: Mapping[str, Any]) -> Found:
    """Faults of the kind against its articles."""
    sixth, ninth = ARTICLES[basis["kind"]]
    for name, allowed in (("gdpr6", sixth), ("gdpr9", ninth)):
        if basis[name] not in allowed:
            told = f"{basis['kind']} rests on {name} {', '.join(sorted(allowed))}; not {basis[name]}."
            yield f"/{name}", "legal_basis.articles", told


def _of_offence_data(basis: Mapping[str, Any], setting: Setting) -> Found:
    if holds_offence_data(basis, setting.sender_type) and not basis["gdpr10"]["authorising_law"]:
        told = (
            "Data on offences need a law that authorises them (GDPR article 10), whatever the person consents to; "
            "name it in `authorising_law`, or have it in the approved template."
        )
        yield "/gdpr10/authorising_law", "legal_basis.offence_data_without_law", told


def _of_order(basis: Mapping[str, Any], setting: Setting) -> Found:
    if basis["kind"] in ORDERS and basis["reference"] is None:
        yield "/reference", "legal_basis.reference_missing", "An order is named by its reference: its case or number."
    until = day(basis["valid_until"])
    if until is not None and until < setting.today:
        yield "/valid_until", "legal_basis.expired", f"What it rests on ended on {until.isoformat()}."


def _of_doing_without(basis: Mapping[str, Any]) -> Found:
    if not needs_reason(basis["kind"]) or basis["consent"] is not None:
        return
    for name in ("without_consent_reason", "approved_by"):
        if not basis[name]:
            told = f"Without consent, order or duty, {name} is needed; an approved template has both."
            yield f"/{name}", "legal_basis.reason_missing", told


def _of_consent(basis: Mapping[str, Any], setting: Setting) -> Found:
    consent = basis["consent"]
    if basis["kind"] == CONSENT and consent is None:
        yield "/consent", "legal_basis.consent_missing", "Say when and how the person consented, and to whom."
    if basis["kind"] == CONSENT and basis["person_informed"]["answer"] != "yes":
        yield "/person_informed", "legal_basis.consent_uninformed", UNINFORMED_BY_CONSENT
    if consent is not None and rests_on_consent(basis):
        fault = consent_fault(consent, today=setting.today, receiver=setting.receiver)
        if fault is not None:
            yield f"/consent/{fault[0]}", fault[1], fault[2]


def _of_concern(basis: Mapping[str, Any], setting: Setting) -> Found:
    if setting.kind == CHILD_CONCERN and basis["kind"] == CONSENT:
        told = "A concern for a child does not wait for consent; it rests on a duty, a public task or a vital interest."
        yield "/kind", "legal_basis.concern_by_consent", told


def rests_on_consent(basis: Mapping[str, Any]) -> bool:
    """Whether it falls with the consent: orders and duties do not, nor what an officer answers for besides."""
    if basis["kind"] == CONSENT:
        return True
    return needs_reason(basis["kind"]) and basis["consent"] is not None and not basis["without_consent_reason"]


def consent_fault(
    consent: Mapping[str, Any], *, today: dt.date, receiver: frozenset[str]
) -> tuple[str, str, str] | None:
    """Why a consent does not carry the data to a receiver today: field, code and sentence; None when it does."""
    given, until = day(consent["given_at"]), day(consent["valid_until"])
    if consent["withdrawn_at"] is not None:
        return "withdrawn_at", "legal_basis.consent_withdrawn", "The consent was withdrawn."
    if given is None or given > today + EASTERN:
        return "given_at", "legal_basis.consent_not_given", "A consent was given on a day that has come."
    if until is not None and until < today:
        return "valid_until", "legal_basis.consent_expired", f"The consent ended on {until.isoformat()}."
    if receiver.isdisjoint(scope.lower() for scope in consent["scope_orgs"]):
        return "scope_orgs", "legal_basis.consent_other_receiver", "The consent does not name this receiver."
    return None


def check_forward(basis: Mapping[str, Any], *, today: dt.date, target: frozenset[str]) -> None:
    """Whether a receiver may pass a referral on to another one: by consent as far as it goes, else by the same ground.

    Raises Invalid.
    """
    if not rests_on_consent(basis):
        return
    consent = basis["consent"]
    named = target if consent["onward_sharing"] == "allowed" else frozenset[str]()
    fault = consent_fault({**consent, "scope_orgs": [*consent["scope_orgs"], *named]}, today=today, receiver=target)
    if fault is not None:
        told = f"{fault[2]} Decline with `suggested_service`, so that the sender can ask the person."
        raise Invalid(fault[1], told, fields=(FieldError("/service", fault[1], told),))


def consent_until(basis: Mapping[str, Any]) -> dt.date | None:
    """The last day on which the consent carries further reads; None where no consent does."""
    return day(basis["consent"]["valid_until"]) if rests_on_consent(basis) else None


def day(value: object) -> dt.date | None:
    """A date out of what was sealed or loaded: a date, a time, an ISO text or nothing."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value).date()
    return value if isinstance(value, dt.date) else None


def shut_since(
    locked_at: dt.datetime | None, consent_until: dt.date | None, *, treating: bool, today: dt.date
) -> dt.date | None:
    """Since when an organisation reads the personal part no more; None while it does.

    A withdrawn consent locked it; one that ran out shuts it for those who are not treating the man.
    """
    if locked_at is not None:
        return locked_at
    ran_out = consent_until is not None and consent_until < today
    return consent_until if ran_out and not treating else None


HIDDEN_FROM_RECEIVER = ("template", "template_version", "without_consent_reason", "approved_by")


def for_receiver(basis: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the receiver gets of a basis: all but the sender's own approvals and the names of his staff."""
    if basis is None:
        return None
    shown = {name: value for name, value in basis.items() if name not in HIDDEN_FROM_RECEIVER}
    if shown["consent"] is not None:
        shown["consent"] = {name: value for name, value in shown["consent"].items() if name != "taken_by"}
    informed = {name: value for name, value in shown["person_informed"].items() if name != "by"}
    return {**shown, "person_informed": informed}
