"""The merchant's admin around the app: the frame, fresh id tokens for it, and the stand-ins of Shopify's scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, g, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from devshop import tokens
from devshop.faces import theme_pages

if TYPE_CHECKING:
    from devshop.shop import DevPlatform

_STATIC = Path(__file__).parent / "static"
_PATH = re.compile(r"/[A-Za-z0-9/_.~-]*")
STAND_INS = ("app-bridge.js", "polaris.js")
# The app's own parameters travel on; what the frame adds itself does not come from outside.
_FRAME = {"embedded", "hmac", "host", "id_token", "locale", "session", "shop", "timestamp"}


def register(site: Blueprint, platform: DevPlatform) -> None:
    """Adds the frame and what it asks for."""

    @site.get("/admin/apps/regulars")
    @site.get("/admin/apps/regulars/<path:path>")
    def admin_app(path: str = "") -> Response:
        return _frame(platform, f"/{path}")

    @site.post("/shop-admin/install")
    def install() -> Answer:
        g.shop.install()
        return redirect(url_for("faces.admin_app"))

    @site.post("/shop-admin/id-token")
    def id_token() -> Response:
        """A fresh id token for the frame: one minute, as App Bridge hands them out."""
        if g.shop.desk.shop.installed_at is None:
            abort(409, "The app is not installed.")
        return _private(jsonify(token=g.shop.id_token()))

    @site.get("/shop-admin/extensions")
    def app_extensions() -> Response:
        return _private(jsonify(theme_pages.extensions(platform, g.shop)))

    for name in STAND_INS:
        site.add_url_rule(
            f"/{name}", endpoint=name.partition(".")[0], view_func=_stand_in(name), methods=["GET"]
        )

    @site.get("/polaris.css")
    def polaris_css() -> Response:
        return _stand_in("polaris.css")()


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _stand_in(name: str) -> Callable[[], Response]:
    def serve() -> Response:
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        answer = Response((_STATIC / name).read_bytes(), content_type=f"{kind}; charset=utf-8")
        answer.headers["Cache-Control"] = "no-cache"
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    return serve


def _frame(platform: DevPlatform, path: str) -> Response:
    from devshop.faces.site import policy

    if _PATH.fullmatch(path) is None:
        abort(404, "The app has no such address.")
    installed = g.shop.desk.shop.installed_at is not None
    source = None
    if installed:
        with g.shop.desk.change():
            source = tokens.launch_url(g.shop.desk, platform.app, path=path)
        own = [(name, value) for name, value in request.args.items(multi=True) if name not in _FRAME]
        if own:
            source += "&" + urlencode(own)
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(platform.app.app_url))
    answer = Response(
        render_template("admin_frame.html", page_title="App admin", source=source, origin=origin, path=path),
        content_type="text/html; charset=utf-8",
    )
    answer.headers["Content-Security-Policy"] = policy(frame_src=origin)
    return answer
