"""The install door: token exchange when the app is opened, and the authorization-code grant of a custom app."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from plugin.domain import tokens as token_rules
from plugin.flows import merchants
from plugin.pages.answers import Refusal, refusal
from plugin.pages.guards import OAUTH, OPEN, guard
from plugin.pages.staff import PATCH_PATH, Staff, patch_page
from plugin.shopify import grants, verify
from plugin.shopify.errors import NeedsReauth, TokenUnavailable
from plugin.shopify.grants import Grant
from plugin.shopify.verify import Refused
from plugin.store import queues, shops
from plugin.store import tokens as token_store
from plugin.store.shops import Shop

if TYPE_CHECKING:
    from plugin.pages.web import Web

_SETUP = "shop:setup"
_log = logging.getLogger("regulars.install")


def register(app: Flask, web: Web) -> None:
    """Adds the routes of both grants."""

    @app.get(PATCH_PATH)
    @guard(OPEN)
    def patch_id_token() -> Response:
        return patch_page(web.config)

    @app.get("/auth")
    @guard(OPEN)
    def begin() -> Response:
        return _begin(web)

    @app.get("/auth/callback")
    @guard(OAUTH)
    def callback() -> Response:
        return _callback(web)


def opened(web: Web, staff: Staff) -> Shop:
    """The shop of a staff member who opened the app, installed now if it was not, with a token that works.

    Raises TokenUnavailable when Shopify gives no token for a shop that has none, NeedsReauth when it rejects
    the id token.
    """
    shop = _with_access(web, staff)
    if shop is not None:
        return shop
    try:
        return _install(
            web,
            staff.shop,
            staff.issued_at_s,
            lambda: web.tokens.acquire(staff.shop, staff.token),
            # Whoever had the lease before us may have done it all.
            done=lambda: _with_access(web, staff),
        )
    except TokenUnavailable:
        with web.db.read() as tx:
            shop = shops.by_domain(tx, staff.shop)
        if shop is None or shop.state != "installed":
            raise
        # The page needs no token; the worker waits for one, and the next opening tries again.
        _log.warning("no fresh token for shop %s; showing the page all the same", shop.shop_id)
        return shop


def _with_access(web: Web, staff: Staff) -> Shop | None:
    """The shop if it is installed with a living token that can be decrypted. Looks only; nothing is renewed here.

    When Shopify launches the app anew, a token from before counts as dead: the shop may have uninstalled and
    installed again, which ends every token, long before the notice of it reaches us.
    """
    with web.db.read() as tx:
        shop = shops.by_domain(tx, staff.shop)
        token = None if shop is None else token_store.find(tx, shop.shop_id)
    if shop is None or shop.state != "installed" or token is None:
        return None
    launched_at = datetime.fromtimestamp(staff.issued_at_s, UTC)
    if not token_rules.fresh(token, web.tokens.now()) or (
        staff.launched and token.refreshed_at < launched_at
    ):
        return None
    try:
        web.tokens.access_token(shop.shop_id, shop.domain)
    except (NeedsReauth, TokenUnavailable):
        return None
    return shop


def _install(
    web: Web, domain: str, issued_at_s: int, ask: Callable[[], Grant], done: Callable[[], Shop | None]
) -> Shop:
    """Asks for a token and stores it with the installation it proves, while nobody else does so for this shop."""
    with web.db.write() as tx:
        shop_id = shops.ensure(tx, domain, web.now())
    with web.tokens.alone(shop_id):
        shop = done()
        if shop is not None:
            return shop
        grant = ask()
        now = web.now()
        # Shopify's own time of what it exchanged, seen from the app's clock, which development may have moved.
        proved_at = now - timedelta(seconds=web.wall_s() - issued_at_s)
        with web.db.write() as tx:
            shop = merchants.install(tx, domain, grant.scopes, now, proved_at)
            token_store.put(tx, shop.shop_id, web.tokens.sealed(grant))
            setup = queues.claim_now(tx, shop.shop_id, _SETUP, now) if shop.currency is None else None
    if setup is not None:
        web.perform_now(shop.shop_id, setup)
        with web.db.read() as tx:
            shop = shops.by_id(tx, shop.shop_id) or shop
    return shop


def _begin(web: Web) -> Response:
    """Sends the merchant to Shopify's grant screen. Only for the custom app of one merchant."""
    domain = grants.shop_domain(request.args.get("shop", "")[:200])
    if domain is None or not verify.shop_domain_ok(domain):
        raise Refusal(
            "Name your shop, such as ?shop=tea-shop.myshopify.com.", code="invalid_shop", status=400
        )
    state = web.signer.state(domain, web.wall_s())
    back = f"{web.config.app_url}/auth/callback"
    url = grants.permission_url(web.config, domain, web.scopes, back, state)
    return Response(status=302, headers={"Location": url})


def _callback(web: Web) -> Response:
    """Takes Shopify's answer: the code becomes a token, and the shop is installed.

    No cookie binds the state to a browser (the app sets none). It needs none: the code is Shopify's word for the
    shop in the signed query, whoever carries it, and all that happens is that this shop is installed.
    """
    state, shop = request.args.get("state", ""), request.args.get("shop", "")
    expected = state if web.signer.state_ok(state, shop, web.wall_s()) else ""
    found = verify.oauth_query_ok(
        request.query_string, web.config.secrets, web.wall_s(), expected_state=expected
    )
    if isinstance(found, Refused):
        raise refusal(found)
    _install(
        web,
        found.shop,
        found.issued_at_s,
        lambda: web.tokens.acquire_by_code(found.shop, found.code),
        done=lambda: None,
    )
    home = f"https://{found.shop}/admin/apps/{web.config.api_key}"
    return Response(status=302, headers={"Location": home})
