"""What may be attached is told by the content: renamed programs, bombs, macros, scripts, locked files are refused."""

from __future__ import annotations

import io
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping

import pytest

from chassis.errors import Invalid
from services.referrals.rules import contents, office_file

MIB = 1024 * 1024
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 30 + b"\xff\xd9"
TYPES = "<Types/>"
DOCX = {"[Content_Types].xml": TYPES, "word/document.xml": "<w:document/>"}
MANIFEST = {"META-INF/manifest.xml": "<manifest/>"}
ODT = {"mimetype": office_file.ODT, **MANIFEST, "content.xml": "<office/>"}


def png(width: int = 2, height: int = 2) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"
    return b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\r" + head + zlib.crc32(head).to_bytes(4) + end


def archive(parts: Mapping[str, str | bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", packing) as into:
        for name, part in parts.items():
            into.writestr(name, part)
    return made.getvalue()


def packed_objects(inside: bytes) -> bytes:
    stream = zlib.compress(inside)
    return PDF.replace(b"trailer", b"2 0 obj\n<< /Type /ObjStm /N 1 >>\nstream\n" + stream + b"\nendstream\ntrailer")


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (PDF, "a.pdf", contents.PDF),
        (PDF, "Sprendimas Nr. 7.PDF", contents.PDF),
        (png(), "a.png", contents.PNG),
        (JPEG, "a.jpeg", contents.JPEG),
        ("Ačiū, žmogau!\r\n".encode(), "a.txt", contents.TEXT),
        (archive(DOCX), "a.docx", office_file.DOCX),
        (archive(ODT), "a.odt", office_file.ODT),
        (packed_objects(b"1 0 << /Type /Page >>"), "a.pdf", contents.PDF),
    ],
)
def test_the_six_kinds_are_taken(content: bytes, name: str, kind: str) -> None:
    assert contents.look(content, name).media_type == kind


PROGRAMS = {
    "windows": b"MZ\x90\x00\x03" + b"\x00" * 200,
    "linux": b"\x7fELF\x02\x01\x01" + b"\x00" * 200,
    "script": b"#!/bin/sh\necho hello\n",
    "old word": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,
    "not UTF-8": "žodis".encode("cp1257"),
    "UTF-16": "text".encode("utf-16"),
    "rar": b"Rar!\x1a\x07\x00" + b"\x00" * 20,
    "pdf behind rubbish": b"MZ\x00" + PDF,
}


@pytest.mark.parametrize("what", PROGRAMS)
@pytest.mark.parametrize("name", ["a.pdf", "a.txt", "a.docx", "a.png", "a.exe"])
def test_a_renamed_program_is_no_document(what: str, name: str) -> None:
    assert refusal(PROGRAMS[what], name) == "attachment.kind_not_taken"


def refusal(content: bytes, name: str = "a.docx") -> str:
    with pytest.raises(Invalid) as caught:
        contents.look(content, name)
    return caught.value.code


@pytest.mark.parametrize("name", ["a.txt", "a.pdf.exe", "a", "a.docm", "pdf", "a.html"])
def test_a_name_says_what_the_content_is(name: str) -> None:
    assert refusal(PDF, name) == "attachment.name_and_content"


def test_text_under_the_name_of_a_script_is_refused() -> None:
    assert refusal(b"CreateObject", "a.vbs") == "attachment.name_and_content"


ACTING = [
    b"<< /S /JavaScript /JS (app.alert) >>",
    b"<< /S /Java#53cript /JS (x) >>",
    b"<< /S /Launch /F (cmd.exe) >>",
    b"<< /Type /EmbeddedFile >>",
    b"<< /XFA [ ] >>",
]


