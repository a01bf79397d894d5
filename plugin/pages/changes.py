"""What a shopper changes: redeems, undoes, answers. The storefront API's other half reads."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Response

from plugin.domain.nps import ANSWER_CHANGE_HOURS
from plugin.flows import spending
from plugin.flows import surveys as survey_flow
from plugin.pages import panel
from plugin.pages.answers import Refusal, json_answer
from plugin.pages.door import (
    ID,
    Answer,
    Confirmed,
    Door,
    Wish,
    installed_shop,
    installed_shop_id,
    json_body,
    shopper_of,
)
from plugin.pages.identity import Visitor
from plugin.store import members, queues, redemptions
from plugin.store.db import Tx, to_ms
from plugin.store.queues import Effect
from plugin.store.redemptions import Redemption

if TYPE_CHECKING:
    from plugin.pages.web import Web

LOOK_AGAIN_S, LOOKS = 0.2, 15
_REQUEST_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")


def redeem(door: Door) -> Response:
    """Takes the points first, then makes the code; 202 while it is still being made."""
    visitor, customer_id, wish = door.customer(Wish)
    if _REQUEST_KEY.fullmatch(wish.request_key) is None:
        raise Refusal(
            "request_key must be 8 to 64 letters, digits, - or _.", code="invalid_request_key", status=422
        )
    web = door.web
    shop_id = installed_shop_id(web, visitor.shop)
    with web.db.write(shop_id) as tx:
        shop, member_id = installed_shop(tx, shop_id), members.resolved(tx, shop_id, customer_id)
        made = spending.redeem(
            tx, shop, member_id, wish.reward, wish.request_key, web.now(),
            points=wish.points, currency=wish.currency, basket_minor=wish.basket_minor,
            actor="member" if visitor.staff is None else f"staff:{visitor.staff}",
        )  # fmt: skip
        effect_key = spending.make_code(made.redemption_id).effect_key
        held = queues.claim_now(tx, shop_id, effect_key, web.now())
    # The points are taken and on disk: whatever happens from here, the worker finishes or gives them back.
    _perform(web, shop_id, effect_key, held)
    return _redemption_answer(web, visitor, shop_id, made)


def redemption(door: Door, redemption_id: str) -> Response:
    """How far a redemption is; asked again every second or two while it is being made."""
    visitor = door.visitor(change=False)
    if visitor.customer_id is None:
        raise Refusal("Sign in to the shop first.", code="sign_in", status=401)
    shop_id = installed_shop_id(door.web, visitor.shop)
    with door.web.db.read() as tx:
        installed_shop(tx, shop_id)
        member_id = members.resolved(tx, shop_id, visitor.customer_id)
        found = _own(tx, shop_id, member_id, redemption_id)
    currency = shopper_of(door.web, visitor).currency
    return json_answer(panel.redemption(found, currency, visitor.locale))


def undo(door: Door, redemption_id: str) -> Response:
    """Takes an unused code out of the shop, then gives the points back; 202 while that lasts."""
    visitor, customer_id, _ = door.customer(Confirmed)
    web = door.web
    shop_id = installed_shop_id(web, visitor.shop)
    with web.db.write(shop_id) as tx:
        shop, member_id = installed_shop(tx, shop_id), members.resolved(tx, shop_id, customer_id)
        own = _own(tx, shop_id, member_id, redemption_id)
        wanted = spending.undo(tx, shop, member_id, own.redemption_id, web.now())
        effect_key = spending.withdraw_code(wanted.redemption_id).effect_key
        held = queues.claim_now(tx, shop_id, effect_key, web.now())
    _perform(web, shop_id, effect_key, held)
    return _redemption_answer(web, visitor, shop_id, wanted, undoing=True)


def survey(door: Door) -> Response:
    """Takes or changes the answer about one order, for the signed-in customer or the bearer of its ticket."""
    visitor = door.visitor(change=True)
    given = json_body(Answer)
    if ID.fullmatch(given.order) is None:
        raise Refusal("Name the order the answer is about.", code="invalid_order", status=422)
    web, order_id = door.web, int(given.order)
    shop_id = installed_shop_id(web, visitor.shop)
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
            tx, installed_shop(tx, shop_id), member_id, order_id, given.score, words=given.words,
            locale=visitor.locale, channel=channel, now=web.now(),
            reasons=given.reasons, contact_ok=given.contact_ok,
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


def _perform(web: Web, shop_id: int, effect_key: str, held: Effect | None) -> None:
    """Performs what this request holds. What another one holds (a double tap, the worker) is waited for, 3 s."""
    if held is not None:
        web.perform_now(shop_id, held)
        return
    for _ in range(LOOKS):
        with web.db.read() as tx:
            if not queues.under_way(tx, shop_id, effect_key):
                return
        web.pause(LOOK_AGAIN_S)


def _redemption_answer(
    web: Web, visitor: Visitor, shop_id: int, made: Redemption, *, undoing: bool = False
) -> Response:
    with web.db.read() as tx:
        found = redemptions.by_id(tx, shop_id, made.redemption_id) or made
    shopper = shopper_of(web, visitor)
    shown = panel.redemption(found, shopper.currency, visitor.locale)
    if undoing and found.state == "made":
        shown["state"] = "being_undone"
    shown["points"] = panel.points(shopper, to_ms(web.now()) or 0)
    return json_answer(shown, 202 if shown["state"] in ("being_made", "being_undone") else 200)


def _own(tx: Tx, shop_id: int, member_id: int, text: str) -> Redemption:
    found = redemptions.by_id(tx, shop_id, int(text)) if ID.fullmatch(text) and int(text) < 1 << 63 else None
    if found is None or found.member_id != member_id:
        # The same answer for somebody else's and for none at all: ids tell nothing.
        raise Refusal(
            "We cannot find this code. Reload to see your codes.", code="no_such_redemption", status=404
        )
    return found
