"""Shapes of the directory, in and out; all of it is public."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields, validate

from chassis.paging import DEFAULT, MOST
from chassis.schema import Fault, Shape, classified
from services.directory.rules import codes, words
from services.directory.rules.explaining import FITS

PUBLIC = "public"
MOST_SEQ = 2**63 - 1
MOST_CHANGES = 1000
REFERENCE = validate.Length(1, 100)
COUNTRY = validate.Regexp(r"\A[A-Z]{2}\Z", error="A country code of ISO 3166 in capitals, such as LT.")
PLACE = validate.Regexp(
    r"\A([A-Z]{2}:)?[^:\s][^:]{0,119}\Z",
    error="A municipality such as Raseiniai, best with its country: LT:Raseiniai.",
)
WORDS = validate.Regexp(r"\A\s*\S.{0,99}\Z", error="One to a hundred characters, not only spaces.")
LANGUAGE = validate.Regexp(codes.LANGUAGE, error="A language tag, such as lt.")
CODE = validate.Regexp(codes.CODE, error="A code of small letters, digits and underscores.")
QUESTION = validate.Regexp(r"\A\s*\S.{0,299}\Z", error="A question of one to three hundred characters on one line.")
POINT = re.compile(r"\A(-?\d{1,2}(?:\.\d{1,12})?),(-?\d{1,3}(?:\.\d{1,12})?)\Z")
NORTH, EAST, FARTHEST = 90, 180, 1_000_000
TRUE, FALSE = {"true", "1", True}, {"false", "0", False}


class Party(Shape):
    """An organisation: id and key."""

    id = classified(fields.UUID(required=True), PUBLIC)
    key = classified(fields.String(required=True), PUBLIC)


class _Listed(Shape):
    search = classified(fields.String(load_default=None, validate=WORDS), PUBLIC)
    country = classified(fields.String(load_default=None, validate=COUNTRY), PUBLIC)
    municipality = classified(fields.String(load_default=None, validate=PLACE), PUBLIC)
    kind = classified(fields.String(load_default=None, validate=CODE), PUBLIC)
    cursor = classified(fields.String(load_default=None), PUBLIC)
    limit = classified(fields.Integer(load_default=DEFAULT, validate=validate.Range(1, MOST)), PUBLIC)


class OrganisationQuery(_Listed):
    """Which organisations: words of the name, place, type or kind of a service."""


class Point(fields.String):
    """Latitude and longitude in degrees with a comma between them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        found = POINT.match(text)
        if found is None or abs(float(found[1])) > NORTH or abs(float(found[2])) > EAST:
            raise ValidationError(Fault("point", "Latitude and longitude such as 60.98,25.66."))
        return float(found[1]), float(found[2])


class ServiceQuery(_Listed):
    """Which services, by a question in plain words or by what it says: place, kind, need, language, conditions, hours.

    What is not known of a service (its languages, ages, whom it takes) never leaves it out; an order and an age that it
    is known not to take do.
    """

    question = classified(
        fields.String(
            load_default=None,
            validate=QUESTION,
            metadata={"description": "Such as: men's group in Finnish near Lahti, accepting."},
        ),
        PUBLIC,
    )
    need = classified(fields.String(load_default=None, validate=CODE), PUBLIC)
    age = classified(fields.Integer(load_default=None, validate=validate.Range(0, codes.OLDEST)), PUBLIC)
    gender = classified(fields.String(load_default=None, validate=validate.OneOf(("men", "women"))), PUBLIC)
    ordered = classified(fields.Boolean(load_default=None, truthy=TRUE, falsy=FALSE), PUBLIC)
    urgency = classified(fields.String(load_default=None, validate=validate.OneOf(codes.URGENCIES)), PUBLIC)
    may_refer = classified(fields.String(load_default=None, validate=CODE), PUBLIC)
    open_now = classified(fields.Boolean(load_default=False, truthy=TRUE, falsy=FALSE), PUBLIC)
    open_at = classified(fields.AwareDateTime(load_default=None, format="iso"), PUBLIC)
    near = classified(Point(load_default=None), PUBLIC)
    postcode = classified(fields.String(load_default=None, validate=validate.Length(1, 20)), PUBLIC)
    within = classified(fields.Integer(load_default=None, validate=validate.Range(1, FARTHEST)), PUBLIC)
    in_language = classified(
        fields.String(load_default=None, data_key="lang", validate=validate.OneOf(words.LANGUAGES)), PUBLIC
    )
    organisation = classified(fields.String(load_default=None, validate=REFERENCE), PUBLIC)
    language = classified(fields.String(load_default=None, validate=LANGUAGE), PUBLIC)
    accepting = classified(fields.String(load_default=None, validate=validate.OneOf(codes.ACCEPTING)), PUBLIC)


