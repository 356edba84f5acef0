"""Dangerous migrations are refused, as they are applied; those of the repository are not."""

from __future__ import annotations

import pytest

from chassis.migrate import Step
from deploy import check_migrations


def faults_of(text: str, name: str = "referrals/9999_new.sql") -> str:
    return check_migrations.faults([Step("referrals", "tukiverkko_referrals", "public", name, text)])


def test_the_repositorys_migrations_are_sound() -> None:
    steps = list(check_migrations.steps())
    assert {"chassis/0001_chassis.sql", "keys/0001_data_key.sql"} <= {step.name for step in steps}
    assert len({step.name for step in steps}) == len(steps)
    assert check_migrations.faults(steps) == ""


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("ALTER TABLE leg DROP COLUMN urgency;", "ban-drop-column"),
        ("ALTER TABLE leg RENAME COLUMN urgency TO haste;", "renaming-column"),
        ("ALTER TABLE leg RENAME TO journey;", "renaming-table"),
        ("DROP TABLE leg;", "ban-drop-table"),
        ("ALTER TABLE leg ADD COLUMN note text NOT NULL;", "adding-required-field"),
        ("ALTER TABLE leg ALTER COLUMN urgency TYPE integer USING 1;", "changing-column-type"),
        ("ALTER TABLE leg ADD CONSTRAINT c CHECK (urgency <> '');", "constraint-missing-not-valid"),
        ("ALTER DOMAIN referral_state ADD CONSTRAINT c CHECK (VALUE <> '');", "ban-alter-domain-with-add-constraint"),
        ("CREATE INDEX slow ON leg (urgency);", "require-concurrent-index-creation"),
        ("CREATE TABLE {app};;; nonsense", "syntax-error"),
    ],
)
def test_a_planted_danger_is_refused_with_its_line(text: str, rule: str) -> None:
    found = faults_of(f"-- A comment.\n{text}\n")
    assert rule in found
    assert "referrals/9999_new.sql:2:" in found


def test_what_was_accepted_stays_so_in_its_file_and_for_its_rule_only() -> None:
    text = "CREATE INDEX slow ON leg (urgency);"
    assert faults_of(text, "chassis/0002_inbox_age.sql") == ""
    assert "ban-drop-column" in faults_of(text + "ALTER TABLE leg DROP COLUMN urgency;", "chassis/0002_inbox_age.sql")
