"""The arrows of the house: walks every import of every file and refuses those that point the wrong way."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.sources import ROOT, imports, project_files, python_files, tree

# Which rooms a room may open, itself included. A file that fits none of these has no place in the house.
DOORS = {"ground", "domain", "store", "shopify", "channels", "flows", "insights"}
ARROWS: dict[str, set[str]] = {
    "ground": {"ground"},
    "domain": {"domain"},
    "store": {"ground", "domain", "store"},
    "shopify": {"ground", "domain", "shopify"},
    "channels": {"ground", "domain", "channels"},
    "flows": {"ground", "domain", "store", "flows"},
    "insights": {"ground", "domain", "store", "insights"},
    "pages": DOORS | {"pages"},
    "worker": DOORS | {"worker"},
    "webhooks": DOORS | {"webhooks"},
    "devshop": {"devshop"},
    "app": DOORS | {"pages", "worker", "webhooks", "devshop", "app"},
}
GROUND = {"config", "errors", "clock", "__init__", "plugin"}
EVERYTHING = {"tests", "bench"}

# Libraries that only some rooms may touch, by the name that is imported.
ONLY_IN = {
    "sqlite3": {"store"},
    "psycopg": {"store"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "sqlite_utils": {"store", "app"},
    "shopify": {"shopify", "pages"},
    "shopify_app": {"shopify"},
    "shopifyapp": {"shopify"},
    "httpx": {"shopify", "devshop", "app"},
    "requests": {"channels", "devshop"},
    "flask": {"pages", "webhooks", "devshop", "app"},
    "granian": {"app"},
}

# The pure part of the standard library: values and arithmetic, no files, network, clock, randomness, process.
PURE = set(
    "__future__ abc base64 bisect calendar collections copy dataclasses datetime decimal enum fractions"
    " functools hashlib heapq ipaddress itertools json math numbers operator re statistics string textwrap types"
    " typing unicodedata zoneinfo".split()
)
CLOCKS = {"now", "utcnow", "today"}
SQL = re.compile(
    r"\s*(SELECT\s.+\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s*\("
    r"|(CREATE|ALTER|DROP|TRUNCATE)\s+(TABLE|INDEX|UNIQUE|TRIGGER|DATABASE)|PRAGMA\s|BEGIN IMMEDIATE)",
    re.DOTALL,
)


def room_of(module: str) -> str | None:
    """The room of one of our modules; None for a library or the standard library."""
    parts = module.split(".")
    if parts[0] in ("commands", "commands_moving"):
        return "app"
    if parts[0] in EVERYTHING or parts[0] in ("webhooks", "devshop", "app"):
        return parts[0]
    if parts[0] != "plugin":
        return None
    room = parts[1] if len(parts) > 1 else "plugin"
    return "ground" if room in GROUND else room


def room_of_file(path: Path, root: Path) -> str | None:
    return room_of(".".join(path.relative_to(root).with_suffix("").parts))


def wrong_arrows(root: Path = ROOT) -> list[str]:
    """Every forbidden import as "file:line: room → room"."""
    wrong: list[str] = []
    for path in python_files(
        "plugin", "webhooks", "devshop", "app.py", "commands.py", "commands_moving.py", root=root
    ):
        room = room_of_file(path, root)
        if room not in ARROWS:
            wrong.append(f"{path.relative_to(root)}: stands in no room of the house ({room})")
            continue
        for arrow in imports(path, root):
            to = _target(arrow.module, root)
            if to is not None and (to not in ARROWS[room] or (to == "devshop" != room and not arrow.lazy)):
                wrong.append(f"{arrow.file}:{arrow.line}: {room} → {to}")
    return sorted(set(wrong))


def _target(module: str, root: Path) -> str | None:
    """The room an import leads to. `from plugin import X` means the module X, not the package around it."""
    to = room_of(module)
    if to is not None and to != "ground" and to not in ARROWS and to not in EVERYTHING:
        # `plugin.config.Config` or an attribute of the package: not a room of its own.
        return to if (root / module.replace(".", "/")).exists() else None
    return to


def wrong_libraries(root: Path = ROOT) -> list[str]:
    """Every import of a library outside the rooms that may use it."""
    wrong: list[str] = []
    for path in python_files(
        "plugin", "webhooks", "devshop", "app.py", "commands.py", "commands_moving.py", root=root
    ):
        room = room_of_file(path, root)
        for arrow in imports(path, root):
            allowed = ONLY_IN.get(arrow.module.split(".")[0])
            if allowed is not None and room not in allowed:
                wrong.append(f"{arrow.file}:{arrow.line}: {room} → {arrow.module.split('.')[0]}")
    return sorted(set(wrong))


def impurities(root: Path = ROOT) -> list[str]:
    """What keeps the domain from being a pure function of its arguments."""
    wrong: list[str] = []
    for path in python_files("plugin/domain", root=root):
        wrong += [
            f"{arrow.file}:{arrow.line}: domain → {arrow.module}"
            for arrow in imports(path, root)
            if room_of(arrow.module) != "domain" and arrow.module.split(".")[0] not in PURE
        ]
        wrong += _clock_reads(path, root)
        wrong += [
            f"{path.relative_to(root)}:{node.lineno}: calls {node.func.id}()"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"open", "print", "input", "exec", "eval"}
        ]
    return sorted(set(wrong))


def _clock_reads(path: Path, root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}:{node.lineno}: reads the clock with {node.attr}(); `now` is an argument"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in CLOCKS
        and isinstance(node.value, ast.Name | ast.Attribute)
        and (node.value.id if isinstance(node.value, ast.Name) else node.value.attr) in ("datetime", "date")
    ]


def foreign_sql(root: Path = ROOT) -> list[str]:
    """SQL text outside plugin/store."""
    wrong: list[str] = []
    for path in python_files(
        "plugin", "webhooks", "devshop", "app.py", "commands.py", "commands_moving.py", root=root
    ):
        if room_of_file(path, root) == "store":
            continue
        wrong += [
            f"{path.relative_to(root)}:{node.lineno}: SQL outside plugin/store: {node.value.strip()[:40]!r}"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
        ]
    return wrong


def test_every_import_points_left() -> None:
    assert wrong_arrows() == []


def test_libraries_stay_in_their_rooms() -> None:
    assert wrong_libraries() == []


def test_domain_is_pure() -> None:
    assert impurities() == []


def test_flows_take_now_as_an_argument() -> None:
    assert [line for path in python_files("plugin/flows") for line in _clock_reads(path, ROOT)] == []


def test_only_the_store_says_sql() -> None:
    assert foreign_sql() == []


def test_the_oracle_shares_no_code_with_what_it_judges() -> None:
    oracles = [path for path in project_files() if path.name == "oracle.py"]
    shared = [
        f"{arrow.file}:{arrow.line}: oracle → {arrow.module}"
        for path in oracles
        for arrow in imports(path)
        if room_of(arrow.module) is not None
    ]
    assert [path.name for path in oracles] == ["oracle.py"]
    assert shared == []


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("plugin/domain/x.py", "from plugin.store import db", "plugin/domain/x.py:1: domain → store"),
        ("plugin/store/x.py", "import plugin.flows.orders", "plugin/store/x.py:1: store → flows"),
        ("plugin/store/x.py", "from plugin import flows", "plugin/store/x.py:1: store → flows"),
        ("plugin/store/x.py", "from ..flows import orders", "plugin/store/x.py:1: store → flows"),
        ("plugin/flows/x.py", "def f():\n    import plugin.shopify", "plugin/flows/x.py:2: flows → shopify"),
        ("plugin/worker.py", "import webhooks.drain", "plugin/worker.py:1: worker → webhooks"),
        ("plugin/pages/x.py", "import plugin.worker", "plugin/pages/x.py:1: pages → worker"),
        ("webhooks/x.py", "from plugin.pages import api", "webhooks/x.py:1: webhooks → pages"),
        ("devshop/x.py", "from plugin.config import Config", "devshop/x.py:1: devshop → ground"),
        ("app.py", "import devshop", "app.py:1: app → devshop"),
        ("plugin/flows/x.py", "import tests.oracle", "plugin/flows/x.py:1: flows → tests"),
        ("plugin/cellar/x.py", "", "plugin/cellar/x.py: stands in no room of the house (cellar)"),
    ],
)
def test_a_wrong_arrow_is_seen(tmp_path: Path, file: str, text: str, expected: str) -> None:
    for folder in ("plugin/flows", "plugin/store"):
        (tmp_path / folder).mkdir(parents=True)
    _plant(tmp_path, file, text)
    assert wrong_arrows(tmp_path) == [expected]


def test_a_lazy_import_of_the_development_shop_is_allowed_in_app_only(tmp_path: Path) -> None:
    _plant(tmp_path, "app.py", "def demo():\n    import devshop.server")
    assert wrong_arrows(tmp_path) == []
    _plant(tmp_path, "plugin/worker.py", "def demo():\n    import devshop.server")
    assert wrong_arrows(tmp_path) == ["plugin/worker.py:2: worker → devshop"]


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "import random",
        "from time import time",
        "import msgspec",
        "import plugin.config",
        "from datetime import datetime\nx = datetime.now()",
        "import datetime\nx = datetime.date.today()",
        "open('x')",
    ],
)
def test_an_impure_domain_is_seen(tmp_path: Path, text: str) -> None:
    _plant(tmp_path, "plugin/domain/x.py", text)
    assert len(impurities(tmp_path)) >= 1


def test_a_library_in_the_wrong_room_and_foreign_sql_are_seen(tmp_path: Path) -> None:
    _plant(tmp_path, "plugin/flows/x.py", "import requests\nq = 'SELECT a\\nFROM b'\nf = f'DELETE FROM {q}'")
    assert wrong_libraries(tmp_path) == ["plugin/flows/x.py:1: flows → requests"]
    assert len(foreign_sql(tmp_path)) == 2


def test_prose_is_not_taken_for_sql(tmp_path: Path) -> None:
    _plant(tmp_path, "plugin/flows/x.py", "'Update the order from the payload.'\n'SELECT a shop'\n")
    assert foreign_sql(tmp_path) == []


def test_the_walk_sees_this_project() -> None:
    files = python_files("plugin", "webhooks", "devshop", "app.py", "commands.py", "commands_moving.py")
    seen = {path.relative_to(ROOT).as_posix() for path in files}
    assert {"app.py", "plugin/store/db.py", "plugin/domain/values.py", "webhooks/__init__.py"} <= seen
    assert "plugin.errors" in {arrow.module for arrow in imports(ROOT / "plugin/config.py")}


def _plant(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    tree.cache_clear()
