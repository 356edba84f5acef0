"""The key-encryption keys of a process: the first line of the file `kek` wraps, the others open what they wrapped.

The file is read again when a key turns up that none of them wrapped: a renewed one is noticed without a restart. A
key-management service would take the place of `wrap` and `unwrap`.
"""

from __future__ import annotations

import hashlib
import os
import uuid

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.settings import Settings, SettingsError

NONCE = 12


class UnknownKek(Exception):
    """A data key was wrapped by a key-encryption key that this process does not have."""


class KeyRing:
    """The key-encryption keys of the home folder, by id."""

    def __init__(self, settings: Settings) -> None:
        """Read the file. Raises SettingsError."""
        self._settings = settings
        self._keys: dict[str, AESGCM] = {}
        self.current = ""
        self.read()

    def read(self) -> None:
        """Read the file again. Raises SettingsError."""
        try:
            lines = [bytes.fromhex(line) for line in self._settings.secret_lines("kek")]
        except ValueError as error:
            message = "The secret kek is not made of hexadecimal digits; `openssl rand -hex 32` makes one."
            raise SettingsError(message) from error
        ids = [hashlib.sha256(b"tukiverkko kek id\0" + line).hexdigest()[:16] for line in lines]
        ciphers = [AESGCM(hashlib.sha256(b"tukiverkko kek\0" + line).digest()) for line in lines]
        self._keys, self.current = dict(zip(ids, ciphers, strict=True)), ids[0]

    @property
    def older(self) -> tuple[str, ...]:
        """The ids of those that only open."""
        return tuple(name for name in self._keys if name != self.current)

    def wrap(self, key_id: uuid.UUID, raw: bytes) -> tuple[str, bytes]:
        """The id of the key-encryption key in force, and the data key wrapped by it and bound to its id."""
        nonce, kek = os.urandom(NONCE), self.current
        return kek, nonce + self._keys[kek].encrypt(nonce, raw, key_id.bytes + kek.encode("ascii"))

    def unwrap(self, key_id: uuid.UUID, wrapped: bytes, kek: str) -> bytes:
        """The data key. Raises UnknownKek, and InvalidTag when it was wrapped as another one."""
        if kek not in self._keys:
            self.read()
        if kek not in self._keys:
            raise UnknownKek
        return self._keys[kek].decrypt(wrapped[:NONCE], bytes(wrapped[NONCE:]), key_id.bytes + kek.encode("ascii"))
