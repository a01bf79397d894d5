"""Chapters: a part of the programme as a declared form, filled from a version and read back with its faults.

A chapter lists sections (attributes of the programme, or of one dataclass in it) and rows (a tuple of dataclasses).
A field's name in the form is the path of its attribute, so a problem of the domain finds its field by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Literal

import msgspec

from plugin.domain import programme as rules
from plugin.domain.programme import Programme
from plugin.domain.values import Ratio
from plugin.pages.reading import Reading, amount, key_of, ratio_text, word

MAX_ROWS = 20
MAX_TEXT = 200
MAX_WORDS = 100
Kind = Literal["whole", "money", "ratio", "text", "choice", "switch", "words", "date", "zone"]


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute. `name`: its path below the section, such as "rate.points". `empty`: may be left out, as None
    (in a row: as the blank row has it).

    words: a tuple of texts, written with commas between; ratio: a Ratio; date: an ISO day; zone: a time zone, the
    shop's where nothing is written.
    `of`: a choice among the keys of these rows of the programme; `empty` then means that none is a choice too.
    """

    name: str
    label: str
    kind: Kind = "whole"
    options: tuple[tuple[str, str], ...] = ()
    details: str = ""
    suffix: str = ""
    empty: bool = False
    of: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Attributes of the programme (`at` empty) or of the dataclass it holds at `at`."""

    title: str
    fields: tuple[Field, ...]
    at: str = ""
    intro: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """A tuple of dataclasses at `at`, each with a `key`; `blank` is what a new row starts from.

    `named_by`: the field whose text names a row and gives a new one its key.
    """

    title: str
    fields: tuple[Field, ...]
    at: str
    noun: str
    blank: Mapping[str, Any]
    named_by: str = "name"
    intro: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One form of the programme. `slug` is the end of its address."""

    slug: str
    title: str
    intro: str
    parts: tuple[Section | Rows, ...]
    beside: tuple[str, str] | None = None  # (address, text) of a page that belongs to it


@dataclass(slots=True)
class Draft:
    """What came back from a form: a programme that may be published when `errors` is empty."""

    programme: Programme
    errors: dict[str, str] = field(default_factory=dict)


def filled(chapter: Chapter, programme: Programme, currency: str) -> dict[str, str]:
    """The fields of the form as this version has them."""
    whole = msgspec.to_builtins(programme)
    found: dict[str, str] = {}
    for part in chapter.parts:
        if isinstance(part, Section):
            for one in part.fields:
                path = _path(part.at, one.name)
                found[path] = _text(one, _get(whole, path), currency)
            continue
        held = _get(whole, part.at) or ()
        for n, row in enumerate(held):
            found[f"{part.at}.{n}.key"] = row["key"]
            found[f"{part.at}.{n}.keep"] = "yes"
            for one in part.fields:
                found[f"{part.at}.{n}.{one.name}"] = _text(one, _get(row, one.name), currency)
        for one in part.fields:  # the row for a new one begins with what is usual
            if one.name != part.named_by and part.blank.get(one.name) is not None:
                found[f"{part.at}.{len(held)}.{one.name}"] = _text(one, part.blank[one.name], currency)
    return found


def row_numbers(part: Rows, given: Mapping[str, str]) -> list[int]:
    """The rows that the fields hold, and one more for a new one."""
    pattern = rf"{re.escape(part.at)}\.([0-9]{{1,2}})\.(?:key|{re.escape(part.named_by)})"
    held = sorted(
        {int(found[1]) for name, value in given.items() if value and (found := re.fullmatch(pattern, name))}
    )
    held = [n for n in held if n < MAX_ROWS]
    new = held[-1] + 1 if held else 0
    return [*held, new] if new < MAX_ROWS else held


def begun(chapter: Chapter, given: Mapping[str, str]) -> dict[str, str]:
    """What the lists of a new row begin with, because a list always has something chosen."""
    return {
        f"{part.at}.{row_numbers(part, given)[-1]}.{one.name}": _text(one, part.blank[one.name], "")
        for part in chapter.parts
        if isinstance(part, Rows)
        for one in part.fields
        if one.kind in ("choice", "switch") and one.name in part.blank
    }


def read(
    chapter: Chapter, given: Mapping[str, str], base: Programme, currency: str, zone: str = "UTC"
) -> Draft:
    """A draft of the next version from the form; what the form does not show stays as in `base`."""
    r = Reading(given, currency, zone)
    whole: dict[str, Any] = deepcopy(msgspec.to_builtins(base)) | {"currency": currency}
    kept: dict[str, list[int]] = {}
    for part in chapter.parts:
        if isinstance(part, Section):
            for one in part.fields:
                path = _path(part.at, one.name)
                _set(whole, path, _value(r, one, path, base))
        else:
            rows, kept[part.at] = _rows(r, part, _get(whole, part.at) or [], base)
            _set(whole, part.at, rows)
    draft = msgspec.convert(whole, Programme, strict=False)
    for where, sentence in rules.problems(draft):
        r.errors.setdefault(_shown(chapter, where, kept), sentence)
    return Draft(draft, r.errors)


