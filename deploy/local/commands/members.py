"""Commands about the people of an organisation: invite, list, disable; so the first administrators come in."""

from __future__ import annotations

import click

from chassis.settings import Settings
from deploy.local.commands.rooms import database
from deploy.local.commands.screen import say


@click.group()
def member() -> None:
    """People who act for an organisation.

    \b
    Example:
      tukiverkko member invite --org lt-kavkc --login someone@example.org --role org_admin
    """


ORG = click.option("--org", "org_key", required=True, help="Key of the organisation.")
LOGIN = click.option("--login", required=True, help="What the person signs in with, such as a mail address.")


@member.command("invite")
@ORG
@LOGIN
@click.option("--role", "roles", multiple=True, required=True, help="A role, for example org_admin; may be repeated.")
@click.option("--unit", "units", multiple=True, help="Key of a unit that the person belongs to; may be repeated.")
@click.option("--name", help="The person's name; without one the login is shown.")
def member_invite(org_key: str, login: str, roles: tuple[str, ...], units: tuple[str, ...], name: str | None) -> None:
    """Invite a person; the link is shown once, works once and ends after seven days.

    \b
    Example:
      tukiverkko member invite --org lt-kavkc --login someone@example.org --role org_admin
    """
    from services.access.usecases import invitations

    settings = Settings.load()
    with database(settings, "access") as db:
        made = invitations.invite_on_machine(db, org_key=org_key, login=login, name=name, wanted=roles, units=units)
    # Behind the # nothing of an address is sent to a server or written into its log.
    say(f"link     {settings.public_url}/invitation#{made.token}")
    say(f"token    {made.token}")
    say(f"expires  {made.expires_at.isoformat(timespec='minutes')}")


@member.command("list")
@ORG
def member_list(org_key: str) -> None:
    """Show the members of an organisation: login, status, roles, units.

    \b
    Example:
      tukiverkko member list --org lt-kavkc
    """
    from services.access.usecases import members

    with database(Settings.load(), "access") as db:
        for each in members.list_on_machine(db, org_key=org_key):
            units = f"  units: {', '.join(each['units'])}" if each["units"] else ""
            say(f"{each['login']}  {each['status']}  {', '.join(each['roles'])}{units}")


@member.command("disable")
@ORG
@LOGIN
def member_disable(org_key: str, login: str) -> None:
    """Take a person's access; open sessions end at once.

    \b
    Example:
      tukiverkko member disable --org lt-kavkc --login someone@example.org
    """
    from services.access.usecases import members

    with database(Settings.load(), "access") as db:
        members.disable_on_machine(db, org_key=org_key, login=login)
    say(f"{login} is no member of {org_key} any more.")


COMMANDS = (member,)
