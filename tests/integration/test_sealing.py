"""Sealed content opens in its own place only, and never again once its key is destroyed."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from cryptography.exceptions import InvalidTag

from chassis import sealing
from chassis.errors import NotFound, Unavailable
from chassis.sealing import KeyStore
from chassis.settings import Settings, SettingsError

PLACE = "sender_record|personal"


@pytest.fixture
def keys(settings: Settings) -> Iterator[KeyStore]:
    store = KeyStore(settings, "referrals")
    yield store
    store.close()


def test_what_is_sealed_opens_in_its_place_only(keys: KeyStore) -> None:
    key, row = keys.take(), uuid.uuid4()
    sealed = key.seal(PLACE, row, {"name": "Kanarėlė"})
    assert b"Kanar" not in sealed
    assert keys.open(key.id, PLACE, row, sealed) == {"name": "Kanarėlė"}
    for place, other in ((PLACE, uuid.uuid4()), ("receiver_case|personal", row)):
        with pytest.raises(InvalidTag):
            keys.open(key.id, place, other, sealed)
    with pytest.raises(InvalidTag):
        keys.open(keys.take().id, PLACE, row, sealed)


def test_every_key_is_committed_before_it_is_handed_out(keys: KeyStore, settings: Settings) -> None:
    taken = [keys.take().id for _ in range(sealing.BATCH * 2 + 10)]
    assert len(set(taken)) == len(taken)
    fresh = KeyStore(settings, "referrals")
    assert set(fresh.fetch(taken)) == set(taken)
    fresh.close()


def test_a_destroyed_key_is_gone_everywhere(
    keys: KeyStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, row = keys.take(), uuid.uuid4()
    sealed = key.seal(PLACE, row, {"name": "x"})
    other = KeyStore(settings, "referrals")
    assert other.open(key.id, PLACE, row, sealed)
    keys.destroy([key.id])
    monkeypatch.setattr(sealing.time, "monotonic", lambda: sealing.CACHE_SECONDS + 1e9)  # kept copies live 5 s
    for store in (keys, other):
        with pytest.raises(NotFound):
            store.open(key.id, PLACE, row, sealed)
    other.close()


def test_another_key_encryption_key_opens_nothing(keys: KeyStore, settings: Settings, tmp_path: Path) -> None:
    key = keys.take()
    (tmp_path / "secrets").mkdir()
    for secret in (settings.home / "secrets").iterdir():
        (tmp_path / "secrets" / secret.name).write_text(secret.read_text())
    (tmp_path / "secrets" / "kek").write_text(secrets.token_hex(32))
    stranger = KeyStore(replace(settings, home=tmp_path), "referrals")
    with pytest.raises(Unavailable) as refusal:
        stranger.fetch([key.id])
    assert refusal.value.code == "keys.kek_unknown"
    stranger.close()


def test_a_service_sees_its_own_keys_only(settings: Settings) -> None:
    with (
        psycopg.connect(settings.keys_url("groups")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT * FROM referrals.data_key")


def test_without_the_key_database_nothing_is_handed_out(settings: Settings) -> None:
    nowhere = {**(settings.environment or {}), "TUKIVERKKO_REFERRALS_KEYS_URL": "postgresql://x:y@127.0.0.1:1/none"}
    store = KeyStore(replace(settings, environment=nowhere), "referrals")
    with pytest.raises(Unavailable):
        store.take()


def test_a_short_secret_stops_the_process(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "kek").write_text("secret")
    with pytest.raises(SettingsError, match="kek"):
        replace(settings, home=tmp_path).secret("kek")
