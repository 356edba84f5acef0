"""What must be on the machine: PostgreSQL and RabbitMQ; installed from the distribution where we may, and said so."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from chassis.settings import Settings
from deploy.local import postgres, rabbit
from deploy.local.faults import LocalFault
from deploy.local.network import has_own_postgres, has_own_rabbit

INSTALL_SECONDS = 900
POLICY = Path("/usr/sbin/policy-rc.d")
POSTGRES_POLICY = Path("/etc/postgresql-common/createcluster.conf")
APT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
GUARD = "#!/bin/sh\n# made by tukiverkko for one installation: no service may start by itself\nexit 101\n"


def ensure(settings: Settings, say: Callable[[str], None]) -> None:
    """Have the packages of what the launcher must run itself. Raises LocalFault when it may not install them."""
    missing = missing_packages(settings)
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LocalFault(_ask_for(missing))
    say(f"Installing {' and '.join(missing)} with apt-get (once; no system service is started).")
    with no_service_starts():
        _apt("update", missing)
        _apt("install", missing, "-y", "--no-install-recommends", *missing)
    if missing_packages(settings):
        raise LocalFault(_ask_for(missing))


def missing_packages(settings: Settings) -> list[str]:
    """The packages that the launcher needs and does not find."""
    env = dict(settings.environment or os.environ)
    missing = []
    if has_own_postgres(settings) and postgres.find_binaries(env) is None:
        missing.append("postgresql")
    if has_own_rabbit(settings) and (rabbit.find_server(env) is None or rabbit.find_epmd() is None):
        missing.append("rabbitmq-server")
    return missing


@contextlib.contextmanager
def no_service_starts(policy: Path = POLICY, clusters: Path = POSTGRES_POLICY) -> Iterator[None]:
    """Keep the installation from starting a system instance; what was there before is there afterwards."""
    wanted = ((policy, GUARD), (clusters, "create_main_cluster = false\n"))
    written = [path for path, text in wanted if _place(path, text)]
    try:
        yield
    finally:
        for path in written:
            path.unlink(missing_ok=True)


def _place(path: Path, text: str) -> bool:
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")
    path.chmod(0o755)
    return True


def _apt(verb: str, missing: list[str], *arguments: str) -> None:
    command = ("apt-get", "-q", verb, *arguments)
    try:
        ran = subprocess.run(
            command, env={**os.environ, **APT}, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LocalFault(_ask_for(missing)) from error
    if ran.returncode and verb == "install":
        lines = [line for line in (ran.stderr or ran.stdout).splitlines() if line.strip()] or ["no reason given"]
        message = f"apt-get could not install {' and '.join(missing)}: {lines[-1]}"
        raise LocalFault(message)


def _ask_for(missing: list[str]) -> str:
    return (
        f"Not found on this machine: {' and '.join(missing)}; install the Debian packages postgresql and "
        "rabbitmq-server, or run the network in containers with compose.yaml."
    )


def main() -> None:
    """`python -m deploy.local.packages`: have the packages, without starting a network."""
    try:
        ensure(Settings.load(), print)
    except LocalFault as fault:
        sys.exit(f"tukiverkko: {fault}")


if __name__ == "__main__":
    main()
