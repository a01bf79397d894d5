"""The storefront API: behind the app proxy under /proxy, and for customer-account extensions under /api."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from flask import Flask, Response, request

from plugin.domain.nps import ANSWER_CHANGE_HOURS
from plugin.errors import RegularsError
from plugin.flows import members as member_flow
from plugin.flows import spending
from plugin.flows import surveys as survey_flow
from plugin.pages import identity, panel
from plugin.pages.answers import Refusal, json_answer, refusal
from plugin.pages.guards import EXTENSION, OPEN, PROXY, guard
from plugin.pages.identity import Visitor
from plugin.shopify.verify import Refused
from plugin.store import members, redemptions, shops
from plugin.store.db import Tx, to_ms
from plugin.store.redemptions import Redemption
from plugin.store.shops import Shop
from plugin.store.storefront import Shopper

if TYPE_CHECKING:
    from plugin.pages.web import Web

CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    ("Access-Control-Max-Age", "7200"),
)
_REQUEST_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
_ID = re.compile(r"[1-9][0-9]{0,18}")
# Statuses that "the first signed request" turns into a member; who left comes back by a tap on Join.
_JOINS_BY_ITSELF = (None, "unclaimed")
MAY_READ = frozenset(("active", "unclaimed", "left"))


class Confirmed(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a change that needs nothing but the nonce."""

    nonce: str


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a redemption. `request_key` is made once per tap, so that a second tap finds the first."""

    reward: str
    request_key: str
    nonce: str


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a survey answer: proved by a nonce (signed in) or by the ticket of the link."""

    order: str
    score: int
    words: str | None = None
    nonce: str | None = None
    ticket: str | None = None


Body = TypeVar("Body", Confirmed, Wish, Answer)
Identify = Callable[[], Visitor | Refused]


@dataclass(frozen=True, slots=True)
class Door:
    """One of the two ways in, and what the handlers need."""

    web: Web
    identify: Identify

    def visitor(self, *, change: bool) -> Visitor:
        """The verified visitor, within the rate limit. Raises Refusal."""
        found = self.identify()
        if isinstance(found, Refused):
            raise refusal(found)
        wait_s = (self.web.changes if change else self.web.reads).take(limit_key(found, request.environ))
        if wait_s:
            raise Refusal("That was a lot at once. Try again in a moment.", code="too_many_requests", status=429,
                          headers={"Retry-After": str(wait_s)})  # fmt: skip
        return found

    def customer(self, kind: type[Body]) -> tuple[Visitor, int, Body]:
        """The signed-in visitor of a change, their customer id and the body with its nonce checked."""
        visitor = self.visitor(change=True)
        body = _body(kind)
        if visitor.customer_id is None:
            raise Refusal("Sign in to the shop first.", code="sign_in", status=401)
        self.check_nonce(visitor.shop, visitor.customer_id, body.nonce)
        return visitor, visitor.customer_id, body

    def check_nonce(self, shop: str, customer_id: int, nonce: str | None) -> None:
        """Raises Refusal unless the nonce came from this customer's own panel within the hour."""
        if nonce is None or not self.web.signer.nonce_ok(nonce, shop, customer_id, self.web.wall_s()):
            raise Refusal("This page has been open for too long. Reload it and try again.", code="invalid_nonce",
                          status=403)  # fmt: skip


def limit_key(visitor: Visitor, environ: dict[str, Any]) -> tuple[str, object]:
    """Whom a rate limit counts: the customer, or a guest by the address the shop forwarded."""
    if visitor.customer_id is not None:
        return visitor.shop, visitor.customer_id
    return visitor.shop, str(environ.get("HTTP_X_FORWARDED_FOR", ""))[:64]


