"""Messages in the relay process: they leave by themselves, and a mail server that is slow holds nothing up."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing

import pytest

from chassis import relay
from chassis.db import Database
from chassis.relay.figures import Figures
from chassis.settings import Settings
from services.referrals import usecases
from tests.integration.bus_rig import depth, relaying, until
from tests.integration.messages_rig import INTAKE, Rig
from tests.support.mail import mailing, post_office, silent_server
from tests.support.referrals import CENTRE, POLICE, move, new, seed
from tests.support.rows import rows

UNPUBLISHED = "SELECT count(*) FROM outbox WHERE published_at IS NULL"


@pytest.fixture
def at(vhost: Settings, service_database: Callable[..., Settings]) -> Settings:
    return service_database("referrals", into=vhost)


def metric(figures: Figures, name: str) -> float:
    (line,) = [each for each in figures.metrics().splitlines() if each.startswith(f"tukiverkko_messages_{name}{{")]
    return float(line.rpartition(" ")[2])


def test_messages_leave_by_themselves_and_their_figures_are_told(at: Settings) -> None:
    with closing(Database(at, "referrals")) as db, post_office() as post:
        seed(db)
        settings = mailing(at, f"smtp://127.0.0.1:{post.port}")
        Rig(db, settings, post).hears(CENTRE, INTAKE)
        with relaying(settings, "referrals") as figures:
            usecases.create(db, new(POLICE))
            until(lambda: len(post.taken) == 1)
            until(lambda: metric(figures, "mails_total") == 1)
            post.recipient = ["550 nobody"]
            usecases.create(db, new(POLICE))
            until(lambda: metric(figures, "dead") == 1)
            assert (metric(figures, "sending"), metric(figures, "carrier"), metric(figures, "queued")) == (1, 1, 0)


def test_a_mail_server_that_says_nothing_holds_up_no_event_and_no_end(at: Settings) -> None:
    with closing(Database(at, "referrals")) as db, post_office() as post, silent_server() as port:
        seed(db)
        Rig(db, mailing(at, f"smtp://127.0.0.1:{post.port}"), post).hears(CENTRE, INTAKE)
        settings = mailing(at, f"smtp://127.0.0.1:{port}")
        stop, figures = threading.Event(), Figures(("referrals",))
        options = {"figures": figures, "health_port": 0}
        thread = threading.Thread(target=relay.run, args=(settings, ["referrals"], stop), kwargs=options)
        thread.start()
        try:
            made: uuid.UUID = usecases.create(db, new(POLICE)).value["id"]
            time.sleep(2)  # the sender stands at the silent server now
            began = time.monotonic()
            usecases.move(db, move(CENTRE, made, "acknowledge", 1), "acknowledge")
            until(lambda: rows(at, "referrals", UNPUBLISHED) == [(0,)], 10)
            published_after = time.monotonic() - began
            assert depth(at, "subscriptions.events") == 4
            assert rows(at, "referrals", "SELECT state FROM message WHERE kind = 'organisation.new'") == [("queued",)]
        finally:
            stop.set()
            began = time.monotonic()
            thread.join(20)
        assert published_after < 3
        assert time.monotonic() - began < 5, "whoever waits for the server is left behind"
