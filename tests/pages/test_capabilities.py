"""The list of capabilities: every cell names something that exists, so that "it can do that" can be checked."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.house.sources import ROOT
from tests.pages.scene import Scene

HEADER = ["issue", "capability", "api route", "form", "flow test", "browser test"]
LIST = ROOT / "docs" / "capabilities.tsv"


class Row(NamedTuple):
    """One capability. Several routes, forms or tests of a cell stand with "; " between."""

    issue: str
    capability: str
    api: str
    form: str
    flow: str
    browser: str


def rows(text: str) -> list[Row]:
    """The rows below the header. Raises ValueError for a line that has not six filled cells."""
    head, *lines = text.rstrip("\n").split("\n")
    if head.split("\t") != HEADER:
        raise ValueError(f"the header must be {HEADER}")
    found = []
    for number, line in enumerate(lines, 2):
        cells = line.split("\t")
        if len(cells) != len(HEADER) or not all(cell.strip() for cell in cells):
            raise ValueError(f"line {number}: six cells, none of them empty: {line!r}")
        found.append(Row(*cells))
    return found


@cache
def _functions(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def missing_tests(row: Row) -> list[str]:
    """The tests of a row that are not there."""
    found = []
    for one in f"{row.flow}; {row.browser}".split("; "):
        path, _, name = one.partition("::")
        if name.partition("[")[0] not in _functions(ROOT / path) or not name.startswith("test_"):
            found.append(one)
    return found


def routes_of(scene: Scene) -> set[str]:
    """Every route of the app as "METHOD /path/{}"."""
    return {
        f"{method} {re.sub('<[^>]+>', '{}', rule.rule)}"
        for rule in scene.app.url_map.iter_rules()
        for method in rule.methods or ()
    }


def missing_routes(row: Row, routes: set[str]) -> list[str]:
    """The API routes and forms of a row that the app does not have."""
    asked = [*row.api.split("; "), *(f"GET {form}" for form in row.form.split("; "))]
    return [one for one in asked if re.sub(r"\{[^}]+\}|<[^>]+>", "{}", one) not in routes]


def test_every_capability_is_there(light: Scene) -> None:
    routes = routes_of(light)
    for row in rows(LIST.read_text("utf-8")):
        assert missing_tests(row) == [], row.capability
        assert missing_routes(row, routes) == [], row.capability


def test_no_capability_stands_twice() -> None:
    names = [row.capability for row in rows(LIST.read_text("utf-8"))]
    assert sorted(names) == sorted(set(names))


def test_the_list_is_not_believed(light: Scene) -> None:
    routes = routes_of(light)
    me = "tests/pages/test_capabilities.py::test_no_capability_stands_twice"
    good = Row("4", "x", "GET /healthz", "/programme", me, me)
    assert missing_routes(good, routes) == []
    assert missing_tests(good) == []
    assert missing_tests(good._replace(flow=f"{me}_not")) == [f"{me}_not"]
    assert missing_tests(good._replace(browser="tests/nowhere.py::test_x")) == ["tests/nowhere.py::test_x"]
    assert missing_routes(good._replace(form="/nowhere"), routes) == ["GET /nowhere"]
    for text in ("\t".join(HEADER) + "\n4\tx\t\ta\tb\tc", "issue\tx"):
        with pytest.raises(ValueError, match=r"cells|header"):
            rows(text)