def register(app: Flask, web: Web) -> None:
    """Adds the same routes under /proxy and /api."""

    def from_proxy() -> Visitor | Refused:
        return identity.from_proxy(request.query_string, web.config, web.wall_s())

    def from_extension() -> Visitor | Refused:
        authorization = request.headers.get("Authorization", "")
        return identity.from_extension(authorization, request.query_string, web.config, web.wall_s())

    for prefix, kind, identify in (("/proxy", PROXY, from_proxy), ("/api", EXTENSION, from_extension)):
        door = Door(web, identify)
        for method, rule, handler in _ROUTES:
            view = guard(kind)(_bound(handler, door))
            app.add_url_rule(
                f"{prefix}{rule}",
                endpoint=f"{method} {prefix}{rule}",
                view_func=view,
                methods=[method],
                provide_automatic_options=False,
            )
    for rule in sorted({rule for _, rule, _ in _ROUTES}):
        # A browser asks this before it sends Authorization from another origin; it names nobody and changes nothing.
        app.add_url_rule(
            f"/api{rule}", endpoint=f"OPTIONS /api{rule}", view_func=_preflight, methods=["OPTIONS"]
        )


def _bound(handler: Callable[..., Response], door: Door) -> Callable[..., Response]:
    def view(**parts: str) -> Response:
        return handler(door, **parts)

    return view


@guard(OPEN)
def _preflight(**_parts: str) -> Response:
    return Response(status=204)


def me(door: Door) -> Response:
    """Who am I: a guest, a customer or a member, with everything the panel shows."""
    visitor = door.visitor(change=False)
    found = _shopper(door.web, visitor)
    if found.programme is None:
        raise not_ready()
    if visitor.customer_id is None:
        return json_answer(panel.guest(found.programme))
    if joins_by_itself(found):
        found = _join(door.web, visitor, visitor.customer_id)
    return json_answer(_panel(door.web, visitor, visitor.customer_id, found))


def joins_by_itself(found: Shopper) -> bool:
    """Whether this signed request makes its customer a member (design 10.1)."""
    programme = found.programme
    return programme is not None and programme.membership != "tag" and found.status in _JOINS_BY_ITSELF


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
    return json_answer(panel.history(lines if status in MAY_READ else [], limit))


def cursor(visitor: Visitor) -> int | None:
    """The entry below which a page begins. Raises Refusal when it is not one we gave out."""
    if visitor.cursor is None:
        return None
    if _ID.fullmatch(visitor.cursor) is None or int(visitor.cursor) >= 1 << 63:
        raise Refusal("Start again at the first page.", code="invalid_cursor", status=400)
    return int(visitor.cursor)


def rewards(door: Door) -> Response:
    """What points buy, and which of it this visitor can have now."""
    visitor = door.visitor(change=False)
    found = _shopper(door.web, visitor)
    if found.programme is None:
        raise not_ready()
    if found.status != "active":
        return json_answer({"rewards": panel.rewards(found.programme, None)})
    shown = panel.of_customer(found, found.programme, door.web.now(), "")
    return json_answer({"rewards": shown["rewards"]})


def join(door: Door) -> Response:
    """A tap on Join: also for those who left."""
    visitor, customer_id, _ = door.customer(Confirmed)
    found = _join(door.web, visitor, customer_id)
    return json_answer(_panel(door.web, visitor, customer_id, found))


def redeem(door: Door) -> Response:
    """Takes the points first, then makes the code; 202 while it is still being made."""
    visitor, customer_id, wish = door.customer(Wish)
    if _REQUEST_KEY.fullmatch(wish.request_key) is None:
        raise Refusal(
            "request_key must be 8 to 64 letters, digits, - or _.", code="invalid_request_key", status=422
        )
    web = door.web
    shop_id = _shop_id(web, visitor.shop)
    with web.db.write(shop_id) as tx:
        shop, member_id = _installed(tx, shop_id), members.resolved(tx, shop_id, customer_id)
        made = spending.redeem(tx, shop, member_id, wish.reward, wish.request_key, web.now())
    if made.state == "debited":
        # The points are taken and on disk: whatever happens from here, the worker finishes or gives them back.
        web.perform_now(shop_id, spending.make_code(made.redemption_id).effect_key)
    return _redemption_answer(web, visitor, shop_id, made)