@pytest.mark.parametrize("inside", ACTING)
@pytest.mark.parametrize(
    "hide",
    [
        lambda part: PDF.replace(b"trailer", part + b"\ntrailer"),
        packed_objects,
        lambda part: packed_objects(part).replace(b"/ObjStm /N 1", b"/Obj#53tm /N 1"),
        lambda part: packed_objects(part).replace(b"/N 1", b"/N 1 /DecodeParms << /Predictor 1 >>"),
    ],
)
def test_a_pdf_that_acts_is_refused(inside: bytes, hide: Callable[[bytes], bytes]) -> None:
    assert refusal(hide(inside), "a.pdf") == "attachment.active_content"


def test_a_pdf_that_nobody_can_look_into_is_refused() -> None:
    assert refusal(PDF.replace(b"/Root", b"/Encrypt 9 0 R /Root"), "a.pdf") == "attachment.encrypted"
    assert refusal(PDF.replace(b"%%EOF", b""), "a.pdf") == "attachment.malformed"
    assert refusal(PDF + b"x" * 5000, "a.pdf") == "attachment.malformed"
    broken = packed_objects(b"1").replace(b"stream\nx", b"stream\n?")
    assert refusal(broken, "a.pdf") == "attachment.unreadable"


def test_a_pdf_bomb_is_refused() -> None:
    assert refusal(packed_objects(b"\x00" * (80 * MIB)), "a.pdf") == "attachment.bomb"


SMALL_STREAM = b"9 0 obj\n<< /Length 9 >>\nstream\n" + zlib.compress(b"q Q") + b"\nendstream\nendobj\n"
BIG_STREAM = b"<< /Length 9 >>\nstream\n" + zlib.compress(bytes(60_000)) + b"\nendstream\n"


