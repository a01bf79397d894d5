"""What every file owes its reader: a first line that says what it is for, a telling name, a page or three."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest

from tests.house.sources import ROOT, project_files, python_files, tree

LINES = 350
# Lists of tables that a migration makes: one column a line is no complexity.
DECLARATIONS = ("plugin/store/migrations/versions/",)
FORBIDDEN_NAMES = {"util", "utils", "helper", "helpers", "base", "manager", "managers", "common", "misc"}
# Formats without comments, texts that are not ours, and empty markers.
NO_FIRST_LINE = {"LICENSE", "py.typed"}
NO_COMMENTS = {".json", ".jsonl", ".png", ".gz", ".csv", ".tsv", ".sqlite", ".svg", ".txt.in"}
COMMENT = {
    ".md": re.compile(r"# \S"),
    ".js": re.compile(r"(//|/\*) ?\S"),
    ".jsx": re.compile(r"(//|/\*) ?\S"),
    ".ts": re.compile(r"(//|/\*) ?\S"),
    ".mjs": re.compile(r"(//|/\*) ?\S"),
    ".cjs": re.compile(r"(//|/\*) ?\S"),
    ".css": re.compile(r"/\* ?\S"),
    ".html": re.compile(r"\{# ?\S|<!-- ?\S|<!doctype", re.IGNORECASE),
    ".liquid": re.compile(r"\{%-? ?comment|\{%- liquid|\{% doc"),
    ".sql": re.compile(r"-- \S"),
    ".mako": re.compile(r'"""'),
}
HASH = re.compile(r"# ?\S")
# The domain's only reals: how sure a score or a trend is (a square root) is statistics, not money or points.
REALS = {"nps.py", "trends.py"}
# A setting is a name in capitals that config.py looks up in the environment.
SETTING = re.compile(r"[A-Z][A-Z0-9_]{3,}")


def silent_files(root: Path = ROOT) -> list[str]:
    """Files whose first line does not say what they are for."""
    return [
        path.relative_to(root).as_posix()
        for path in project_files(root)
        if path.name not in NO_FIRST_LINE and path.suffix not in NO_COMMENTS and not _speaks(path)
    ]


def _speaks(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8").splitlines() or [""]
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    if path.suffix == ".py" and not first.startswith("#"):
        docstring = ast.get_docstring(tree(path))
        return (
            docstring is not None and first.startswith(('"""', 'r"""')) and len(docstring.split("\n")[0]) > 10
        )
    return COMMENT.get(path.suffix, HASH).match(first) is not None


def long_files(root: Path = ROOT) -> list[str]:
    """Files of the product that grew beyond a page or three."""
    counted = {
        path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files(
            "plugin", "webhooks", "devshop", "app.py", "commands.py", "commands_moving.py", root=root
        )
    }
    return [
        f"{name}: {lines} lines"
        for name, lines in counted.items()
        if lines > LINES and not name.startswith(DECLARATIONS)
    ]


def shapeless_names(root: Path = ROOT) -> list[str]:
    """Files and folders with a name that says nothing."""
    return [
        path.relative_to(root).as_posix()
        for path in project_files(root)
        for part in path.relative_to(root).parts
        if set(re.split(r"[_.\-]", part.lower())) & FORBIDDEN_NAMES
    ]


def reals(root: Path = ROOT) -> list[str]:
    """Float literals, `float` and true division in the parts of the domain that count money and points."""
    found: list[str] = []
    for path in python_files("plugin/domain", root=root):
        if path.name in REALS:
            continue
        for node in ast.walk(tree(path)):
            if (
                (isinstance(node, ast.Constant) and isinstance(node.value, float | complex))
                or (isinstance(node, ast.Name) and node.id == "float")
                or (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div))
            ):
                found.append(f"{path.relative_to(root)}:{node.lineno}: {ast.unparse(node)}")
    return found


def settings() -> set[str]:
    """Every environment variable that plugin/config.py reads."""
    return {
        node.args[0].value
        for node in ast.walk(tree(ROOT / "plugin/config.py"))
        if isinstance(node, ast.Call)
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and SETTING.fullmatch(node.args[0].value)
    }


def commands() -> dict[str, click.Command]:
    """Every command of `regulars` by its full name, e.g. "clock" or "shop list"."""
    import commands as command_line

    groups = [value for value in vars(command_line).values() if isinstance(value, click.Group)]
    assert len(groups) == 1, "commands.py has exactly one click group: the command `regulars`"
    found: dict[str, click.Command] = {}

    def walk(group: click.Group, before: str) -> None:
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                walk(command, f"{before}{name} ")
            else:
                found[f"{before}{name}"] = command

    walk(groups[0], "")
    return found


def test_every_file_says_what_it_is_for() -> None:
    assert silent_files() == []


def test_no_file_outgrows_its_noun() -> None:
    assert long_files() == []


def test_names_say_something() -> None:
    assert shapeless_names() == []


def test_money_and_points_know_no_reals() -> None:
    assert reals() == []


def test_every_setting_is_documented() -> None:
    operating = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert len(settings()) >= 7
    assert [name for name in sorted(settings()) if f"`{name}`" not in operating] == []
    assert [name for name in sorted(settings()) if f"{name}=" not in example] == []


def test_every_setting_of_the_example_exists() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert named == settings() | set(re.findall(r"\$\{([A-Z_]+)", compose))


def test_every_command_and_option_is_documented() -> None:
    operating = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    missing = [f"regulars {name}" for name in commands() if not re.search(rf"`regulars {name}\b", operating)]
    missing += [
        f"regulars {name} {option.opts[0]}"
        for name, command in commands().items()
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden and option.opts[0] not in operating
    ]
    assert missing == []


def test_every_promised_command_exists() -> None:
    promised = {
        "serve",
        "worker",
        "demo",
        "clock",
        "audit",
        "replay",
        "backup",
        "restore",
        "migrate",
        "doctor",
        "export",
        "import",
    }
    assert promised - set(commands()) == set()
    assert all(command.help or command.short_help for command in commands().values())


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("plugin/x.py", "import os\n"),
        ("plugin/x.py", '"""Short."""\n'),
        ("plugin/x.py", '\n"""A docstring that stands on the second line."""\n'),
        ("docs/x.md", "No heading\n"),
        ("x.toml", "[table]\n"),
        ("run", "#!/bin/sh\nset -e\n"),
        ("plugin/x/__init__.py", ""),
    ],
)
def test_a_silent_file_is_seen(tmp_path: Path, file: str, text: str) -> None:
    _plant(tmp_path, file, text)
    assert silent_files(tmp_path) == [file]


def test_a_long_file_and_a_shapeless_name_are_seen(tmp_path: Path) -> None:
    _plant(tmp_path, "webhooks/order_utils.py", "x = 1\n" * (LINES + 1))
    assert long_files(tmp_path) == [f"webhooks/order_utils.py: {LINES + 1} lines"]
    assert shapeless_names(tmp_path) == ["webhooks/order_utils.py"]


@pytest.mark.parametrize(
    "text", ["x = 0.5", "def f(a: float) -> None: ...", "x = float('1')", "x = 1 / 2", "x /= 2"]
)
def test_a_real_number_is_seen(tmp_path: Path, text: str) -> None:
    _plant(tmp_path, "plugin/domain/points.py", text)
    assert len(reals(tmp_path)) == 1


def _plant(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    tree.cache_clear()
