"""The platform over HTTP: which shop is meant, faults, tokens, Admin API, app proxy, order admin."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, parse_qsl

from flask import Flask, Response, g, redirect, request
from graphql import DocumentNode
from werkzeug.wrappers import Response as PlainResponse

from devshop import faces, graphql_server, order_admin, proxy, tokens
from devshop.errors import DevshopError
from devshop.faults import NoAnswer
from devshop.graphql_call import Call
from devshop.webhooks_out import API_VERSION

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from devshop.shop import DevPlatform, DevShop

CUSTOMER_COOKIE = "devshop_customer"
GRAPHQL_PATH = f"/admin/api/{API_VERSION}/graphql.json"
TOKEN_PATH = "/admin/oauth/access_token"
_HTTP = {"http_500": 500, "http_502": 502, "http_503": 503}


class Front:
    """The WSGI callable: finds the shop, plays the faults, then asks Flask.

    The shop is the Host {shop}.myshopify.com, else a path that starts with /shops/{domain}, else ?shop=,
    else the only shop there is.
    """

    def __init__(self, platform: DevPlatform) -> None:
        self._platform = platform
        self._flask = _flask(platform)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["devshop.domain"] = _domain(environ, self._platform)
        names = _names(environ)
        faults = self._platform.faults
        if faults.take(("timeout_before",), names):
            raise NoAnswer
        if broken := faults.take(_HTTP, names):
            return PlainResponse("The development shop fails on demand.", _HTTP[broken.kind])(
                environ, start_response
            )
        if "graphql" not in names and faults.take(("throttle",), names):
            limited = PlainResponse("Too Many Requests", 429, {"Retry-After": "2.0"})
            return limited(environ, start_response)
        slow = faults.take(("slow",), names)
        hang_up = faults.take(("timeout_after",), names) is not None
        answer = self._flask(environ, start_response) if not (slow or hang_up) else None
        if answer is not None:
            return answer
        done = PlainResponse.from_app(self._flask, environ, buffered=True)
        limit = environ.get("devshop.read_timeout")
        if slow is not None:
            hang_up = hang_up or (limit is not None and slow.seconds > limit)
            if not hang_up:
                faults.sleep(slow.seconds)
        if hang_up:
            raise NoAnswer
        return done(environ, start_response)


def over_sockets(front: WSGIApplication) -> WSGIApplication:
    """For a real server: where no answer is due, the connection is closed."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return front(environ, start_response)
        except NoAnswer as error:
            connection = environ.get("werkzeug.socket")
            if isinstance(connection, socket.socket):
                connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError("the development shop hangs up on demand") from error

    return app


def _domain(environ: WSGIEnvironment, platform: DevPlatform) -> str:
    host = str(environ.get("HTTP_HOST", "")).split(":")[0].lower()
    if host.endswith(".myshopify.com"):
        return host
    parts = str(environ.get("PATH_INFO", "")).split("/")
    if len(parts) > 2 and parts[1] == "shops":
        environ["SCRIPT_NAME"] = str(environ.get("SCRIPT_NAME", "")) + f"/shops/{parts[2]}"
        environ["PATH_INFO"] = "/" + "/".join(parts[3:])
        return parts[2]
    named = parse_qs(str(environ.get("QUERY_STRING", ""))).get("shop")
    if named:
        return named[0]
    return next(iter(platform.shops)) if len(platform.shops) == 1 else ""


def _names(environ: WSGIEnvironment) -> list[str]:
    path = str(environ.get("PATH_INFO", ""))
    if path == TOKEN_PATH:
        return [path, "access_token"]
    if not path.endswith("/graphql.json"):
        return [path]
    body = cast(io.BufferedIOBase, environ["wsgi.input"]).read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    names = [path, "graphql"]
    given = _json(body)
    document = graphql_server.read(str(given.get("query", "")))
    if isinstance(document, DocumentNode):
        names += graphql_server.names_of(document, _text(given.get("operationName")))
    return names


