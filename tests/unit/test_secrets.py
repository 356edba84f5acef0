"""Secrets that are short, known, patterned or open to others are refused at the start."""

from __future__ import annotations

import secrets
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from chassis import strength
from chassis.settings import Settings, SettingsError, ensure_secret
from deploy.local import provision


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    provision.make_secrets(Settings.load({"TUKIVERKKO_HOME": str(tmp_path)}))
    return Settings.load({"TUKIVERKKO_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    "text",
    [
        "", "guest", "changeme", "secret", "a" * 64, "ab" * 32, "0123456789abcdef" * 4, "changeme" * 8,
        "password-password-secret-guest-admin", "0011" * 16, "c8e0c558b0df8705e8006267addf2c",
    ],
)  # fmt: skip
def test_a_weak_secret_is_refused(home: Settings, text: str) -> None:
    (home.home / "secrets" / "kek").write_text(text)
    with pytest.raises(SettingsError, match="kek"):
        home.secret("kek")


@pytest.mark.parametrize(
    "make", [lambda: secrets.token_hex(16), lambda: secrets.token_hex(32), lambda: secrets.token_urlsafe(32)]
)
def test_a_random_one_is_taken(home: Settings, make: object) -> None:
    for _ in range(200):
        assert strength.weakness(make()) is None  # type: ignore[operator]


def test_every_line_of_the_file_is_looked_at(home: Settings) -> None:
    path = home.home / "secrets" / "kek"
    path.write_text(f"{secrets.token_hex(32)}\n{'a' * 64}\n")
    with pytest.raises(SettingsError, match="repeats"):
        home.secret("kek")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_in_production_a_secret_is_nobody_elses(home: Settings, mode: int) -> None:
    (home.home / "secrets" / "kek").chmod(mode)
    assert home.secret("kek")
    with pytest.raises(SettingsError, match="0600"):
        replace(home, profile="production").secret("kek")
    (home.home / "secrets" / "kek").chmod(0o600)
    assert replace(home, profile="production").secret("kek")


def test_what_a_container_mounts_may_have_any_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kek"
    path.write_text("x")
    path.chmod(0o444)
    assert strength.exposure(path)
    monkeypatch.setattr(strength, "MOUNTED", tmp_path)
    assert strength.exposure(path) is None


def test_in_development_secrets_are_made_in_the_home_for_its_owner_only(home: Settings) -> None:
    folder = home.home / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(provision.SECRETS) <= set(found)
    assert set(found.values()) == {0o600}
    before = home.secret("kek")
    ensure_secret(home.home, "kek")
    assert home.secret("kek") == before


@pytest.mark.parametrize("url", ["amqp://guest:guest@broker/", "amqp://broker/"])
def test_the_user_guest_of_the_broker_is_refused_in_production(home: Settings, url: str) -> None:
    told = replace(home, environment={"TUKIVERKKO_AMQP_URL": url})
    assert told.amqp_url("referrals") == url
    with pytest.raises(SettingsError, match="guest"):
        replace(told, profile="production").amqp_url("referrals")
