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


@contextmanager
def regulars(url: str) -> Iterator[int]:
    """The intake as `regulars serve` runs it: one granian process with sixteen threads. Yields the port."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1"]
    command += ["--blocking-threads", "16", "--no-ws", "--host", "127.0.0.1", "--log-level", "error"]
    with running([*command, "--port", str(port), "bench.app:app"], url, port=port):
        yield port


@contextmanager
def shopify_express(url: str) -> Iterator[int]:
    """Shopify's Express library with better-sqlite3 or pg. Yields the port."""
    port = free_port()
    with running([str(node()), "bench/peers/intake.mjs"], url, port=port):
        yield port


@contextmanager
def running(command: list[str], url: str, *, port: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process group that is started, waited for when it listens on `port`, and stopped."""
    environment = {"DATABASE_URL": url, "SHOPIFY_API_SECRET": SECRET, "NODE_ENV": "production"}
    if port is not None:
        environment["PORT"] = str(port)
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, start_new_session=True)
    try:
        if port is not None:
            _wait(process, port)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(START_TIMEOUT_S)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
