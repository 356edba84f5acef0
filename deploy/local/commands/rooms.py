"""How a command enters a service's use cases: its database, and refusals as one sentence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import urllib3

from chassis.db import Database
from chassis.errors import Invalid, Refused
from chassis.settings import Settings
from deploy.local.faults import LocalFault


@contextmanager
def database(settings: Settings, service: str) -> Iterator[Database]:
    """The database of a service for one command; every refusal inside becomes a LocalFault."""
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # a refusal is one sentence, not a log
    try:
        with closing(Database(settings, service)) as opened:
            yield opened
    except Refused as refusal:
        raise LocalFault(_sentence(refusal)) from refusal
    except psycopg.Error as error:
        message = "The database does not answer; `tukiverkko status` shows what runs."
        raise LocalFault(message) from error
    except urllib3.exceptions.HTTPError as error:
        message = "The broker does not answer; `tukiverkko status` shows what runs."
        raise LocalFault(message) from error


def _sentence(refusal: Refused) -> str:
    fields = refusal.fields if isinstance(refusal, Invalid) else ()
    more = (f"{field.pointer or '/'}: {field.detail}" for field in fields if field.detail != refusal.detail)
    return " ".join((refusal.detail, *more))
