"""Looks into DOCX and ODT, which are zip archives: no bombs, no macros, nothing that is fetched or run on opening."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from chassis.errors import Invalid

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODT = "application/vnd.oasis.opendocument.text"
MOST_ENTRIES = 2000
MOST_UNPACKED = 64 * 1024 * 1024
MOST_RATIO = 200
SMALL = 1024 * 1024
PIECE = 256 * 1024
PACKINGS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
ENCRYPTED = 0x1
_ACTING = re.compile(
    r"vba|macro|activex|embeddings/|oleobject|^basic/|^scripts/|^object "
    r"|\.(?:bin|exe|dll|js|vbs|jar|class|com|scr|zip)$",
    re.IGNORECASE,
).search
_FETCHED = re.compile(rb"TargetMode\s{0,9}=\s{0,9}[\"'](?:External|[^\"']{0,50}&)").search
_HARMLESS = re.compile(rb"Type\s{0,9}=\s{0,9}[\"'][^\"']{0,200}/hyperlink[\"']").search
MOST_STEERING = 4 * 1024 * 1024


def check(content: bytes) -> str:
    """The media type of an office file. Raises Invalid for any other archive and for a dangerous one."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_sizes(entries, len(content))
            kind = _kind(archive, {entry.filename for entry in entries})
            _check_parts(archive, entries)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, KeyError, RuntimeError):
        raise Invalid("attachment.malformed", "The file is a damaged archive, or packed in an unusual way.") from None
    return kind


def _check_sizes(entries: list[zipfile.ZipInfo], size: int) -> None:
    """What the archive says of itself: many entries, much in little, or one part counted twice are bombs."""
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    big = any(e.file_size > SMALL and e.file_size > MOST_RATIO * max(e.compress_size, 1) for e in entries)
    if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or packed > size or big:
        raise Invalid("attachment.bomb", "The file unpacks to far more than its size.")
    if any(entry.flag_bits & ENCRYPTED for entry in entries):
        raise Invalid("attachment.encrypted", "The file is encrypted, so that nobody can look into it.")
    if any(entry.compress_type not in PACKINGS for entry in entries):
        raise Invalid("attachment.malformed", "The file is packed in an unusual way.")


def _kind(archive: zipfile.ZipFile, names: set[str]) -> str:
    if {"[Content_Types].xml", "word/document.xml"} <= names:
        return DOCX
    if "mimetype" in names and archive.read("mimetype").strip() == ODT.encode():
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise Invalid("attachment.encrypted", "The file is encrypted, so that nobody can look into it.")
        return ODT
    raise Invalid("attachment.kind_not_taken", "The file is an archive and neither DOCX nor ODT.")


def _check_parts(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """Every part is really unpacked, in pieces: its size is what it said, and what steers the program is read."""
    for entry in entries:
        name = entry.filename
        if _ACTING(name) or name.startswith("/") or ".." in name.split("/") or "\\" in name:
            message = "The file holds a macro, a program or another file. Save it as PDF and attach that one."
            raise Invalid("attachment.active_content", message)
        steering = name.endswith(".rels") or name == "[Content_Types].xml"
        _check_steering(_read(archive, entry, keep=steering))


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, keep: bool) -> bytes:
    kept = []
    with archive.open(entry) as part:
        while piece := part.read(PIECE):
            if keep:
                kept.append(piece)
    return b"".join(kept)


def _check_steering(part: bytes) -> None:
    """Tag by tag, so that no repetition costs more than its length; in another encoding than UTF-8 nothing is found."""
    tags = part.split(b">") if len(part) <= MOST_STEERING and b"\x00" not in part else [b"macroEnabled"]
    fetched = any(_FETCHED(tag) and not _HARMLESS(tag) for tag in tags)
    if fetched or any(b"macroEnabled" in tag or b"vbaProject" in tag for tag in tags):
        message = "The file starts a macro or fetches something when it is opened. Save it as PDF and attach that one."
        raise Invalid("attachment.active_content", message)
