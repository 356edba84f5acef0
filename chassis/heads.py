"""The heads of all chains as a file that is kept elsewhere: whoever makes a chain anew can not change that one."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson

from chassis.chain import NO_ORGANISATION


class BadHeads(Exception):
    """The file is none of ours or was changed; the message is one sentence."""


def written(key: bytes, heads: Mapping[str, Sequence[Mapping[str, Any]]], *, at: dt.datetime) -> bytes:
    """The file's bytes: JSON with the heads by service (as `verify.heads_of` gives them), the time and a keyed hash."""
    listed = [
        {
            "service": service,
            "organisation": None if head["chain"] == NO_ORGANISATION else str(head["chain"]),
            "seq": head["seq"],
            "hash": bytes(head["hash"]).hex(),
            "linked_at": head["linked_at"].isoformat(),
        }
        for service, found in heads.items()
        for head in found
    ]
    content: dict[str, Any] = {"taken_at": at.isoformat(), "heads": listed}
    return orjson.dumps({**content, "mac": _mac(key, content)}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read(key: bytes, text: bytes) -> dict[str, dict[tuple[UUID, int], bytes]]:
    """What `written` made, by service and (chain, place). Raises BadHeads."""
    try:
        content = orjson.loads(text)
        mac = content.pop("mac")
        if not hmac.compare_digest(mac, _mac(key, content)):
            message = "The file of heads was changed, or was written with another chain key."
            raise BadHeads(message)
        found: dict[str, dict[tuple[UUID, int], bytes]] = {}
        for head in content["heads"]:
            chain = UUID(head["organisation"]) if head["organisation"] else NO_ORGANISATION
            found.setdefault(head["service"], {})[chain, head["seq"]] = bytes.fromhex(head["hash"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = "The file holds no heads of chains."
        raise BadHeads(message) from error
    return found


def _mac(key: bytes, content: Mapping[str, Any]) -> str:
    text = b"heads" + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, key=key, digest_size=32).hexdigest()
