"""Finds the project's own files, and the room that each Python file stands in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What set-up, tests and runs make: not ours to judge.
MADE = {
    ".git",
    "mutants",
    "shopify.d.ts",
    ".venv",
    ".shopify",
    "node_modules",
    "var",
    "build",
    "dist",
    "__pycache__",
}


@dataclass(frozen=True, slots=True)
class Import:
    """One import of one file. `lazy` is true inside a function, where it runs only when it is needed."""

    file: str
    line: int
    module: str
    lazy: bool


def project_files(root: Path = ROOT) -> list[Path]:
    """Every file a person wrote, sorted."""
    return sorted(_walk(root))


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name in MADE or entry.name.endswith((".egg-info", "_cache", ".hypothesis")):
            continue
        if entry.is_dir():
            yield from _walk(entry)
        elif not entry.is_symlink():
            yield entry


def python_files(*rooms: str, root: Path = ROOT) -> list[Path]:
    """The Python files below the named folders or with the named path, e.g. "plugin/domain", "app.py"."""
    return [
        path
        for path in project_files(root)
        if path.suffix == ".py"
        and any(f"{path.relative_to(root).as_posix()}/".startswith(f"{room}/") for room in rooms)
    ]


@lru_cache(maxsize=1024)
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path, root: Path = ROOT) -> list[Import]:
    """Every module that a file imports, wherever in the file; `from a import b` counts as `a` and `a.b`."""
    name = path.relative_to(root).as_posix()
    package = path.relative_to(root).with_suffix("").parts
    found: list[Import] = []

    def visit(node: ast.AST, lazy: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(name, node.lineno, alias.name, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level] if node.level else ()
            module = ".".join((*above, *([node.module] if node.module else [])))
            found.append(Import(name, node.lineno, module, lazy))
            found.extend(Import(name, node.lineno, f"{module}.{alias.name}", lazy) for alias in node.names)
        inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(tree(path), False)
    return found
