"""What clients of the token endpoint hold and send: keys, assertions, forms; and a small OIDC issuer."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from chassis.identity import ISSUER
from services.access.rules.tokens import ASSERTION_TYPE, JWT_BEARER

Key = ECKey | OKPKey | RSAKey


def new_key(algorithm: str, kid: str | None = None) -> Key:
    """A fresh pair for an algorithm."""
    parameters: Any = {"kid": kid} if kid else None
    if algorithm in {"EdDSA", "Ed25519"}:
        return OKPKey.generate_key("Ed25519", parameters)
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", parameters)
    return RSAKey.generate_key(2048, parameters)


def public(key: Key) -> dict[str, Any]:
    """The public half as a JWK."""
    return dict(key.as_dict(private=False))


def signed(key: Any, claims: Mapping[str, Any], *, algorithm: str = "ES256", **header: Any) -> str:
    """A JWT; a claim that is `...` is left out."""
    whole = {"alg": algorithm, "typ": "JWT", **header}
    parts = [json.dumps({name: value for name, value in each.items() if value is not ...}) for each in (whole, claims)]
    text = ".".join(map(encoded, parts))
    # by the primitive, so that headers which no library signs can be made too
    return f"{text}.{encoded(jws.JWSRegistry.algorithms[algorithm].sign(text.encode(), key))}"


def encoded(part: str | bytes) -> str:
    """Base64url without padding."""
    raw = part.encode() if isinstance(part, str) else part
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def assertion(
    key: Key, client_id: object, *, algorithm: str = "ES256", header: Mapping[str, Any] | None = None, **claims: Any
) -> str:
    """What a client proves itself by."""
    now = int(time.time())
    usual = {
        "iss": str(client_id), "sub": str(client_id), "aud": ISSUER, "iat": now, "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }  # fmt: skip
    return signed(key, {**usual, **claims}, algorithm=algorithm, **(header or {}))


def by_secret(client_id: object, secret: str, **more: str) -> bytes:
    """The form of a client with a secret."""
    form = {"grant_type": "client_credentials", "client_id": str(client_id), "client_secret": secret}
    return urlencode({**form, **more}).encode()


def by_assertion(text: str, **more: str) -> bytes:
    """The form of a client with a key."""
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": text}
    return urlencode({**form, **more}).encode()


def by_exchange(text: str, **more: str) -> bytes:
    """The form of one who shows a token of another issuer."""
    return urlencode({"grant_type": JWT_BEARER, "assertion": text, **more}).encode()


def basic(client_id: object, secret: str) -> str:
    """The header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


class Issuer:
    """A small OIDC issuer: it publishes keys over HTTP and signs tokens; `asked` counts who asked for the keys."""

    def __init__(self) -> None:
        self.keys = {"k1": new_key("RS256", "k1")}
        self.asked = 0
        self.answer: bytes | None = None
        self.slow = 0.0
        self.status = 200
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked += 1
                time.sleep(owner.slow)
                body = owner.answer or json.dumps({"keys": [public(key) for key in owner.keys.values()]}).encode()
                self.send_response(owner.status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", f"{owner.url}/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator[Issuer]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def token(
        self, *, kid: str = "k1", algorithm: str = "RS256", header: Mapping[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token as Keycloak makes them."""
        now = int(time.time())
        usual = {
            "iss": self.url, "sub": "service-account-1", "aud": ["tukiverkko", "account"], "azp": "case-system",
            "typ": "Bearer", "iat": now, "exp": now + 300, "jti": str(uuid.uuid4()),
        }  # fmt: skip
        return signed(self.keys[kid], {**usual, **claims}, algorithm=algorithm, **{"kid": kid, **(header or {})})
