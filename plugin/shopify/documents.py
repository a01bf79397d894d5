"""Loads the GraphQL documents of `documents/`, the only ones this app ever sends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

_FRAGMENT = re.compile(r"\.\.\.\s*(?!on\b)([A-Z]\w*)")
_COMMENT = re.compile(r"^\s*#.*\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One operation with the fragments it uses. Only a mutation can change anything at the platform."""

    name: str
    kind: Literal["query", "mutation"]
    text: str


@cache
def document(name: str) -> Document:
    """The document of that file name (without `.graphql`). Raises FileNotFoundError when there is none."""
    text = _read(name)
    wanted = list(dict.fromkeys(_FRAGMENT.findall(text)))
    for fragment in wanted:
        body = _read(f"fragment_{fragment}")
        text += body
        wanted += [found for found in dict.fromkeys(_FRAGMENT.findall(body)) if found not in wanted]
    return Document(name, "mutation" if text.lstrip().startswith("mutation") else "query", text)


def names() -> list[str]:
    """The names of all operations, fragments left out."""
    found = (entry.name for entry in files(__package__).joinpath("documents").iterdir())
    return sorted(
        name.removesuffix(".graphql")
        for name in found
        if name.endswith(".graphql") and not name.startswith("fragment_")
    )


def _read(name: str) -> str:
    text = files(__package__).joinpath("documents", f"{name}.graphql").read_text("utf-8")
    return _COMMENT.sub("", text)
