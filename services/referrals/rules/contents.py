"""Which kinds of files may be attached, told by what they hold and never by what they are called or said to be."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chassis.errors import Invalid
from services.referrals.rules import office_file, pdf_file

MOST_BYTES = 10 * 1024 * 1024
LONGEST_NAME = 150
PDF, PNG, JPEG, TEXT = "application/pdf", "image/png", "image/jpeg", "text/plain"
ENDINGS = {
    PDF: ("pdf",),
    PNG: ("png",),
    JPEG: ("jpg", "jpeg"),
    TEXT: ("txt",),
    office_file.DOCX: ("docx",),
    office_file.ODT: ("odt",),
}
"""The kinds that are taken, with the endings that a name of each may have."""

TAKEN = "PDF, PNG, JPEG, plain text in UTF-8, DOCX or ODT"
LARGEST_PICTURE = 100_000_000
_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PNG_END = b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]").search
_NO_NAME = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]').search


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a file turned out to be."""

    media_type: str


def look(content: bytes, name: str) -> Looked:
    """Tell what the content is, and that its name says the same. Raises Invalid for what is not taken.

    It reads the whole file and unpacks what is packed: half a second for the worst one, so it runs apart.
    """
    if not content:
        raise refused("attachment.empty", "The file is empty.")
    kind = _kind(content)
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in ENDINGS[kind]:
        expected = " or ".join(f".{each}" for each in ENDINGS[kind])
        raise refused("attachment.name_and_content", f"The content is {kind}; a name of it ends in {expected}.")
    return Looked(media_type=kind)


def check_name(name: str | None) -> str:
    """The name of a file, without any path. Raises Invalid."""
    if name is None or not name.strip():
        raise refused("attachment.name_missing", 'Send the name: Content-Disposition: attachment; filename="a.pdf".')
    if len(name) > LONGEST_NAME or name.startswith(".") or _NO_NAME(name):
        message = f"A name has at most {LONGEST_NAME} characters, no path, no control characters, and begins with none."
        raise refused("attachment.name_unfit", message)
    return name


def refused(code: str, detail: str) -> Invalid:
    """A refusal that says what is taken; never a word of the content."""
    return Invalid(code, detail)


def _kind(content: bytes) -> str:
    if content.startswith(b"%PDF-"):
        pdf_file.check(content)
        return PDF
    if content.startswith(_PNG_START):
        _check_png(content)
        return PNG
    if content.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in content:
        return JPEG
    if content.startswith(b"PK\x03\x04"):
        return office_file.check(content)
    _check_text(content)
    return TEXT


def _check_png(content: bytes) -> None:
    if not content.endswith(_PNG_END):
        raise refused("attachment.malformed", "The picture goes on behind its end, or is cut off.")
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    if width * height > LARGEST_PICTURE:
        raise refused("attachment.bomb", "The picture would unpack to more than 100 million points.")


def _check_text(content: bytes) -> None:
    """What nothing else recognised has to be a text that people can read, and no script."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\x00"
    if _CONTROL(text) or text.startswith("#!"):
        raise refused("attachment.kind_not_taken", f"Only {TAKEN} are taken; the content is none of them.")
