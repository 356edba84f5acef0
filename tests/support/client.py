"""An institution's client of the gateway, as small as possible and without any retry of its own."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
import urllib3
from joserfc import jws
from joserfc.jwk import ECKey

from chassis.identity import AUDIENCE, ISSUER, issue_token
from chassis.keyed_ids import id_of_key
from chassis.settings import Settings
from services.access.rules.roles import ROLES

POLICE, CENTRE, THIRD = "lt-police", "lt-kavkc", "lt-kapvc"
EVERY_ROLE = frozenset(ROLES)
PAGE = 200
STREAM = "text/event-stream"
Found = TypeVar("Found")


def org_id(key: str) -> uuid.UUID:
    """The id of an organisation of the demo."""
    return id_of_key("organisation", key)


def token(settings: Settings, org_key: str, roles: Iterable[str] = EVERY_ROLE, *, subject: str = "") -> str:
    """A token of an organisation; by default a system with every role there is."""
    who = subject or f"client:test:{org_key}"
    return issue_token(settings, subject=who, org_id=org_id(org_key), org_key=org_key, roles=frozenset(roles))


def aged_token(settings: Settings, org_key: str, *, age: int, life: int = 300) -> str:
    """A well-signed token with every role that was issued `age` seconds ago for `life` seconds."""
    key = ECKey.import_key(json.loads((settings.home / "secrets" / "signing_key.json").read_text(encoding="ascii")))
    issued = int(time.time()) - age
    claims = {
        "iss": ISSUER,
        "sub": f"client:test:{org_key}",
        "org": str(org_id(org_key)),
        "org_key": org_key,
        "aud": AUDIENCE,
        "scope": " ".join(sorted(EVERY_ROLE)),
        "iat": issued,
        "nbf": issued,
        "exp": issued + life,
        "jti": str(uuid.uuid4()),
    }
    header = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=["ES256"])


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Any
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON body."""
        return orjson.loads(self.raw)

    @property
    def events(self) -> list[Any]:
        """The events of a feed's document or of a stream's beginning."""
        if self.kind.startswith(STREAM):
            return [orjson.loads(line[6:]) for line in self.raw.splitlines() if line.startswith(b"data: ")]
        return list(self.body.get("events", []))

    @property
    def items(self) -> list[Any]:
        """What a list holds."""
        if self.kind.startswith(STREAM):
            return []
        return [entry["resource"] for entry in self.body.get("entry", ())] or list(self.body.get("items", []))

    @property
    def code(self) -> str:
        """The code of a refusal, as a problem or as FHIR says it."""
        if self.fhir:
            return str(self.body["issue"][0]["details"]["coding"][0]["code"])
        return str(self.body["code"])

    @property
    def faults(self) -> list[tuple[str, str]]:
        """Pointer and code of each fault of a refusal, as a problem or as FHIR says it."""
        if self.fhir:
            issues = [issue for issue in self.body["issue"] if "expression" in issue]
            return [(_pointer(each["expression"][0]), each["details"]["coding"][0]["code"]) for each in issues]
        return [(each["pointer"], each["code"]) for each in self.body.get("errors", ())]

    @property
    def fhir(self) -> bool:
        """Whether it is a resource."""
        return self.kind.startswith("application/fhir+json")

    @property
    def request_id(self) -> str:
        """The id of the request."""
        return str(self.headers["X-Request-Id"])

    @property
    def version(self) -> str:
        """The ETag, for If-Match."""
        return str(self.headers["ETag"])

    @property
    def kind(self) -> str:
        """The media type."""
        return str(self.headers.get("Content-Type", ""))


@dataclass
class Client:
    """Asks the gateway, with a fresh Idempotency-Key per request unless `key` says otherwise ("" sends none)."""

    url: str
    token: str | None = None
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=15, maxsize=16)
    )

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        version: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; `body` may be bytes, which go out as they are."""
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if method != "GET" and key != "":
            sent["Idempotency-Key"] = key or str(uuid.uuid4())
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if version is not None:
            sent["If-Match"] = version
        payload = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        answer = self.pool.request(
            method, self.url + path, body=payload, headers={**sent, **(headers or {})}, preload_content=False
        )
        return Answer(answer.status, answer.headers, _content(answer))

    def get(self, path: str) -> Answer:
        """Read."""
        return self.ask("GET", path)

    def post(self, path: str, body: object, **more: Any) -> Answer:
        """Create or transition."""
        return self.ask("POST", path, body, **more)

    def events(self, stream: str = "org", *, after: int = 0) -> list[dict[str, Any]]:
        """All events of a stream behind a position."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self.get(f"/events?stream={stream}&after={after}&limit={PAGE}")
            assert answer.status == 200, answer.raw
            found += answer.body["events"]
            if after == answer.body["next"]:
                return found
            after = answer.body["next"]


def _pointer(expression: str) -> str:
    """FHIRPath from the resource as the JSON pointer that it was made of."""
    path = expression.partition(".")[2].replace("`", "")
    return "/" + path.replace("[", "/").replace("]", "").replace(".", "/") if "." in expression else ""


def _content(answer: urllib3.BaseHTTPResponse) -> bytes:
    """The whole body; of a stream, which has no end, the greeting and what comes first, up to its last whole event."""
    if not answer.headers.get("Content-Type", "").startswith(STREAM):
        return answer.data
    pieces = answer.stream()
    try:
        begun = next(pieces) + next(pieces)
        return begun[: begun.rindex(b"\n\n") + 2]
    finally:
        answer.close()


def client(
    settings: Settings, org_key: str | None = None, *, roles: Iterable[str] = EVERY_ROLE, subject: str = ""
) -> Client:
    """A client of the network's gateway; without an organisation one without a token."""
    return Client(settings.url_of("gateway"), token(settings, org_key, roles, subject=subject) if org_key else None)


def eventually(ask: Callable[[], Found | None], seconds: float = 30.0, pause: float = 0.1) -> Found:
    """Ask until there is something; events need their time, and more of it after somebody was killed."""
    deadline = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        assert time.monotonic() < deadline, f"nothing within {seconds} s: {found!r}"
        time.sleep(pause)


def exchange(settings: Settings, sent: bytes, *, seconds: float = 20.0) -> bytes:
    """Send raw bytes to the gateway and read until it closes the connection or nothing more comes."""
    with socket.create_connection((settings.host, settings.port), timeout=seconds) as sock:
        sock.sendall(sent)
        return drained(sock)


def drained(sock: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    pieces = []
    try:
        while piece := sock.recv(65536):
            pieces.append(piece)
    except (TimeoutError, ConnectionResetError):
        pass
    return b"".join(pieces)
