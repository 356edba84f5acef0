"""Fixtures of every test: private instances for the session, fresh databases, virtual hosts, whole networks."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from chassis.settings import SERVICES, Settings
from deploy.local import broker
from tests.support.databases import Databases, keys_copy, with_keys, worker_home
from tests.support.events import check_network
from tests.support.instances import Instances, Session, new_folder, wait_for
from tests.support.network import Network, discard, new_settings, start

HERE = Path(__file__).parent
WITHOUT_INSTANCES = ("tests/unit/", "tests/contract/")
SHARED = HERE.parent.parent / "shared"
WITH_NETWORK = ("tests/e2e/", "tests/authz/")
CHAOS = "tests/chaos/"
_session: Session | None = None

# A busy machine makes examples slowly, which is no fault of the code. The gate repeats its examples; people look for
# new ones.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """The first process keeps the instances; workers only learn where they are."""
    global _session  # noqa: PLW0603  one per process
    if hasattr(config, "workerinput"):
        return
    _session = Session(new_folder())
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end also runs pytest_unconfigure


def pytest_configure_node(node: object) -> None:
    """Tell a worker of xdist where the first process writes the addresses."""
    node.workerinput["instances"] = str(_session.folder)  # type: ignore[attr-defined, union-attr]


def pytest_xdist_node_collection_finished(ids: list[str]) -> None:
    """Start the instances when a worker has collected a test that needs them."""
    if _session and any(not name.startswith(WITHOUT_INSTANCES) for name in ids):
        _session.start()


def pytest_collection_finish(session: pytest.Session) -> None:
    """The same without xdist."""
    wanted = any(not item.nodeid.startswith(WITHOUT_INSTANCES) for item in session.items)
    if _session and wanted and not session.config.option.collectonly:
        _session.start()
        wait_for(_session.folder)  # in this process unit tests shut the sockets, also for the thread that starts them


def pytest_unconfigure() -> None:
    """End the instances; also after Ctrl-C."""
    if _session:
        _session.stop()


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Tests of one file stay on one worker; all that use the whole network share one worker and one network.

    So do the tests of chaos, which break a network of their own.

    Its own class, because the groups of `--dist=loadgroup` are without effect under this pytest.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(CHAOS):
            return "chaos"
        return "network" if nodeid.startswith(WITH_NETWORK) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Hand out the tests by file."""
    return ByFile(config, log)


def _is_unit(item: pytest.Item) -> bool:
    return (HERE / "unit") in item.path.parents


@pytest.fixture(autouse=True)
def closed_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit tests open no connection."""
    if _is_unit(request.node):

        def refuse(*_args: object) -> None:
            message = "A unit test tried to open a connection."
            raise AssertionError(message)

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket.socket, "connect_ex", refuse)
        monkeypatch.setattr(socket.socket, "sendto", refuse)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public inputs beside the repository; tests that read it are skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent; only this test needs it")
    return SHARED


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this test process: gw0, gw1 … or main."""
    workerinput = getattr(request.config, "workerinput", {})
    return str(workerinput.get("workerid", "main"))


@pytest.fixture(scope="session")
def instances(request: pytest.FixtureRequest) -> Instances:
    """The session's private PostgreSQL and RabbitMQ."""
    workerinput = getattr(request.config, "workerinput", None)
    if workerinput:
        return wait_for(Path(workerinput["instances"]))
    assert _session is not None
    _session.start()
    return wait_for(_session.folder)


@pytest.fixture(scope="session")
def databases(instances: Instances, worker: str) -> Iterator[Databases]:
    """Maker of fresh databases; what is left at the end is dropped."""
    made = Databases(instances.settings(), worker)
    yield made
    made.drop()


@pytest.fixture(scope="session")
def settings(
    instances: Instances, databases: Databases, worker: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings with a home of this worker's own (secrets, keys) and a database of keys of its own.

    They name no service database: take `service_database` for that.
    """
    home = tmp_path_factory.mktemp("home")
    worker_home(instances.home, home)
    base = keys_copy(worker)
    databases.copy(base, template="tukiverkko_keys")
    return with_keys(replace(instances.settings(), home=home), base.name, SERVICES)


@pytest.fixture
def service_database(
    settings: Settings, databases: Databases, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Settings]]:
    """`service_database("referrals")` → settings with a fresh migrated database; call again with `into=` to add one.

    At the end every event that the test wrote is held against the committed schemas, but for tests marked `odd_events`.
    """
    before = list(databases.made)

    def make(service: str, *, into: Settings | None = None) -> Settings:
        return Databases(into or settings, databases.worker, databases.made).fresh(service)

    yield make
    odd = request.node.get_closest_marker("odd_events") is not None
    databases.drop([name for name in databases.made if name not in before], checked=not odd)


@pytest.fixture
def vhost(settings: Settings) -> Iterator[Settings]:
    """Settings with a virtual host of this test's own, with users, permissions, exchanges and queues."""
    own = replace(settings, vhost=f"test-{uuid4().hex[:12]}")
    broker.make_vhost(own, with_users=False)
    yield own
    broker.drop_vhost(own)


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    """The whole network of real processes, started once for all tests that ask for it."""
    running = start(new_settings())
    yield running
    try:
        check_network(running.settings)
    finally:
        discard(running)


@pytest.fixture(scope="session")
def demo(network: Network) -> Network:
    """The same network with the demo's directory and group in it."""
    seeded = network.command("demo", "--seed-only")
    assert seeded.returncode == 0, seeded.stderr
    return network
