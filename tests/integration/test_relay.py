"""The relay on a real broker and database: order, confirms, returned messages, one leader, outages."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import orjson
import psycopg
import pytest

from chassis import topology
from chassis.clock import now
from chassis.db import Database
from chassis.envelope import event
from chassis.link import CLOSING, Link, LinkLost, Outgoing
from chassis.outbox import Ready
from chassis.relay import store
from chassis.settings import Settings
from deploy.local import broker
from services.directory.events import SERVICE_CHANGED
from tests.integration.bus_rig import depth, relaying, taken, tell, until
from tests.support.databases import root_url
from tests.support.facts import facts
from tests.support.own_broker import OwnBroker

Make = Callable[..., Settings]
MANY = 3_000


@pytest.fixture
def directory(vhost: Settings, service_database: Make) -> Settings:
    """A fresh directory database and a virtual host of its own."""
    return service_database("directory", into=vhost)


@pytest.fixture
def database(directory: Settings) -> Iterator[Database]:
    """The publisher's side."""
    made = Database(directory, "directory")
    yield made
    made.close()


def unpublished(settings: Settings, service: str = "directory") -> int:
    """Rows that wait in the outbox."""
    with psycopg.connect(settings.database_url(service)) as connection:
        row = connection.execute("SELECT count(*) FROM outbox WHERE published_at IS NULL").fetchone()
        assert row is not None
        return int(row[0])


def test_events_arrive_in_order_and_are_marked(directory: Settings, database: Database) -> None:
    subjects = [uuid.uuid4() for _ in range(3)]
    with relaying(directory, "directory") as figures:
        for subject in subjects:
            tell(database, subject, 20)
        until(lambda: unpublished(directory) == 0)
        assert figures.snapshot()["directory"]["published"] == 60
    documents = [orjson.loads(message.body) for message in taken(directory, "referrals.events")]
    for subject in subjects:
        mine = [each["sequence"] for each in documents if each["subject"] == str(subject)]
        assert mine == list(range(1, 21))


def test_a_message_is_persistent_and_carries_what_a_consumer_needs(directory: Settings, database: Database) -> None:
    with relaying(directory, "directory"):
        tell(database, uuid.uuid4())
        until(lambda: depth(directory, "groups.events") == 1)
    (message,) = taken(directory, "groups.events")
    assert message.properties["delivery_mode"] == 2
    assert message.properties["content_type"] == "application/cloudevents+json"
    assert message.properties["message_id"] == orjson.loads(message.body)["id"]
    assert message.properties["application_headers"]["audience"] == "network"


def test_an_unroutable_event_stays_in_the_outbox_until_it_can_go(directory: Settings, database: Database) -> None:
    for service in ("subscriptions", "referrals"):
        broker.manage(directory, "DELETE", f"queues/{directory.vhost}/{service}.events", None)
    with relaying(directory, "directory") as figures:
        tell(database, uuid.uuid4(), kind=SERVICE_CHANGED)  # followed by those two only
        tell(database, uuid.uuid4())  # routed to others: goes on meanwhile
        until(lambda: figures.snapshot()["directory"]["returned"] and unpublished(directory) == 1)
        until(lambda: figures.snapshot()["directory"]["not_accepted"] == 1)
        assert figures.snapshot()["directory"]["degraded"]
        link = Link(directory.amqp_url("subscriptions"), name="test")
        link.open()
        topology.declare_service(link.connection, "subscriptions", ["#"])
        link.close()
        until(lambda: unpublished(directory) == 0)
        until(lambda: not figures.snapshot()["directory"]["degraded"])
    assert len(taken(directory, "subscriptions.events")) == 1