def redemption(door: Door, redemption_id: str) -> Response:
    """How far a redemption is; asked again every second or two while it is being made."""
    visitor = door.visitor(change=False)
    if visitor.customer_id is None:
        raise Refusal("Sign in to the shop first.", code="sign_in", status=401)
    shop_id = _shop_id(door.web, visitor.shop)
    with door.web.db.read() as tx:
        _installed(tx, shop_id)
        member_id = members.resolved(tx, shop_id, visitor.customer_id)
        found = _own(tx, shop_id, member_id, redemption_id)
    return json_answer(panel.redemption(found))


def undo(door: Door, redemption_id: str) -> Response:
    """Takes an unused code out of the shop, then gives the points back; 202 while that lasts."""
    visitor, customer_id, _ = door.customer(Confirmed)
    web = door.web
    shop_id = _shop_id(web, visitor.shop)
    with web.db.write(shop_id) as tx:
        shop, member_id = _installed(tx, shop_id), members.resolved(tx, shop_id, customer_id)
        own = _own(tx, shop_id, member_id, redemption_id)
        wanted = spending.undo(tx, shop, member_id, own.redemption_id, web.now())
    if wanted.state == "made":
        web.perform_now(shop_id, spending.withdraw_code(wanted.redemption_id).effect_key)
    return _redemption_answer(web, visitor, shop_id, wanted, undoing=True)


