"""Shopify's own Liquid filters that our extension may use: t, money, asset_url, json, handle, dates."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, request
from liquid import Environment
from liquid.builtin.expressions import logical
from liquid.builtin.expressions.primitive import Blank
from liquid.builtin.filters.misc import date as plain_date
from liquid.filter import with_environment
from liquid.undefined import is_undefined
from markupsafe import escape

from devshop.faces.figures import amount, money
from devshop.faces.texts import MONTHS_DE

_PLACE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_UNSAFE = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
_DATES = {
    "abbreviated_date": ("%b %d, %Y", "%d. %b %Y"),
    "basic": ("%m/%d/%Y", "%d.%m.%Y"),
    "date": ("%B %d, %Y", "%-d. %B %Y"),
    "default": ("%A, %B %d, %Y at %-I:%M %p", "%-d. %B %Y, %H:%M"),
    "on_date": ("%b %d, %Y", "%d. %b %Y"),
}


_plain_equal = logical._eq


def _equal(left: object, right: object) -> bool:
    """Shopify's `blank` is also nil and false; python-liquid's is only what is empty."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Blank) and (other is None or other is False or is_undefined(other)):
            return True
    return _plain_equal(left, right)


logical._eq = _equal


def register(environment: Environment, folder: Path, language: str, currency: str) -> None:
    """Adds the filters for one page: texts of this extension, in this language and currency."""
    words = strings(folder, language, ".json")
    fallback = strings(folder, "en", ".json")

    def translate(key: object, **values: object) -> str:
        return _translated(words, fallback, language, str(key), values)

    def priced(value: object) -> str:
        return money(_minor(value), currency)

    filters = {
        "t": translate,
        "translate": translate,
        "money": priced,
        "money_with_currency": lambda value: f"{money(_minor(value), currency)} {currency}",
        "money_without_currency": lambda value: amount(_minor(value), currency),
        "money_without_trailing_zeros": lambda value: re.sub(r"\.00$", "", priced(value)),
        "asset_url": lambda name: asset_url(folder, str(name)),
        "script_tag": lambda url: f'<script src="{escape(url)}"></script>',
        "stylesheet_tag": lambda url: (
            f'<link href="{escape(url)}" rel="stylesheet" type="text/css" media="all">'
        ),
        "json": as_json,
        "handle": handle,
        "handleize": handle,
        "pluralize": lambda count, one, several: one if _minor(count) == 1 else several,
        "date": _dated(language),
        "color_contrast": color_contrast,
    }
    environment.filters.update(filters)


@functools.lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    )
    return found


def strings(folder: Path, language: str, ending: str) -> Mapping[str, Any]:
    """The locale of an extension: {language}{ending}, or {language}.default{ending}; empty if there is none."""
    for name in (f"{language}{ending}", f"{language}.default{ending}"):
        path = folder / "locales" / name
        if path.exists():
            return _read(path, path.stat().st_mtime_ns)
    return {}


def entry(words: Mapping[str, Any], key: str) -> object:
    """What stands under a dotted key, or None."""
    found: object = words
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _translated(
    words: Mapping[str, Any],
    fallback: Mapping[str, Any],
    language: str,
    key: str,
    values: Mapping[str, object],
) -> str:
    found = entry(words, key)
    if found is None:
        found = entry(fallback, key)
    if isinstance(found, Mapping):
        found = found.get(_plural(values.get("count"))) or found.get("other")
    if not isinstance(found, str):
        return f"Translation missing: {language}.{key}"
    raw = key.endswith("_html")

    def place(hit: re.Match[str]) -> str:
        value = str(values.get(hit[1], hit[0]))
        return str(escape(value)) if raw else value

    text = _PLACE.sub(place, found)
    return text if raw else str(escape(text))


def _plural(count: object) -> str:
    """English and German: one for exactly 1, else other; zero if a locale has it is not used by either."""
    return "one" if str(count) == "1" else "other"


def _minor(value: object) -> int:
    try:
        return int(Decimal(str(value)))
    except ArithmeticError:
        return 0


def asset_url(folder: Path, name: str) -> str:
    """The address of a file in assets/, with its version."""
    path = folder / "assets" / name
    version = path.stat().st_mtime_ns // 1_000_000 if path.exists() else 0
    return f"{request.script_root}/ext/{folder.name}/assets/{name}?v={version}"


def as_json(value: object) -> str:
    """JSON that may stand in HTML: < > & are written as escapes, as Shopify's filter does."""
    plain = None if type(value).__name__.endswith("Undefined") else value
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), default=str).translate(_UNSAFE)


def handle(value: object) -> str:
    """A title as it stands in addresses."""
    plain = unicodedata.normalize("NFKD", str(value)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def color_contrast(one: object, other: object) -> float:
    """How well one #rrggbb can be read on the other, from 1 to 21, rounded to a tenth as Shopify's filter does."""
    dark, light = sorted(map(_luminance, (str(one), str(other))))
    return round((light + 0.05) / (dark + 0.05), 1)


def _luminance(colour: str) -> float:
    # https://www.w3.org/TR/WCAG21/#dfn-relative-luminance
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _dated(language: str) -> Any:
    german = language == "de"

    @with_environment
    def date(
        value: object, pattern: str | None = None, *, environment: Environment, format: str | None = None
    ) -> str:
        named = _DATES.get(format or "", ("", ""))[german] or pattern or _DATES["default"][german]
        if value in ("now", "today"):
            value = g.shop.desk.now()
        elif isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):  # Liquid writes times in the shop's own zone
            if named == "%s":  # strftime would take the machine's own zone for the time's
                return str(int(value.timestamp()))
            value = value.astimezone(ZoneInfo(g.shop.desk.shop.timezone))
        text = str(plain_date(value, named, environment=environment))
        if german:
            for english, translated in MONTHS_DE.items():
                text = re.sub(rf"\b{english}\b", translated, text)
        return text

    return date
