"""What is wrong with a chapter of a programme: a field and a sentence that says what to do about it."""

from __future__ import annotations

from collections.abc import Callable

Problem = tuple[str, str]  # (field, sentence that says what to do)
MAX_POINTS = 1_000_000_000


def checking() -> tuple[list[Problem], Callable[[bool, str, str], None]]:
    """A list of problems and the check that adds to it: check(holds, field, sentence)."""
    found: list[Problem] = []

    def check(holds: bool, where: str, sentence: str) -> None:
        if not holds:
            found.append((where, sentence))

    return found, check
