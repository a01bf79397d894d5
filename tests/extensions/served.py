"""Serves the page, the extension's files and the scripted API on one address, as a shop does."""

from __future__ import annotations

import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tests.extensions.page import ASSETS, EXTENSION, Page, document
from tests.extensions.scripted import Api

PROXY = "/apps/rewards"
THEME = (
    "body{margin:0;overflow-wrap:anywhere;font:16px/1.6 system-ui,sans-serif;color:#222;background:#fff}"
    "main,header{max-width:760px;margin:0 auto;padding:16px}"
    "button,select{min-height:44px;font:inherit;padding:0 16px}a{color:#222}"
    "@media (prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#eee}}"
)


@dataclass(slots=True)
class Site:
    """One shop on 127.0.0.1: what it shows, and every path that was asked for."""

    address: str
    page: Page
    api: Api
    asked: list[str] = field(default_factory=list)
    cart: list[bytes] = field(default_factory=list)
    policy: str | None = None
    broken: set[str] = field(default_factory=set)

    def assets(self) -> list[str]:
        """The files of ours that were asked for, in order."""
        return [path.removeprefix(ASSETS) for path in self.asked if path.startswith(ASSETS)]


def _file(site: Site, path: str) -> tuple[bytes, str]:
    """A page or a file, with its type."""
    if path.startswith(ASSETS):
        name = path.removeprefix(ASSETS)
        return (EXTENSION / "assets" / name).read_bytes(), mimetypes.guess_type(name)[0] or "text/plain"
    if path == "/theme.css":
        return THEME.encode(), "text/css"
    if path == "/frame":
        return (
            f'<!doctype html><title>Frame</title><iframe src="{site.address}/"></iframe>'.encode(),
            "text/html",
        )
    return document(site.page).encode(), "text/html; charset=utf-8"


@contextmanager
def serving(page: Page, api: Api) -> Iterator[Site]:
    """The site, running until the block ends."""
    site = Site("", page, api)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            site.asked.append(parts.path)
            if parts.path in site.broken:
                self.close_connection = True
            elif parts.path.startswith(f"{PROXY}/"):
                self._api("GET", b"")
            else:
                self._send(200, *_file(site, parts.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/cart/update.js":
                site.cart.append(body)
                self._send(200, b"{}", "application/json")
            else:
                self._api("POST", body)

        def _api(self, method: str, body: bytes) -> None:
            parts = urlsplit(self.path)
            answer = site.api.answer(
                method, parts.path.removeprefix(PROXY), dict(parse_qsl(parts.query)), body
            )
            if answer.dropped:
                self.close_connection = True
            else:
                self._send(answer.status, answer.body, "application/json")

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if site.policy and kind.startswith("text/html"):
                self.send_header("Content-Security-Policy", site.policy)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield site
    finally:
        site.api.release.set()
        server.shutdown()
        server.server_close()
