"""A private RabbitMQ for one network, with an epmd of its own; nothing listens outside the loopback."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import amqp

from chassis.settings import Settings, ensure_secret
from deploy.local.faults import LocalFault
from deploy.local.program import Program

ADMIN = "admin"
NODE_FOLDER = "rabbitmq"
HANDSHAKE_SECONDS = 3.0
PLACES = ("/usr/lib/rabbitmq/lib", "/opt", "/usr/local/lib", "/opt/homebrew/opt/rabbitmq/libexec")


def find_server(env: dict[str, str] | None = None) -> Path | None:
    """The inner start script; the wrapper in /usr/sbin insists on an account and drops the environment."""
    given = (env or dict(os.environ)).get("TUKIVERKKO_RABBITMQ_SERVER")
    if given:
        return Path(given) if Path(given).exists() else None
    for place in PLACES:
        found = sorted(Path(place).glob("rabbitmq_server-*/sbin/rabbitmq-server"))
        if found:
            return found[-1]
    return None


def find_epmd() -> Path | None:
    """Erlang's port mapper: on PATH, else inside the Erlang installation."""
    found = shutil.which("epmd")
    inside = sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))
    return Path(found) if found else (inside[-1] if inside else None)


def prepare(settings: Settings) -> Path:
    """Write the node's folder: cookie, configuration, plugins. Returns the start script."""
    server = find_server(dict(settings.environment or os.environ))
    if server is None or find_epmd() is None:
        message = "RabbitMQ is not installed (package rabbitmq-server)."
        raise LocalFault(message)
    for name in ("erlang_cookie", "amqp_admin"):
        ensure_secret(settings.home, name)
    folder = settings.home / NODE_FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _write(folder / ".erlang.cookie", settings.secret("erlang_cookie"), 0o400)
        _write(folder / "rabbitmq.conf", _configuration(settings), 0o600)
        _write(folder / "enabled_plugins", "[rabbitmq_management].\n", 0o600)
        _write(folder / "advanced.config", "[].\n", 0o600)
        _write(folder / "env.conf", "", 0o600)
    except OSError as error:
        message = f"The broker's folder {folder} cannot be written: {error.strerror}."
        raise LocalFault(message) from error
    return server


def epmd_program(settings: Settings) -> Program:
    """Our own port mapper in the foreground; it would otherwise outlive the node, and serve strangers."""
    port = settings.amqp_port + 3
    return Program(
        name="epmd",
        command=(str(find_epmd()), "-port", str(port), "-address", "127.0.0.1"),
        log=settings.home / "logs" / "epmd.log",
        ready=lambda: _listens(port),
        env=_environment(settings),
        folder=settings.home / NODE_FOLDER,
        stop_seconds=2,
        port=port,
    )


def program(settings: Settings, server: Path) -> Program:
    """How the launcher runs the broker."""
    return Program(
        name="rabbitmq",
        command=("nice", "-n", "10", str(server)),  # events wait for requests, see network.py
        log=settings.home / "logs" / "rabbitmq.log",
        ready=lambda: answers(settings),
        env=_environment(settings),
        folder=settings.home / NODE_FOLDER,
        stop_seconds=9,
        port=settings.amqp_port,
    )


def answers(settings: Settings) -> bool:
    """Whether a real AMQP handshake succeeds: the port opens long before the broker serves."""
    connection = amqp.Connection(
        host=f"{settings.amqp_host}:{settings.amqp_port}",
        userid=ADMIN,
        password=settings.secret("amqp_admin"),
        virtual_host=settings.vhost,
        connect_timeout=HANDSHAKE_SECONDS,
        read_timeout=HANDSHAKE_SECONDS,
        write_timeout=HANDSHAKE_SECONDS,
    )
    try:
        connection.connect()
        connection.close()  # the read timeout bounds the farewell too
    except (OSError, amqp.AMQPError):
        return False
    finally:
        connection.collect()
    return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _write(path: Path, text: str, mode: int) -> None:
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
    temporary.rename(path)


def _configuration(settings: Settings) -> str:
    lines = {
        "listeners.tcp.local": f"127.0.0.1:{settings.amqp_port}",
        "management.tcp.ip": "127.0.0.1",
        "management.tcp.port": str(settings.amqp_port + 1),
        "default_vhost": settings.vhost,
        "default_user": ADMIN,
        "default_pass": settings.secret("amqp_admin"),
        "default_user_tags.administrator": "true",
        "loopback_users.guest": "true",
        "log.console": "true",
        "log.console.level": "warning",
        "log.file": "false",
        "disk_free_limit.absolute": "100MB",
        "vm_memory_high_watermark.absolute": "1GB",
        "raft.wal_max_size_bytes": "32000000",
        "collect_statistics_interval": "5000",
        "heartbeat": "20",
    }
    return "".join(f"{name} = {value}\n" for name, value in lines.items())


def _environment(settings: Settings) -> dict[str, str]:
    folder = settings.home / NODE_FOLDER
    port = settings.amqp_port
    loopback = "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false"
    return {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(port + 3),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"tukiverkko{settings.port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(port + 2),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(settings.home / "logs"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback,
        "RABBITMQ_SERVER_START_ARGS": "+B i",
        "RABBITMQ_LOG": "-color",
        "detached": "true",  # makes the script exec the node, so that the pid we know is the node's own
        "ERL_CRASH_DUMP_SECONDS": "0",
    }