class ChangesQuery(Shape):
    """Changes behind a number; 0 for the first one."""

    after = classified(fields.Integer(load_default=0, validate=validate.Range(0, MOST_SEQ)), PUBLIC)
    limit = classified(fields.Integer(load_default=MOST, validate=validate.Range(1, MOST_CHANGES)), PUBLIC)


def _names() -> fields.Dict:
    return classified(fields.Dict(keys=fields.String(), values=fields.String(), required=True), PUBLIC)


def _text(*, required: bool = True) -> fields.String:
    return classified(fields.String(required=required, allow_none=not required), PUBLIC)


def _texts() -> fields.List[Any]:
    return classified(fields.List(fields.String(), required=True), PUBLIC)


def _fit() -> fields.String:
    # how it fits the place asked for; null when none was
    return classified(fields.String(allow_none=True, validate=validate.OneOf(FITS)), PUBLIC)


class OrganisationView(Shape):
    """An organisation with its names in all languages, and one to show."""

    id = classified(fields.UUID(required=True), PUBLIC)
    key = _text()
    type = _text()
    country = _text(required=False)
    seat = _text(required=False)
    founded = _text(required=False)
    parent = classified(fields.Nested(Party, required=True, allow_none=True), PUBLIC)
    names = _names()
    name = _text()
    status = classified(fields.String(required=True, validate=validate.OneOf(codes.ORGANISATION_STATUS)), PUBLIC)
    version = classified(fields.Integer(required=True), PUBLIC)
    changed_at = classified(fields.AwareDateTime(required=True), PUBLIC)
    fit = _fit()


def _part() -> fields.Dict:
    # what of it this caller may see (rules/visibility.py); its members are those of a directory file
    return classified(fields.Dict(keys=fields.String(), required=True), PUBLIC)


def _parts() -> fields.List[Any]:
    return classified(fields.List(fields.Dict(keys=fields.String()), required=True), PUBLIC)


class OrganisationDetail(OrganisationView):
    """The same with all that hangs on it and that this caller may see; `services`, `locations` and `units` are keys."""

    descriptions = _names()
    website = _text(required=False)
    email = _text(required=False)
    phones = _parts()
    contacts = _parts()
    identifiers = _parts()
    funding = _texts()
    programs = _parts()
    services = _texts()
    locations = _texts()
    units = _texts()
    grade = classified(fields.String(required=True, validate=validate.OneOf(("A", "B", "C", "D"))), PUBLIC)
    verified_at = classified(fields.AwareDateTime(required=True, allow_none=True), PUBLIC)


class Code(Shape):
    """A code and its labels by language."""

    code = _text()
    names = _names()


class CodeList(Shape):
    """One list of codes."""

    list = _text()
    codes = classified(fields.List(fields.Nested(Code), required=True), PUBLIC)


class OpenView(Shape):
    """Whether it is open now (null: nobody said its hours), until when, and when it opens next."""

    now = classified(fields.Boolean(required=True, allow_none=True), PUBLIC)
    until = classified(fields.AwareDateTime(required=True, allow_none=True), PUBLIC)
    opens = classified(fields.AwareDateTime(required=True, allow_none=True), PUBLIC)


class HereView(Shape):
    """Who delivers it at the place asked for, whom to turn to, and whether that one takes referrals there itself."""

    way = classified(fields.String(required=True, validate=validate.OneOf(("own", "licence"))), PUBLIC)
    by = classified(fields.List(fields.Nested(Party), required=True), PUBLIC)
    contact = classified(fields.Nested(Party, required=True), PUBLIC)
    is_receiver = classified(fields.Boolean(required=True), PUBLIC)
    note = _text(required=False)


