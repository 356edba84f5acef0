"""What is made from code and committed is what the code makes now: specification, catalogues, schemas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_everything_that_is_generated_is_up_to_date() -> None:
    check = [sys.executable, "-m", "deploy.generate", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
