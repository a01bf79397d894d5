"""The demo for people: a served development shop beside a served app, kept between starts, ended by Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import click
import requests

from devshop.demo import APP_TOML, DOMAIN, environment
from devshop.faces.catalogue import stock
from devshop.shop import DevPlatform, DevShop

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
    *,
    port: int,
    shop_port: int,
    fresh: bool,
) -> None:
    """Starts shop and app, installs the app, places a few orders at the first start, and waits for Ctrl-C.

    `prepare(settings)` migrates the database and returns the app's clock; `serve(port)` is the app's command.
    """
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    settings = _settings(folder, port, shop_port)
    clock = prepare(settings)
    platform = DevPlatform(
        settings["SHOPIFY_API_KEY"], settings["SHOPIFY_API_SECRET"], settings["APP_URL"],
        now=clock.now, state_path=folder / "shop.json", app_toml=APP_TOML,
    )  # fmt: skip
    platform.move_clock = clock.move
    shop = platform.create_shop(DOMAIN, currency="CHF", name="Alpine Tea", rates=RATES)
    stock(shop)
    app = subprocess.Popen(serve(port), env={**os.environ, **settings})
    try:
        with platform.serve(port=shop_port) as served:
            _wait_for(f"{settings['APP_URL']}/healthz", app)
            requests.get(shop.install(), timeout=30).raise_for_status()
            if not shop.orders:
                first_orders(shop)
            click.echo(_welcome(shop, settings, served.port, folder))
            with contextlib.suppress(KeyboardInterrupt):
                app.wait()
    finally:
        app.terminate()
        with contextlib.suppress(KeyboardInterrupt):
            app.wait(timeout=30)


def first_orders(shop: DevShop) -> None:
    """Three customers and four orders in different states, through the shop's own doors."""
    wares = stock(shop)
    tea, pot = wares["mountain-herbs"], wares["stoneware-pot"]
    anna = shop.create_customer(first_name="Anna", last_name="Keller", email="anna.keller@example.com")
    luca = shop.create_customer(first_name="Luca", last_name="Rossi", email="luca.rossi@example.com")
    mia = shop.create_customer(first_name="Mia", last_name="Huber", email="mia.huber@example.com")
    delivered = shop.place_order(anna, [(tea, 2), (pot, 1)])
    shop.deliver_parcel(shop.fulfil(delivered))
    shop.fulfil(shop.place_order(luca, [(pot, 2)]))
    refunded = shop.place_order(mia, [(tea, 4)])
    shop.refund(refunded, amount=2000)
    shop.place_order(mia, [(tea, 1)], paid=False)


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


def _welcome(shop: DevShop, settings: Mapping[str, str], shop_port: int, folder: Path) -> str:
    address = f"http://127.0.0.1:{shop_port}"
    return f"""
Regulars runs beside a development shop. Ctrl-C stops both; the data stays for the next start.

  storefront     {address}/
  app admin      {address}/admin/apps/regulars
  order admin    {address}/shop-admin/orders

The bar on top of every page leads to the others, to the log, and moves the clock.

In another terminal:
  set -a; . {folder}/demo.env; set +a
  .venv/bin/regulars clock +3d      three days later
  .venv/bin/regulars audit          every point proved
"""
