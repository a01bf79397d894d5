"""Measures the intake against Shopify's Node stack at equal durability: same row, same table, same machine."""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.load import SHOP, Measured, run, signed_requests
from bench.served import ours_served, peer_served
from plugin.store import shops
from plugin.store.db import Database
from plugin.store.migrate import migrate
from tests.postgres import PgServer

OURS, PEER = "regulars", "shopify-app-express"
TARGETS = {"sqlite": 4.0, "postgresql": 2.5}
Side = Callable[[str], AbstractContextManager[int]]
SIDES: dict[str, Side] = {OURS: ours_served, PEER: peer_served}


@dataclass(frozen=True, slots=True)
class Result:
    """Medians over the rounds of one side on one engine."""

    engine: str
    side: str
    per_second: float
    p50_ms: float
    p99_ms: float
    rounds: list[Measured]


@click.command(help=__doc__)
@click.option("--engine", "engines", multiple=True, type=click.Choice(list(TARGETS)), help="Default: both.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Length of a round.")
@click.option("--connections", default=16, show_default=True)
@click.option("--beside", help="A command that runs beside our side; gets DATABASE_URL. Measures us with and without.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Also write the figures to this file.")
def main(
    engines: tuple[str, ...], rounds: int, seconds: float, connections: int, beside: str | None, path: Path | None
) -> None:
    results: list[Result] = []
    for engine in engines or tuple(TARGETS):
        results += compare(engine, rounds=rounds, seconds=seconds, connections=connections)
    show(results)
    if path is not None:
        path.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")


