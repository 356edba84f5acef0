"""Checks one signature with one public key, by an algorithm that the key's kind allows and nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

from chassis.errors import Invalid
from services.access.rules import clients as rules

KINDS: Mapping[str, type[ECKey | OKPKey | RSAKey]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}


def is_signed(token: str, algorithm: str, jwk: Mapping[str, Any]) -> bool:
    """Whether the key signed the token by this algorithm; form and header were judged before."""
    if algorithm not in rules.algorithms_of(jwk):
        return False
    text, _, signature = token.rpartition(".")
    try:
        key = KINDS[str(jwk["kty"])].import_key(dict(jwk))
        model = jws.JWSRegistry.algorithms[algorithm]
        return model.verify(text.encode("ascii"), urlsafe_b64decode(signature.encode("ascii")), key)
    except (JoseError, ValueError, TypeError, KeyError):
        return False


def check_usable(jwk: Mapping[str, str]) -> None:
    """Whether the members of a key that is to be registered make one: the point lies on its curve. Raises Invalid."""
    try:
        _ = KINDS[jwk["kty"]].import_key(dict(jwk)).public_key
    except (JoseError, ValueError, TypeError, KeyError):
        raise Invalid("client.key_unfit", "The numbers of this key do not make one.") from None


@cache
def nobodys_key(algorithm: str) -> dict[str, Any]:
    """A key that belongs to nobody: whoever is not known is given the same work as whoever is."""
    if algorithm in {"EdDSA", "Ed25519"}:
        return dict(OKPKey.generate_key("Ed25519", private=False).as_dict(private=False))
    if algorithm == "ES256":
        return dict(ECKey.generate_key("P-256", private=False).as_dict(private=False))
    modulus = int.from_bytes(hashlib.shake_256(b"nobody").digest(256)) | 1 << 2047 | 1
    return {"kty": "RSA", "n": _text(modulus), "e": "AQAB"}


def _text(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode("ascii")
