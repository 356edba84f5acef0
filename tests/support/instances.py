"""One private PostgreSQL and one private RabbitMQ for a whole test session, started and ended by its first process."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from chassis.migrate import migrate
from chassis.settings import SERVICES, Settings
from deploy.local import broker, postgres, provision, rabbit
from deploy.local.folders import prepare_home
from deploy.local.program import Program, end, last_lines, spawn, wait_ready
from tests.support.ports import free_base

START_SECONDS = 60.0


@dataclass(frozen=True)
class Instances:
    """Where the session's instances are; `home` holds the secrets of their roles and users."""

    home: Path
    port: int

    def settings(self) -> Settings:
        """Settings of the session's own home; its databases are the migrated templates: never connect to them."""
        told = {"TUKIVERKKO_HOME": str(self.home), "TUKIVERKKO_PORT": str(self.port)}
        return Settings.load({**told, "TUKIVERKKO_KEYS_PORT": str(self.port + 10)})  # one PostgreSQL for both


class Session:
    """Starts the instances in a thread that lives as long as they do: they end when it ends, kill -9 included."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to start, once; workers learn of the result through `wait_for`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="instances")
            self._thread.start()

    def stop(self) -> None:
        """End the instances and remove all they wrote."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self) -> None:
        with contextlib.ExitStack() as stack:
            try:
                instances = self._begin(stack)
                told = {"home": str(instances.home), "port": instances.port}
            except BaseException:  # noqa: BLE001  the tests must fail with the reason, not wait for it
                told = {"fault": traceback.format_exc()}
            _write(self.folder / "instances.json", told)
            self._stop.wait()

    def _begin(self, stack: contextlib.ExitStack) -> Instances:
        instances = Instances(self.folder / "home", free_base())
        settings = instances.settings()
        prepare_home(settings.home)
        provision.make_secrets(settings)
        server = rabbit.program(settings, rabbit.prepare(settings))
        _start(stack, rabbit.epmd_program(settings))
        node = _spawn(stack, server)
        _start(stack, postgres.program(settings, postgres.prepare(settings), durable=False))
        provision.make_databases(settings)
        migrate(settings, SERVICES)
        _ready(server, node)
        broker.make_vhost(settings)
        return instances


def wait_for(folder: Path) -> Instances:
    """The session's instances as soon as they serve (called in workers); raises the reason when they never will."""
    deadline = time.monotonic() + START_SECONDS * 2
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            told = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
            if "fault" in told:
                raise RuntimeError(told["fault"])
            return Instances(Path(told["home"]), told["port"])
        time.sleep(0.05)
    message = "The test session's PostgreSQL and RabbitMQ did not start in time."
    raise RuntimeError(message)


def new_folder() -> Path:
    """A temporary folder that the database's account may walk into."""
    folder = Path(tempfile.mkdtemp(prefix="tukiverkko-test-"))
    folder.chmod(0o755)
    return folder


def _start(stack: contextlib.ExitStack, program: Program) -> None:
    _ready(program, _spawn(stack, program))


def _spawn(stack: contextlib.ExitStack, program: Program) -> subprocess.Popen[bytes]:
    process = spawn(program)
    # all is thrown away: only PostgreSQL, whose shared memory would stay behind, is asked politely
    stack.callback(end, program, process, None if program.name == "postgres" else 0.0)
    return process


def _ready(program: Program, process: subprocess.Popen[bytes]) -> None:
    if not wait_ready(program, process, START_SECONDS):
        message = f"{program.name} did not start:\n{last_lines(program.log)}"
        raise RuntimeError(message)


def _write(path: Path, told: dict[str, object]) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(told), encoding="utf-8")
    temporary.rename(path)
