"""Puts the pages for people on the development shop: templates, security headers, and what every page shows."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, g, render_template, request, send_from_directory
from werkzeug.exceptions import HTTPException

from devshop.faces import (
    account,
    admin_frame,
    cart_pages,
    checkout_pages,
    clock_pages,
    log_pages,
    order_pages,
    storefront,
    theme_pages,
)
from devshop.faces.catalogue import ware_of
from devshop.faces.figures import moment, money
from devshop.faces.texts import translated
from devshop.faces.theme import Placed
from devshop.faces.visitor import COUNTRIES, LANGUAGES, visitor_of

if TYPE_CHECKING:
    from devshop.shop import DevPlatform

SITE = "faces"
# Strict on purpose: what a shop's theme may forbid, our extension must live with. Styles every theme has inline, so the
# pages that hold blocks allow them.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def register(app: Flask, platform: DevPlatform) -> None:
    """Adds every page for people to the shop's web application."""
    site = Blueprint(SITE, __name__, template_folder="templates")
    for part in (
        storefront,
        cart_pages,
        checkout_pages,
        account,
        order_pages,
        clock_pages,
        log_pages,
        theme_pages,
        admin_frame,
    ):
        part.register(site, platform)

    @site.get("/devshop/static/<path:name>")
    def static(name: str) -> Response:
        answer = send_from_directory("faces/static", name)
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    @site.before_request
    def arrive() -> None:
        g.visitor = visitor_of(g.shop)
        _refuse_foreign_posts()

    @site.after_request
    def secure(answer: Response) -> Response:
        themed = {"style_src": "'self' 'unsafe-inline'"} if "themed" in g else {}
        answer.headers.setdefault("Content-Security-Policy", policy(**themed))
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        answer.headers.setdefault("Referrer-Policy", "same-origin")
        if answer.mimetype == "text/html":
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    @site.context_processor
    def shared() -> dict[str, Any]:
        return _shared(platform)

    @site.errorhandler(HTTPException)
    def failed(error: HTTPException) -> tuple[str, int]:
        return _message(error), error.code or 500

    @app.errorhandler(404)
    def nowhere(error: HTTPException) -> tuple[str, int] | HTTPException:
        """An address that no page has; scripts below /dev keep the plain answer."""
        if "shop" not in g or request.path.startswith(("/dev/", platform.config.proxy.path)):
            return error
        g.visitor = visitor_of(g.shop)
        return _message(error, **_shared(platform)), 404

    app.secret_key = secrets.token_bytes(32)  # for the notes that one page leaves for the next
    app.config["SESSION_COOKIE_NAME"] = "devshop_notes"
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.jinja_env.filters["ware"] = ware_of
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(site)


def _message(error: HTTPException, **shared: Any) -> str:
    """What went wrong, in the shop's own clothes or in those behind the counter; no part of the app is on it."""
    behind = request.path.startswith(("/shop-admin", "/admin"))
    lost = error.code == 404 and not behind
    return render_template(
        "message.html",
        page_title="There is nothing here" if lost else "That did not work",
        said="This path leads nowhere. The tea is the other way." if lost else error.description,
        behind=behind,
        placed=Placed(),
        **shared,
    )


def policy(**changes: str) -> str:
    """The Content-Security-Policy of a page, with directives replaced, such as frame_src="http://…"."""
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}" for name, value in {**POLICY, **named}.items())


def _refuse_foreign_posts() -> None:
    """A page of another site must not press our buttons: browsers say where a form comes from."""
    if request.method != "POST":
        return
    origin = request.headers.get("Origin", "")
    fetched = request.headers.get("Sec-Fetch-Site", "same-origin")
    if fetched not in ("same-origin", "none") or (origin and urlsplit(origin).netloc != request.host):
        abort(403, "This button was pressed on another site. Press it here.")


def _shared(platform: DevPlatform) -> dict[str, Any]:
    visitor, record = g.visitor, g.shop.desk.shop
    return {
        "visitor": visitor,
        "shop": record,
        "now": g.shop.desk.now(),
        "clock_moves": platform.move_clock is not None,
        "languages": LANGUAGES,
        "countries": COUNTRIES,
        "money": money,
        "moment": lambda value, form="date": moment(g.shop.desk, value, form),
        "t": lambda text, **values: translated(visitor.language, text, **values),
        "app_name": "Regulars",
        "held": len(platform.queue) if platform.hold_webhooks else 0,
    }
