"""What a roster holds as a file: aliases and codes only, and nothing that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chassis.cells import harmless

PURPOSES = ("print", "handover", "statistics")
HEAD = ("place", "alias", "language", "state", "attended_share", "commitment_share")
SHORT = {"present": "P", "late": "L", "left_early": "E", "excused": "X", "absent": "A", "not_recorded": "-"}


def table(
    lines: Iterable[Mapping[str, Any]], meetings: Sequence[int], codes: Mapping[Any, Mapping[int, str]]
) -> list[list[Any]]:
    """Head and rows; one column for each meeting with a letter for how he took part.

    `lines` are those of the roster with the two shares; `codes` maps a sign-up and a meeting's number to a code.
    """
    rows: list[list[Any]] = [[*HEAD, *(str(no) for no in meetings)]]
    for number, line in enumerate(lines, 1):
        his = codes.get(line["signup_id"], {})
        strip = [SHORT.get(his.get(no, ""), "") for no in meetings]
        shares = [line["attended_share"], line["commitment_share"]]
        rows.append([number, harmless(line["alias"]), line["language"] or "", line["state"], *shares, *strip])
    return rows


def as_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    """With a mark of UTF-8, without which spreadsheets misread letters."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()
