"""Memory: the web process under load and the worker while it drains a backlog, as the operating system counts."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from pathlib import Path

import click

from bench.drain import INSTALLED, fill, sqlite_files
from bench.load import SHOP, run, signed_requests
from bench.served import ROOT, free_port, running
from plugin.store import shops
from plugin.store.db import Database
from plugin.store.migrate import migrate

WEB_LIMIT_MB = 150
WORKER_LIMIT_MB = 200


def peak_mb(pid: int) -> float:
    """The most memory the process held at once (VmHWM of /proc), in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell a process's peak memory")


def worker_peak(rows: int) -> float:
    """The peak of a process that drains a backlog of that many webhooks."""
    with sqlite_files() as fresh:
        url = fresh()
        fill(url, rows // 4)
        command = [sys.executable, "-m", "bench.drainer", "--until-empty"]
        process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})
        peak = 0.0
        while process.poll() is None:
            try:
                peak = max(peak, peak_mb(process.pid))
            except (FileNotFoundError, RuntimeError):
                break
            time.sleep(0.05)
        if process.wait() != 0:
            raise RuntimeError("the drainer failed")
        return peak


def web_peak(seconds: float) -> float:
    """The peak of the largest process that serves the whole app while webhooks come in."""
    with sqlite_files() as fresh:
        url = fresh()
        migrate(url)
        database = Database.open(url)
        with database.write() as tx:
            shops.installed(tx, shops.ensure(tx, SHOP, INSTALLED), "", INSTALLED)
        database.close()
        port = free_port()
        os.environ |= {
            "SHOPIFY_API_KEY": "bench",
            "APP_URL": f"http://127.0.0.1:{port}",
            "TOKEN_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "DEVSHOP_URL": "http://127.0.0.1:1",
        }
        command = [sys.executable, str(ROOT / "commands.py"), "serve", "--no-worker", "--port", str(port)]
        with running(command, url, port=port) as process:
            run(port, signed_requests(), seconds=seconds, connections=16)
            return max(peak_mb(pid) for pid in [process.pid, *_children(process.pid)])


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@click.command()
@click.option("--rows", default=100_000, show_default=True)
@click.option("--seconds", default=10.0, show_default=True)
def main(rows: int, seconds: float) -> None:
    web, worker = web_peak(seconds), worker_peak(rows)
    click.echo(f"web process under load: {web:.0f} MB (limit {WEB_LIMIT_MB})")
    click.echo(f"worker draining {rows:,} webhooks: {worker:.0f} MB (limit {WORKER_LIMIT_MB})")
    if web > WEB_LIMIT_MB or worker > WORKER_LIMIT_MB:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
