"""Tables in files: reads CSV, TSV and JSON as rows of text, and writes CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping

from sqlite_utils.utils import Format, RowError, RowsFromFileError, rows_from_file

from plugin.errors import RegularsError

MAX_FILE_BYTES = 50_000_000
MAX_COLUMNS = 250
MAX_CELL = 10_000
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class UnreadableFile(RegularsError):
    """The file is no table that we can read; nothing was changed."""

    code = "unreadable_file"
    status = 422


Cells = dict[str, str]


def rows_of(body: bytes) -> Iterator[tuple[int, Cells]]:
    """Each row as (line, {header: text}), the header standing on line 1. Raises UnreadableFile with a sentence.

    Commas, semicolons, tabs and bars separate; UTF-8, UTF-16 and Windows' own letters are told apart; JSON may be a
    list of objects, one object a line, or an object that holds such a list.
    """
    if len(body) > MAX_FILE_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB. Split it.")
    text = _decoded(body)
    if not text.strip():
        raise UnreadableFile("The file is empty.")
    try:
        yield from _json(text) if text.lstrip()[0] in "[{" else _csv(text)
    except (csv.Error, RowError, RowsFromFileError, RecursionError) as error:
        raise UnreadableFile("The file is neither CSV, TSV nor JSON that we can read.") from error


def _decoded(body: bytes) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
        half = body[:2000]
        if half[1::2].count(0) > len(half) // 3:
            encodings = ["utf-16-le"]
        elif half[::2].count(0) > len(half) // 3:
            encodings = ["utf-16-be"]
    for encoding in encodings:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise UnreadableFile("The letters of the file cannot be read. Save it as CSV in UTF-8.")


def _csv(text: str) -> Iterator[tuple[int, Cells]]:
    head = text.lstrip("\n\r").split("\n", 1)[0]
    separator = max("\t;|,", key=head.count)
    if head.count(separator) >= MAX_COLUMNS:
        raise UnreadableFile(f"The file has more than {MAX_COLUMNS} columns.")

    class Separated(csv.excel):
        delimiter = separator

    rows, _ = rows_from_file(
        io.BytesIO(text.encode()), format=Format.CSV, dialect=Separated, encoding="utf-8", extras_key="…"
    )
    line = 2 + text[: len(text) - len(text.lstrip("\n\r"))].count("\n")
    for row in rows:
        cells = {str(name): _text(value) for name, value in row.items()}
        yield line, cells
        line += 1 + sum(value.count("\n") for value in cells.values())


def _json(text: str) -> Iterator[tuple[int, Cells]]:
    try:
        found = json.loads(text)
    except ValueError:
        try:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            raise UnreadableFile("The file begins like JSON and is none.") from None
    if isinstance(found, dict):
        # An answer of an API: {"customers": [...]}.
        lists = [value for value in found.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else [found]
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise UnreadableFile("The JSON is no list of objects.")
    names = list(dict.fromkeys(str(name) for row in found for name in row))
    if len(names) > MAX_COLUMNS:
        raise UnreadableFile(f"The file has more than {MAX_COLUMNS} columns.")
    for at, row in enumerate(found):
        yield at + 1, {name: _text(row.get(name)) for name in names}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        value = value.get("name", value.get("title", ""))  # such as {"vip_tier": {"id": 1, "name": "Gold"}}
    return str(value)[:MAX_CELL]


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A CSV file line by line, for a spreadsheet: with a mark of its letters, and no cell that would be run."""
    yield "\ufeff" + _line(header)
    for row in rows:
        yield _line(row)


def _line(cells: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([harmless(cell) for cell in cells])
    return out.getvalue()


def harmless(cell: object) -> object:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers."""
    if isinstance(cell, str) and cell.startswith(_BEGINS_A_FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell
