"""Measures the storefront reads against Express with Shopify's library, and against ourselves with fewer members."""

from __future__ import annotations

import json
import select
import shutil
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

import click
from rich.console import Console
from rich.table import Table

from bench.load import SECRET, SHOP, Measured
from bench.served import ROOT, free_port, running
from bench.storefront_data import differences, fill, some_members
from plugin.shopify.verify import proxy_signature
from tests.npm import node

OURS, PEER = "regulars", "express + shopify-api"
RATIO_TARGET, P99_TARGET = 3.0, 2.0
PATHS = ("/proxy/me", "/proxy/history")
WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """One side over one database: medians over its rounds."""

    side: str
    members: int
    per_second: float
    p50_ms: float
    p99_ms: float
    slowest_round: float
    fastest_round: float


@click.command(help=__doc__)
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Length of a round.")
@click.option("--connections", default=16, show_default=True)
@click.option("--threads", default=1, show_default=True, help="Blocking threads of our server.")
@click.option("--members", default=1_000_000, show_default=True, help="Members of the large database.")
@click.option("--few", default=10_000, show_default=True, help="Members of the small database.")
@click.option("--keep", is_flag=True, help="Keep the databases in var/ for the next run.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Also write the figures to this file.")
def main(
    rounds: int,
    seconds: float,
    connections: int,
    threads: int,
    members: int,
    few: int,
    keep: bool,
    path: Path | None,
) -> None:
    with databases((few, members), keep=keep) as urls:
        results = compare(urls, rounds=rounds, seconds=seconds, connections=connections, threads=threads)
    show(results)
    if path is not None:
        path.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")
    if missed(results):
        raise SystemExit(f"missed: {', '.join(missed(results))}")


@contextmanager
def databases(sizes: tuple[int, ...], *, keep: bool) -> Iterator[dict[int, str]]:
    """A filled database of each size, audited; removed afterwards unless they are to be kept."""
    folder = ROOT / "var" / "bench-storefront"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        urls = {}
        for size in sizes:
            file = folder / f"{size}.db"
            urls[size] = f"sqlite:///{file}"
            if file.exists():
                continue
            begun = time.perf_counter()
            fill(urls[size], size)
            wrong = differences(urls[size])
            if wrong:
                raise RuntimeError(f"The fixture is wrong, so the figures would be void: {wrong[:3]}")
            took = time.perf_counter() - begun
            print(
                f"{size:,} members: {file.stat().st_size / 1e6:,.0f} MB, audit clean, {took:.0f} s",
                flush=True,
            )
        yield urls
    finally:
        if not keep:
            shutil.rmtree(folder)


def compare(
    urls: dict[int, str], *, rounds: int, seconds: float, connections: int, threads: int
) -> list[Result]:
    """Starts both sides on every database and loads them by turns, each read as often as the other."""
    measured: dict[tuple[str, int], list[Measured]] = {}
    with ExitStack() as started:
        ports = {}
        for size, url in urls.items():
            ports[OURS, size] = started.enter_context(_regulars(url, threads))
            ports[PEER, size] = started.enter_context(_express(url))
        for (side, size), port in ports.items():
            _check_sides_agree(port, side, size)
        for number in range(rounds + 1):
            for (side, size), port in ports.items():
                requests = signed_reads(5_000, size, seed=number)
                length = seconds if number else WARM_UP_S
                one = read(port, requests, seconds=length, connections=connections)
                if number:
                    measured.setdefault((side, size), []).append(one)
    return [_result(side, size, found) for (side, size), found in measured.items()]


def signed_reads(count: int, members: int, *, seed: int) -> list[bytes]:
    """Requests as they come through the app proxy: signed a moment ago, each for another shopper."""
    made = []
    for number, customer in enumerate(some_members(count, members, seed)):
        pairs = [
            ("shop", SHOP),
            ("logged_in_customer_id", str(customer)),
            ("path_prefix", "/apps/rewards"),
            ("timestamp", str(int(time.time()))),
        ]
        query = urlencode([*pairs, ("signature", proxy_signature(pairs, SECRET))])
        head = f"GET {PATHS[number % 2]}?{query} HTTP/1.1\r\nHost: bench.example\r\nAccept: application/json\r\n\r\n"
        made.append(head.encode())
    return made


