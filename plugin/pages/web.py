"""The web application: every page and API but the webhooks, with one shape of error and one set of headers."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from plugin.channels.sealed import Sealer
from plugin.config import Config
from plugin.errors import RegularsError, trace
from plugin.pages import admin, answers, api, install, storefront
from plugin.pages.fast import FastReads
from plugin.pages.guards import OPEN, guard
from plugin.pages.limits import Buckets, Limits
from plugin.pages.signed import Signer
from plugin.pages.staff import RETRY_HEADER
from plugin.shopify.tokens import TokenSource
from plugin.store import figures, meta
from plugin.store.db import Database
from plugin.store.queues import Effect
from plugin.store.storefront import StorefrontReader

MAX_BODY_BYTES = 8192
_TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
_log = logging.getLogger("regulars.web")


@dataclass(frozen=True, slots=True)
class Web:
    """What the pages work with, handed in by app.py.

    `now` is the app's clock, which development may move; `wall_s` is real time, for signatures and tokens.
    `perform_now(shop_id, effect)` performs an effect that this request claimed, within a deadline; never raises.
    """

    config: Config
    db: Database
    now: Callable[[], datetime]
    tokens: TokenSource
    perform_now: Callable[[int, Effect], None]
    scopes: tuple[str, ...]
    limits: Limits = field(default_factory=Limits)
    wall_s: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    reader: StorefrontReader = field(init=False)
    signer: Signer = field(init=False)
    reads: Buckets = field(init=False)
    changes: Buckets = field(init=False)
    api_calls: Buckets = field(init=False)
    sealer: Sealer = field(init=False)

    def __post_init__(self) -> None:
        limits = self.limits
        for name, made in (
            ("reader", StorefrontReader(self.db.url)),
            ("signer", Signer(self.config.secrets)),
            ("reads", Buckets(limits.reads_at_once, limits.reads_per_s, clock=self.wall_s)),
            ("changes", Buckets(limits.changes_at_once, limits.changes_per_s, clock=self.wall_s)),
            ("api_calls", Buckets(limits.api_at_once, limits.api_per_s, clock=self.wall_s)),
            ("sealer", Sealer(self.config.token_keys)),
        ):
            object.__setattr__(self, name, made)


def create_web(deps: Web) -> Flask:
    """The Flask application. Webhooks are answered in front of it; the two storefront reads in front of its views."""
    app = Flask("regulars", template_folder=str(_TEMPLATES), static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.jinja_env.autoescape = True
    storefront.register(app, deps)
    install.register(app, deps)
    admin.register(app, deps)
    api.register(app, deps)

    @app.get("/healthz")
    @guard(OPEN)
    def healthz() -> Response:
        return _health(deps)

    @app.after_request
    def finish(answer: Response) -> Response:
        return _finished(answer, deps.config)

    app.register_error_handler(RegularsError, _expected)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)
    # Flask's own documented way to put a WSGI middleware in front.
    app.wsgi_app = FastReads(app.wsgi_app, deps)  # type: ignore[method-assign]  # its types call it a method
    return app


def _health(deps: Web) -> Response:
    """Whether the database answers, since when the oldest webhook waits, and who the worker is; null when none runs."""
    with deps.db.read() as tx:
        oldest = figures.oldest_waiting(tx)
        worker = meta.worker(tx)
    waiting_s = 0 if oldest is None else max(0, int((deps.now() - oldest).total_seconds()))
    return answers.json_answer({"status": "ok", "oldest_waiting_s": waiting_s, "worker": worker})


def _finished(answer: Response, config: Config) -> Response:
    for name, value in answers.EVERYWHERE:
        answer.headers.setdefault(name, value)
    for name, value in g.get("api_headers", {}).items():
        answer.headers[name] = value
    if request.path.startswith("/api/") and not request.path.startswith(api.PREFIX):
        for name, value in storefront.CORS:
            answer.headers[name] = value
    if config.app_url.startswith("https://") and not request.path.startswith("/proxy/"):
        answer.headers.setdefault(*answers.HSTS)
    return answer


def _expected(error: Exception) -> Response:
    assert isinstance(error, RegularsError)
    return _shown(answers.error_answer(error), error.message)


def _http(error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.code or 500
    code, message = _HTTP.get(status, ("refused", "This request cannot be answered."))
    if status == 413:
        message = f"This is larger than {request.max_content_length:,} bytes, the most that is taken here. Send less."
    answer = answers.json_answer(answers.error_body(code, message), status)
    valid = getattr(error, "valid_methods", None)
    if status == 405 and valid:
        answer.headers["Allow"] = ", ".join(sorted(valid))
    return _shown(answer, message)


def _unexpected(error: Exception) -> Response:
    """A fault of ours: a number to look it up by, and nothing else, leaves the house."""
    reference = secrets.token_hex(4)
    rule = request.url_rule.rule if request.url_rule else "?"
    _log.error("%s: %s %s: %s", reference, request.method, rule, trace(error))
    message = f"Something went wrong on our side. Try again; if it stays, tell us this number: {reference}."
    return _shown(
        answers.json_answer(answers.error_body("internal_error", message, reference=reference), 500), message
    )


def _shown(answer: Response, message: str) -> Response:
    """The same error as a page where a person asked for one."""
    path = request.path
    people = request.accept_mimetypes.best == "text/html" or "text/html" in request.headers.get("Accept", "")
    if not people or path.startswith(("/proxy", "/api", "/healthz", "/webhooks")):
        return answer
    page = admin.message_page("That did not work", message, answer.status_code)
    page.headers.extend(
        (name, answer.headers[name])
        for name in ("Retry-After", "Allow", RETRY_HEADER)
        if name in answer.headers
    )
    return page


_HTTP = {
    400: ("bad_request", "This request cannot be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address answers another method."),
    413: ("body_too_large", ""),
    415: ("unsupported_media_type", "Send the body as application/json."),
}
