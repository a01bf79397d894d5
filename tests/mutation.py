"""Figures of the last `make mutation`: per module of the domain how many small faults the tests noticed.

Exit status 1 when a module stays below 90 %. Each fault that nobody noticed is listed; docs/mutation.md explains it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mutmut.stats import status_by_exit_code

from tests.house.sources import ROOT

MADE = ROOT / "mutants"
WANTED_PERCENT = 90
NOTICED = {"killed", "timeout", "segfault"}  # a fault that never ends or crashes is one that tests notice


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the domain with the outcome of each of its faults."""

    path: str
    outcomes: dict[str, str]

    @property
    def unnoticed(self) -> list[str]:
        """Names of the faults that no test noticed, tried or not."""
        return [name for name, outcome in self.outcomes.items() if outcome not in NOTICED]

    @property
    def percent(self) -> int:
        """Noticed faults in percent, rounded down."""
        return 100 * (len(self.outcomes) - len(self.unnoticed)) // len(self.outcomes)


def modules(made: Path = MADE) -> list[Module]:
    """The files in which there was something to break."""
    found = []
    for path in sorted(made.rglob("*.py.meta")):
        codes: dict[str, int | None] = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        outcomes = {name: status_by_exit_code[code] for name, code in codes.items()}
        if outcomes:
            found.append(Module(path.relative_to(made).as_posix().removesuffix(".meta"), outcomes))
    return found


def table(found: Iterable[Module]) -> str:
    """The figures as they stand in docs/mutation.md."""
    rows = ["| module | faults | noticed | percent |", "|---|---|---|---|"]
    for one in found:
        faults = len(one.outcomes)
        rows.append(f"| `{one.path}` | {faults} | {faults - len(one.unnoticed)} | {one.percent} |")
    return "\n".join(rows)


def main() -> int:
    """Prints the table and every fault that was not noticed."""
    found = modules()
    print(table(found))  # noqa: T201
    for one in found:
        for name in one.unnoticed:
            print(f"{name}: {one.outcomes[name]}")  # noqa: T201
    return int(not found or any(one.percent < WANTED_PERCENT for one in found))


if __name__ == "__main__":
    sys.exit(main())