def _json(body: bytes) -> dict[str, object]:
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _flask(platform: DevPlatform) -> Flask:
    app = Flask("devshop", static_folder=None)

    @app.before_request
    def find_shop() -> Response | None:
        shop = platform.shops.get(str(request.environ["devshop.domain"]))
        if shop is None and not request.path.startswith("/dev/shops"):
            return Response("There is no such shop here; create it or name one of /dev/shops.", 404)
        g.shop = shop
        return None

    @app.post(TOKEN_PATH)
    def access_token() -> Response:
        return _tokens(platform, g.shop)

    @app.get("/admin/oauth/authorize")
    def authorize() -> PlainResponse:
        shop: DevShop = g.shop
        try:
            with shop.desk.change():
                return redirect(tokens.authorize(shop.desk, platform.app, request.args.to_dict()))
        except DevshopError as error:
            return Response(str(error), 400)

    @app.post("/admin/api/<version>/graphql.json")
    def graphql(version: str) -> Response:
        return _graphql(platform, g.shop, version)

    @app.get("/bulk-results/<int:number>.jsonl")
    def bulk_result(number: int) -> PlainResponse:
        found = g.shop.desk.shop.bulk_operations.get(number)
        if found is None:
            return Response("There is no such result.", 404)
        body = found.result.encode()
        answer = PlainResponse(body, content_type="application/jsonl")
        return answer.make_conditional(request, accept_ranges=True, complete_length=len(body))

    @app.route(f"{platform.config.proxy.path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @app.route(f"{platform.config.proxy.path}/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def app_proxy(path: str = "") -> Response:
        return _proxied(platform, g.shop, path)

    order_admin.register(app, platform)
    faces.register(app, platform)
    return app


def _answer(status: int, body: Mapping[str, object]) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def _tokens(platform: DevPlatform, shop: DevShop) -> Response:
    refused = platform.faults.take(("refuse",), (TOKEN_PATH, "access_token"))
    if refused is not None:
        return _answer(400, {"error": refused.code or "invalid_grant", "error_description": refused.message})
    form = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    form, started = form if isinstance(form, dict) else {}, time.monotonic()
    with shop.desk.change():
        status, body = tokens.token_request(shop.desk, platform.app, form)
    platform.journal.add(
        "token",
        shop.domain,
        str(form.get("grant_type", "authorization code")).rpartition(":")[2],
        outcome=f"HTTP {status}" if status == 200 else str(body.get("error")),
        good=status == 200,
        seconds=time.monotonic() - started,
        answered="Tokens are never shown." if status == 200 else body,
    )
    return _answer(status, body)


def _graphql(platform: DevPlatform, shop: DevShop, version: str) -> Response:
    token = request.headers.get("X-Shopify-Access-Token", "")
    if version != API_VERSION:
        return _answer(404, {"errors": "Not Found"})
    grant = tokens.grant_of(shop.desk, token)
    if grant is None or shop.desk.shop.installed_at is None:
        text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        return _answer(401, {"errors": text})
    if grant.mode == "offline" and grant.expires_at is None and platform.refuse_non_expiring:
        return _answer(
            403, {"errors": "Non-expiring access tokens are no longer accepted for the Admin API."}
        )
    given = _json(request.get_data())
    text = str(given.get("query", ""))
    document = graphql_server.read(text)
    if isinstance(document, dict):
        return _answer(200, document)
    operation = _text(given.get("operationName"))
    variables = given.get("variables")
    names = graphql_server.names_of(document, operation)
    throttle = platform.faults.take(("throttle",), ("graphql", request.path, *names)) is not None
    call = Call(shop.desk, platform.app, platform.faults, names[0] if names else "")
    started = time.monotonic()
    with shop.desk.change() if graphql_server.is_mutation(document, operation) else platform.lock:
        body = graphql_server.answer(
            call,
            text,
            document,
            variables if isinstance(variables, dict) else {},
            operation,
            shop.bucket,
            throttle,
        )
    platform.journal.add(
        "graphql",
        shop.domain,
        names[0] if names else "query",
        outcome="errors" if "errors" in body else "answered",
        good="errors" not in body,
        seconds=time.monotonic() - started,
        sent={"variables": variables or {}, "query": text.splitlines()},
        answered=body,
    )
    return _answer(200, body)


def _proxied(platform: DevPlatform, shop: DevShop, path: str) -> Response:
    cookie = request.cookies.get(CUSTOMER_COOKIE, "")
    signed_in = int(cookie) if cookie.isdecimal() and int(cookie) in shop.desk.shop.customers else None
    signed = proxy.signed_request(
        shop.desk,
        platform.app,
        platform.config.proxy,
        path,
        customer_id=signed_in,
        query=parse_qsl(request.query_string.decode(), keep_blank_values=True),
        body=request.get_data(),
        headers=dict(request.headers),
    )
    started = time.monotonic()
    try:
        status, headers, body = proxy.forward(request.method, signed, platform.forward, platform.app)
    except OSError:
        status, headers, body = 502, [("Content-Type", "text/plain")], b"The app did not answer."
    who = f"customer {signed_in}" if signed_in else "a guest"
    platform.journal.add(
        "proxy",
        shop.domain,
        f"{request.method} {platform.config.proxy.path}/{path} for {who}",
        outcome=f"HTTP {status}",
        good=status < 400,
        seconds=time.monotonic() - started,
        sent=request.get_data(),
        answered=body,
    )
    return Response(body, status, headers)