def survey(door: Door) -> Response:
    """Takes or changes the answer about one order, for the signed-in customer or the bearer of its ticket."""
    visitor = door.visitor(change=True)
    given = _body(Answer)
    if _ID.fullmatch(given.order) is None:
        raise Refusal("Name the order the answer is about.", code="invalid_order", status=422)
    web, order_id = door.web, int(given.order)
    shop_id = _shop_id(web, visitor.shop)
    ticketed = _ticketed(web, shop_id, order_id, given)
    with web.db.write(shop_id) as tx:
        if ticketed is not None:
            member_id, channel = members.resolved(tx, shop_id, ticketed), "link"
        elif visitor.customer_id is None:
            raise Refusal("Sign in to the shop, or use the link we sent you.", code="sign_in", status=401)
        else:
            door.check_nonce(visitor.shop, visitor.customer_id, given.nonce)
            member_id, channel = members.resolved(tx, shop_id, visitor.customer_id), visitor.channel
        stored = survey_flow.answer(
            tx, _installed(tx, shop_id), member_id, order_id, given.score, words=given.words,
            locale=visitor.locale, channel=channel, now=web.now(),
        )  # fmt: skip
    until = stored.answered_at + timedelta(hours=ANSWER_CHANGE_HOURS)
    return json_answer(
        {
            "state": "answered",
            "order": given.order,
            "score": stored.score,
            "change_until": until.isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
    )


def _ticketed(web: Web, shop_id: int, order_id: int, given: Answer) -> int | None:
    """The member behind a ticket, or None without one. Raises Refusal unless it is for this very invitation."""
    if given.ticket is None:
        return None
    ticket = web.signer.read_survey_ticket(given.ticket, web.wall_s())
    if ticket is None:
        raise Refusal(
            "This link has run out. Thank you for wanting to answer.", code="invalid_ticket", status=403
        )
    if ticket.shop_id != shop_id or ticket.order_id != order_id:
        raise Refusal("This link is for another order.", code="invalid_ticket", status=403)
    return ticket.member_id


def _shopper(web: Web, visitor: Visitor) -> Shopper:
    found = web.reader.shopper(visitor.shop, visitor.customer_id, web.now())
    if found is None:
        raise not_installed()
    return found


def _join(web: Web, visitor: Visitor, customer_id: int) -> Shopper:
    shop_id = _shop_id(web, visitor.shop)
    refused: RegularsError | None = None
    with web.db.write(shop_id) as tx:
        try:
            member_flow.join(tx, _installed(tx, shop_id), customer_id, visitor.locale, web.now())
        except member_flow.NotAMember as error:
            # Committed all the same: a programme by invitation has asked to read the customer's tags.
            refused = error
    if refused is not None:
        raise refused
    return _shopper(web, visitor)


def _panel(web: Web, visitor: Visitor, customer_id: int, found: Shopper) -> dict[str, Any]:
    if found.programme is None:
        raise not_ready()
    nonce = web.signer.nonce(visitor.shop, customer_id, web.wall_s())
    return panel.of_customer(found, found.programme, web.now(), nonce)


def _redemption_answer(
    web: Web, visitor: Visitor, shop_id: int, made: Redemption, *, undoing: bool = False
) -> Response:
    with web.db.read() as tx:
        found = redemptions.by_id(tx, shop_id, made.redemption_id) or made
    shown = panel.redemption(found)
    if undoing and found.state == "made":
        shown["state"] = "being_undone"
    shown["points"] = panel.points(_shopper(web, visitor), to_ms(web.now()) or 0)
    return json_answer(shown, 202 if shown["state"] in ("being_made", "being_undone") else 200)


def _own(tx: Tx, shop_id: int, member_id: int, text: str) -> Redemption:
    found = redemptions.by_id(tx, shop_id, int(text)) if _ID.fullmatch(text) and int(text) < 1 << 63 else None
    if found is None or found.member_id != member_id:
        # The same answer for somebody else's and for none at all: ids tell nothing.
        raise Refusal(
            "We cannot find this code. Reload to see your codes.", code="no_such_redemption", status=404
        )
    return found


def _shop_id(web: Web, domain: str) -> int:
    shop_id = web.reader.shop_id(domain)
    if shop_id is None:
        raise not_installed()
    return shop_id


def _installed(tx: Tx, shop_id: int) -> Shop:
    shop = shops.by_id(tx, shop_id)
    if shop is None or shop.state != "installed":
        raise not_installed()
    return shop


def not_installed() -> Refusal:
    """The shop does not use the app (any more)."""
    return Refusal("This shop does not run the programme.", code="shop_not_installed", status=404)


def not_ready() -> Refusal:
    """Installed, but the first programme is not there yet."""
    return Refusal("The shop is still setting its programme up. Try again in a minute.", code="not_ready", status=503,
                   headers={"Retry-After": "10"})  # fmt: skip


def _body(kind: type[Body]) -> Body:
    """The JSON body as its type. Raises Refusal: 415 for another content type, 422 when it does not fit."""
    if request.mimetype != "application/json":
        # A form of another site can post text or fields across origins, but never this type.
        raise Refusal("Send the body as application/json.", code="unsupported_media_type", status=415)
    try:
        return msgspec.json.decode(request.get_data(cache=False), type=kind)
    except msgspec.ValidationError as error:
        raise Refusal(f"The body does not fit: {_field(error)}.", code="invalid_body", status=422) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal("The body is not JSON.", code="invalid_json", status=400) from None


def _field(error: msgspec.ValidationError) -> str:
    """Which field is wrong; the value stays inside."""
    found = re.search(r"`\$?\.?([a-z_]*)`|field `([a-z_]{1,20})`", str(error))
    name = next((group for group in found.groups() if group), "") if found else ""
    return f"look at {name}" if name else "look at its fields"


_ROUTES: tuple[tuple[str, str, Callable[..., Response]], ...] = (
    ("GET", "/me", me),
    ("GET", "/history", history),
    ("GET", "/rewards", rewards),
    ("POST", "/join", join),
    ("POST", "/redeem", redeem),
    ("GET", "/redemptions/<redemption_id>", redemption),
    ("POST", "/redemptions/<redemption_id>/undo", undo),
    ("POST", "/survey", survey),
)
