"""A certificate as one printed page: the same words as the signed file, in one of eight languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import font_roboto
from fpdf import FPDF

from services.groups.rules.words import named

TEXTS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("certificate_texts.json").read_text(encoding="utf-8")
)
LINES = ("organisation", "programme", "from", "to", "held", "attended", "decision", "decided_on", "reference")
"""What is printed, in its order."""
MARGIN, LABEL, HEIGHT = 25, 60, 9


def page(content: dict[str, Any], language: str) -> bytes:
    """The PDF; a language without texts is English. It takes some tens of milliseconds and runs apart."""
    words = TEXTS.get(language, TEXTS["en"])
    pdf = FPDF(format="A4")
    pdf.set_margin(MARGIN)
    pdf.add_font("Roboto", fname=font_roboto.Roboto)
    pdf.set_creator("Tukiverkko")
    pdf.set_title(words["title"])
    pdf.set_lang(language)
    pdf.add_page()
    pdf.set_font("Roboto", size=26)
    pdf.cell(text=words["title"], h=2 * HEIGHT, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Roboto", size=12)
    for name in LINES:
        pdf.cell(LABEL, HEIGHT, words[name])
        pdf.multi_cell(0, HEIGHT, _value(content, name, words, language), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(HEIGHT)
    pdf.set_font("Roboto", size=9)
    pdf.multi_cell(0, HEIGHT / 1.8, words["verify"])
    return bytes(pdf.output())


def _value(content: dict[str, Any], name: str, words: dict[str, str], language: str) -> str:
    if name == "programme":
        return named(content["programme"], language)
    if name == "organisation":
        return named(content["organisation"]["names"], language, content["organisation"]["key"])
    if name == "decision":
        return words[content["decision"]]
    return str(content[name])