class WhyView(Shape):
    """One reason why a service is among what was found."""

    code = _text()
    text = _text()


class ServiceView(Shape):
    """A service, with whether it accepts referrals and who said so, and for a search why it is here."""

    id = classified(fields.UUID(required=True), PUBLIC)
    key = _text()
    organisation = classified(fields.Nested(Party, required=True), PUBLIC)
    partners = classified(fields.List(fields.Nested(Party), required=True), PUBLIC)
    kind = _text()
    channels = _texts()
    languages = _texts()
    coverage = _texts()
    names = _names()
    name = _text()
    about = _text(required=False)
    started = classified(fields.String(data_key="from", required=True, allow_none=True), PUBLIC)
    accepting = classified(fields.String(required=True, validate=validate.OneOf(codes.ACCEPTING)), PUBLIC)
    accepting_source = classified(
        fields.String(required=True, validate=validate.OneOf(codes.ACCEPTING_SOURCES)), PUBLIC
    )
    urgencies = _texts()
    status = classified(fields.String(required=True, validate=validate.OneOf(codes.SERVICE_STATUS)), PUBLIC)
    version = classified(fields.Integer(required=True), PUBLIC)
    changed_at = classified(fields.AwareDateTime(required=True), PUBLIC)
    fit = _fit()
    kind_name = _text()
    descriptions = _names()
    url = _text(required=False)
    email = _text(required=False)
    needs = _texts()
    eligibility = _part()
    referral = _part()
    phones = _parts()
    contacts = _parts()
    schedules = _parts()
    costs = _parts()
    documents = _texts()
    alert = _text(required=False)
    locations = _texts()
    open = classified(fields.Nested(OpenView, required=True), PUBLIC)
    groups_accepting = classified(fields.Integer(required=True), PUBLIC)
    grade = classified(fields.String(required=True, validate=validate.OneOf(("A", "B", "C", "D"))), PUBLIC)
    verified_at = classified(fields.AwareDateTime(required=True, allow_none=True), PUBLIC)
    stale = classified(fields.Boolean(required=True), PUBLIC)
    response_hours = classified(
        fields.Integer(
            required=True,
            allow_none=True,
            metadata={
                "description": "Half of the referrals of the last year were answered within; null where few were."
            },
        ),
        PUBLIC,
    )
    metres = classified(fields.Integer(required=True, allow_none=True), PUBLIC)
    here = classified(fields.Nested(HereView, required=True, allow_none=True), PUBLIC)
    why = classified(fields.List(fields.Nested(WhyView), required=True), PUBLIC)


class UnderstoodView(Shape):
    """What a question was taken for; `search` are the words that were looked for in the entries."""

    kind = _text(required=False)
    municipality = _text(required=False)
    country = _text(required=False)
    language = _text(required=False)
    accepting = _text(required=False)
    open_now = classified(fields.Boolean(), PUBLIC)
    search = _text(required=False)
    place_known = classified(
        fields.Boolean(metadata={"description": "False: the place is on no list of ours and was looked for by name."}),
        PUBLIC,
    )


class Accepting(Shape):
    """Whether referrals are taken now."""

    accepting = classified(fields.String(required=True, validate=validate.OneOf(codes.ACCEPTING_TO_SET)), PUBLIC)


class Membership(Shape):
    """An organisation in an association, coalition or network."""

    organisation = _text()
    network = classified(fields.String(data_key="in", required=True), PUBLIC)
    started = classified(fields.String(data_key="from", allow_none=True), PUBLIC)
    ended = classified(fields.String(data_key="to", allow_none=True), PUBLIC)
    role = _text(required=False)


class InitiativeParty(Shape):
    """An organisation's part in an initiative."""

    role = _text()
    organisation = _text()


