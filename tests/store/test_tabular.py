"""Files of all sorts become rows of text or a sentence, and what we write runs in no spreadsheet."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.store import tabular
from plugin.store.tabular import UnreadableFile, rows_of

TABLE = "Email,Points\nanna@example.com,5\nzoë@example.com,7\n"
ROWS = [{"Email": "anna@example.com", "Points": "5"}, {"Email": "zoë@example.com", "Points": "7"}]


@pytest.mark.parametrize(
    "body",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("utf-16-le"),
        TABLE.encode("utf-16-be"),
        TABLE.encode("cp1252"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode(),
        TABLE.replace(",", "|").encode(),
        json.dumps([{"Email": "anna@example.com", "Points": 5}, {"Email": "zoë@example.com", "Points": 7}]).encode(),
        b'{"Email": "anna@example.com", "Points": 5}\n{"Email": "zo\xc3\xab@example.com", "Points": 7}\n',
        json.dumps({"customers": [{"Email": "anna@example.com", "Points": 5},
                                  {"Email": "zoë@example.com", "Points": "7"}]}).encode(),
    ],
    ids="utf-8 bom utf-16 utf-16-le utf-16-be windows crlf semicolon tab bar json lines answer".split(),
)  # fmt: skip
def test_every_form_of_the_same_table_reads_alike(body: bytes) -> None:
    assert [cells for _, cells in rows_of(body)] == ROWS


def test_lines_are_those_of_the_file() -> None:
    body = b'Email,Note\na@b.io,"two\nlines"\nc@d.io,x\n'
    assert [line for line, _ in rows_of(body)] == [2, 4]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"[1, 2]", "no list of objects"),
        (b'{"a": ', "begins like JSON"),
        (b"[" * 100_000, "JSON"),
        (b"a,b\n\x00\x01\x02", "cannot be read"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "cannot be read"),
        (b"\xff\xfea", "cannot be read"),
        (",".join(f"c{n}" for n in range(300)).encode(), "more than 250 columns"),
        (b"a,b\n" + b'"' + b"x" * 200_000 + b'"', "neither CSV"),
    ],
)
def test_garbage_is_refused_with_a_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableFile, match=sentence):
        list(rows_of(body))


def test_200_columns_and_rows_longer_than_the_header_are_read() -> None:
    head = ",".join(["email", *(f"c{n}" for n in range(199))])
    row = ",".join(["a@b.io", *("x" for _ in range(205))])
    found = list(rows_of(f"{head}\n{row}\n".encode()))
    assert found[0][1]["email"] == "a@b.io"
    assert len(found[0][1]) == 201


def test_a_file_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "MAX_FILE_BYTES", 10)
    with pytest.raises(UnreadableFile, match="larger than"):
        list(rows_of(b"x" * 11))


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_a_sentence(body: bytes) -> None:
    try:
        rows = list(rows_of(body))
    except UnreadableFile as error:
        said = error.message
    else:
        said = "."
        assert all(isinstance(value, str) for _, cells in rows for value in cells.values())
    assert said.endswith(".")


@given(st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=2), max_size=5))
def test_no_cell_that_we_write_begins_a_formula(rows: list[list[str]]) -> None:
    text = "".join(tabular.csv_lines(["one", "two"], rows))
    back = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert text.startswith("\ufeffone,two")
    assert not [cell for row in back[1:] for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_numbers_stay_numbers() -> None:
    assert list(tabular.csv_lines(["n"], [[-5], [None], ["=1+1"]]))[1:] == ["-5\r\n", '""\r\n', "'=1+1\r\n"]
