"""Starts a whole network in order, keeps it running, and stops it in order; nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

from chassis.migrate import MigrationError, migrate
from chassis.settings import SERVICES, Settings
from deploy.local import broker, network, ports, provision, state
from deploy.local.faults import LocalFault
from deploy.local.folders import prepare_home
from deploy.local.program import last_lines, start_time
from deploy.local.pulse import Pulse
from deploy.local.state import Line, State
from deploy.local.watch import Watch, Watched

READY_SECONDS = 60.0
ROUND_SECONDS = 0.2
STORES = ("postgres", "keystore")
FOUNDATION = (*STORES, "rabbitmq", "epmd")
STOP_PROCESSES, STOP_FOUNDATION, STOP_EPMD = 6.0, 7.5, 1.0  # together below fifteen seconds


class Interrupted(Exception):
    """SIGTERM or Ctrl-C came while the network was starting."""


class Supervisor:
    """One network on this machine."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        """`say` takes one sentence at a time for the person who started it."""
        self.settings = settings
        self.say = say
        self.state = State(Line("supervisor", os.getpid(), start_time(os.getpid()) or 0, settings.port, ready=True))
        self.watch = Watch(say, self._write)
        self.stopping = False
        self.pulse = Pulse(settings)

    def run(self, when_ready: Callable[[], None] = lambda: None) -> None:
        """Start, call `when_ready` once, keep running until SIGTERM or Ctrl-C. Raises LocalFault when it cannot."""
        prepare_home(self.settings.home)
        with contextlib.closing(state.hold(self.settings.home)), self._signals():
            try:
                self._clear()
                self._start()
                when_ready()
                self._keep()
            except Interrupted:
                pass
            finally:
                self._stop()

    def _clear(self) -> None:
        earlier = state.read(self.settings.home)
        self.state.processes = earlier.processes if earlier else {}
        # from now on `down` finds us, and orphans stay known if we are killed
        state.write(self.settings.home, self.state)
        left = state.end_orphans(self.settings.home)
        self._write()
        if left:
            self.say(f"Ended what an earlier start left running: {', '.join(left)}.")
        ports.require_free(self.settings.port, network.ports_needed(self.settings))

    def _start(self) -> None:
        settings = self.settings
        begun = time.monotonic()
        provision.make_secrets(settings)
        self.say("Starting PostgreSQL and RabbitMQ.")
        foundation = [self.watch.add(program) for program in network.foundation(settings)]
        self._await([entry for entry in foundation if entry.program.name in STORES])
        provision.make_databases(settings)
        self._migrate()
        self.say("Starting services, gateway, relay and sender.")
        # none of them needs the broker to start
        own = [self.watch.add(program) for program in network.processes(settings)]
        self._await(foundation)
        broker.make_vhost(settings)
        self._await(own)
        self.pulse.start()
        self.state.phase = "running"
        self._write()
        self.say(f"The network serves at http://127.0.0.1:{settings.port} after {time.monotonic() - begun:.1f} s.")

    def _migrate(self) -> None:
        try:
            done = migrate(self.settings, SERVICES)
        except MigrationError as error:
            raise LocalFault(str(error)) from error
        if done:
            self.say(f"Applied {len(done)} migrations.")

    def _await(self, entries: list[Watched]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        waiting = [entry for entry in entries if not entry.line.ready]
        while waiting:
            self._heed()
            for entry in waiting:
                entry.line.ready = entry.program.ready()
                if not entry.line.ready and (entry.ended is not None or time.monotonic() > deadline):
                    raise LocalFault(_why(entry))
            waiting = [entry for entry in waiting if not entry.line.ready]
            time.sleep(0.05 if waiting else 0)
        self._write()

    def _keep(self) -> None:
        while not self.stopping:
            self.watch.look()
            time.sleep(ROUND_SECONDS)

    def _stop(self) -> None:
        self.state.phase = "stopping"
        own = [name for name in self.watch.watched if name not in FOUNDATION]
        if self.watch.watched:
            self.say("Stopping.")
        self.watch.stop(own, STOP_PROCESSES)
        self.pulse.stop()
        self.watch.stop(("rabbitmq", *STORES), STOP_FOUNDATION)
        self.watch.stop(("epmd",), STOP_EPMD)
        state.path_of(self.settings.home).unlink(missing_ok=True)

    def _heed(self) -> None:
        if self.stopping:
            raise Interrupted

    def _write(self) -> None:
        self.state.processes = {name: entry.line for name, entry in self.watch.watched.items()}
        try:
            state.write(self.settings.home, self.state)
        except OSError as error:  # a full disk must not end what still runs
            self.say(f"The state file could not be written: {error.strerror}.")

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def ask(_number: int, _frame: object) -> None:
            self.stopping = True

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _why(entry: Watched) -> str:
    log = entry.program.log
    return f"{entry.program.name} does not start; its log {log} ends with:\n{last_lines(log)}"