class Activity(Shape):
    """Something that was done in an initiative."""

    kind = _text(required=False)
    to = classified(fields.List(fields.String()), PUBLIC)
    where = classified(fields.List(fields.String(), data_key="in", attribute="in"), PUBLIC)
    quota_per_country = classified(fields.Integer(), PUBLIC)
    name = _text(required=False)
    on = _text(required=False)
    seat = _text(required=False)


class Initiative(Shape):
    """A partnership or project, as its page says it."""

    key = _text()
    names = _names()
    name = _text()
    started = classified(fields.String(data_key="from", allow_none=True), PUBLIC)
    ended = classified(fields.String(data_key="to", allow_none=True), PUBLIC)
    year = _text(required=False)
    programme = _text(required=False)
    approved_by = _text(required=False)
    approved_on = _text(required=False)
    reported_on = _text(required=False)
    activities = classified(fields.List(fields.Nested(Activity), required=True), PUBLIC)
    results = _texts()
    outputs = _texts()
    next_step = _text(required=False)
    lithuanian_partner = _text(required=False)
    parties = classified(fields.List(fields.Nested(InitiativeParty), required=True), PUBLIC)


class Indicator(Shape):
    """What an initiative planned and reached."""

    initiative = _text()
    name = _text()
    unit = _text()
    planned = classified(fields.Integer(allow_none=True), PUBLIC)
    reached = classified(fields.Integer(allow_none=True), PUBLIC)
    impact = _text(required=False)


class Licence(Shape):
    """Where somebody else delivers a programme."""

    programme = _text()
    by = _text(required=False)
    municipalities = classified(fields.List(fields.String(), data_key="in", required=True), PUBLIC)
    note = _text(required=False)


class LicenceView(Licence):
    """The same with whom to ask: the programme's own organisation."""

    contact = _text()


class CountedIndicator(Indicator):
    """The same with what can be counted now, and from what."""

    counted = classified(fields.Integer(required=True, allow_none=True), PUBLIC)
    source = _text(required=False)
    evidence = _text(required=False)
    started = classified(fields.String(data_key="from", allow_none=True), PUBLIC)
    ended = classified(fields.String(data_key="to", allow_none=True), PUBLIC)


class InitiativeReport(Initiative):
    """An initiative with its figures."""

    indicators = classified(fields.List(fields.Nested(CountedIndicator), required=True), PUBLIC)


class Facilitator(Shape):
    """A trained facilitator: a code of the organisation, never a name."""

    code = _text()
    organisation = _text()
    programme = _text()
    training = _text(required=False)
    started = classified(fields.Date(data_key="from", allow_none=True), PUBLIC)
    ended = classified(fields.Date(data_key="to", allow_none=True), PUBLIC)


class MembersQuery(Shape):
    """Of which network, on which day."""

    network = classified(fields.String(load_default=None, validate=REFERENCE), PUBLIC)
    on = classified(fields.Date(load_default=None, format="iso"), PUBLIC)


class LicencesQuery(Shape):
    """At which place."""

    country = classified(fields.String(load_default=None, validate=COUNTRY), PUBLIC)
    municipality = classified(fields.String(load_default=None, validate=PLACE), PUBLIC)


class FacilitatorsQuery(Shape):
    """Of which programme, on which day."""

    programme = classified(fields.String(load_default=None, validate=REFERENCE), PUBLIC)
    on = classified(fields.Date(load_default=None, format="iso"), PUBLIC)


class NetworkFact(Shape):
    """Something said of the network as a whole."""

    country = _text(required=False)
    fact = _text()
    as_of = _text(required=False)


class NetworkView(Shape):
    """Who works with whom, and what the sources say of themselves."""

    about = _texts()
    memberships = classified(fields.List(fields.Nested(Membership), required=True), PUBLIC)
    initiatives = classified(fields.List(fields.Nested(Initiative), required=True), PUBLIC)
    indicators = classified(fields.List(fields.Nested(Indicator), required=True), PUBLIC)
    licences = classified(fields.List(fields.Nested(Licence), required=True), PUBLIC)
    network_facts = classified(fields.List(fields.Nested(NetworkFact), required=True), PUBLIC)


ACCEPTING_EXAMPLE = {"accepting": "open"}
