"""The commands by which the first administrators come in and leavers go."""

from __future__ import annotations

import re

from click.testing import CliRunner, Result

from chassis.db import Database
from chassis.settings import Settings
from deploy.local.cli import main
from services.access.usecases import invitations
from tests.integration.people_rig import access, database
from tests.support.people import KEY, LOGIN, PASSWORD, ask

__all__ = ["access", "database"]


def run(settings: Settings, *arguments: str) -> Result:
    told = {**(settings.environment or {}), "TUKIVERKKO_HOME": str(settings.home)}
    return CliRunner().invoke(main, ["member", *arguments], env=told)


def test_a_person_is_invited_listed_and_disabled(access: Settings, database: Database) -> None:
    who = ("--org", KEY, "--login", LOGIN)
    invited = run(access, "invite", *who, "--role", "org_admin", "--role", "network_admin", "--unit", "evening")
    assert invited.exit_code == 0, invited.output
    (token,) = re.findall(r"^token +(\S+)$", invited.output, re.MULTILINE)
    assert re.search(rf"^link +http\S+/invitation#{token}$", invited.output, re.MULTILINE)
    assert invitations.accept(database, ask({"token": token, "password": PASSWORD})).value["otpauth_uri"]
    listed = run(access, "list", "--org", KEY)
    assert listed.output == f"{LOGIN}  invited  network_admin, org_admin  units: evening\n"
    assert run(access, "disable", *who).exit_code == 0
    again = run(access, "disable", *who)
    assert (again.exit_code, "disabled already" in again.output) == (1, True)
    unknown = run(access, "invite", "--org", "lt-kavk", "--login", LOGIN, "--role", "org_admin")
    assert (unknown.exit_code, f"The nearest: {KEY}" in unknown.output) == (1, True)
    system = run(access, "invite", *who, "--role", "sender_client")
    assert (system.exit_code, "Traceback" in system.output) == (1, False)
