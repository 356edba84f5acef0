"""Reads every migration for dangers, as it is applied: python -m deploy.check_migrations (squawk, .squawk.toml)."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from chassis.migrate import Step, key_steps_of, steps_of, text_of
from chassis.settings import SERVICES

ROOT = Path(__file__).parent.parent
ACCEPTED: Mapping[str, tuple[str, ...]] = {
    # `inbox` is made by the file before it and is empty until the first release is installed
    "chassis/0002_inbox_age.sql": ("require-concurrent-index-creation",),
    # the index that takes the constraint's place keeps its guarantee for all but baselines; empty as above
    "chassis/0003_history.sql": (
        "ban-drop-constraint",
        "require-concurrent-index-creation",
        "require-concurrent-index-deletion",
    ),
    # `event_sequence` is empty until the first release is installed, as `inbox` above
    "chassis/0004_streams.sql": ("require-concurrent-index-creation",),
    # The version before reads no draft and writes no leg without a receiver; no table is large until the first release
    "referrals/0005_lifecycle.sql": (
        "ban-alter-domain-with-add-constraint",
        "ban-drop-constraint",
        "ban-drop-not-null",
        "require-concurrent-index-creation",
    ),
    "referrals/0011_lists.sql": ("require-concurrent-index-creation",),
    "referrals/0014_suspended.sql": ("require-concurrent-index-creation",),
    "referrals/0013_area.sql": ("ban-drop-constraint", "constraint-missing-not-valid"),
    # the indexed columns are new and empty, and no table is large until the first release
    # an index on a new column; the function's only caller is the sweeper, which tries again with the new version
    "groups/0007_intake.sql": ("require-concurrent-index-creation", "ban-drop-function"),
    # the time on the wall is the truth of a meeting and has no offset; the moment stands beside it
    "groups/0008_sessions.sql": ("prefer-timestamp-tz",),
    "groups/0011_referrals.sql": ("require-concurrent-index-creation",),
    "groups/0013_keep_apart.sql": ("require-concurrent-index-creation",),
    # an index on new columns; the constraint said that a code-only man has no hash of a contact, which nothing reads
    "groups/0016_contact_check.sql": ("require-concurrent-index-creation", "ban-drop-constraint"),
    "groups/0018_asked_erasure.sql": ("require-concurrent-index-creation",),
    "groups/0022_statistics.sql": ("require-concurrent-index-creation",),
    # sign-ups are few until the first release is installed; the indexes that go are replaced in the same file
    "groups/0023_due.sql": (
        "adding-field-with-default",
        "require-concurrent-index-creation",
        "require-concurrent-index-deletion",
    ),
    "groups/0024_together.sql": ("require-concurrent-index-creation",),
    # tables made from others and small until the first release is installed; the index that goes has no reader left
    "directory/0006_search_rank.sql": (
        "adding-field-with-default",
        "ban-drop-constraint",
        "constraint-missing-not-valid",
        "require-concurrent-index-creation",
        "require-concurrent-index-deletion",
    ),
    # the directory has some hundred rows until the first release is installed, and each new constraint allows more
    "directory/0002_objects.sql": ("ban-drop-constraint", "constraint-missing-not-valid"),
    "referrals/0006_clocks.sql": ("require-concurrent-index-creation",),
}
"""Faults that stay, by file: what was applied once never changes, so the word for it cannot stand in the file."""


def steps() -> Iterable[Step]:
    """Every migration once; those that all services share, as the first of them gets it."""
    found: dict[str, Step] = {}
    for service in SERVICES:
        for step in (*steps_of(service), *key_steps_of(service)):
            found.setdefault(step.name, step)
    return found.values()


def faults(checked: Iterable[Step]) -> str:
    """What squawk has to say, empty when all is well."""
    with tempfile.TemporaryDirectory() as folder:
        names = [_write(Path(folder), step) for step in checked]
        squawk = Path(sysconfig.get_path("scripts")) / "squawk"
        command = [str(squawk), "--config", str(ROOT / ".squawk.toml"), *names]
        ran = subprocess.run(  # noqa: S603 -- our own tool on our own files
            command, cwd=folder, capture_output=True, text=True, check=False
        )
    if ran.returncode == 0:
        return ""
    return (ran.stdout + ran.stderr).strip() or f"squawk ended with {ran.returncode}"


def main() -> int:
    """Check all; returns the exit status."""
    found = faults(steps())
    if found:
        sys.stderr.write(f"{found}\n")
    return 1 if found else 0


def _write(folder: Path, step: Step) -> str:
    path = folder / step.name
    path.parent.mkdir(exist_ok=True)
    # in one line with what comes first, so that the numbers of the lines are those of the file
    accepted = "".join(f"/* squawk-ignore-file {rule} */ " for rule in ACCEPTED.get(step.name, ()))
    path.write_text(accepted + text_of(step), encoding="utf-8")
    return step.name


if __name__ == "__main__":
    sys.exit(main())