def read(port: int, requests: list[bytes], *, seconds: float, connections: int) -> Measured:
    """Keeps every connection busy with one request after the other. Raises when an answer is not 200."""
    poll, sockets, begun, took = select.poll(), {}, {}, []
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[one.fileno()] = one
        poll.register(one, select.POLLIN)
    upcoming = 0
    started = time.perf_counter()
    end = started + seconds
    for number, one in sockets.items():
        one.sendall(requests[upcoming])
        begun[number] = time.perf_counter()
        upcoming += 1
    while begun:
        for number, _ in poll.poll(5_000):
            one = sockets[number]
            _whole(one)
            now = time.perf_counter()
            took.append(now - begun.pop(number))
            if now < end:
                upcoming = (upcoming + 1) % len(requests)
                begun[number] = now
                one.sendall(requests[upcoming])
    elapsed = time.perf_counter() - started
    for one in sockets.values():
        one.close()
    took.sort()
    return Measured(
        per_second=len(took) / elapsed,
        p50_ms=took[len(took) // 2] * 1000,
        p99_ms=took[int(len(took) * 0.99)] * 1000,
        answers=len(took),
    )


def _whole(one: socket.socket) -> bytes:
    """One answer to its last byte."""
    answer = one.recv(65_536)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"The server did not answer 200 but: {answer[:300]!r}")
    head, found, body = answer.partition(b"\r\n\r\n")
    while not found:
        answer += one.recv(65_536)
        head, found, body = answer.partition(b"\r\n\r\n")
    at = head.lower().index(b"content-length:") + 15
    length = int(head[at : head.find(b"\r", at) if b"\r" in head[at:] else len(head)])
    while len(body) < length:
        body += one.recv(65_536)
    return body


def _check_sides_agree(port: int, side: str, members: int) -> None:
    """Both sides must tell the same shopper the same, or they would not do the same work."""
    told = []
    for request in signed_reads(20, members, seed=99):
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.sendall(request)
            told.append(json.loads(_whole(one)))
    # What was said first, by either side on a database, is what the other must say.
    figures = json.dumps([_figures(body) for body in told])
    if _SAID.setdefault(members, figures) != figures:
        raise RuntimeError(f"{side} says something else of {members} members than the other side.")


_SAID: dict[int, str] = {}


def _figures(body: dict[str, object]) -> object:
    if "lines" in body:
        lines = body["lines"]
        assert isinstance(lines, list)
        assert lines
        return [[line["id"], line["kind"], line["points"], line["order"], line["why"]] for line in lines]
    points, tier, rewards, codes = (body[name] for name in ("points", "tier", "rewards", "codes"))
    assert isinstance(points, dict)
    assert isinstance(tier, dict)
    assert isinstance(rewards, list)
    assert isinstance(codes, list)
    return [
        points["available"], points["pending"], points["owed"], points["next"]["points"], tier["key"], tier["progress"],
        tier["next"]["missing"], [[reward["key"], reward["affordable"], reward["missing"]] for reward in rewards],
        [[code["id"], code["code"], code["name"]] for code in codes], body["survey"],
    ]  # fmt: skip


@contextmanager
def _regulars(url: str, threads: int) -> Iterator[int]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--workers",
        "1",
        "--host",
        "127.0.0.1",
    ]
    command += ["--blocking-threads", str(threads), "--no-ws", "--log-level", "error", "--port", str(port)]
    with running([*command, "bench.storefront_app:app"], url, port=port):
        yield port


@contextmanager
def _express(url: str) -> Iterator[int]:
    port = free_port()
    with running([str(node()), "bench/peers/storefront.mjs"], url, port=port):
        yield port


def _result(side: str, members: int, rounds: list[Measured]) -> Result:
    rates = [one.per_second for one in rounds]
    return Result(
        side=side,
        members=members,
        per_second=round(statistics.median(rates)),
        p50_ms=round(statistics.median(one.p50_ms for one in rounds), 2),
        p99_ms=round(statistics.median(one.p99_ms for one in rounds), 2),
        slowest_round=round(min(rates)),
        fastest_round=round(max(rates)),
    )


def missed(results: list[Result]) -> list[str]:
    """The targets that these figures do not reach."""
    found = {(result.side, result.members): result for result in results}
    few, many = sorted({result.members for result in results})
    wrong = [
        f"{RATIO_TARGET} times the peer with {size:,} members"
        for size in (few, many)
        if found[OURS, size].per_second < RATIO_TARGET * found[PEER, size].per_second
    ]
    if found[OURS, many].p99_ms > P99_TARGET * found[OURS, few].p99_ms:
        wrong.append(f"p99 within {P99_TARGET} times")
    return wrong


def show(results: list[Result]) -> None:
    """Prints both tables: against the peer, and of many members against few."""
    table = Table(title="Storefront reads on SQLite: panel and history page by turns, each request signed")
    for heading in (
        "",
        "members",
        "a second",
        "slowest-fastest round",
        "p50 ms",
        "p99 ms",
        "ratio",
        "target",
    ):
        table.add_column(heading, justify="left" if not heading else "right")
    found = {(result.side, result.members): result for result in results}
    for result in results:
        peer = found[PEER, result.members]
        table.add_row(
            result.side,
            f"{result.members:,}",
            f"{result.per_second:.0f}",
            f"{result.slowest_round:.0f}-{result.fastest_round:.0f}",
            f"{result.p50_ms:.2f}",
            f"{result.p99_ms:.2f}",
            f"x{result.per_second / peer.per_second:.2f}",
            f"≥ {RATIO_TARGET}" if result.side == OURS else "",
        )
    Console(width=120).print(table)
    few, many = (found[OURS, size] for size in sorted({result.members for result in results}))
    print(
        f"p99 with {many.members:,} members is {many.p99_ms / few.p99_ms:.2f} times that with {few.members:,}"
        f" (target ≤ {P99_TARGET})"
    )


if __name__ == "__main__":
    main()
