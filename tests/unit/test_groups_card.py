"""The card to keep: its picture is read by a reader that is not ours, and nothing stands on it but what was ticked."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from services.groups.rules import card
from services.groups.rules.words import named

CODE = "7K2M-9QXD-4TR"
SVG = "{http://www.w3.org/2000/svg}"


def picture(drawn: bytes) -> Image.Image:
    """The strokes of the picture as a bitmap, five dots each."""
    outer = ET.fromstring(drawn)
    inner = outer.find(f"{SVG}svg/{SVG}svg")
    assert inner is not None
    side = int(inner.attrib["viewBox"].split()[2])
    (path,) = inner.findall(f"{SVG}path")
    bitmap = Image.new("L", (side * 5, side * 5), 255)
    draw = ImageDraw.Draw(bitmap)
    x = y = 0.0
    for sign, numbers in re.findall(r"([Mmh])([-0-9. ]+)", path.attrib["d"]):
        values = [float(each) for each in numbers.split()]
        if sign == "h":
            draw.rectangle((x * 5, (y - 0.5) * 5, (x + values[0]) * 5 - 1, (y + 0.5) * 5 - 1), fill=0)
            x += values[0]
        else:
            x, y = (values[0], values[1]) if sign == "M" else (x + values[0], y + values[1])
    return bitmap


def texts(drawn: bytes) -> list[str]:
    return [each.text or "" for each in ET.fromstring(drawn).iter(f"{SVG}text")]


@pytest.mark.parametrize("code", [CODE, "0000-0000-000", "ZZZZ-ZZZZ-ZZZ"])
def test_the_picture_holds_the_bare_code(code: str) -> None:
    found = zxingcpp.read_barcodes(picture(card.svg(code, [])))
    assert [each.text for each in found] == [code.replace("-", "")]


def test_nothing_stands_on_it_but_the_code() -> None:
    drawn = card.svg(CODE, [])
    assert texts(drawn) == [CODE]
    assert b"title" not in drawn
    assert not re.search(rb"https?:(?!//www.w3.org/2000/svg)", drawn)


def test_what_he_ticked_stands_on_it_and_is_only_text() -> None:
    drawn = card.svg(CODE, ["<script>alert(1)</script>", "x" * 60])
    assert texts(drawn) == [CODE, "<script>alert(1)</script>", "x" * 43 + "…"]
    assert b"<script" not in drawn


def test_a_name_is_found_in_the_language_or_another() -> None:
    assert named({"lt": "Grupė", "en": "Group"}, "lt") == "Grupė"
    assert named({"lt": "Grupė", "en": "Group"}, "fi") == "Group"
    assert named({"lt": "Grupė"}, "fi") == "Grupė"
    assert not named(None, "fi")
    assert not card.when(None, None)
