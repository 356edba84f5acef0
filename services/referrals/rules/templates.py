"""Templates of legal bases: what a data-protection officer approved once, so that nobody writes articles by hand.

The sender names a template, or none: then the one that the organisation keeps for voluntary, ordered or child-concern
referrals. Source: referrals.md section 4.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.errors import FieldError, Invalid
from services.referrals.rules import legal
from services.referrals.rules.lifecycle import CHILD_CONCERN

VOLUNTARY = "voluntary"
ORDERED = "ordered"
USES = (VOLUNTARY, ORDERED, CHILD_CONCERN)
"""What a template can be the default for."""

ALL_OF_IT = ["all"]
HAND_WRITTEN = ("reference", "issued_by", "issued_on", "valid_until", "consent", "person_informed")
"""What a sender may add to a template; all else is the template's."""

OWN_WORDS = ("kind", "gdpr6", "gdpr9", "gdpr10", "without_consent_reason", "approved_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A template as it is in force: its name and version, who approved it, and what it says."""

    name: str
    version: int
    default_for: str | None
    approved_by: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What a referral itself says that a basis takes over."""

    at: dt.datetime
    by: str
    receiver: str
    kind: str
    ordered: bool
    order_reference: str | None
    person_informed: str

    @property
    def use(self) -> str:
        """Which default it takes."""
        if self.kind == CHILD_CONCERN:
            return CHILD_CONCERN
        return ORDERED if self.ordered else VOLUNTARY


def check(content: Mapping[str, Any]) -> None:
    """Whether a template can be approved as it stands. Raises Invalid with every fault."""
    basis = {**content, "gdpr10": _article_10(content)}
    faults = tuple(FieldError(at, code, told) for at, code, told in _faults(content, basis))
    if faults:
        raise Invalid(faults[0].code, faults[0].detail, fields=faults)


def _faults(content: Mapping[str, Any], basis: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield from legal.of_articles(basis)
    if content["contains_offence_data"] and not content["authorising_law"]:
        told = "A template for data on offences names the law that authorises them (GDPR article 10)."
        yield "/authorising_law", "legal_basis.offence_data_without_law", told
    if legal.needs_reason(content["kind"]) and not content["without_consent_reason"]:
        told = "Say why it is done without consent; order and duty need no reason."
        yield "/without_consent_reason", "legal_basis.reason_missing", told
    if content["default_for"] == CHILD_CONCERN and content["kind"] == legal.CONSENT:
        told = "A concern for a child does not wait for consent."
        yield "/default_for", "legal_basis.concern_by_consent", told


def choose(templates: Sequence[Approved], given: Mapping[str, Any] | None, submitted: Submitted) -> Approved | None:
    """The template of a referral: the one named, else the default; None where the basis was written by hand in full.

    Raises Invalid for an unknown name, and where the organisation has approved none.
    """
    given = given or {}
    if given.get("template") is not None:
        return _named(templates, given["template"])
    if given.get("kind") is not None:
        return None
    return _default(templates, submitted.use)


def _named(templates: Sequence[Approved], name: str) -> Approved:
    for each in templates:
        if each.name == name:
            return each
    known = ", ".join(sorted(each.name for each in templates)) or "none yet"
    told = f"No template of this name is approved in your organisation; approved: {known}."
    raise _refused("/legal_basis/template", "legal_basis.template_unknown", told)


def _default(templates: Sequence[Approved], use: str) -> Approved:
    for each in templates:
        if each.default_for == use:
            return each
    told = (
        f"Your organisation has no approved legal-basis template for {use.replace('_', ' ')} referrals. Its "
        "data-protection officer approves the ready-made ones once by POST /referrals/legal-templates/standard; or "
        "write `legal_basis` in full."
    )
    raise _refused("/legal_basis", "legal_basis.no_template", told)


def completed(template: Approved | None, given: Mapping[str, Any] | None, submitted: Submitted) -> dict[str, Any]:
    """The whole basis: what the sender wrote, on what the template and the referral say.

    Raises Invalid where he wrote what is the template's to say, or half of a basis by hand.
    """
    given = given or {}
    written = {name: given[name] for name in OWN_WORDS if given.get(name) is not None}
    words = _own_words(template, written)
    basis = {
        **words,
        "reference": given.get("reference") or submitted.order_reference,
        "issued_by": given.get("issued_by"),
        "issued_on": given.get("issued_on"),
        "valid_until": given.get("valid_until"),
        "person_informed": _informed(given.get("person_informed"), submitted),
        "template": template and template.name,
        "template_version": template and template.version,
    }
    return {**basis, "consent": _consent(template, basis, given.get("consent"), submitted)}


def _own_words(template: Approved | None, written: dict[str, Any]) -> dict[str, Any]:
    if template is None:
        for name in ("gdpr6", "gdpr9", "gdpr10"):
            if name not in written:
                told = "Written by hand, a basis has kind, gdpr6, gdpr9 and gdpr10; or name an approved template."
                raise _refused(f"/legal_basis/{name}", "required", told)
        return {"without_consent_reason": None, "approved_by": None, **written}
    if written:
        told = "This is for the template to say, which an officer approved; leave it out, or write the basis in full."
        raise _refused(f"/legal_basis/{min(written)}", "legal_basis.template_says", told)
    content = template.content
    return {
        "kind": content["kind"],
        "gdpr6": content["gdpr6"],
        "gdpr9": content["gdpr9"],
        "gdpr10": _article_10(content),
        "without_consent_reason": content["without_consent_reason"],
        "approved_by": template.approved_by,
    }


def _article_10(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"contains_offence_data": content["contains_offence_data"], "authorising_law": content["authorising_law"]}


def _informed(given: Mapping[str, Any] | None, submitted: Submitted) -> dict[str, Any]:
    told = dict(given or {})
    if told.get("answer") not in {None, submitted.person_informed}:
        sentence = "`person_informed` stands twice and differs."
        raise _refused("/legal_basis/person_informed/answer", "legal_basis.informed_differs", sentence)
    empty = dict.fromkeys(("at", "by", "how", "language"))
    return {**empty, **told, "answer": submitted.person_informed}


def _consent(
    template: Approved | None, basis: Mapping[str, Any], given: Mapping[str, Any] | None, submitted: Submitted
) -> dict[str, Any] | None:
    """Whoever posts under a template of consent says that he asked today; he may say more."""
    if given is None and (template is None or basis["kind"] != legal.CONSENT):
        return None
    content: Mapping[str, Any] = template.content if template else {}
    days = content.get("consent_days")
    proposed = {
        "given_at": submitted.at.date(),
        "method": content.get("consent_method") or "oral",
        "taken_by": submitted.by,
        "scope_orgs": [submitted.receiver],
        "scope_data": ALL_OF_IT,
        "onward_sharing": content.get("onward_sharing") or "ask_sender",
        "valid_until": submitted.at.date() + dt.timedelta(days=days) if days else None,
        "withdrawn_at": None,
    }
    return {**proposed, **{name: value for name, value in (given or {}).items() if value is not None}}


def _refused(pointer: str, code: str, told: str) -> Invalid:
    return Invalid(code, told, fields=(FieldError(pointer, code, told),))


def standard(authorising_law: str | None, *, onward: str = "ask_sender") -> tuple[dict[str, Any], ...]:
    """The ready-made templates of the product, for an officer to approve at once.

    With the law for data on offences, and how far a consent under them goes on from the receiver.
    """
    made = (_ready(name, said, authorising_law) for name, said in _STANDARD.items())
    return tuple({**each, "onward_sharing": onward if each["kind"] == legal.CONSENT else None} for each in made)


def _ready(name: str, said: Mapping[str, Any], law: str | None) -> dict[str, Any]:
    empty = {
        "default_for": None,
        "without_consent_reason": None,
        "consent_method": None,
        "consent_days": None,
    }
    offence = {"contains_offence_data": law is not None, "authorising_law": law}
    return {**empty, **offence, **said, "name": name, "active": True}


_STANDARD: dict[str, dict[str, Any]] = {
    "consent": {
        "names": {"en": "The person agreed", "lt": "Asmuo sutiko"},
        "kind": "consent", "gdpr6": "a", "gdpr9": "a", "default_for": VOLUNTARY, "consent_method": "oral",
        "consent_days": 365,
    },
    "court-order": {
        "names": {"en": "Court order", "lt": "Teismo sprendimas"},
        "kind": "court_order", "gdpr6": "c", "gdpr9": "g", "default_for": ORDERED,
    },
    "probation-condition": {
        "names": {"en": "Probation condition", "lt": "Probacijos sąlyga"},
        "kind": "probation_condition", "gdpr6": "c", "gdpr9": "g",
    },
    "protection-order": {
        "names": {"en": "Protection order", "lt": "Apsaugos nuo smurto orderis"},
        "kind": "protection_order", "gdpr6": "c", "gdpr9": "g",
    },
    "police-message": {
        "names": {"en": "Duty of the police to tell a help centre", "lt": "Policijos pareiga pranešti centrui"},
        "kind": "statutory_duty_other", "gdpr6": "c", "gdpr9": "g",
    },
    "child-duty": {
        "names": {"en": "Duty to report a concern for a child", "lt": "Pareiga pranešti apie vaiką"},
        "kind": "statutory_duty_child", "gdpr6": "c", "gdpr9": "g", "default_for": CHILD_CONCERN,
    },
    "own-wish": {
        "names": {"en": "He asked for it himself", "lt": "Kreipėsi pats"},
        "kind": "self_referral", "gdpr6": "a", "gdpr9": "a",
        "without_consent_reason": "He came himself and asked to be passed on.",
    },
    "danger-to-life": {
        "names": {"en": "Danger to life", "lt": "Pavojus gyvybei"},
        "kind": "vital_interest", "gdpr6": "d", "gdpr9": "c",
        "without_consent_reason": "Life or health is in danger and he can not be asked.",
    },
}  # fmt: skip
