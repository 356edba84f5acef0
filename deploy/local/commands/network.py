"""Commands that start, stop and show a network: up, down, status, logs, migrate."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click

from chassis.settings import SERVICES, Settings
from deploy.local import packages, state
from deploy.local.commands.screen import follow, say, status_table
from deploy.local.faults import LocalFault
from deploy.local.folders import prepare_home
from deploy.local.program import last_lines
from deploy.local.supervise import Supervisor

DETACH_SECONDS = 150.0
DOWN_SECONDS = 20.0


@click.command()
@click.option("--detach", is_flag=True, help="Return as soon as the network serves; `tukiverkko down` ends it.")
@click.option("--demo", is_flag=True, help="Run the demo as soon as the network serves, then leave it running.")
def up(*, detach: bool, demo: bool) -> None:
    """Start database, broker, services, gateway and relay; keep them running until Ctrl-C.

    \b
    Example:
      TUKIVERKKO_PORT=8180 TUKIVERKKO_HOME=.local-2 tukiverkko up --detach
    """
    settings = Settings.load()
    if detach:
        _detach(settings)
        return
    packages.ensure(settings, say)
    with contextlib.ExitStack() as stack:
        Supervisor(settings, say).run(lambda: _begin_demo(settings, stack) if demo else None)


@click.command()
def down() -> None:
    """Stop the network of this home, all of it, within 15 seconds.

    \b
    Example:
      tukiverkko down
    """
    home = Settings.load().home
    found = state.read(home)
    if found is None:
        say(f"Nothing runs in {home}.")
        return
    if found.supervisor.alive:
        os.kill(found.supervisor.pid, signal.SIGTERM)
        deadline = time.monotonic() + DOWN_SECONDS
        while found.supervisor.alive:
            if time.monotonic() > deadline:  # it does not listen, or was stopped by Ctrl-Z
                with contextlib.suppress(ProcessLookupError):
                    os.kill(found.supervisor.pid, signal.SIGKILL)
            time.sleep(0.05)
    state.end_orphans(home)
    state.path_of(home).unlink(missing_ok=True)
    say("Stopped.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object.")
def status(*, as_json: bool) -> None:
    """Show every process, the database, the broker, what waits in the outboxes, what is parked.

    Exit code 0 when all serve, 1 when nothing runs or something is down.

    \b
    Example:
      tukiverkko status --json
    """
    from deploy.local.commands.figures import figures

    settings = Settings.load()
    found = state.read(settings.home)
    running = found is not None and found.supervisor.alive
    lines = list(found.processes.values()) if found and running else []
    measured = figures(settings) if running else {}
    phase = found.phase if found and running else "stopped"
    if as_json:
        rows = [{**asdict(line), "alive": line.alive} for line in lines]
        place = {"phase": phase, "home": str(settings.home), "port": settings.port}
        click.echo(json.dumps({**place, "processes": rows, **measured}))
    else:
        status_table(settings, phase, lines, measured)
    if phase != "running" or not all(line.ready and line.alive for line in lines):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("name")
@click.option("-f", "--follow", "keep", is_flag=True, help="Go on printing what is written.")
@click.option("-n", "--lines", default=40, show_default=True, help="How many lines from the end.")
def logs(name: str, *, keep: bool, lines: int) -> None:
    """Print the log of one process.

    There are gateway, directory, referrals, groups, access, subscriptions, relay, sender, postgres, rabbitmq and epmd;
    with `up --detach` also supervisor.

    \b
    Example:
      tukiverkko logs referrals -f
    """
    folder = Settings.load().home / "logs"
    path = folder / f"{name}.log"
    if not path.exists():
        names = ", ".join(sorted(found.stem for found in folder.glob("*.log"))) or "none yet"
        message = f"There is no log of {name!r} in {folder}; there are: {names}."
        raise LocalFault(message)
    click.echo(last_lines(path, lines))
    if keep:
        follow(path)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would be applied.")
@click.option(
    "--service", "services", multiple=True, type=click.Choice(SERVICES), help="Only this service; may be repeated."
)
def migrate(*, dry_run: bool, services: tuple[str, ...]) -> None:
    """Bring the databases of a running PostgreSQL to the state this code needs (`up` does it by itself).

    \b
    Example:
      tukiverkko migrate --dry-run
    """
    import psycopg

    from chassis import migrate as migrations

    try:
        done = migrations.migrate(Settings.load(), services or SERVICES, dry_run=dry_run)
    except (migrations.MigrationError, psycopg.Error) as error:
        raise LocalFault(str(error).strip().splitlines()[0]) from error
    for name in done:
        click.echo(f"{'would apply' if dry_run else 'applied'} {name}")
    say(f"{len(done)} migrations {'to apply' if dry_run else 'applied'}.")


def _detach(settings: Settings) -> None:
    prepare_home(settings.home)
    path = settings.home / "logs" / "supervisor.log"
    place = path.stat().st_size if path.exists() else 0
    with path.open("ab") as log:
        process = subprocess.Popen(
            (sys.executable, "-m", "deploy.local.cli", "up"),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=Path(__file__).parents[3],
            env={**os.environ, "TUKIVERKKO_HOME": str(settings.home), "PYTHONUNBUFFERED": "1"},
        )
    deadline = time.monotonic() + DETACH_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        found = state.read(settings.home)
        if found and found.supervisor.pid == process.pid and found.phase == "running":
            click.echo(_since(path, place), nl=False)
            return
        time.sleep(0.1)
    raise LocalFault(_since(path, place).strip().rpartition("tukiverkko: ")[2])


def _since(path: Path, place: int) -> str:
    with path.open("rb") as file:
        file.seek(place)
        return file.read().decode("utf-8", "replace")


def _begin_demo(settings: Settings, stack: contextlib.ExitStack) -> None:
    # a process of its own: the supervisor must stay free to restart what ends and to hear Ctrl-C
    process = subprocess.Popen(
        (sys.executable, "-m", "deploy.local.cli", "demo"),
        cwd=Path(__file__).parents[3],
        env={**os.environ, "TUKIVERKKO_HOME": str(settings.home)},
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)


COMMANDS = (up, down, status, logs, migrate)
