"""Starts and stops what the benchmarks compare: our intake under granian, Shopify's stack under Node."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import SECRET
from tests.npm import node

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 30.0


def ours(url: str) -> Iterator[int]:
    """The intake as `regulars serve` runs it: one granian process with sixteen threads."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1"]
    command += ["--blocking-threads", "16", "--host", "127.0.0.1", "--log-level", "error"]
    return _serve(lambda port: [*command, "--port", str(port), "bench.app:app"], url)


def shopify_express(url: str) -> Iterator[int]:
    """Shopify's Express library with better-sqlite3 or pg."""
    return _serve(lambda _: [str(node()), str(ROOT / "bench/peers/intake.mjs")], url)


ours_served = contextmanager(ours)
peer_served = contextmanager(shopify_express)


def _serve(command, url: str) -> Iterator[int]:  # type: ignore[no-untyped-def]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        command(port),
        cwd=ROOT,
        env=os.environ
        | {"DATABASE_URL": url, "PORT": str(port), "SHOPIFY_API_SECRET": SECRET, "NODE_ENV": "production"},
        start_new_session=True,
    )
    try:
        _wait(process, port)
        yield port
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(START_TIMEOUT_S)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("A server of the benchmark did not start; see its message above.")
