"""The app proxy: signs a shopper's request for the app and strips cookies both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec
from msgspec import Struct

from devshop.desk import Desk
from devshop.signing import proxy_signature
from devshop.tokens import App, real_now

Headers = list[tuple[str, str]]
Forward = Callable[[str, str, dict[str, str], bytes], tuple[int, Headers, bytes]]
MAX_REDIRECTS = 5
_STRIPPED = frozenset(
    {
        "set-cookie",
        "accept-patch",
        "accept-ranges",
        "connection",
        "date",
        "delta-base",
        "im",
        "p3p",
        "pragma",
        "preference-applied",
        "proxy-authenticate",
        "public-key-pins",
        "server",
        "service-worker-allowed",
        "trailer",
        "tk",
        "warning",
        "x-powered-by",
        "transfer-encoding",
        "content-length",
        "content-encoding",
    }
)


class ProxySettings(Struct):
    """[app_proxy] of the app's configuration."""

    url: str = "/proxy"
    prefix: str = "apps"
    subpath: str = "rewards"

    @property
    def path(self) -> str:
        return f"/{self.prefix}/{self.subpath}"


class ProxyRequest(NamedTuple):
    """What reaches the app: path and signed query, headers, body."""

    url: str
    headers: dict[str, str]
    body: bytes


def signed_request(
    desk: Desk,
    app: App,
    settings: ProxySettings,
    path: str,
    *,
    customer_id: int | None,
    query: Iterable[tuple[str, str]],
    json: object = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> ProxyRequest:
    """Signs a request to `path` below the proxy.

    What the visitor put into the query goes along unchanged and in front, even a name of Shopify's own; only
    a `signature` is taken away. Cookie headers are taken away too.
    """
    pairs = [(key, value) for key, value in query if key != "signature"]
    pairs += [
        ("shop", desk.shop.domain),
        ("logged_in_customer_id", "" if customer_id is None else str(customer_id)),
        ("path_prefix", settings.path),
        ("timestamp", str(int(real_now().timestamp()))),
    ]
    pairs.append(("signature", proxy_signature(app.signing_secret, pairs)))
    kept = {
        name: value
        for name, value in (headers or {}).items()
        if name.lower() not in ("cookie", "host", "connection", "content-length", "transfer-encoding")
    }
    kept |= {"X-Forwarded-Host": desk.shop.domain, "X-Forwarded-For": "203.0.113.7"}
    if json is not None:
        body, kept["Content-Type"] = msgspec.json.encode(json), "application/json"
    base = urlsplit(settings.url).path.rstrip("/")
    return ProxyRequest(f"{base}/{path.lstrip('/')}".rstrip("/") + "?" + urlencode(pairs), kept, body)


def forward(method: str, request: ProxyRequest, send: Forward, app: App) -> tuple[int, Headers, bytes]:
    """Sends the request to the app, follows its redirects, and gives back what a shopper would see."""
    url = app.app_url + request.url
    status, headers, body = send(method, url, request.headers, request.body)
    for _ in range(MAX_REDIRECTS):
        target = next((value for name, value in headers if name.lower() == "location"), None)
        if not 300 <= status < 400 or target is None:
            break
        url = urljoin(url, target)
        status, headers, body = send("GET", url, request.headers, b"")
    return status, [(name, value) for name, value in headers if name.lower() not in _STRIPPED], body
