"""Settings of mail: what an address of a server looks like, and what is refused at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from chassis.settings import Settings, SettingsError

FROM = {"TUKIVERKKO_MAIL_FROM": "notices@example.org"}


def loaded(tmp_path: Path, **env: str) -> Settings:
    return Settings.load({"TUKIVERKKO_HOME": str(tmp_path), **env})


@pytest.mark.parametrize(
    ("url", "port", "security", "user"),
    [
        ("smtp://localhost", 25, "none", None),
        ("smtp+starttls://mail.example.org", 587, "starttls", None),
        ("smtps://sender%40example.org@mail.example.org", 465, "tls", "sender@example.org"),
        ("smtps://mail.example.org:2465", 2465, "tls", None),
        ("smtp://[::1]:2525", 2525, "none", None),
    ],
)
def test_an_address_says_host_port_security_and_user(
    tmp_path: Path, url: str, port: int, security: str, user: str | None
) -> None:
    server = loaded(tmp_path, TUKIVERKKO_SMTP_URL=url, **FROM).mail.server
    assert server is not None
    assert (server.port, server.security, server.user) == (port, security, user)


@pytest.mark.parametrize(
    "url", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://u:p@mail.example.org", "smtp://h:99999"]
)
def test_what_is_no_address_of_a_server_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="TUKIVERKKO_SMTP_URL"):
        loaded(tmp_path, TUKIVERKKO_SMTP_URL=url, **FROM)


def test_an_address_to_send_from_is_needed_and_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TUKIVERKKO_MAIL_FROM"):
        loaded(tmp_path, TUKIVERKKO_SMTP_URL="smtp://localhost")
    for wrong in ("no address", "a@b\nBcc: x@example.org", "Name <a@example.org>"):
        with pytest.raises(SettingsError, match="TUKIVERKKO_MAIL_FROM"):
            loaded(tmp_path, TUKIVERKKO_SMTP_URL="smtp://localhost", TUKIVERKKO_MAIL_FROM=wrong)
    for name in ("TUKIVERKKO_MAIL_NAME", "TUKIVERKKO_MAIL_ALIAS"):
        with pytest.raises(SettingsError, match=name):
            loaded(tmp_path, **{name: "a\r\nBcc: x@example.org"})


def test_outside_development_mail_leaves_this_machine_by_tls_alone(tmp_path: Path) -> None:
    production = {"TUKIVERKKO_PROFILE": "production", **FROM}
    with pytest.raises(SettingsError, match=r"mail server at mail\.example\.org is without TLS"):
        loaded(tmp_path, TUKIVERKKO_SMTP_URL="smtp://mail.example.org", **production)
    for url in ("smtp://localhost:2525", "smtps://mail.example.org", "smtp+starttls://mail.example.org"):
        assert loaded(tmp_path, TUKIVERKKO_SMTP_URL=url, **production).mail.server is not None


def test_without_a_server_mail_is_files_in_development_and_waits_in_production(tmp_path: Path) -> None:
    assert loaded(tmp_path).mail.folder == tmp_path / "mail"
    waiting = loaded(tmp_path, TUKIVERKKO_PROFILE="production").mail
    assert (waiting.folder, waiting.server) == (None, None)


def test_the_password_comes_from_a_file_that_nobody_else_may_read(tmp_path: Path) -> None:
    env = {"TUKIVERKKO_SMTP_URL": "smtps://u@mail.example.org", **FROM}
    file = tmp_path / "secrets" / "smtp_password"
    with pytest.raises(SettingsError, match="not readable"):
        loaded(tmp_path, **env).mail.password()
    file.parent.mkdir()
    file.write_text("provider's own\n", encoding="utf-8")
    file.chmod(0o644)
    assert loaded(tmp_path, **env).mail.password() == "provider's own"
    with pytest.raises(SettingsError, match="0600"):
        loaded(tmp_path, TUKIVERKKO_PROFILE="production", **env).mail.password()
    file.chmod(0o600)
    assert loaded(tmp_path, TUKIVERKKO_PROFILE="production", **env).mail.password() == "provider's own"
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="is empty"):
        loaded(tmp_path, **env).mail.password()
    assert loaded(tmp_path).mail.password() is None
