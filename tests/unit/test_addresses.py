"""Addresses of database and broker: TLS by setting, one address per service, nothing plain outside development."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from chassis import addresses
from chassis.settings import Settings, SettingsError, ensure_secret


def loaded(tmp_path: Path, **told: str) -> Settings:
    for name in ("db_referrals_app", "db_referrals_owner", "db_keys_owner", "amqp_referrals", "amqp_groups"):
        ensure_secret(tmp_path, name)
    return Settings.load(
        {"TUKIVERKKO_HOME": str(tmp_path), **{f"TUKIVERKKO_{key}": text for key, text in told.items()}}
    )


def test_a_file_of_certificates_demands_all_checks_of_every_database_address(tmp_path: Path) -> None:
    settings = loaded(tmp_path, POSTGRES_CA="/ca/my db.pem")
    urls = (
        settings.database_url("referrals"),
        settings.database_url("referrals", "owner"),
        settings.keys_url("referrals"),
        settings.keys_owner_url(),
    )
    assert all(url.endswith("?sslmode=verify-full&sslrootcert=/ca/my%20db.pem") for url in urls)


def test_a_file_of_certificates_makes_the_broker_address_one_with_tls(tmp_path: Path) -> None:
    address = loaded(tmp_path, AMQP_CA="/ca/broker.pem", AMQP_HOST="mq.example").amqp_url("referrals")
    assert address.startswith("amqps://referrals:")
    plain, tls = addresses.broker_tls(address)
    assert "?" not in plain
    assert tls == {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "mq.example", "ca_certs": "/ca/broker.pem"}


def test_a_service_may_have_an_address_of_its_own_at_the_broker(tmp_path: Path) -> None:
    settings = loaded(tmp_path, AMQP_URL="amqp://all@127.0.0.1/v", REFERRALS_AMQP_URL="amqps://own@mq.example/v")
    assert settings.amqp_url("referrals") == "amqps://own@mq.example/v"
    assert settings.amqp_url("groups") == "amqp://all@127.0.0.1/v"
    assert addresses.broker_tls(settings.amqp_url("groups")) == ("amqp://all@127.0.0.1/v", False)


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ({"PUBLIC_AMQP_URL": "amqps://mq.example:5671/"}, "amqps://mq.example:5671"),
        ({"AMQP_URL": "amqp://user:word@inside:5672/v"}, "amqp://inside:5672"),
        ({"AMQP_HOST": "inside", "AMQP_PORT": "5672", "AMQP_CA": "/ca"}, "amqps://inside:5672"),
        ({}, "amqp://127.0.0.1:8091"),
    ],
)
def test_partners_are_told_the_public_address(tmp_path: Path, told: dict[str, str], place: str) -> None:
    assert loaded(tmp_path, **told).public_amqp_url == place


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("POSTGRES_HOST", "db.example", "TUKIVERKKO_POSTGRES_CA"),
        ("KEYS_HOST", "db.example", "TUKIVERKKO_POSTGRES_CA"),
        ("AMQP_HOST", "10.0.0.7", "TUKIVERKKO_AMQP_CA"),
        ("AMQP_URL", "amqp://u:p@mq.example/v", "TUKIVERKKO_AMQP_URL"),
        ("GROUPS_AMQP_URL", "amqp://u:p@mq.example/v", "TUKIVERKKO_GROUPS_AMQP_URL"),
        ("GROUPS_DATABASE_URL", "postgresql://db.example/x?sslmode=require", "TUKIVERKKO_GROUPS_DATABASE_URL"),
        ("GROUPS_DATABASE_URL", "postgresql:///x?host=db.example", "TUKIVERKKO_GROUPS_DATABASE_URL"),
        ("PUBLIC_AMQP_URL", "amqp://mq.example", "TUKIVERKKO_PUBLIC_AMQP_URL"),
        ("GROUPS_KEYS_URL", "postgresql://db.example/x", "TUKIVERKKO_GROUPS_KEYS_URL"),
        ("MANAGEMENT_URL", "http://mq.example:15672", "TUKIVERKKO_MANAGEMENT_URL"),
    ],
)
def test_outside_development_a_plain_way_to_another_machine_is_refused_at_once(
    tmp_path: Path, name: str, value: str, cure: str
) -> None:
    assert loaded(tmp_path, **{name: value})
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, PROFILE="production", **{name: value})
    assert cure in str(refused.value)
    assert len(str(refused.value).split(". ")) == 1


def test_outside_development_tls_and_this_machine_are_allowed(tmp_path: Path) -> None:
    assert loaded(tmp_path, PROFILE="production")
    assert loaded(
        tmp_path,
        PROFILE="production",
        POSTGRES_HOST="db.example",
        POSTGRES_CA="/ca",
        AMQP_HOST="mq.example",
        AMQP_CA="/ca",
        MANAGEMENT_URL="https://mq.example:15671",
        GROUPS_DATABASE_URL="postgresql://db.example/x?sslmode=verify-full&sslrootcert=/ca",
        PUBLIC_AMQP_URL="amqps://anywhere.example",
    )
