"""The doors of the storefront API: who comes in, how often, with which body, and to which shop."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from flask import request

from plugin.pages.answers import Refusal, refusal
from plugin.pages.identity import Visitor
from plugin.shopify.verify import Refused
from plugin.store import shops
from plugin.store.db import Tx
from plugin.store.shops import Shop
from plugin.store.storefront import Shopper

if TYPE_CHECKING:
    from plugin.pages.web import Web

ID = re.compile(r"[1-9][0-9]{0,18}")


class Confirmed(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a change that needs nothing but the nonce."""

    nonce: str


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a redemption. `request_key` is made once per tap, so that a second tap finds the first.

    `points`: how many to spend on a reward of any amount; `currency`: one the reward states an amount for;
    `basket_minor`: what is in the basket, for a percentage with a most.
    """

    reward: str
    request_key: str
    nonce: str
    points: int | None = None
    currency: str | None = None
    basket_minor: int | None = None


class Day(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a birthday: day and month, for the year is nobody's business."""

    month: int
    day: int
    nonce: str


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a survey answer: proved by a nonce (signed in) or by the ticket of the link."""

    order: str
    score: int
    words: str | None = None
    nonce: str | None = None
    ticket: str | None = None
    reasons: tuple[str, ...] = ()
    contact_ok: bool | None = None


Body = TypeVar("Body", Confirmed, Wish, Day, Answer)
Identify = Callable[[], Visitor | Refused]


@dataclass(frozen=True, slots=True)
class Door:
    """One of the ways in, and what the handlers need."""

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
        body = json_body(kind)
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
    """Whom a rate limit counts: the staff member, the customer, or a guest by the address the shop forwarded."""
    if visitor.staff is not None:
        return visitor.shop, f"staff:{visitor.staff}"
    if visitor.customer_id is not None:
        return visitor.shop, visitor.customer_id
    return visitor.shop, str(environ.get("HTTP_X_FORWARDED_FOR", ""))[:64]


def shopper_of(web: Web, visitor: Visitor) -> Shopper:
    """The visitor's state. Raises Refusal when the shop has not installed the app."""
    found = web.reader.shopper(visitor.shop, visitor.customer_id, web.now())
    if found is None:
        raise not_installed()
    return found


def installed_shop_id(web: Web, domain: str) -> int:
    """The number of an installed shop, as last seen. Raises Refusal."""
    shop_id = web.reader.shop_id(domain)
    if shop_id is None:
        raise not_installed()
    return shop_id


def installed_shop(tx: Tx, shop_id: int) -> Shop:
    """The shop, still installed as this transaction sees it. Raises Refusal."""
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


def json_body(kind: type[Body]) -> Body:
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
