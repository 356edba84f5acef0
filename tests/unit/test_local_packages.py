"""The installation of packages starts no service and leaves no trace of its guard."""

from __future__ import annotations

from pathlib import Path

import pytest

from chassis.settings import Settings
from deploy.local import packages
from deploy.local.faults import LocalFault


def test_the_guard_refuses_service_starts_and_goes_away(tmp_path: Path) -> None:
    policy, clusters = tmp_path / "policy-rc.d", tmp_path / "common" / "createcluster.conf"
    with packages.no_service_starts(policy, clusters):
        assert "exit 101" in policy.read_text(encoding="ascii")
        assert policy.stat().st_mode & 0o111
        assert "create_main_cluster = false" in clusters.read_text(encoding="ascii")
    assert not policy.exists()
    assert not clusters.exists()


def test_a_policy_that_was_there_before_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("mine", encoding="ascii")
    with packages.no_service_starts(policy, tmp_path / "createcluster.conf"):
        assert policy.read_text(encoding="ascii") == "mine"
    assert policy.read_text(encoding="ascii") == "mine"


def test_who_may_not_install_gets_one_sentence_with_both_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    env = {"TUKIVERKKO_POSTGRES_BIN": str(tmp_path), "TUKIVERKKO_RABBITMQ_SERVER": str(tmp_path / "none")}
    with pytest.raises(LocalFault, match=r"postgresql and rabbitmq-server; .*compose\.yaml") as caught:
        packages.ensure(Settings.load({**env, "TUKIVERKKO_HOME": str(tmp_path)}), lambda _text: None)
    assert "\n" not in str(caught.value)


def test_given_addresses_need_no_packages(tmp_path: Path) -> None:
    env = {
        "TUKIVERKKO_HOME": str(tmp_path),
        "TUKIVERKKO_POSTGRES_HOST": "db.example",
        "TUKIVERKKO_AMQP_HOST": "broker.example",
        "TUKIVERKKO_POSTGRES_BIN": str(tmp_path),
        "TUKIVERKKO_RABBITMQ_SERVER": str(tmp_path / "none"),
    }
    assert packages.missing_packages(Settings.load(env)) == []
