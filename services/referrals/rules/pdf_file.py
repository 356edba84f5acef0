"""Looks for what makes a PDF act: scripts, programs to start, files inside; and for what can not be looked into.

It reads names as PDF writes them (escaped ones too) outside and inside packed lists of objects. It is no viewer: what
hides better than that is for the virus scanner, and every file goes out as a download that no browser opens by itself.
"""

from __future__ import annotations

import re
import zlib

from chassis.errors import Invalid

MOST_UNPACKED = 64 * 1024 * 1024
_END_WITHIN = 2048
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_ACTING = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|ImportData|SubmitForm|GoToE|XFA)[\s/<>()\[\]]")
_ENCRYPTED = re.compile(rb"/Encrypt[\s/<\[]")
_OBJECTS = re.compile(rb"/ObjStm\b")
_BEGINS = re.compile(rb"stream\r?\n")
_STREAM = re.compile(rb">>\s{0,4}stream\r?\n")
# Every look is bounded, whatever the file repeats: without that, ten megabytes of beginnings cost minutes.
MOST_LISTS, MOST_STREAMS = 2000, 100_000
_DICTIONARY, _LONGEST_LIST, _WINDOW = 2000, 4 * 1024 * 1024, 16 * 1024
_BEGINNING = 64 * 1024
"""What is looked at of every packed stream, because a list of objects can be called something else."""


def check(content: bytes) -> None:
    """Raises Invalid for a PDF that is cut off, encrypted, acts by itself or hides its objects."""
    if b"%%EOF" not in content[-_END_WITHIN:]:
        raise Invalid("attachment.malformed", "The PDF is cut off, or goes on behind its end.")
    _check_names(content)
    _check_streams(content)
    _check_lists(content)


def _check_streams(content: bytes) -> None:
    left, view = MOST_UNPACKED, memoryview(content)
    for count, found in enumerate(_STREAM.finditer(content)):
        if count >= MOST_STREAMS or left <= 0:
            raise Invalid("attachment.bomb", "The PDF unpacks to far more than its size.")
        beginning = _beginning(view[found.end() : found.end() + _WINDOW])
        left -= len(beginning)
        _check_names(beginning)


def _check_lists(content: bytes) -> None:
    left = MOST_UNPACKED
    for count, found in enumerate(_OBJECTS.finditer(content)):
        begins = _BEGINS.search(content, found.end(), found.end() + _DICTIONARY)
        if count >= MOST_LISTS or begins is None:
            raise _unreadable()
        unpacked = _unpacked(content, begins.end(), left)
        left -= len(unpacked)
        _check_names(unpacked)


def _check_names(part: bytes) -> None:
    plain = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), part) if b"#" in part else part
    if _ENCRYPTED.search(plain):
        raise Invalid("attachment.encrypted", "The PDF is encrypted, so that nobody can look into it. Save it without.")
    if _ACTING.search(plain):
        message = "The PDF holds a script, a form that sends, or a file. Print it to a new PDF and attach that one."
        raise Invalid("attachment.active_content", message)


def _beginning(packed: memoryview) -> bytes:
    """The beginning of a stream, where it is packed in the usual way; a picture or a font is not."""
    try:
        return zlib.decompressobj().decompress(packed, _BEGINNING)
    except zlib.error:
        return b""


def _unpacked(content: bytes, start: int, most: int) -> bytes:
    stream = zlib.decompressobj()
    end = content.find(b"endstream", start, start + _LONGEST_LIST)
    try:
        unpacked = stream.decompress(content[start:end], max(most, 1)) if end > 0 else b""
    except zlib.error:
        raise _unreadable() from None
    if stream.unconsumed_tail:
        raise Invalid("attachment.bomb", "The PDF unpacks to far more than its size.")
    if not unpacked:
        raise _unreadable()
    return unpacked


def _unreadable() -> Invalid:
    return Invalid("attachment.unreadable", "The PDF packs its objects in an unusual way; save it as PDF/A.")
