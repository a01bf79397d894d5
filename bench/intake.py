"""Measures the intake against Shopify's Node stack at equal durability: same row, same table, same machine."""

from __future__ import annotations

import json
import shlex
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.load import SHOP, Measured, run, signed_requests
from bench.served import regulars, running, shopify_express
from plugin.store import shops
from plugin.store.db import Database
from plugin.store.migrate import migrate
from tests.postgres import PgServer

OURS, PEER, BESIDE = "regulars", "shopify-app-express", "regulars, with a worker beside"
SIDES: dict[str, Callable[[str], AbstractContextManager[int]]] = {
    OURS: regulars,
    PEER: shopify_express,
    BESIDE: regulars,
}
# What a release must reach: times the peer's requests a second; beside a worker, times our own alone.
TARGETS = {"sqlite": 4.0, "postgresql": 2.5}
BESIDE_TARGET = 0.7
WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """One side on one engine: medians over its rounds."""

    engine: str
    side: str
    per_second: float
    p50_ms: float
    p99_ms: float
    slowest_round: float
    fastest_round: float


@click.command(help=__doc__)
@click.option("--engine", "engines", multiple=True, type=click.Choice(list(TARGETS)), help="Default: both.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Length of a round.")
@click.option("--connections", default=16, show_default=True)
@click.option("--beside", help="A command, such as a worker's, to run beside us as a third side.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Also write the figures to this file.")
def main(
    engines: tuple[str, ...],
    rounds: int,
    seconds: float,
    connections: int,
    beside: str | None,
    path: Path | None,
) -> None:
    results: list[Result] = []
    for engine in engines or tuple(TARGETS):
        results += compare(engine, rounds=rounds, seconds=seconds, connections=connections, beside=beside)
        show(results[-3 if beside else -2 :])
    if path is not None:
        path.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")


def compare(
    engine: str, *, rounds: int, seconds: float, connections: int, beside: str | None = None
) -> list[Result]:
    """Starts every side on a database of its own, loads them by turns, and checks that each 200 is a row.

    `beside` is a command that runs only during the rounds of the third side and finds its DATABASE_URL set.
    """
    sides = [OURS, PEER, BESIDE] if beside else [OURS, PEER]
    requests = signed_requests()
    measured: dict[str, list[Measured]] = {side: [] for side in sides}
    with ExitStack() as started:
        urls = dict(zip(sides, started.enter_context(_databases(engine, len(sides))), strict=True))
        ports = {side: started.enter_context(SIDES[side](urls[side])) for side in sides}
        answers = dict.fromkeys(sides, 0)
        for number in range(rounds + 1):
            for side in sides:
                with ExitStack() as round_:
                    if side == BESIDE and beside is not None:
                        round_.enter_context(running(shlex.split(beside), urls[side]))
                        time.sleep(WARM_UP_S)
                    length = seconds if number else WARM_UP_S
                    one = run(ports[side], requests, seconds=length, connections=connections)
                answers[side] += one.answers
                if number:
                    measured[side].append(one)
        for side in sides:
            _check_stored(urls[side], answers[side])
    return [_result(engine, side, measured[side]) for side in sides]


@contextmanager
def _databases(engine: str, count: int) -> Iterator[list[str]]:
    """Fresh, migrated databases in which the shop has installed the app."""
    with ExitStack() as opened:
        if engine == "sqlite":
            folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="regulars-bench-"))
            urls = [f"sqlite:///{folder}/{number}.db" for number in range(count)]
        else:
            server = PgServer()
            opened.callback(server.remove)
            server.start()
            urls = [server.url(server.create()) for _ in range(count)]
        for url in urls:
            migrate(url)
            database = Database.open(url)
            now = datetime.now(UTC)
            with database.write() as tx:
                shops.installed(tx, shops.ensure(tx, SHOP, now), "read_orders", now)
            database.close()
        yield urls


def _check_stored(url: str, answers: int) -> None:
    database = Database.open(url)
    with database.read() as tx:
        row = tx.one("SELECT COUNT(*) FROM inbox")
    database.close()
    if row != (answers,):
        raise RuntimeError(
            f"{answers} webhooks were acknowledged, but {row} are stored: the figures are void."
        )


def _result(engine: str, side: str, rounds: list[Measured]) -> Result:
    rates = [one.per_second for one in rounds]
    return Result(
        engine=engine,
        side=side,
        per_second=round(statistics.median(rates)),
        p50_ms=round(statistics.median(one.p50_ms for one in rounds), 2),
        p99_ms=round(statistics.median(one.p99_ms for one in rounds), 2),
        slowest_round=round(min(rates)),
        fastest_round=round(max(rates)),
    )


def show(results: list[Result]) -> None:
    """Prints one engine's table, with what it should be."""
    engine = results[0].engine
    own, peer = results[0], results[1]
    table = Table(title=f"Intake on {engine}, each webhook on disk before its answer")
    for heading in ("", "a second", "slowest-fastest round", "p50 ms", "p99 ms", "ratio", "target"):
        table.add_column(heading, justify="left" if not heading else "right")
    for result in results:
        ratio, target = result.per_second / peer.per_second, ""
        if result.side == OURS:
            target = f"≥ {TARGETS[engine]}"
        elif result.side == BESIDE:
            ratio, target = result.per_second / own.per_second, f"≥ {BESIDE_TARGET} of ours alone"
        table.add_row(
            result.side,
            f"{result.per_second:.0f}",
            f"{result.slowest_round:.0f}-{result.fastest_round:.0f}",
            f"{result.p50_ms:.1f}",
            f"{result.p99_ms:.1f}",
            f"x{ratio:.2f}",
            target,
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