def test_thousands_that_go_nowhere_hold_up_nothing_else(directory: Settings, database: Database) -> None:
    for service in ("subscriptions", "referrals"):
        broker.manage(directory, "DELETE", f"queues/{directory.vhost}/{service}.events", None)
    with database.background("test") as work:
        for _ in range(MANY):
            about = ("service", uuid.uuid4())
            told = {"audience": "network", "data": facts(SERVICE_CHANGED), "at": now()}
            work.tell(event(SERVICE_CHANGED, aggregate=about, id=uuid.uuid4(), **told))
    with relaying(directory, "directory") as figures:
        until(lambda: figures.snapshot()["directory"]["returned"])
        tell(database, uuid.uuid4(), 5)
        until(lambda: depth(directory, "groups.events") == 5)
        assert unpublished(directory) == MANY
        link = Link(directory.amqp_url("subscriptions"), name="test")
        link.open()
        topology.declare_service(link.connection, "subscriptions", ["#"])
        link.close()
        until(lambda: unpublished(directory) == 0, 90)


def test_a_queue_that_was_full_for_a_while_is_filled_afterwards(directory: Settings, database: Database) -> None:
    """An operator's length limit comes and goes; RabbitMQ 3.10 goes on refusing what comes over the old channel."""
    limit = {"pattern": "^groups.events$", "definition": {"max-length": 1}, "apply-to": "queues"}
    broker.manage(directory, "PUT", f"policies/{directory.vhost}/limit", limit)
    with relaying(directory, "directory") as figures:
        while not figures.snapshot()["directory"]["not_accepted"]:  # a quorum queue takes some more before it is full
            tell(database, uuid.uuid4(), 5)
            time.sleep(0.5)
        broker.manage(directory, "DELETE", f"policies/{directory.vhost}/limit", None)
        taken(directory, "groups.events")
        until(lambda: unpublished(directory) == 0, 60)


def test_a_plan_made_while_the_outbox_was_small_serves_a_burst(directory: Settings, database: Database) -> None:
    with store.connect(directory.database_url("directory")) as connection:

        def carry() -> int:
            found = store.oldest(connection, without=[], broken=[], limit=100)
            store.mark_published(connection, [row["no"] for row in found])
            return len(found)

        with psycopg.connect(root_url(directory, "directory"), autocommit=True) as root:
            root.execute("ANALYZE outbox")
        for _ in range(30):  # psycopg prepares after five, PostgreSQL keeps a plan after five more
            tell(database, uuid.uuid4())
            assert carry() == 1
        plans = [plan_of(connection, about) for about in ("%routing_key <> ALL%", "%SET published_at%")]
    assert "outbox_unpublished" in plans[0], plans[0]
    assert "outbox_pkey" in plans[1], plans[1]
    assert not [plan for plan in plans if "Seq Scan" in plan or "Sort" in plan]


def plan_of(connection: store.Connection, about: str) -> str:
    """The plan that the server keeps for a statement of this connection."""
    found = connection.execute(
        "SELECT name, cardinality(parameter_types) AS many FROM pg_prepared_statements WHERE statement LIKE %s",
        (about,),
    ).fetchone()
    assert found is not None
    values = ", ".join(["NULL"] * found["many"])
    lines = connection.execute(f"EXPLAIN EXECUTE {found['name']}({values})".encode()).fetchall()
    return "\n".join(line["QUERY PLAN"] for line in lines)


@pytest.mark.odd_events  # the relay hands on ready bytes unread; these are no event
def test_nobody_listening_outside_is_no_fault(vhost: Settings, service_database: Make) -> None:
    settings = service_database("subscriptions", into=vhost)
    database = Database(settings, "subscriptions")
    ready = Ready(
        id=uuid.uuid4(),
        exchange="partners",
        routing_key=f"org.{uuid.uuid4()}.referral.accepted",
        type="referral.accepted",
        version=1,
        aggregate_type="stream",
        aggregate_id=uuid.uuid4(),
        audience="x",
        body=b"{}",
        occurred_at=now(),
    )
    with relaying(settings, "subscriptions") as figures:
        with database.background("test") as work:
            work.tell(ready)
        until(lambda: unpublished(settings, "subscriptions") == 0)
        assert figures.snapshot()["subscriptions"]["returned"] == 0
    database.close()


