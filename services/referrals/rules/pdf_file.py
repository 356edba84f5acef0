"""Looks for what makes a PDF act: scripts, programs to start, files inside; and for what can not be looked into.

It reads names as PDF writes them (escaped ones too) outside and inside packed lists of objects. It is no viewer: what
hides better than that is for the virus scanner, and every file goes out as a download that no browser opens by itself.
"""

from __future__ import annotations

import re
import zlib

from chassis.errors import Invalid

MOST_UNPACKED = 32 * 1024 * 1024
_END_WITHIN = 2048
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_ACTING = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|ImportData|SubmitForm|GoToE|XFA)[\s/<>()\[\]]")
_ENCRYPTED = re.compile(rb"/Encrypt[\s/<\[]")
_PACKED = re.compile(rb"/ObjStm\b[^>]{0,500}>>\s{0,4}stream\r?\n")


def check(content: bytes) -> None:
    """Raises Invalid for a PDF that is cut off, encrypted, acts by itself or hides its objects."""
    if b"%%EOF" not in content[-_END_WITHIN:]:
        raise Invalid("attachment.malformed", "The PDF is cut off, or goes on behind its end.")
    _check_names(content)
    left = MOST_UNPACKED
    for found in _PACKED.finditer(content):
        unpacked = _unpacked(content, found.end(), left)
        left -= len(unpacked)
        _check_names(unpacked)


def _check_names(part: bytes) -> None:
    plain = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), part) if b"#" in part else part
    if _ENCRYPTED.search(plain):
        raise Invalid("attachment.encrypted", "The PDF is encrypted, so that nobody can look into it. Save it without.")
    if _ACTING.search(plain):
        message = "The PDF holds a script, a form that sends, or a file. Print it to a new PDF and attach that one."
        raise Invalid("attachment.active_content", message)


def _unpacked(content: bytes, start: int, most: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(content[start : content.find(b"endstream", start)], most)
    except zlib.error:
        raise Invalid(
            "attachment.unreadable", "The PDF packs its objects in an unusual way; save it as PDF/A."
        ) from None
    if stream.unconsumed_tail:
        raise Invalid("attachment.bomb", "The PDF unpacks to far more than its size.")
    return unpacked
