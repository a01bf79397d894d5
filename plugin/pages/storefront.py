"""The storefront API: behind the app proxy under /proxy, for extensions under /api, for the till under /api/pos."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from plugin.errors import RegularsError
from plugin.flows import members as member_flow
from plugin.pages import changes, identity, order_points, panel, sharing, ways
from plugin.pages.answers import Refusal, json_answer
from plugin.pages.door import (
    ID,
    Confirmed,
    Door,
    installed_shop,
    installed_shop_id,
    not_installed,
    not_ready,
    shopper_of,
)
from plugin.pages.guards import EXTENSION, OPEN, POS, PROXY, guard
from plugin.pages.identity import Visitor
from plugin.shopify.verify import Refused
from plugin.store.storefront import Shopper

if TYPE_CHECKING:
    from plugin.pages.web import Web

# Extensions run in workers whose origin is null or Shopify's own, and prove themselves by a token, never by a cookie:
# so every origin may ask, and none is sent credentials for.
CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    ("Access-Control-Expose-Headers", "Retry-After"),
    ("Access-Control-Max-Age", "7200"),
)
# Statuses that looking turns into a member where everybody is one; who left comes back by a tap on Join.
_JOINS_BY_ITSELF = (None, "unclaimed")
MAY_READ = frozenset(("active", "unclaimed", "left"))


def register(app: Flask, web: Web) -> None:
    """Adds the same routes under /proxy and /api, and those that a till needs under /api/pos."""

    def from_proxy() -> Visitor | Refused:
        return identity.from_proxy(request.query_string, web.config, web.wall_s())

    def from_extension() -> Visitor | Refused:
        authorization = request.headers.get("Authorization", "")
        return identity.from_extension(authorization, request.query_string, web.config, web.wall_s())

    def from_pos() -> Visitor | Refused:
        authorization, customer = (
            request.headers.get("Authorization", ""),
            (request.view_args or {})["customer_id"],
        )
        return identity.from_pos(authorization, request.query_string, customer, web.config, web.wall_s())

    at_till = [one for one in _ROUTES if one[1] in _AT_TILL]
    for prefix, kind, identify, routes in (
        ("/proxy", PROXY, from_proxy, _ROUTES),
        ("/api", EXTENSION, from_extension, _ROUTES),
        (TILL, POS, from_pos, at_till),
    ):
        door = Door(web, identify)
        for method, rule, handler in routes:
            view = guard(kind)(_bound(handler, door))
            app.add_url_rule(
                f"{prefix}{rule}",
                endpoint=f"{method} {prefix}{rule}",
                view_func=view,
                methods=[method],
                provide_automatic_options=False,
            )
        if kind == PROXY:
            continue
        for rule in sorted({rule for _, rule, _ in routes}):
            # Asked by a browser before it sends Authorization to another origin; names nobody, changes nothing.
            app.add_url_rule(
                f"{prefix}{rule}",
                endpoint=f"OPTIONS {prefix}{rule}",
                view_func=_preflight,
                methods=["OPTIONS"],
            )


def _bound(handler: Callable[..., Response], door: Door) -> Callable[..., Response]:
    def view(customer_id: str = "", **parts: str) -> Response:
        # Whose customer it is was said, and believed or not, by `identify`.
        return handler(door, **parts)

    return view


@guard(OPEN)
def _preflight(**_parts: str) -> Response:
    return Response(status=204)


def me(door: Door) -> Response:
    """Who am I: a guest, a customer or a member, with everything the panel shows."""
    visitor = door.visitor(change=False)
    found = shopper_of(door.web, visitor)
    if found.programme is None:
        raise not_ready()
    if visitor.customer_id is None:
        return json_answer(panel.guest(found.programme, visitor.locale))
    if joins_by_itself(found) and visitor.staff is None:  # a look of the staff joins nobody
        found = _join(door.web, visitor, visitor.customer_id)
    return json_answer(_panel(door.web, visitor, visitor.customer_id, found))


def joins_by_itself(found: Shopper) -> bool:
    """Whether a read makes its customer a member: only where everybody is one, so that a forged read gains nothing."""
    programme = found.programme
    return programme is not None and programme.membership == "all" and found.status in _JOINS_BY_ITSELF


def history(door: Door) -> Response:
    """A page of the customer's own history."""
    visitor = door.visitor(change=False)
    if visitor.customer_id is None:
        raise Refusal("Sign in to the shop to see your points.", code="sign_in", status=401)
    limit, before = panel.page_size(visitor.page_size), cursor(visitor)
    page = door.web.reader.history(visitor.shop, visitor.customer_id, before, limit)
    if page is None:
        raise not_installed()
    status, lines = page
    return json_answer(panel.history(lines if status in MAY_READ else [], limit, visitor.locale))


