"""App and development shop, both served in this process, for tests with a real browser."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from werkzeug.serving import WSGIRequestHandler, make_server

from app import DemoApp
from devshop.demo import APP_TOML, DOMAIN, MovableTime, environment
from devshop.faces.catalogue import stock
from devshop.shop import DevPlatform, DevShop

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


@dataclass
class Demo:
    """App and shop, both served, in this process; `settle` delivers and works until nothing is left."""

    app: DemoApp
    platform: DevPlatform
    shop: DevShop
    address: str
    time: MovableTime
    cookies_at_app: list[str] = field(default_factory=list)

    def settle(self) -> None:
        while self.platform.queue:
            self.platform.flush()
            self.app.settle()
        self.app.settle()


@contextmanager
def serving_demo(
    folder: Path,
    *,
    days_ago: int = 0,
    installed: bool = True,
    domain: str = DOMAIN,
    around: Callable[[WSGIApplication], WSGIApplication] = lambda shop: shop,
) -> Iterator[Demo]:
    """App and shop with a stocked catalogue and one customer; the app's database is `folder`/app.db.

    `days_ago`: how far in the past it begins. `around` may stand between the shop and who asks it.
    """
    time = MovableTime()
    time.forward(days=-days_ago)
    asked: list[str] = []
    # The shop's port must be known to the app's settings, and the app's to the shop: both listen before they answer.
    doors: dict[str, WSGIApplication] = {}

    def door(name: str) -> WSGIApplication:
        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
            if name == "app":
                asked.extend(filter(None, [environ.get("HTTP_COOKIE")]))
            return doors[name](environ, start_response)

        return answer

    servers = {
        name: make_server("127.0.0.1", 0, door(name), threaded=True, request_handler=Quiet)
        for name in ("app", "shop")
    }
    address = f"http://127.0.0.1:{servers['shop'].port}"
    settings = environment(f"sqlite:///{folder}/app.db", f"http://localhost:{servers['app'].port}", address)
    platform = DevPlatform(
        settings["SHOPIFY_API_KEY"], settings["SHOPIFY_API_SECRET"], settings["APP_URL"],
        now=time.now, app_toml=APP_TOML,
    )  # fmt: skip
    shop = platform.create_shop(domain, name="Alpine Tea", rates={"EUR": "1.06"})
    stock(shop)
    shop.create_customer(first_name="Anna", last_name="Keller", email="anna@example.com")

    def move(by: timedelta) -> datetime:
        time.forward(seconds=by.total_seconds())
        return time.now()

    platform.move_clock = move
    client = httpx.Client(transport=platform.http_transport(), timeout=10)
    app = DemoApp.open(settings, client, time.now, domain)
    platform.connect(app.wsgi)
    doors.update(app=app.wsgi, shop=around(platform.wsgi))
    for server in servers.values():
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    made = Demo(app, platform, shop, address, time, asked)
    try:
        if installed:
            httpx.get(shop.install())
            made.settle()
        yield made
    finally:
        for server in servers.values():
            server.shutdown()
            server.server_close()
        client.close()
        app.close()
