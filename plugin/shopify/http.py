"""The one HTTP client to the platform; in development it finds every shop at the development shop's address."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from plugin.config import Config

TIMEOUT_S = 10.0


class _ToDevelopmentShop(httpx.HTTPTransport):
    """Sends requests for *.myshopify.com to DEVSHOP_URL, keeping the Host header, and nothing anywhere else."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = urlsplit(address)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.host.endswith(".myshopify.com"):
            raise httpx.ConnectError(
                "the development shop stands in for the platform; nothing else is reached"
            )
        request.url = request.url.copy_with(
            scheme=self._address.scheme, host=self._address.hostname, port=self._address.port
        )
        return super().handle_request(request)


def client(config: Config) -> httpx.Client:
    """A client with a time limit on every call; keeps connections between calls."""
    transport = (
        _ToDevelopmentShop(config.devshop_url) if config.devshop_url else httpx.HTTPTransport(retries=0)
    )
    return httpx.Client(transport=transport, timeout=TIMEOUT_S)
