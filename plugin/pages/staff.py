"""Who works in the admin: a staff member proved by an id token, and the page that fetches a fresh one.

App Bridge puts the token into the address of the first page and into the header of each fetch. A page that is
loaded without one, by a plain link or after a redirect, goes round by the patch page.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from flask import Response, g, render_template, request

from plugin.config import Config
from plugin.pages.answers import Refusal, refusal
from plugin.pages.guards import ID_TOKEN, guard
from plugin.pages.identity import bearer
from plugin.shopify import verify
from plugin.shopify.verify import IdToken, Refused

if TYPE_CHECKING:
    from plugin.pages.web import Web

PATCH_PATH = "/auth/patch-id-token"
RETRY_HEADER = "X-Shopify-Retry-Invalid-Session-Request"
APP_BRIDGE = "https://cdn.shopify.com/shopifycloud/app-bridge.js"
POLARIS = "https://cdn.shopify.com/shopifycloud/polaris-1.js"
_ADMIN = "https://admin.shopify.com"
# What Shopify's frame hands along and our links hand on; nothing else of a query is ever repeated.
_CARRIED = {
    "embedded": re.compile(r"[01]"),
    "host": re.compile(r"[A-Za-z0-9_=-]{1,200}"),
    "locale": re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}"),
    "shop": re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.myshopify\.com"),
}
# The parameters of our own pages: where a list goes on, what it shows, what was just done, what is looked for.
_OWN = {
    "before": re.compile(r"[0-9]{1,19}(-[0-9]{1,19})?"),
    "campaign": re.compile(r"\w{1,60}"),
    "since": re.compile(r"[0-9]{1,19}"),
    "done": re.compile(r"[a-z_]{1,20}(-[0-9]{1,9})?"),
    "id": re.compile(r"[0-9]{1,19}"),
    "q": re.compile(r"[^\x00-\x1f\x7f]{0,100}"),
    "show": re.compile(r"[a-z]{1,20}"),
}
_PATH = re.compile(r"/[A-Za-z0-9/_-]*")


@dataclass(frozen=True, slots=True)
class Staff:
    """A staff member of one shop, for one request. `token` is the id token itself, for the token exchange.

    `launched`: Shopify opened the app anew with this request, so the shop may have just installed it again.
    """

    shop: str
    user_id: int
    token: str
    issued_at_s: int
    launched: bool = False


def staff_only(web: Web) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Guards a view of the admin: it gets the Staff as its first argument, or is never called."""

    def around(view: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(view)
        def guarded(**parts: str) -> Response:
            found = _staff(web)
            if isinstance(found, Response):
                return found
            g.frame = frame_headers(found.shop, web.config)
            answer = view(found, **parts)
            answer.headers.extend(g.frame)
            return answer

        return guard(ID_TOKEN)(guarded)

    return around


def _staff(web: Web) -> Staff | Response:
    config, now_s = web.config, web.wall_s()
    token = bearer(request.headers.get("Authorization", ""))
    if token is not None:
        found = verify.id_token(token, api_key=config.api_key, secrets=config.secrets, now_s=now_s)
        if isinstance(found, Refused):
            # App Bridge sees the header, fetches a new token and sends the request once more.
            raise Refusal(found.message, code=found.code, status=401, headers={RETRY_HEADER: "1"})
        return Staff(found.shop, found.user_id, token, found.issued_at_s)
    tokens = request.args.getlist("id_token")
    if len(tokens) > 1:
        raise Refusal("The id token is given twice.", code="repeated_parameter", status=400)
    checked: IdToken | Refused = (
        verify.id_token(tokens[0], api_key=config.api_key, secrets=config.secrets, now_s=now_s)
        if tokens
        else Refused("expired_id_token", "There is no id token.")
    )
    if isinstance(checked, IdToken):
        # Only Shopify's own address of the app carries an hmac; our links and the patch page drop it.
        launched = "hmac" in request.args
        return Staff(checked.shop, checked.user_id, tokens[0], checked.issued_at_s, launched)
    if checked.code != "expired_id_token":
        raise refusal(checked)
    return to_patch_page(config)


def to_patch_page(config: Config) -> Response:
    """Sends the frame round for a fresh id token. Raises Refusal when the address names no shop."""
    carried = carried_query()
    if "shop" not in carried:
        raise Refusal("Open Regulars from your Shopify admin.", code="missing_shop", status=400)
    own = {
        name: request.args[name]
        for name, form in _OWN.items()
        if name in request.args and form.fullmatch(request.args[name])
    }
    back = f"{request.path}?{urlencode(carried | own)}"
    query = f"{urlencode(carried)}&shopify-reload={quote(back, safe='')}"
    return Response(status=302, headers={"Location": f"{config.app_url}{PATCH_PATH}?{query}"})


def patch_page(config: Config) -> Response:
    """The page without content: App Bridge loads, fetches an id token and reloads the page that wanted one."""
    carried = carried_query()
    back = request.args.get("shopify-reload", "")
    if "shop" not in carried:
        raise Refusal("Open Regulars from your Shopify admin.", code="missing_shop", status=400)
    if _PATH.fullmatch(back.partition("?")[0]) is None or back.startswith("//"):
        raise Refusal("There is no page to go back to.", code="missing_shopify_reload", status=400)
    page = Response(
        render_template("admin/patch.html", **frame_scripts(config)), content_type="text/html; charset=utf-8"
    )
    page.headers.extend(frame_headers(carried["shop"], config))
    return page


def carried_query() -> dict[str, str]:
    """The parts of the frame's query that links keep, each checked; anything else is dropped."""
    return {
        name: request.args[name]
        for name, form in _CARRIED.items()
        if len(request.args.getlist(name)) == 1 and form.fullmatch(request.args[name])
    }


def link(path: str, shop: str, **own: object) -> str:
    """A link within the app that keeps what the frame needs."""
    query = {**carried_query(), "shop": shop, **{name: str(value) for name, value in own.items()}}
    return f"{path}?{urlencode(query)}"


def frame_scripts(config: Config) -> dict[str, str]:
    """Where App Bridge and the components come from: Shopify, or the development shop's stand-ins."""
    shop = config.devshop_url
    return {
        "api_key": config.api_key,
        "app_bridge": f"{shop.rstrip('/')}/app-bridge.js" if shop else APP_BRIDGE,
        "polaris": f"{shop.rstrip('/')}/polaris.js" if shop else POLARIS,
    }


def nonce() -> str:
    """The word that lets this one answer's own script run, and no other inline script."""
    made: str = g.setdefault("nonce", secrets.token_urlsafe(16))
    return made


def frame_headers(shop: str, config: Config) -> dict[str, str]:
    """Who may frame a page of this shop, and where its parts may come from."""
    sources, ancestors = "https://cdn.shopify.com", f"https://{shop} {_ADMIN}"
    if config.devshop_url:
        sources, ancestors = f"{config.devshop_url} {sources}", f"{ancestors} {config.devshop_url}"
    policy = (
        f"default-src 'self'; script-src {sources} 'nonce-{nonce()}'; style-src 'unsafe-inline' {sources}; "
        f"img-src 'self' data: {sources}; font-src {sources}; "
        f"connect-src 'self' https://*.shopify.com https://*.shopifysvc.com {sources}; form-action 'self'; "
        f"base-uri 'none'; object-src 'none'; frame-ancestors {ancestors}"
    )
    return {"Content-Security-Policy": policy}
