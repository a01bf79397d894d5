"""The demo for people: a served development shop beside a served app, kept between starts, ended by Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import click
import httpx
import requests
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from devshop.demo import APP_TOML, DOMAIN, Open, environment
from devshop.faces.catalogue import stock
from devshop.seed import DAYS, PEOPLE, StoryTime, Told, tell
from devshop.shop import DevPlatform

START_TIMEOUT_S = 60
RATES = {"EUR": "1.06"}


class SharedClock(Protocol):
    """The app's clock, which every process of the demo lives by."""

    def now(self) -> datetime: ...
    def move(self, by: timedelta) -> datetime: ...


Prepare = Callable[[Mapping[str, str]], SharedClock]


def serve_demo(
    folder: Path,
    prepare: Prepare,
    serve: Callable[[int], list[str]],
    open_app: Open,
    *,
    port: int,
    shop_port: int,
    fresh: bool,
    people: int = PEOPLE,
    days: int = DAYS,
) -> None:
    """Starts shop and app, at the first start with `days` of history, and waits for Ctrl-C (or SIGTERM).

    `prepare(settings)` migrates the database and returns the app's clock; `serve(port)` is the app's command;
    `open_app` opens the app in this process, to live through the history.
    """
    # SIGINT too: a shell that starts it in the background has it ignored.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    state = folder / "shop.json"
    if fresh or not state.exists():
        # Without its shop the app's database is of no use: the history was not lived to its end.
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    settings = _settings(folder, port, shop_port)
    clock = prepare(settings)
    if not state.exists():
        started = time.monotonic()
        told = live_through(settings, clock.now(), open_app, state, people, days)
        click.echo(f"{_told(told)} Lived in {time.monotonic() - started:.0f} seconds.")
    platform = DevPlatform(
        settings["SHOPIFY_API_KEY"], settings["SHOPIFY_API_SECRET"], settings["APP_URL"],
        now=clock.now, state_path=state, app_toml=APP_TOML,
    )  # fmt: skip
    platform.move_clock = clock.move
    shop = platform.create_shop(DOMAIN, currency="CHF", name="Alpine Tea", rates=RATES)
    stock(shop)
    # A group of its own: Ctrl-C reaches this process alone, which then ends the app in good order.
    app = subprocess.Popen(serve(port), env={**os.environ, **settings}, process_group=0)
    try:
        with contextlib.suppress(KeyboardInterrupt), platform.serve(port=shop_port) as served:
            _wait_for(f"{settings['APP_URL']}/healthz", app)
            if shop.desk.shop.installed_at is None:
                requests.get(shop.install(), timeout=30).raise_for_status()
            click.echo(_welcome(served.port, folder))
            while app.poll() is None:
                # Not wait(): where another thread is handed the Ctrl-C, a wait without end would never hear of it.
                time.sleep(0.2)
            raise SystemExit("The app stopped. Its last lines above say why.")
    finally:
        app.terminate()
        with contextlib.suppress(KeyboardInterrupt):
            app.wait(timeout=30)


def live_through(
    settings: Mapping[str, str],
    until: datetime,
    open_app: Open,
    state: Path,
    people: int = PEOPLE,
    days: int = DAYS,
) -> Told:
    """Tells the shop's story up to `until` with a progress bar, app and shop in this process; saves the shop."""
    story_time = StoryTime(until - timedelta(days=days + 1))
    platform = DevPlatform(
        settings["SHOPIFY_API_KEY"], settings["SHOPIFY_API_SECRET"], settings["APP_URL"],
        now=story_time.now, app_toml=APP_TOML,
    )  # fmt: skip
    shop = platform.create_shop(DOMAIN, currency="CHF", name="Alpine Tea", rates=RATES)
    with httpx.Client(transport=platform.http_transport(), timeout=10) as client, _progress() as bar:
        task = bar.add_task(f"Living {days} days at {shop.desk.shop.name}", total=1.0)
        app = open_app(settings, client, story_time.now, DOMAIN)
        try:
            platform.connect(app.wsgi)
            told = tell(
                platform, shop, app, story_time, until=until, days=days, count=people,
                progress=lambda share: bar.update(task, completed=share),
            )  # fmt: skip
        finally:
            app.close()
    platform.save_as(state)
    return told


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        console=Console(stderr=True),
    )  # fmt: skip


def _told(told: Told) -> str:
    return (
        f"{told.customers} customers, {told.members} of them members; {told.orders} orders, {told.parcels} parcels "
        f"({told.late} late), {told.refunds} refunds, {told.redemptions} codes, {told.answers} answers; "
        f"{told.webhooks:,} webhooks."
    )


def _settings(folder: Path, port: int, shop_port: int) -> dict[str, str]:
    """The demo's settings; its secrets are made once and kept beside its data."""
    path = folder / "demo.env"
    addresses = {
        "DATABASE_URL": f"sqlite:///{(folder / 'regulars.db').resolve()}",
        # Another host name than the shop's: a browser shares cookies between the ports of one host, and the
        # shop's cookies must never reach the app.
        "APP_URL": f"http://localhost:{port}",
        "DEVSHOP_URL": f"http://127.0.0.1:{shop_port}",
    }
    settings = environment("", "", "")
    if path.exists():
        settings |= dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    settings |= addresses
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in settings.items())
    return settings


def _wait_for(url: str, app: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if app.poll() is not None:
            raise SystemExit("The app stopped while it started. Its last lines above say why.")
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=2).status_code == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"The app did not answer at {url} within {START_TIMEOUT_S} seconds.")


def _welcome(shop_port: int, folder: Path) -> str:
    address = f"http://127.0.0.1:{shop_port}"
    return f"""
Regulars runs beside a development shop. Ctrl-C stops both; the data stays for the next start.

  storefront     {address}/
  app admin      {address}/admin/apps/regulars
  order admin    {address}/shop-admin/orders

The bar on top of every page leads to the others and to the log, and moves the clock.

In another terminal:
  set -a; . {folder}/demo.env; set +a
  .venv/bin/regulars clock +3d      three days later
  .venv/bin/regulars audit          every point proved
"""
