"""Code lists of the directory and the forms of keys, dates and places (directory.md section 1)."""

from __future__ import annotations

import re

ORGANISATION_TYPES = frozenset(
    {
        "crisis_centre",
        "mens_organisation",
        "helpline",
        "police",
        "probation",
        "prison",
        "prosecutor",
        "court",
        "child_rights_authority",
        "municipality",
        "social_service_centre",
        "health_centre",
        "school",
        "ministry",
        "agency",
        "ngo",
        "research_institute",
        "network",
        "patient_society",
        "other",
    }
)
"""The types known today; the list is open-ended, so a new one is imported and pointed out."""

ACCEPTING = ("open", "waiting", "closed", "unknown")
ACCEPTING_TO_SET = ("open", "waiting", "closed")
ACCEPTING_SOURCES = ("nobody", "page", "demo", "organisation", "groups")
URGENCIES = ("crisis", "urgent", "standard", "planned")
ORGANISATION_STATUS = ("active", "suspended")
ORGANISATION_STATES = ("joining", "active", "suspended", "removed")
SERVICE_STATUS = ("published", "withdrawn")
SERVICE_STATES = ("published", "withdrawn", "removed")

NAME_ORDER = ("en", "lt", "lv", "et", "fi", "sv", "nb", "ru")
"""In which language a name is shown when the wanted one is not there."""

_ISO_3166 = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY "
    "BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK "
    "FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR "
    "IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK "
    "ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
    "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF "
    "TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
COUNTRIES = frozenset(_ISO_3166.split())
"""ISO 3166-1 alpha-2."""

KEY = re.compile(r"\A[a-z0-9]+(-[a-z0-9]+)*\Z")
CODE = re.compile(r"\A[a-z][a-z0-9_]*\Z")
LANGUAGE = re.compile(r"\A[a-z]{2,3}(-[A-Za-z0-9]{2,8})?\Z")
LONGEST_KEY = 64
LONGEST_NAME = 300
LONGEST_TEXT = 4000
LONGEST_PLACE = 120
LONGEST_URL = 2000
LONGEST_PHONE = 20

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
"""Days as RFC 5545 and HSDS write them."""
PHONE_KINDS = ("voice", "fax", "text", "tty")
LOCATION_KINDS = ("physical", "postal", "virtual")
GENDERS = ("men", "women", "everybody")
WITHHELD_REASONS = ("safety_of_residents", "safety_of_staff", "by_order", "other")
"""Why an address is not in the directory."""
OLDEST = 130
INDICATOR_SOURCES = ("partners", "services", "licensed_municipalities", "facilitators", "network_members")
"""From what of the directory an indicator's reached value can be counted; without one it is as reported."""
LEVELS = ("public", "partners")
"""Who sees a group of fields; the third level is a list of named organisations (directory.md section 4)."""


def fallback_name(names: dict[str, str], wanted: str | None = None) -> str:
    """The name in the wanted language, else in the first language of NAME_ORDER that there is, else any."""
    for language in (wanted, *NAME_ORDER):
        if language in names:
            return names[language]
    return names[min(names)] if names else ""