@pytest.mark.parametrize(
    ("repeated", "codes"),
    [
        (SMALL_STREAM, {"attachment.bomb"}),
        (BIG_STREAM, {"attachment.bomb"}),
        (b">>stream\n", {"attachment.bomb"}),
        (b"/ObjStm ", {"attachment.unreadable"}),
        (b"/ObjStm>>stream\n", {"attachment.bomb", "attachment.unreadable"}),
        (b"%PDF-#41", {"taken"}),
    ],
)
def test_a_pdf_made_to_cost_time_takes_little(repeated: bytes, codes: set[str]) -> None:
    """Whatever ten megabytes repeat, the look at them is bounded."""
    content = PDF.replace(b"trailer", repeated * (9 * MIB // len(repeated)) + b"trailer")
    begun = time.perf_counter()
    try:
        contents.look(content, "a.pdf")
        told = "taken"
    except Invalid as refused:
        told = refused.code
    assert time.perf_counter() - begun < 10
    assert told in codes


def test_a_picture_that_unpacks_to_a_field_of_points_is_refused() -> None:
    assert refusal(png(60_000, 60_000), "a.png") == "attachment.bomb"
    assert refusal(png() + b"PK", "a.png") == "attachment.malformed"


BOMBS = {
    "much in little": archive({**DOCX, "word/a.xml": b"\x00" * (20 * MIB)}),
    "many small bombs": archive({**DOCX, **{f"word/{n}.xml": b"\x00" * MIB for n in range(70)}}),
    "many entries": archive({**DOCX, **{f"word/{n}.xml": b"" for n in range(2100)}}),
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_zip_bomb_is_refused(what: str) -> None:
    assert refusal(BOMBS[what]) == "attachment.bomb"


def test_an_archive_that_lies_about_its_sizes_is_refused() -> None:
    honest = archive({**DOCX, "word/a.xml": b"\x00" * (3 * MIB)})
    lying = honest.replace(struct.pack("<I", 3 * MIB), struct.pack("<I", 100))
    assert lying != honest
    assert refusal(lying) == "attachment.malformed"


def test_entries_that_share_their_bytes_are_refused() -> None:
    made = archive({**DOCX, "word/a.xml": zlib.compress(bytes(range(256)) * 4000)})
    at = made.rindex(b"PK\x01\x02")
    end = made.rindex(b"PK\x05\x06")
    entry = made[at:end]
    twice = made[:end] + entry.replace(b"a.xml", b"b.xml") + made[end:]
    count, size = struct.unpack("<HI", made[end + 10 : end + 16])
    told = struct.pack("<HHI", count + 1, count + 1, size + len(entry))
    twice = twice[: end + len(entry) + 8] + told + twice[end + len(entry) + 16 :]
    assert refusal(twice) in {"attachment.bomb", "attachment.malformed"}


EXTERNAL = (
    '<Relationship Id="1" Type="http://schemas/attachedTemplate" Target="http://192.0.2.1/t.dotm" '
    'TargetMode="External"/>'
)


@pytest.mark.parametrize(
    "parts",
    [
        {"word/vbaProject.bin": "x"},
        {"word/embeddings/oleObject1.bin": "x"},
        {"word/activeX/activeX1.xml": "x"},
        {"word/media/a.exe": "x"},
        {"../../etc/a.xml": "x"},
        {"/a.xml": "x"},
        {"word/_rels/settings.xml.rels": EXTERNAL},
        {"word/_rels/settings.xml.rels": EXTERNAL.replace("External", "&#69;xternal")},
        {"word/_rels/settings.xml.rels": EXTERNAL.replace('="External"', " = 'External'")},
        {"word/_rels/settings.xml.rels": EXTERNAL.encode("utf-16")},
        {"[Content_Types].xml": "application/vnd.ms-word.document.macroEnabled.main+xml"},
    ],
)
def test_an_office_file_that_acts_is_refused(parts: dict[str, str | bytes]) -> None:
    assert refusal(archive({**DOCX, **parts})) == "attachment.active_content"


@pytest.mark.parametrize("part", ["Basic/Standard/Module1.xml", "Scripts/python/a.py", "Object 1/content.xml"])
def test_an_odt_with_a_macro_is_refused(part: str) -> None:
    assert refusal(archive({**ODT, part: "x"}), "a.odt") == "attachment.active_content"


def test_a_locked_office_file_is_refused() -> None:
    locked = archive({**ODT, "META-INF/manifest.xml": "<m:encryption-data/>"})
    assert refusal(locked, "a.odt") == "attachment.encrypted"
    flagged = bytearray(archive(DOCX))
    flagged[flagged.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(flagged)) == "attachment.encrypted"


def test_a_link_may_stand_in_a_letter() -> None:
    link = EXTERNAL.replace("attachedTemplate", "relationships/hyperlink")
    assert contents.look(archive({**DOCX, "word/_rels/document.xml.rels": link}), "a.docx")


def test_another_archive_is_refused() -> None:
    assert refusal(archive({"a.txt": "x"})) == "attachment.kind_not_taken"
    assert refusal(archive({"xl/workbook.xml": "x", "[Content_Types].xml": TYPES})) == "attachment.kind_not_taken"
    assert refusal(b"PK\x03\x04") == "attachment.malformed"
    assert refusal(archive({"mimetype": office_file.ODT})) == "attachment.malformed"
    assert refusal(archive(DOCX, zipfile.ZIP_LZMA)) == "attachment.malformed"


def test_an_empty_file_is_refused() -> None:
    assert refusal(b"", "a.txt") == "attachment.empty"


@pytest.mark.parametrize(
    "name", [None, "", " ", "../a.pdf", "a\\b.pdf", "a\x00.pdf", ".pdf", "a" * 200, "a\u202efdp.exe"]
)
def test_an_unfit_name_is_refused(name: str | None) -> None:
    with pytest.raises(Invalid):
        contents.check_name(name)


def test_the_worst_file_takes_little_time(record_property: Callable[[str, str], None]) -> None:
    """Half a minute of work in ten megabytes would stop everybody; the bound is wide, the figure is the point."""
    worst = archive({**DOCX, **{f"word/{n}.xml": bytes(range(256)) * 3600 for n in range(60)}})
    begun = time.perf_counter()
    contents.look(worst, "a.docx")
    seconds = time.perf_counter() - begun
    record_property("worst_office_file_seconds", f"{seconds:.3f}")
    assert seconds < 5
