"""A man's card to keep: his return code as letters and as a picture, and nothing else that he did not tick (groups.md).

Drawn as SVG in the size of a bank card (ISO/IEC 7810 ID-1): a browser shows it and prints it, no font is needed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from xml.sax.saxutils import escape

import segno

from services.groups.rules.codes import normalised

SHOWS = ("organisation", "programme", "place", "time")
"""What he may tick; the PIN is never on it."""
WIDTH, HEIGHT, PICTURE = 85.6, 53.98, 32
MOST = 44
"""Signs of a line; a longer one is cut."""


def svg(code: str, lines: Sequence[str]) -> bytes:
    """The card as a file; `code` as it is read aloud, `lines` what he ticked. The picture holds the bare code."""
    picture = segno.make(normalised(code), error="m", micro=False)
    inner = picture.svg_inline(omitsize=True, border=4, svgclass=None, lineclass=None)
    left = (WIDTH - PICTURE) / 2
    texts = [_text(code, 39, 6), *(_text(_cut(line), 43.5 + 3 * no, 2.6) for no, line in enumerate(lines))]
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{HEIGHT}mm"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        f'<svg x="{left:g}" y="1" width="{PICTURE}" height="{PICTURE}">{inner}</svg>{"".join(texts)}</svg>'
    )
    return drawing.encode()


def _text(text: str, y: float, size: float) -> str:
    return f'<text x="{WIDTH / 2}" y="{y:g}" font-size="{size:g}" text-anchor="middle">{escape(text)}</text>'


def when(start_on: dt.date | None, local_start: dt.time | None) -> str:
    """First day and hour as figures that are read alike everywhere."""
    if start_on is None or local_start is None:
        return ""
    return f"{start_on.isoformat()} {local_start:%H:%M}"


def _cut(line: str) -> str:
    return line if len(line) <= MOST else f"{line[: MOST - 1]}…"
