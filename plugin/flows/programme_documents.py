"""The programme as one document, JSON or TOML, for another shop: written whole, read with a sentence for each fault."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from plugin.domain import programme as rules
from plugin.domain.programme import Programme
from plugin.domain.values import exponent
from plugin.errors import RegularsError

FORMAT = 1
MAX_BYTES = 500_000
_TOO_LARGE = f"The document is larger than {MAX_BYTES:,} bytes. Take out rows that are not needed any more."
# TOML knows no null: fields that are nothing, though something would stand there by default, are named here.
_NOTHING = "without"
_HEAD = {"regulars_programme", _NOTHING}
_PATH = re.compile(r" - at `\$\.?(.*?)`$")

Problem = tuple[str, str]


class UnreadableProgramme(RegularsError):
    """The document was not taken and nothing was published; `problems` names each field with a sentence."""

    code = "unreadable_programme"
    status = 422

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(f"{where}: {said}" if where else said for where, said in problems))
        self.problems = problems


def written(programme: Programme, form: str) -> str:
    """The document of a programme, as `json` or `toml`; its number belongs to the shop and stays there."""
    plain: dict[str, Any] = msgspec.to_builtins(programme)
    del plain["version"]
    if form == "json":
        body = msgspec.json.encode({"regulars_programme": FORMAT, **plain})
        return msgspec.json.format(body, indent=2).decode() + "\n"
    without = [where for where, is_default in _nothings(programme) if not is_default]
    head: dict[str, Any] = {"regulars_programme": FORMAT}
    return _toml({**head, **({_NOTHING: without} if without else {}), **plain})


def read(body: bytes, currency: str | None, *, as_currency: str | None = None) -> Programme:
    """The programme of a document, ready to be published in a shop of that currency.

    A document in another currency is taken only when `as_currency` says that its amounts are meant in the shop's own.
    Raises UnreadableProgramme: not a document, of a newer version, unknown or wrong fields, rules that contradict.
    """
    plain = _parsed(body)
    found = plain.pop("regulars_programme", None)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise UnreadableProgramme(
            [
                (
                    "regulars_programme",
                    f"This is no programme of Regulars. A document begins with {FORMAT} here.",
                )
            ]
        )
    if found > FORMAT:
        raise UnreadableProgramme(
            [("regulars_programme", f"The document is of version {found}, and this app reads up to {FORMAT}. "
              "Update the app first.")]
        )  # fmt: skip
    _restore_nothings(plain)
    unknown = list(_unknown(plain, Programme, ""))
    if unknown:
        said = "This app does not know this field. Update the app, or take the field out."
        raise UnreadableProgramme([(where, said) for where in unknown])
    stated = plain.get("currency")
    if currency is not None and isinstance(stated, str) and stated != currency:
        if as_currency != currency or exponent(stated) != exponent(currency):
            raise UnreadableProgramme([("currency", _other_currency(stated, currency))])
        plain["currency"] = currency
    try:
        programme = msgspec.convert({**plain, "version": 0}, Programme)
    except (msgspec.ValidationError, OverflowError) as error:
        raise UnreadableProgramme([_wrong(str(error))]) from error
    problems = rules.problems(programme)
    if len(msgspec.json.encode(programme)) > MAX_BYTES:
        problems = [("", _TOO_LARGE)]  # with everything that it leaves out
    if problems:
        raise UnreadableProgramme(problems)
    return programme


def _other_currency(stated: str, currency: str) -> str:
    if exponent(stated) != exponent(currency):
        return f"The amounts are in {stated[:3]}, which has other decimals than {currency}. Write them in {currency}."
    return (
        f"The amounts are in {stated[:3]} and the shop sells in {currency}. Say that they are meant in {currency}, "
        "or change them."
    )


def _parsed(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BYTES:
        raise UnreadableProgramme([("", _TOO_LARGE)])
    try:
        text = body.decode("utf-8-sig")
        plain = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableProgramme([("", "This is neither a JSON nor a TOML document.")]) from error
    if not isinstance(plain, dict) or not plain:
        raise UnreadableProgramme([("", "The document is empty.")])
    return plain


def _wrong(text: str) -> Problem:
    """What msgspec says of a field, as a field and a sentence."""
    found = _PATH.search(text)
    if found is None:
        missing = re.search(r"missing required field `(\w+)`", text)
        return (missing[1], "This field is missing.") if missing else ("", f"{text[:200]}.")
    where = found[1].replace("[", ".").replace("]", "")
    said = text[: found.start()].replace("`", "")
    return where, f"{said[:200]}."


def _unknown(value: object, kind: Any, where: str) -> Iterator[str]:
    """Paths of fields that a document has and the programme has not."""
    kind = _bare(kind)
    if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        hints = typing.get_type_hints(kind)
        for name, inner in value.items():
            if name not in hints or (not where and name == "version"):
                yield f"{where}{name}"
            else:
                yield from _unknown(inner, hints[name], f"{where}{name}.")
    elif typing.get_origin(kind) is tuple and isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _unknown(inner, typing.get_args(kind)[0], f"{where}{at}.")


def _bare(kind: Any) -> Any:
    """A type without its None."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        left = [one for one in typing.get_args(kind) if one is not type(None)]
        return left[0] if len(left) == 1 else kind
    return kind


def _nothings(value: object, where: str = "") -> Iterator[tuple[str, bool]]:
    """(path, whether that is its default) of every field that is None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for one in dataclasses.fields(value):
            inner = getattr(value, one.name)
            if inner is None:
                yield f"{where}{one.name}", one.default is None
            else:
                yield from _nothings(inner, f"{where}{one.name}.")
    elif isinstance(value, tuple):
        for at, inner in enumerate(value):
            yield from _nothings(inner, f"{where}{at}.")


def _restore_nothings(plain: dict[str, Any]) -> None:
    paths = plain.pop(_NOTHING, [])
    if not isinstance(paths, list):
        raise UnreadableProgramme([(_NOTHING, "Give a list of fields.")])
    for path in paths:
        at: Any = plain
        *steps, last = str(path).split(".")
        for step in steps:
            inside = isinstance(at, list) and step.isdecimal() and int(step) < len(at)
            at = at[int(step)] if inside else at.get(step) if isinstance(at, dict) else None
        if not isinstance(at, dict):
            raise UnreadableProgramme([(_NOTHING, f"There is no field {str(path)[:100]}.")])
        at[last] = None


def _toml(plain: Mapping[str, Any]) -> str:
    """TOML of a dictionary of texts, whole numbers, truths, lists and dictionaries; what is None is left out."""
    lines, tables = [], []
    for name, value in plain.items():
        if isinstance(value, Mapping) and value:
            tables += ["", f"[{name}]", *_fields(value)]
        elif isinstance(value, list | tuple) and value and all(isinstance(one, Mapping) for one in value):
            for one in value:
                tables += ["", f"[[{name}]]", *_fields(one)]
        elif value is not None:
            lines.append(f"{name} = {_toml_value(value)}")
    return "\n".join([*lines, *tables]) + "\n"


def _fields(table: Mapping[str, Any]) -> list[str]:
    return [f"{_name(name)} = {_toml_value(value)}" for name, value in table.items() if value is not None]


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _toml_value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(_fields(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_value(one) for one in value) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
