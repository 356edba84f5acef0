"""A table of referrals as spreadsheets write it: read exactly, refused by row and column, and no value told back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Invalid
from services.referrals.rules import csv_rows
from services.referrals.usecases import many

GOOD = {
    "service": "lt-kavkc-behaviour-change",
    "name": "Kanarėlė Vienas",
    "birth_year": "1985",
    "role": "used_violence",
    "contact_via": "referrer",
    "needs": "violence_own_use fatherhood",
    "reason": "Invented; he asks, for help",
    "urgency": "urgent",
    "ordered": "no",
    "person_informed": "yes",
}


def cell(text: str, delimiter: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in (delimiter, '"', "\n", "\r")) else text


def file(*rows: dict[str, str], delimiter: str = ",", end: str = "\r\n", bom: bool = False) -> bytes:
    lines = [list(GOOD), *([{**GOOD, **row}[name] for name in GOOD] for row in rows)]
    text = "".join(delimiter.join(cell(each, delimiter) for each in line) + end for line in lines)
    return (b"\xef\xbb\xbf" if bom else b"") + text.encode()


def refusal(raw: bytes) -> Invalid:
    with pytest.raises(Invalid) as caught:
        csv_rows.read(raw)
    return caught.value


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("bom", [True, False])
def test_every_usual_form_says_the_same(delimiter: str, end: str, bom: bool) -> None:  # noqa: FBT001 -- a parameter
    (row,) = csv_rows.read(file({}, delimiter=delimiter, end=end, bom=bom))
    assert row.number == 2
    assert row.body["person"] == {"name": "Kanarėlė Vienas", "birth_year": 1985}
    assert (row.body["ordered"], row.body["needs"]) == (False, ["violence_own_use", "fatherhood"])
    assert row.body["reason"] == GOOD["reason"]
    assert "order_reference" not in row.body


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=200))
def test_a_text_comes_out_as_it_went_in(text: str) -> None:
    """Line ends, quotes, delimiters, formulas: a cell is a text."""
    kept = text.strip()
    for delimiter in ",;":
        (row,) = csv_rows.read(file({"reason": text}, delimiter=delimiter))
        assert row.body.get("reason", "") == kept


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    for start in (b"", file()):
        with contextlib.suppress(Invalid):
            csv_rows.read(start + raw)


def test_a_formula_is_a_text() -> None:
    """As over JSON. What we write for spreadsheets is neutralised there."""
    (item,) = many.of_csv(file({"name": "=cmd|' /C calc'!A0"}))
    assert item.body["person"]["name"] == "=cmd|' /C calc'!A0"
    assert item.refused is None


def test_the_template_can_be_sent_as_it_is() -> None:
    (item,) = many.of_csv(csv_rows.template())
    assert item.refused is None
    assert csv_rows.template().startswith(b"\xef\xbb\xbfservice;")


def test_faults_name_row_and_column_and_no_value() -> None:
    secret = "Kanarelesuverte"
    bad = {"birth_year": secret, "role": secret, "ordered": secret, "needs": secret, "name": ""}
    items = many.of_csv(file({}, bad, {}))
    assert [item.refused is None for item in items] == [True, False, True]
    refused = items[1].refused
    assert isinstance(refused, Invalid)
    assert items[1].row == 3
    assert {fault.pointer for fault in refused.fields} == {"/birth_year", "/role", "/ordered", "/needs", "/name"}
    assert secret not in repr(refused.fields) + refused.detail


def test_a_file_without_header_does_not_come_back_in_the_answer() -> None:
    """Its first row is a person."""
    refused = refusal(file({}).split(b"\r\n", 1)[1])
    assert refused.code == "import.header"
    assert "Kanar" not in repr(refused.fields) + refused.detail
    assert {"/header/2", "/header/name"} <= {fault.pointer for fault in refused.fields}


def test_missing_unknown_and_repeated_columns_are_told_together() -> None:
    raw = b"service,name,name,birth_year,role,needs,reason,urgency,colour\r\nx\r\n"
    told = {(fault.pointer, fault.code) for fault in refusal(raw).fields}
    assert told == {
        ("/header/9", "unknown"),
        ("/header/name", "repeated"),
        ("/header/ordered", "required"),
        ("/header/person_informed", "required"),
    }
    assert ("/header/service", "required") in {(f.pointer, f.code) for f in refusal(b"name\r\nx\r\n").fields}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (file({}).decode().encode("cp1257"), "import.encoding"),
        (file({}).decode().encode("utf-16"), "import.encoding"),
        (file({"reason": "a\x00b"}), "import.encoding"),
        (b"", "import.empty"),
        (b"\xef\xbb\xbf", "import.empty"),
        (file(), "import.empty"),
        (file(*[{}] * 501), "import.too_many"),
        (file({}) + b"\r\n" * 50_000, "import.too_many"),
        (file({"reason": "x" * (10 << 20)}), "import.malformed"),
        (file({}) + b'"an open quote' + b"\r\nx" * 10_000, "import.malformed"),
        (file({}) + b"," * (5 << 20), "import.malformed"),
        (file({}) + b'a"b"c' + b"," * 9 + b'"x"y\r\n', "import.malformed"),
    ],
    ids=range(12),
)
def test_what_is_no_such_table_is_refused_quickly(raw: bytes, code: str) -> None:
    begun = time.perf_counter()
    assert refusal(raw).code == code
    assert time.perf_counter() - begun < 2


def test_a_row_of_another_length_is_one_rows_fault() -> None:
    raw = file({}) + b"one,two\r\n" + b",,\r\n" + file({}).split(b"\r\n", 1)[1]
    rows = csv_rows.read(raw)
    assert [(row.number, [fault.code for fault in row.faults]) for row in rows] == [
        (2, []),
        (3, ["row.cells"]),
        (5, []),
    ]


def test_rows_count_as_a_spreadsheet_counts_them() -> None:
    rows = csv_rows.read(file({"reason": "one\ntwo\nthree"}, {}))
    assert [row.number for row in rows] == [2, 3]
    assert rows[0].body["reason"] == "one\ntwo\nthree"


def test_five_hundred_rows_take_little(record_property: Callable[[str, str], None]) -> None:
    raw, lines = file(*[{}] * 500), b"\n".join([orjson.dumps(csv_rows.read(file({}))[0].body)] * 500)
    for name, read, given_bytes in (
        ("csv", many.of_csv, (raw,)),
        ("ndjson", many.of_json, (lines, many.NDJSON)),
    ):
        begun = time.perf_counter()
        assert len(read(*given_bytes)) == 500  # type: ignore[operator]
        seconds = time.perf_counter() - begun
        record_property(f"{name}_500_rows_seconds", f"{seconds:.3f}")
        assert seconds < 2
