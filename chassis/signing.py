"""Signs access tokens and changes the signing key: the next one is published before it signs, an old one afterwards.

The private keys lie in `secrets`: signing_key.json signs, signing_key_next.json waits. keys/jwks.json holds the public
ones; of one that signs no more it says since when (`retired_at`), so that it leaves when its last token has expired.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey

from chassis.settings import Settings

ISSUER = "https://tukiverkko.local"
AUDIENCE = "tukiverkko"
LONGEST_LIFE = 600
SKEW = 5
ALGORITHM = "ES256"
CURRENT = "signing_key.json"
NEXT = "signing_key_next.json"
RETIRED = "retired_at"


def ensure_signing_key(home: Path) -> None:
    """Make the signing key and the public key set in `home`, unless they are there."""
    private = home / "secrets" / CURRENT
    if private.exists():
        return
    for folder in (private.parent, home / "keys"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = _new_key()
    _write(_published(home), {"keys": [key.as_dict(private=False)]}, 0o644)
    _write(private, key.as_dict(private=True), 0o600)


def issue_token(
    settings: Settings,
    *,
    subject: str,
    org_id: uuid.UUID,
    org_key: str,
    roles: frozenset[str],
    seconds: int = LONGEST_LIFE,
    units: frozenset[str] = frozenset(),
    proved_at: int | None = None,
) -> str:
    """Sign an access token of at most ten minutes with the key in the home folder.

    `units` and `proved_at` are said of people only; an empty one is left out.
    """
    key = ECKey.import_key(_read(settings.home / "secrets" / CURRENT))
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": subject,
        "org": str(org_id),
        "org_key": org_key,
        "aud": AUDIENCE,
        "scope": " ".join(sorted(roles)),
        "iat": now,
        "nbf": now,
        "exp": now + min(seconds, LONGEST_LIFE),
        "jti": str(uuid.uuid4()),
        **({"units": " ".join(sorted(units))} if units else {}),
        **({"auth_time": proved_at} if proved_at is not None else {}),
    }
    header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=[ALGORITHM])


def public_keys(home: Path) -> list[dict[str, Any]]:
    """The public keys that a token may be signed with now. Raises OSError or ValueError when they cannot be read."""
    oldest = int(time.time()) - LONGEST_LIFE - SKEW
    kept = [key for key in _read(_published(home))["keys"] if key.get(RETIRED, oldest + 1) > oldest]
    return [{name: value for name, value in key.items() if name != RETIRED} for key in kept]


def publish_next(home: Path) -> str:
    """Make the next signing key unless it is there, and publish it; returns its id. Raises OSError or ValueError."""
    waiting = home / "secrets" / NEXT
    if not waiting.exists():
        mode = (home / "secrets" / CURRENT).stat().st_mode & 0o777  # whoever reads the one must read the other
        _write(waiting, _new_key().as_dict(private=True), mode)
    _publish(home)
    return str(_read(waiting)["kid"])


def sign_with_next(home: Path) -> str:
    """Let the next key sign from now on; returns its id. Raises FileNotFoundError when none was published."""
    current = home / "secrets" / CURRENT
    (home / "secrets" / NEXT).rename(current)
    _publish(home)
    return str(_read(current)["kid"])


def _publish(home: Path) -> None:
    """Write the key set anew: what signs, what waits, and what signed before until it is of no use."""
    secrets, now = home / "secrets", int(time.time())
    private = [ECKey.import_key(_read(path)) for name in (CURRENT, NEXT) if (path := secrets / name).exists()]
    living = [key.as_dict(private=False) for key in private]
    named = {key["kid"] for key in living}
    old = [{RETIRED: now, **key} for key in _read(_published(home))["keys"] if key["kid"] not in named]
    kept = [key for key in old if key[RETIRED] > now - LONGEST_LIFE - SKEW]
    _write(_published(home), {"keys": [*living, *kept]}, 0o644)


def _new_key() -> ECKey:
    return ECKey.generate_key("P-256", parameters={"use": "sig", "alg": ALGORITHM}, auto_kid=True)


def _published(home: Path) -> Path:
    return home / "keys" / "jwks.json"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="ascii"))


def _write(path: Path, value: object, mode: int) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump(value, file)
    temporary.chmod(mode)
    temporary.rename(path)