def label(chapter: Chapter, name: str, given: Mapping[str, str]) -> str:
    """What the form calls a field; one of a row says whose it is."""
    for part in chapter.parts:
        for one in part.fields:
            if isinstance(part, Section) and name == _path(part.at, one.name):
                return one.label
            if isinstance(part, Rows) and (
                found := re.fullmatch(rf"{re.escape(part.at)}\.([0-9]+)\.{re.escape(one.name)}", name)
            ):
                whose = given.get(f"{part.at}.{found[1]}.{part.named_by}") or f"New {part.noun}"
                return f"{whose}, {one.label}"
    return next((part.title for part in chapter.parts if part.at == name), name)


def options(one: Field, programme: Programme) -> tuple[tuple[str, str], ...]:
    """What a choice offers: its own options, or the rows of the programme that it names."""
    if not one.of:
        return one.options
    rows = tuple((row.key, row.name or row.key) for row in getattr(programme, one.of))
    return (("", "None"), *rows) if one.empty else rows


def _rows(
    r: Reading, part: Rows, held: list[dict[str, Any]], base: Programme
) -> tuple[list[dict[str, Any]], list[int]]:
    by_key = {row["key"]: row for row in held}
    made: list[dict[str, Any]] = []
    kept: list[int] = []
    for n in row_numbers(part, r.given):
        at = f"{part.at}.{n}"
        key, name = r.text(f"{at}.key"), r.text(f"{at}.{part.named_by}")
        if (not key and not name) or r.text(f"{at}.keep") == "no":
            continue
        if key not in by_key:
            key = key_of(name, part.noun, by_key.keys() | {row["key"] for row in made})
        row = deepcopy(by_key.get(key) or dict(part.blank)) | {"key": key}
        for one in part.fields:
            left_out = key not in by_key and one.name not in part.blank and not r.text(f"{at}.{one.name}")
            if left_out:
                continue  # a new row begins with what the document says
            value = _value(r, one, f"{at}.{one.name}", base)
            _set(row, one.name, part.blank.get(one.name) if value is None else value)
        made.append(row)
        kept.append(n)
    return made, kept


def _value(r: Reading, one: Field, name: str, base: Programme) -> Any:
    """The field as it stands in the document's own plain form."""
    text = r.text(name)
    if not text and one.empty:
        return "" if one.of else None
    if one.kind == "whole":
        return r.whole(name)
    if one.kind == "money":
        return r.money(name)
    if one.kind == "ratio":
        share = Fraction(r.decimal(name) or 0)
        return {"numerator": share.numerator, "denominator": share.denominator}
    if one.kind == "choice":
        return r.choice(name, tuple(key for key, _ in options(one, base)) or ("",))
    if one.kind == "switch":
        return r.switch(name)
    if one.kind == "date":
        return _day(r, name)
    if one.kind == "zone":
        return text or r.zone
    if one.kind == "words":
        words = [said for piece in text.split(",") if (said := " ".join(piece.split()))]
        if len(words) > MAX_WORDS or any(len(said) > MAX_TEXT for said in words):
            r.errors.setdefault(name, f"At most {MAX_WORDS} entries of {MAX_TEXT} characters.")
            return []
        return words
    if len(text) > MAX_TEXT:
        r.errors.setdefault(name, f"Use {MAX_TEXT} characters or fewer.")
    return " ".join(text.split())


def _day(r: Reading, name: str) -> str:
    try:
        return date.fromisoformat(r.text(name)).isoformat()
    except ValueError:
        r.errors.setdefault(name, "Write a day as year-month-day, such as 2027-01-31.")
        return "2000-01-01"


def _text(one: Field, value: Any, currency: str) -> str:
    if value is None:
        return ""
    if one.kind == "money":
        return amount(value, currency)
    if one.kind == "ratio":
        return ratio_text(Ratio(value["numerator"], value["denominator"]))
    if one.kind == "switch":
        return word(value)
    if one.kind == "words":
        return ", ".join(value)
    return str(value)


def _path(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _get(held: Any, path: str) -> Any:
    for step in path.split("."):
        if held is None:
            return None
        held = held.get(step)
    return held


def _set(held: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        held = held.setdefault(step, {})
    held[last] = value


def _shown(chapter: Chapter, where: str, kept: Mapping[str, list[int]]) -> str:
    """The field of this form that a problem is about: the same path, with the row's number in the form."""
    for part in chapter.parts:
        if isinstance(part, Rows) and (
            found := re.fullmatch(rf"{re.escape(part.at)}\.([0-9]+)(\..+)?", where)
        ):
            row = kept[part.at][int(found[1])]
            where = f"{part.at}.{row}{found[2] or ''}"
            names = [f"{part.at}.{row}.{one.name}" for one in part.fields]
        else:
            names = [_path(part.at, one.name) for one in part.fields] if isinstance(part, Section) else []
        for name in names:
            if name == where or name.startswith(f"{where}."):
                return name
    return where
