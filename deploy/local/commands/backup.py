"""Commands that keep a network and bring it back: backup, restore."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from chassis.settings import Settings
from deploy.local.commands.screen import say

FOLDER = click.Path(path_type=Path)
KEYS_OPTION = click.option("--keys", type=FOLDER, help="Another place for the backup of the keys (default: in DIR).")


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@KEYS_OPTION
@click.option("--with-secrets", "secrets", type=FOLDER, help="Copy the secrets as well, to this place apart.")
@click.option("--keep-days", default=35, show_default=True, type=click.IntRange(1, 3650), help="Age of cases; keys: 7.")
@click.option("--log-only", is_flag=True, help="Only bring what was written until now into an existing backup.")
def backup(folder: Path, *, keys: Path | None, secrets: Path | None, keep_days: int, log_only: bool) -> None:
    """Back up the running network into DIR; from then on its log goes there by itself, at least once a minute.

    Run it every day: that also removes what is too old. The secrets are not part of it unless asked for.

    \b
    Example:
      tukiverkko backup /backup/tukiverkko --keys /elsewhere/tukiverkko-keys
    """
    from deploy.local import apart, archive
    from deploy.local import backup as backing

    settings = Settings.load()
    shelves = archive.shelves(folder.absolute(), keys.absolute() if keys else None)
    with _progress() as tell:
        if log_only:
            backing.archive_log(settings, shelves, tell)
        else:
            backing.back_up(settings, shelves, tell, case_days=keep_days)
    if secrets:
        apart.copy_secrets(settings, secrets.absolute(), shelves)
    say(f"Backed up to {folder}" + (f", keys to {keys}." if keys else "."))
    if not secrets and not log_only:
        say("The secrets are not in it; without a copy of them, kept elsewhere, nobody can read it.")


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@KEYS_OPTION
@click.option("--secrets", required=True, type=FOLDER, help="The place that `backup --with-secrets` wrote, or a home.")
def restore(folder: Path, *, keys: Path | None, secrets: Path) -> None:
    """Make a new home (TUKIVERKKO_HOME) from the backup in DIR; `tukiverkko up` starts it afterwards.

    Everything is checked before the home is made. It reaches to the newest archived piece of the log.

    \b
    Example:
      TUKIVERKKO_HOME=.local-new tukiverkko restore /backup/tukiverkko --secrets /safe/tukiverkko-secrets
    """
    from deploy.local import archive
    from deploy.local import restore as restoring

    settings = Settings.load()
    shelves = archive.shelves(folder.absolute(), keys.absolute() if keys else None)
    with _progress() as tell:
        done = restoring.restore(settings, shelves, secrets.absolute(), tell)
    say(
        f"Restored into {settings.home}: cases up to {done.cases_until:%Y-%m-%d %H:%M:%S}Z, keys up to "
        f"{done.keys_until:%Y-%m-%d %H:%M:%S}Z."
    )
    if done.without_key:
        say(f"{done.without_key} records have no key: they were erased, or written after the keys end.")
    if done.erased_again:
        say(f"{done.erased_again} records that were erased since that moment were erased again.")
    say("Start it with `tukiverkko up`, then tell the events again: `tukiverkko republish --since 1d` (runbook).")


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True)
    ) as shown:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, share: float) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=1.0)
            shown.update(tasks[what], completed=share)

        yield tell
        for task in shown.task_ids:
            shown.update(task, completed=1.0)


COMMANDS = (backup, restore)
