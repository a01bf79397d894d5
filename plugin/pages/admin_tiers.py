"""The tier on a member's page: how it was reached, what grants it, and granting one by hand until a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from plugin.domain import grants as granted
from plugin.domain import tiers as ladders
from plugin.flows import tiers
from plugin.flows.standing import Standing
from plugin.flows.tiers import CannotGrant
from plugin.pages.admin_frame import MAX_FORM_BYTES, Visit, admitted, go, number
from plugin.pages.answers import Refusal
from plugin.pages.guards import FORM_TICKET, guard
from plugin.store import grants, progress, shops
from plugin.store.db import Tx

if TYPE_CHECKING:
    from plugin.pages.web import Web

ORDERS = 50
COUNTS = {"points": "points earned", "money": "spent", "orders": "orders", "referrals": "friends referred"}
BY = {
    "earned": "by what they did",
    "order": "by a membership they bought",
    "tag": "by a customer tag",
    "staff": "by hand",
    "api": "by another app",
}


def register(app: Flask, web: Web) -> None:
    """Adds granting a tier and ending it."""

    @app.post("/members/<member_id>/grant")
    @guard(FORM_TICKET)
    def grant_tier(member_id: str) -> Response:
        return _grant(web, _id(member_id))

    @app.post("/members/<member_id>/grant/end")
    @guard(FORM_TICKET)
    def end_grant(member_id: str) -> Response:
        return _end(web, _id(member_id))


def shown(tx: Tx, visit: Visit, state: Standing, now: datetime) -> dict[str, Any]:
    """What the member's page shows of their tier: the orders that count, and every grant."""
    programme, rank = state.programme, state.rank
    if programme is None or rank is None:
        return {"rank": None}
    since = ladders.window_start(programme, now, shops.zone(visit.shop.timezone))
    since = tiers.counted_since(tx, visit.shop, programme, since)
    member_id, shop_id = state.member.member_id, visit.shop.shop_id
    return {
        "rank": rank,
        "counts": COUNTS[programme.ladder.basis],
        "by": BY.get(rank.placed.tier_by or "", ""),
        "behind": progress.orders_behind(tx, shop_id, member_id, programme, since, now, ORDERS),
        "unit": ladders.unit(programme),
        "since": since if programme.ladder.window != "lifetime" else None,
        "grants": grants.of_members(tx, shop_id, [member_id]).get(member_id, [])[::-1],
        "stands": lambda one: granted.standing(one, now),
        "ways": BY,
    }


def _id(text: str) -> int:
    found = number(text)
    if found is None:
        raise Refusal("Give the customer's number.", code="invalid_member", status=400)
    return found


def _grant(web: Web, member_id: int) -> Response:
    request.max_content_length = MAX_FORM_BYTES
    key = request.form.get("key", "")
    visit = admitted(web, f"grant {member_id} {key}")
    until = _day(visit, request.form.get("until", "").strip())
    with web.db.write(visit.shop.shop_id) as tx:
        done = tiers.grant(
            tx,
            visit.shop,
            member_id,
            request.form.get("tier", ""),
            until,
            request.form.get("note", "").strip(),
            key,
            visit.actor,
            web.now(),
        )
    return go(web, visit, f"/members/{member_id}", "granted" if done else "repeated")


def _day(visit: Visit, text: str) -> datetime | None:
    """The end of a day of the shop; None for none. Raises CannotGrant."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise CannotGrant(
            "Write a day as year-month-day, such as 2027-01-31. Nothing was granted.",
            code="no_date",
            field="until",
        ) from None
    return datetime.combine(day, time(), shops.zone(visit.shop.timezone)).astimezone(UTC)


def _end(web: Web, member_id: int) -> Response:
    request.max_content_length = MAX_FORM_BYTES
    key = request.form.get("grant", "")
    visit = admitted(web, f"end grant {member_id} {key}")
    with web.db.write(visit.shop.shop_id) as tx:
        done = tiers.end_grant(tx, visit.shop, member_id, key, visit.actor, web.now())
    return go(web, visit, f"/members/{member_id}", "grant_ended" if done else "repeated")
