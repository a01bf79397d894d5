"""Ways between the app and the shop: in process for tests, over sockets for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import requests
from werkzeug.test import Client

from devshop.faults import NoAnswer
from devshop.proxy import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CONNECT_S, ANSWER_S = 1.0, 5.0  # a webhook has one second to connect and five for the whole answer


class InProcess(httpx.BaseTransport):
    """Carries requests for *.myshopify.com into the shop's WSGI app, with their Host, without a socket.

    A fault of the shop that leaves a request unanswered comes out as httpx.ReadTimeout.
    """

    def __init__(self, wsgi: WSGIApplication) -> None:
        self._client = Client(wsgi, use_cookies=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if not host.endswith(".myshopify.com"):
            raise httpx.ConnectError("no network in development", request=request)
        timeout = request.extensions.get("timeout", {}).get("read")
        try:
            answer = self._client.open(
                path=request.url.path,
                method=request.method,
                base_url=f"https://{host}",
                query_string=request.url.query.decode(),
                headers=list(request.headers.multi_items()),
                data=request.read(),
                environ_overrides={"devshop.read_timeout": timeout},
            )
        except NoAnswer as error:
            raise httpx.ReadTimeout("the development shop did not answer", request=request) from error
        return httpx.Response(
            answer.status_code, headers=list(answer.headers), content=answer.data, request=request
        )


class ToLocalShop(httpx.HTTPTransport):
    """Sends requests for *.myshopify.com to a development shop on this machine; the Host header stays."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        super().__init__()
        self._host, self._port = host, port

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.host.endswith(".myshopify.com"):
            raise httpx.ConnectError("no network in development", request=request)
        request.url = request.url.copy_with(scheme="http", host=self._host, port=self._port)
        return super().handle_request(request)


Deliver = Callable[[str, str, dict[str, str], bytes], int]
Send = Callable[[str, str, dict[str, str], bytes], tuple[int, Headers, bytes]]


def posting(url_of: Callable[[str], str]) -> Deliver:
    """Delivers webhooks over HTTP with Shopify's time limits; redirects count as failures."""
    session = requests.Session()

    def deliver(_shop: str, topic: str, headers: dict[str, str], body: bytes) -> int:
        answer = session.post(
            url_of(topic),
            data=body,
            headers=headers,
            timeout=(CONNECT_S, ANSWER_S),
            allow_redirects=False,
        )
        return answer.status_code

    return deliver


def sending() -> Send:
    """Forwards proxied requests over HTTP."""
    session = requests.Session()

    def send(method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, Headers, bytes]:
        answer = session.request(method, url, data=body, headers=headers, timeout=30, allow_redirects=False)
        session.cookies.clear()
        return answer.status_code, list(answer.headers.items()), answer.content

    return send


def into_app(app: WSGIApplication, path_of: Callable[[str], str]) -> tuple[Deliver, Send]:
    """Both ways into an app in the same process."""
    client = Client(app, use_cookies=False)

    def deliver(_shop: str, topic: str, headers: dict[str, str], body: bytes) -> int:
        return client.open(
            path=path_of(topic), method="POST", headers=list(headers.items()), data=body
        ).status_code

    def send(method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, Headers, bytes]:
        answer = client.open(url, method=method, headers=list(headers.items()), data=body)
        return answer.status_code, list(answer.headers), answer.data

    return deliver, send
