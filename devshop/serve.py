"""The platform as a server: a thread that answers and a thread that delivers webhooks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from devshop.wsgi import over_sockets

if TYPE_CHECKING:
    from devshop.shop import DevPlatform

RETRY_S = 10.0  # Shopify takes four hours over eight retries; people wait less


class _Quiet(WSGIRequestHandler):
    """No line for each request: URLs hold signatures and tokens."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


class Server:
    """A running platform. `port` is the one it listens on."""

    def __init__(self, http: BaseWSGIServer, platform: DevPlatform) -> None:
        self.port: int = http.port
        self._http = http
        self._platform = platform
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=http.serve_forever, name="devshop-http", daemon=True),
            threading.Thread(target=self._deliver, name="devshop-webhooks", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _deliver(self) -> None:
        quiet = 0.0
        while not self._over.is_set():
            if self._platform.waiting.wait(timeout=0.5):
                self._platform.waiting.clear()
                if not self._platform.hold_webhooks:
                    self._platform.flush()
            quiet += 0.5
            if quiet >= RETRY_S:
                quiet = 0.0
                self._platform.retry_failed()

    def close(self) -> None:
        """Stops both threads and frees the port."""
        self._over.set()
        self._http.shutdown()
        for thread in self._threads:
            thread.join(timeout=10)
        self._http.server_close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start(platform: DevPlatform, host: str, port: int) -> Server:
    http = make_server(host, port, over_sockets(platform.wsgi), threaded=True, request_handler=_Quiet)
    return Server(http, platform)
