"""Commands about organisations and their rights: token, import, grant, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chassis.settings import Settings
from deploy.local.commands.screen import say
from deploy.local.faults import LocalFault

if TYPE_CHECKING:
    from services.directory.rules.report import Report
    from services.subscriptions.usecases.grants import Grant


LANGUAGES = ("en", "lt", "lv", "et", "fi", "sv", "nb", "ru")


@click.command()
@click.option("--org", "org_key", required=True, help="Key of the organisation the token acts for.")
@click.option("--scope", "scopes", multiple=True, help="A role, for example sender_client; may be repeated.")
def token(org_key: str, scopes: tuple[str, ...]) -> None:
    """Issue an access token for development and print it.

    \b
    Example:
      curl -H "Authorization: Bearer $(tukiverkko token --org lt-kavkc)" http://127.0.0.1:8080/referrals
    """
    from deploy.local.commands.token import issue

    click.echo(issue(Settings.load(), org_key, scopes))


@click.group("import")
def import_group() -> None:
    """Read files of others into the network.

    \b
    Example:
      tukiverkko import organisations organisations.json --dry-run
    """


@import_group.command("organisations")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every row and tell what would change.")
def import_organisations(file: Path, *, dry_run: bool) -> None:
    """Import organisations and their services; a second import of the same file changes nothing.

    \b
    Example:
      tukiverkko import organisations organisations.json --dry-run
    """
    if not file.is_file():
        message = f"There is no file {file}."
        raise LocalFault(message)
    from deploy.local.commands.rooms import database
    from services.directory.usecases import importing

    with database(Settings.load(), "directory") as db:
        _show(importing.import_file(db, file, dry_run=dry_run))


@import_group.command("tables")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--mapping", "mapping", type=click.Path(path_type=Path), required=True, help="Which column is what.")
@click.option("--dry-run", is_flag=True, help="Check every row and tell what would change.")
def import_tables(folder: Path, *, mapping: Path, dry_run: bool) -> None:
    """Import a folder of CSV files of another directory through a mapping; docs/mappings has one to begin with.

    \b
    Example:
      tukiverkko import tables sample-csv --mapping docs/mappings/ohana.json --dry-run
    """
    if not folder.is_dir():
        message = f"There is no folder {folder}."
        raise LocalFault(message)
    from deploy.local.commands.rooms import database
    from services.directory.usecases import tables

    with database(Settings.load(), "directory") as db:
        _show(tables.import_tables(db, folder, mapping, dry_run=dry_run))


@import_group.command("hsds")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every object and tell what would change.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The language of its texts."
)
@click.option("--country", metavar="CODE", help="Where things lie that do not say it, such as LT.")
def import_hsds(file: Path, *, dry_run: bool, language: str, country: str | None) -> None:
    """Import a file of HSDS 3.0 in JSON: a list, a page, one object, or services and organizations together.

    \b
    Example:
      tukiverkko import hsds directory-hsds.json --dry-run
    """
    if not file.is_file():
        message = f"There is no file {file}."
        raise LocalFault(message)
    from deploy.local.commands.rooms import database
    from services.directory.usecases import importing_hsds

    with database(Settings.load(), "directory") as db:
        _show(importing_hsds.import_hsds(db, file, dry_run=dry_run, language=language, country=country))


@import_group.command("demo")
def import_demo() -> None:
    """Import the project's own copy of the network, with what the demo invents, and approve its legal-basis templates.

    \b
    Example:
      tukiverkko import demo
    """
    from deploy.local.commands.rooms import database
    from deploy.local.demo.story import seed_templates
    from services.directory.usecases import importing

    settings = Settings.load()
    with database(settings, "directory") as db:
        _show(importing.import_demo(db))
    seed_templates(settings)


@click.group()
def grant() -> None:
    """Rights of partner systems at the broker.

    \b
    Example:
      tukiverkko grant create --org lt-kavkc --name main
    """


ORG = click.option("--org", "org_key", required=True, help="Key of the organisation.")
NAME = click.option("--name", default="main", show_default=True, help="Name of the queue: partner.<org>.<name>.")


@grant.command("create")
@ORG
@NAME
def grant_create(org_key: str, name: str) -> None:
    """Make a queue and a broker user for one partner system; the password is shown once.

    \b
    Example:
      tukiverkko grant create --org lt-kavkc --name main
    """
    from deploy.local.commands.rooms import database
    from services.subscriptions.usecases import grants

    settings = Settings.load()
    with database(settings, "subscriptions") as db:
        _show_grant(grants.create_grant(db, settings, org_key=org_key, name=name))


@grant.command("rotate")
@ORG
@NAME
def grant_rotate(org_key: str, name: str) -> None:
    """Give a partner system another password, shown once; queue and messages stay, its connections end.

    \b
    Example:
      tukiverkko grant rotate --org lt-kavkc --name main
    """
    from deploy.local.commands.rooms import database
    from services.subscriptions.usecases import grants

    settings = Settings.load()
    with database(settings, "subscriptions") as db:
        _show_grant(grants.rotate_grant(db, settings, org_key=org_key, name=name))


@grant.command("revoke")
@ORG
@NAME
def grant_revoke(org_key: str, name: str) -> None:
    """End what a partner system was given: its connections, its broker user, and its queue with what waits in it.

    \b
    Example:
      tukiverkko grant revoke --org lt-kavkc --name main
    """
    from deploy.local.commands.rooms import database
    from services.subscriptions.usecases import grants

    settings = Settings.load()
    with database(settings, "subscriptions") as db:
        grants.revoke_grant(db, settings, org_key=org_key, name=name)
    say(f"Grant {name} of {org_key} is revoked; its queue is gone.")


@click.command()
@click.option("--seed-only", is_flag=True, help="Import the demo's directory, open its group, and play nothing.")
def demo(*, seed_only: bool) -> None:
    """Show a police referral to a crisis centre and a sign-up for a group, and their events at a subscriber.

    \b
    Example:
      tukiverkko demo
    """
    from deploy.local.demo import run, seed

    (seed if seed_only else run)(Settings.load(), say)


def _show_grant(made: Grant) -> None:
    say(f"queue    {made.queue}")
    say(f"user     {made.user}")
    say(f"streams  {', '.join(made.streams)}")
    say(f"address  {made.amqp_url}")


def _show(report: Report) -> None:
    for line in report.lines():
        say(line)
    if not report.ok:
        raise click.exceptions.Exit(1)


COMMANDS = (token, import_group, grant, demo)
