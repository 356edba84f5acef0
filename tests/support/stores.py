"""The two stores of a network alone, as the launcher starts them: for tests that need no broker and no process."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from chassis.migrate import migrate
from chassis.settings import SERVICES, Settings
from deploy.local import postgres, provision, state
from deploy.local.folders import prepare_home
from deploy.local.postgres import CASES, KEYS
from deploy.local.program import Program, end, last_lines, spawn, wait_ready
from tests.support.ports import free_base

START_SECONDS = 60.0


def settings_at(home: Path) -> Settings:
    """Settings of a home with ports that nobody uses."""
    return Settings.load({"TUKIVERKKO_HOME": str(home), "TUKIVERKKO_PORT": str(free_base())})


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[None]:
    """Both stores, made and migrated where they are not yet; they end as the launcher ends them."""
    prepare_home(settings.home)
    provision.make_secrets(settings)
    with contextlib.closing(state.hold(settings.home)), contextlib.ExitStack() as stack:
        for store in (CASES, KEYS):
            program = postgres.program(settings, postgres.prepare(settings, store))
            process = spawn(program)
            stack.callback(_end, program, process)
            assert wait_ready(program, process, START_SECONDS), last_lines(program.log)
        provision.make_databases(settings)
        migrate(settings, SERVICES)
        yield


def _end(program: Program, process: subprocess.Popen[bytes]) -> None:
    end(program, process)