def test_one_leads_and_the_standby_takes_over(directory: Settings, database: Database) -> None:
    with relaying(directory, "directory") as standby_first, ExitStack() as leading:
        until(lambda: standby_first.snapshot()["directory"]["leader"])
        second = leading.enter_context(relaying(directory, "directory"))
        tell(database, uuid.uuid4(), 3)
        until(lambda: unpublished(directory) == 0)
        until(lambda: second.snapshot()["directory"]["database"])
        assert not second.snapshot()["directory"]["leader"]
        assert second.snapshot()["directory"]["published"] == 0
    with ExitStack() as leading:
        first = leading.enter_context(relaying(directory, "directory"))
        until(lambda: first.snapshot()["directory"]["leader"])
        with relaying(directory, "directory") as standby:
            until(lambda: standby.snapshot()["directory"]["database"])
            leading.close()
            tell(database, uuid.uuid4())
            until(lambda: standby.snapshot()["directory"]["published"] == 1)


def test_a_lost_database_connection_is_made_again(directory: Settings, database: Database) -> None:
    with relaying(directory, "directory") as figures:
        until(lambda: figures.snapshot()["directory"]["leader"])
        with psycopg.connect(directory.database_url("directory"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'relay'"
                " AND datname = current_database()"
            )
        until(lambda: figures.snapshot()["directory"]["failures"])
        tell(database, uuid.uuid4(), 5)
        until(lambda: unpublished(directory) == 0)


def test_published_rows_are_cleaned_after_their_retention(directory: Settings, database: Database) -> None:
    tell(database, uuid.uuid4(), 3)
    with store.connect(directory.database_url("directory")) as connection:
        connection.execute("UPDATE outbox SET published_at = now() - interval '8 days' WHERE sequence < 3")
        connection.execute(
            "INSERT INTO request SELECT 'client:x POST /y', n::text, '', gen_random_uuid(),"
            "       now() - n * interval '1 day' FROM generate_series(6, 8) AS n"
        )
        assert store.clean(connection, 7) == 2 + 2  # two events, and the requests of seven and eight days ago
        assert len(store.oldest(connection, without=[], broken=[], limit=10)) == 1


@pytest.fixture
def own_broker(service_database: Make, tmp_path_factory: pytest.TempPathFactory) -> OwnBroker:
    """Not started yet."""
    return OwnBroker(service_database("directory"), tmp_path_factory.mktemp("own"))


@pytest.mark.slow
def test_what_was_told_while_the_broker_is_down_arrives_afterwards(own_broker: OwnBroker) -> None:
    """Trap 6: the write path never touches the broker, and the outbox outlives it."""
    settings = own_broker.settings
    database = Database(settings, "directory")
    subject = uuid.uuid4()
    with relaying(settings, "directory") as figures, ExitStack() as stack:
        tell(database, subject, 10)
        until(lambda: figures.snapshot()["directory"]["failures"])
        assert figures.snapshot()["directory"]["degraded"]
        assert unpublished(settings) == 10
        own_broker.start(stack)
        until(lambda: unpublished(settings) == 0, 30)
        sequences = [orjson.loads(message.body)["sequence"] for message in taken(settings, "groups.events")]
        assert sequences == list(range(1, 11))
        _starve_and_feed(own_broker, database)
    database.close()


def _starve_and_feed(own_broker: OwnBroker, database: Database) -> None:
    """Trap 8: under a memory alarm publish and close come back in time, and afterwards all gets through."""
    settings = own_broker.settings
    link = Link(settings.amqp_url("directory"), name="starved", deadline=3)
    link.open()
    own_broker.memory("0.0000001")
    message = Outgoing(1, "events", "organisation.changed", b"{}", {}, {"message_id": "m"}, mandatory=True)
    started = time.monotonic()
    with pytest.raises(LinkLost, match=r"broker\.blocked"):
        link.publish([message])
    assert time.monotonic() - started < 5
    link.open()
    link.channel.basic_publish(b"", "events", "x")  # only a connection that publishes is blocked
    started = time.monotonic()
    link.blocked = False  # even when the broker has not said so yet
    link.close()
    assert time.monotonic() - started < CLOSING + 1
    tell(database, uuid.uuid4(), 5)
    assert unpublished(settings) == 5
    own_broker.memory("0.6")
    until(lambda: unpublished(settings) == 0, 40)
