"""Copies the secrets of a home to a place apart: with them a backup can be read, so the two never lie together."""

from __future__ import annotations

import shutil
from pathlib import Path

from chassis.settings import Settings
from deploy.local.archive import Shelf
from deploy.local.faults import LocalFault


def copy_secrets(settings: Settings, target: Path, shelves: dict[str, Shelf]) -> None:
    """Copy secrets and public keys to a place apart: with them and the backup somebody can read. Raises LocalFault."""
    for shelf in shelves.values():
        if target.resolve().is_relative_to(shelf.folder.parent.resolve()):
            message = f"Secrets do not go into the backup they open; choose a place outside {shelf.folder.parent}."
            raise LocalFault(message)
    for part in ("secrets", "keys"):
        folder = target / part
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (settings.home / part).iterdir():
            temporary = folder / f".{path.name}.new"
            shutil.copyfile(path, temporary)
            temporary.chmod(0o600)
            temporary.rename(folder / path.name)
