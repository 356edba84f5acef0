"""A roster to print: aliases, states, a box for every meeting; no name of group or organisation (groups.md 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import font_roboto
from fpdf import FPDF
from fpdf.enums import TextEmphasis
from fpdf.fonts import FontFace

MARGIN, SIZE, HEIGHT = 10, 9, 7
FIRST = (8.0, 44.0, 18.0, 24.0, 14.0, 14.0)
"""Widths in millimetres of number, alias, language, state and the two shares; what is left is for the meetings."""
ACROSS = 297.0


def page(rows: Sequence[Sequence[Any]], title: str) -> bytes:
    """The PDF, A4 across, of the rows of `exporting.table`; `title` is a neutral reference. Runs apart."""
    pdf = FPDF(format="A4", orientation="landscape")
    pdf.set_margin(MARGIN)
    pdf.set_auto_page_break(auto=True, margin=MARGIN)
    pdf.add_font("Roboto", fname=font_roboto.Roboto)
    pdf.set_creator("Tukiverkko")
    pdf.set_title(title)
    pdf.add_page()
    pdf.set_font("Roboto", size=SIZE)
    pdf.cell(text=title, h=HEIGHT, new_x="LMARGIN", new_y="NEXT")
    meetings = len(rows[0]) - len(FIRST)
    each = min(12.0, (ACROSS - 2 * MARGIN - sum(FIRST)) / meetings) if meetings else 0.0
    widths = (*FIRST, *(each for _ in range(meetings)))
    head = FontFace(emphasis=TextEmphasis.NONE, fill_color=(230, 230, 230))
    with pdf.table(
        col_widths=widths, width=sum(widths), align="LEFT", line_height=HEIGHT, headings_style=head
    ) as table:
        for row in rows:
            line = table.row()
            for cell in row:
                line.cell("" if cell is None else str(cell))
    return bytes(pdf.output())