def cursor(visitor: Visitor) -> int | None:
    """The entry below which a page begins. Raises Refusal when it is not one we gave out."""
    if visitor.cursor is None:
        return None
    if ID.fullmatch(visitor.cursor) is None or int(visitor.cursor) >= 1 << 63:
        raise Refusal("Start again at the first page.", code="invalid_cursor", status=400)
    return int(visitor.cursor)


def rewards(door: Door) -> Response:
    """What points buy, and which of it this visitor can have now."""
    visitor = door.visitor(change=False)
    found = shopper_of(door.web, visitor)
    if found.programme is None:
        raise not_ready()
    if found.status != "active":
        return json_answer({"rewards": panel.rewards(found.programme, None, locale=visitor.locale)})
    shown = panel.of_customer(found, found.programme, door.web.now(), "", visitor.locale)
    return json_answer({"rewards": shown["rewards"]})


def join(door: Door) -> Response:
    """A tap on Join: also for those who left."""
    visitor, customer_id, _ = door.customer(Confirmed)
    found = _join(door.web, visitor, customer_id)
    return json_answer(_panel(door.web, visitor, customer_id, found))


def _join(web: Web, visitor: Visitor, customer_id: int) -> Shopper:
    shop_id = installed_shop_id(web, visitor.shop)
    refused: RegularsError | None = None
    with web.db.write(shop_id) as tx:
        try:
            member_flow.join(tx, installed_shop(tx, shop_id), customer_id, visitor.locale, web.now())
        except member_flow.NotAMember as error:
            # Committed all the same: a programme by invitation has asked to read the customer's tags.
            refused = error
    if refused is not None:
        raise refused
    return shopper_of(web, visitor)


def _panel(web: Web, visitor: Visitor, customer_id: int, found: Shopper) -> dict[str, Any]:
    if found.programme is None:
        raise not_ready()
    nonce = web.signer.nonce(visitor.shop, customer_id, web.wall_s())
    return panel.of_customer(found, found.programme, web.now(), nonce, visitor.locale)


TILL = "/api/pos/customers/<customer_id>"
# What a staff member does for the customer in front of them; answering and sharing stay the customer's own.
_AT_TILL = {"/me", "/join", "/redeem", "/redemptions/<redemption_id>", "/redemptions/<redemption_id>/undo"}
_ROUTES: tuple[tuple[str, str, Callable[..., Response]], ...] = (
    ("GET", "/me", me),
    ("GET", "/history", history),
    ("GET", "/rewards", rewards),
    ("GET", "/orders/<order_id>", order_points.show),
    ("POST", "/join", join),
    ("POST", "/redeem", changes.redeem),
    ("GET", "/redemptions/<redemption_id>", changes.redemption),
    ("POST", "/redemptions/<redemption_id>/undo", changes.undo),
    ("POST", "/survey", changes.survey),
    ("GET", "/ways", ways.ways),
    ("POST", "/actions/<action_key>", ways.claim),
    ("POST", "/birthday", ways.birthday),
    ("GET", "/referral", sharing.show),
    ("POST", "/referral", sharing.share),
)
