"""Settings of one process: read once from the environment, checked, and passed on; secrets come from files.

Every setting has a default, so that a new one never stops an old deployment. Ports of a network on one machine are
derived from the gateway's port, so that two networks run side by side by changing TUKIVERKKO_PORT and TUKIVERKKO_HOME.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from chassis import addresses, mailing, strength
from chassis.addresses import Backend, SettingsError
from chassis.mailing import MailSettings

__all__ = ["KEYS_DATABASE", "SERVICES", "MailSettings", "Settings", "SettingsError", "ensure_secret"]

SERVICES = ("directory", "referrals", "groups", "access", "subscriptions")
"""Every service in the order of its port; each has a database and a broker user of its own."""

KEYS_DATABASE = "tukiverkko_keys"
"""The database of wrapped data keys (access-and-privacy.md section 4)."""

HIGHEST_PORT = 32767  # ports from 32768 on are given to outgoing connections (architecture.md trap 14)
PORTS_USED = 40


@dataclass(frozen=True)
class Settings:
    """All that a process is told from outside.

    `port` is the gateway's; services follow at port+1..5, PostgreSQL at +10, AMQP +11, management +12, distribution
    +13, epmd +14, the PostgreSQL of keys +15, the health pages of relay and sender at +20 and
    +21. `profile` is "development" or
    "production". `postgres_ca` and `amqp_ca` are files of certificates; naming one means TLS with all checks.
    `scanner` is the clamd that looks at files: tcp://host:port or unix:///path, empty for none.
    """

    home: Path
    port: int = 8080
    host: str = "127.0.0.1"
    profile: str = "development"
    postgres_host: str = "127.0.0.1"
    postgres_port: int = 8090
    keys_host: str = "127.0.0.1"
    keys_port: int = 8095
    postgres_ca: str | None = None
    amqp_ca: str | None = None
    amqp_host: str = "127.0.0.1"
    amqp_port: int = 8091
    management_url: str = "http://127.0.0.1:8092"
    vhost: str = "tukiverkko"
    log_level: str = "INFO"
    pool_size: int = 12
    workers: int = 40
    ask_after_seconds: int = 30
    outbox_days: int = 7
    journal_days: int = 30
    confirm_days: int = 90
    trusted_proxies: int = 0
    caller_per_minute: int = 30_000
    network_per_minute: int = 12_000
    failures_per_minute: int = 60
    scanner: str = ""
    environment: Mapping[str, str] | None = None

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read TUKIVERKKO_* from `env` (default: the process's own). Raises SettingsError."""
        env = dict(os.environ if env is None else env)
        port = _number(env, "TUKIVERKKO_PORT", 8080, 1, HIGHEST_PORT - PORTS_USED)
        postgres_host = env.get("TUKIVERKKO_POSTGRES_HOST", "127.0.0.1")
        postgres_port = _number(env, "TUKIVERKKO_POSTGRES_PORT", port + 10, 1, 65535)
        # whoever brings a PostgreSQL has the keys there as well, unless another is named for them
        given = env.get("TUKIVERKKO_POSTGRES_HOST") or env.get("TUKIVERKKO_POSTGRES_PORT")
        loaded = cls(
            home=Path(env.get("TUKIVERKKO_HOME") or ".local").absolute(),
            port=port,
            host=env.get("TUKIVERKKO_HOST", "127.0.0.1"),
            profile=_choice(env, "TUKIVERKKO_PROFILE", ("development", "production")),
            postgres_host=postgres_host,
            postgres_port=postgres_port,
            keys_host=env.get("TUKIVERKKO_KEYS_HOST", postgres_host),
            keys_port=_number(env, "TUKIVERKKO_KEYS_PORT", postgres_port if given else port + 15, 1, 65535),
            postgres_ca=env.get("TUKIVERKKO_POSTGRES_CA") or None,
            amqp_ca=env.get("TUKIVERKKO_AMQP_CA") or None,
            amqp_host=env.get("TUKIVERKKO_AMQP_HOST", "127.0.0.1"),
            amqp_port=_number(env, "TUKIVERKKO_AMQP_PORT", port + 11, 1, 65535),
            management_url=env.get("TUKIVERKKO_MANAGEMENT_URL", f"http://127.0.0.1:{port + 12}"),
            vhost=env.get("TUKIVERKKO_VHOST", "tukiverkko"),
            log_level=env.get("TUKIVERKKO_LOG_LEVEL", "INFO"),
            pool_size=_number(env, "TUKIVERKKO_POOL_SIZE", 12, 1, 200),
            workers=_number(env, "TUKIVERKKO_WORKERS", 40, 1, 1000),
            ask_after_seconds=_number(env, "TUKIVERKKO_ASK_AFTER_SECONDS", 30, 1, 86_400),
            outbox_days=_number(env, "TUKIVERKKO_OUTBOX_DAYS", 7, 1, 3650),
            journal_days=_number(env, "TUKIVERKKO_JOURNAL_DAYS", 30, 1, 3650),
            confirm_days=_number(env, "TUKIVERKKO_CONFIRM_DAYS", 90, 0, 3650),
            trusted_proxies=_number(env, "TUKIVERKKO_TRUSTED_PROXIES", 0, 0, 10),
            caller_per_minute=_number(env, "TUKIVERKKO_CALLER_PER_MINUTE", 30_000, 1, 10_000_000),
            network_per_minute=_number(env, "TUKIVERKKO_NETWORK_PER_MINUTE", 12_000, 1, 10_000_000),
            failures_per_minute=_number(env, "TUKIVERKKO_FAILURES_PER_MINUTE", 60, 1, 10_000_000),
            scanner=env.get("TUKIVERKKO_SCANNER", ""),
            environment=env,
        )
        server = loaded.mail.server
        backends = (*loaded.backends, *((mailing.backend_of(server),) if server else ()))
        addresses.require_safe(env, loaded.profile, backends)
        return loaded

    @property
    def mail(self) -> MailSettings:
        """How mail leaves. Raises SettingsError."""
        env = self.environment or {}
        return mailing.mail_settings(env, profile=self.profile, home=self.home, gateway=self.public_url)

    @property
    def backends(self) -> tuple[Backend, ...]:
        """Where database, keys, broker and the broker's management are, and whether the way there is by TLS."""
        return (
            Backend("PostgreSQL", self.postgres_host, "TUKIVERKKO_POSTGRES_CA", tls=self.postgres_ca is not None),
            Backend(
                "the PostgreSQL of keys", self.keys_host, "TUKIVERKKO_POSTGRES_CA", tls=self.postgres_ca is not None
            ),
            Backend("RabbitMQ", self.amqp_host, "TUKIVERKKO_AMQP_CA", tls=self.amqp_ca is not None),
            addresses.of_url("the broker's management", self.management_url, "TUKIVERKKO_MANAGEMENT_URL"),
        )

    @property
    def public_url(self) -> str:
        """Where clients reach the gateway: TUKIVERKKO_PUBLIC_URL, or this machine's own address."""
        given = (self.environment or {}).get("TUKIVERKKO_PUBLIC_URL")
        return given.rstrip("/") if given else f"http://{self.host}:{self.port}"

    def url_of(self, service: str) -> str:
        """Base address of a service's HTTP door, for example http://127.0.0.1:8082."""
        given = (self.environment or {}).get(f"TUKIVERKKO_{service.upper()}_URL")
        return given or f"http://127.0.0.1:{self.port_of(service)}"

    def port_of(self, service: str) -> int:
        """The port that a process of this machine listens on: the gateway's, or a service's own."""
        return self.port if service == "gateway" else self.port + 1 + SERVICES.index(service)

    def database_url(self, service: str, role: str = "app") -> str:
        """libpq address of a service's database for its role "app" (the process) or "owner" (migrations)."""
        given = (self.environment or {}).get(f"TUKIVERKKO_{service.upper()}_DATABASE_URL")
        if given and role == "app":
            return given
        place = self.postgres_host, self.postgres_port
        return self._postgres(f"{service}_{role}", f"tukiverkko_{service}", *place)

    def keys_url(self, service: str) -> str:
        """libpq address of the key database for a service; it sees its own schema there only."""
        given = (self.environment or {}).get(f"TUKIVERKKO_{service.upper()}_KEYS_URL")
        return given or self._postgres(f"{service}_app", KEYS_DATABASE, self.keys_host, self.keys_port)

    def keys_owner_url(self) -> str:
        """libpq address of the key database for migrations."""
        return self._postgres("keys_owner", KEYS_DATABASE, self.keys_host, self.keys_port)

    def amqp_url(self, service: str) -> str:
        """AMQP address with the broker user of a service; with TLS it names the file of certificates as `cafile`."""
        env = self.environment or {}
        given = env.get(f"TUKIVERKKO_{service.upper()}_AMQP_URL") or env.get("TUKIVERKKO_AMQP_URL")
        if given:
            if self.profile == "production" and urlsplit(given).username in {None, "guest"}:
                message = "TUKIVERKKO_AMQP_URL names the broker's user guest; each process has a user of its own."
                raise SettingsError(message)
            return addresses.with_ca(given, self.amqp_ca)
        password = quote(self.secret(f"amqp_{service}"), safe="")
        place = f"{self.amqp_host}:{self.amqp_port}/{quote(self.vhost, safe='')}"
        scheme = "amqps" if self.amqp_ca else "amqp"
        return addresses.with_ca(f"{scheme}://{service}:{password}@{place}", self.amqp_ca)

    @property
    def public_amqp_url(self) -> str:
        """Where partners reach the broker, without user and virtual host: TUKIVERKKO_PUBLIC_AMQP_URL, else ours."""
        env = self.environment or {}
        inside = urlsplit(env.get("TUKIVERKKO_AMQP_URL") or "")
        if given := env.get("TUKIVERKKO_PUBLIC_AMQP_URL"):
            return given.rstrip("/")
        if inside.netloc:
            return f"{inside.scheme}://{inside.netloc.rpartition('@')[2]}"
        return f"{'amqps' if self.amqp_ca else 'amqp'}://{self.amqp_host}:{self.amqp_port}"

    def secret(self, name: str) -> str:
        """The text of a secret file. Raises SettingsError when it is missing or unfit to be one."""
        return self.secret_lines(name)[0]

    def secret_lines(self, name: str) -> list[str]:
        """The secret in force, and behind it older ones that are accepted still. Raises SettingsError as `secret`."""
        path = self.home / "secrets" / name
        try:
            lines = path.read_text(encoding="ascii").split()
            fault = strength.exposure(path) if self.profile == "production" else None
        except OSError as error:
            message = f"The secret {name} is not readable at {path}; `tukiverkko up` makes it on one machine."
            raise SettingsError(message) from error
        for line in lines or [""]:
            fault = fault or strength.weakness(line)
        if fault is not None:
            message = f"The secret {name} in {path} {fault}."
            raise SettingsError(message)
        return lines

    def _postgres(self, user: str, database: str, host: str, port: int) -> str:
        password = quote(self.secret(f"db_{user}"), safe="")
        return addresses.verified(f"postgresql://{user}:{password}@{host}:{port}/{database}", self.postgres_ca)


def ensure_secret(home: Path, name: str) -> None:
    """Make a 256-bit secret in `home`/secrets with mode 0600 unless it is there already."""
    folder = home / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        temporary = folder / f".{name}.{os.getpid()}"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        temporary.rename(path)


def _number(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or not least <= int(text) <= most:
        message = f"{name} is {text!r}; expected a whole number from {least} to {most}."
        raise SettingsError(message)
    return int(text)


def _choice(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    text = env.get(name) or choices[0]
    if text not in choices:
        message = f"{name} is {text!r}; expected one of {', '.join(choices)}."
        raise SettingsError(message)
    return text
