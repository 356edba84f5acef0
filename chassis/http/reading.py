"""Reads one HTTP/1.1 request strictly: what is unclear is refused; request smuggling lives on guesses."""

from __future__ import annotations

import re
from typing import BinaryIO

from chassis.errors import Malformed
from chassis.http.messages import Head
from chassis.problems import HeadTooLarge, TooLarge

LONGEST_LINE = 8192
LONGEST_HEAD = 32768
MOST_HEADERS = 100
LONGEST_TRAILER = 8192
LONGEST_CHUNK_LINE = 256
CRLF = b"\r\n"

_REQUEST_LINE = re.compile(r"([A-Z]{1,20}) (?:http://[^/ ]*)?(/[!-~]*) HTTP/1\.([01])\r\n").fullmatch
_HEADERS = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)\r\n").findall
_LENGTH = re.compile(r"[0-9]{1,15}").fullmatch
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n").fullmatch
SINGLE = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "authorization",
        "content-type",
        "if-match",
        "idempotency-key",
        "x-request-id",
        "traceparent",
        "x-deadline-ms",
        "expect",
    }
)


class Disconnected(Exception):
    """The client went away in the middle of a request; there is nobody to answer."""


def read_head(source: BinaryIO) -> Head:
    """Read request line and headers. Raises Malformed, HeadTooLarge or Disconnected."""
    line = source.readline(LONGEST_LINE + 1)
    if line == CRLF:  # RFC 9112 section 2.2: one empty line before a request is to be ignored
        line = source.readline(LONGEST_LINE + 1)
    if not line.endswith(b"\n"):
        raise HeadTooLarge if len(line) > LONGEST_LINE else Disconnected
    match = _REQUEST_LINE(line.decode("latin-1"))
    if match is None:
        raise _malformed("The request line is not that of HTTP/1.1.")
    path, _, query = match[2].partition("?")
    head = Head(match[1], path, query, match[3] == "1", _headers(_block(source)))
    _check_framing(head)
    return head


def read_body(source: BinaryIO, head: Head, limit: int) -> bytes:
    """Read the whole body, chunked or not. Raises TooLarge as soon as it is clear that the limit is passed."""
    if "transfer-encoding" in head.headers:
        return _chunked(source, limit)
    length = int(head.headers.get("content-length", "0"))
    if length > limit:
        raise TooLarge(limit)
    return _exactly(source, length)


def _block(source: BinaryIO) -> str:
    lines: list[bytes] = []
    size = 0
    while (line := source.readline(LONGEST_LINE + 1)) != CRLF:
        size += len(line)
        if len(line) > LONGEST_LINE or size > LONGEST_HEAD or len(lines) >= MOST_HEADERS:
            raise HeadTooLarge
        if not line.endswith(b"\n"):
            raise Disconnected
        lines.append(line)
    return b"".join(lines).decode("latin-1")


def _headers(block: str) -> dict[str, str]:
    found = _HEADERS(block)
    # Whatever the pattern skipped (folded lines, bare line feeds, control characters) shows as missing length.
    if sum(len(name) + len(value) + 3 for name, value in found) != len(block):
        raise _malformed("A header is not well formed.")
    headers: dict[str, str] = {}
    for name, value in found:
        key = name.lower()
        if key not in headers:
            headers[key] = value.strip(" \t")
        elif key in SINGLE:
            raise _malformed(f"The header {key} came twice.")
        else:
            headers[key] += ", " + value.strip(" \t")
    return headers


def _check_framing(head: Head) -> None:
    headers = head.headers
    if head.modern and not headers.get("host"):
        raise _malformed("The header host is missing.")
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None and (length is not None or not head.modern or coding.lower() != "chunked"):
        raise _malformed("The length of the body is not clear.")
    if length is not None and not _LENGTH(length):
        raise _malformed("The header content-length is no number.")
    if length is not None:
        headers["content-length"] = str(int(length))


def _chunked(source: BinaryIO, limit: int) -> bytes:
    pieces: list[bytes] = []
    total = 0
    while size := _chunk_size(source):
        total += size
        if total > limit:
            raise TooLarge(limit)
        pieces.append(_exactly(source, size))
        if _exactly(source, 2) != CRLF:
            raise _malformed("A chunk is longer than it says.")
    _skip_trailers(source)
    return b"".join(pieces)


def _skip_trailers(source: BinaryIO) -> None:
    left = LONGEST_TRAILER
    while (line := source.readline(left + 1)) != CRLF:
        left -= len(line)
        if left < 0:
            raise HeadTooLarge
        if not line.endswith(b"\n"):
            raise Disconnected


def _chunk_size(source: BinaryIO) -> int:
    line = source.readline(LONGEST_CHUNK_LINE + 1)
    match = _CHUNK_SIZE(line)
    if match is None:
        if len(line) <= LONGEST_CHUNK_LINE and not line.endswith(b"\n"):
            raise Disconnected
        raise _malformed("A chunk has no readable size.")
    return int(match[1], 16)


def _exactly(source: BinaryIO, size: int) -> bytes:
    piece = source.read(size)
    if len(piece) < size:
        raise Disconnected
    return piece


def _malformed(detail: str) -> Malformed:
    return Malformed("request.malformed", detail)
