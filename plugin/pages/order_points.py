"""The points of one order for who placed it, and its question: the order's own page and the thank-you page ask."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Response

from plugin.domain.nps import ANSWER_CHANGE_HOURS
from plugin.pages.answers import Refusal, json_answer
from plugin.pages.door import ID, Door, installed_shop, installed_shop_id
from plugin.store import members, orders, surveys
from plugin.store.db import Tx
from plugin.store.orders import StoredOrder


def show(door: Door, order_id: str) -> Response:
    """What one order of the signed-in customer is worth; 404 also for somebody else's, for ids tell nothing."""
    visitor = door.visitor(change=False)
    if visitor.customer_id is None:
        raise Refusal("Sign in to the shop to see your points.", code="sign_in", status=401)
    web = door.web
    shop_id, now = installed_shop_id(web, visitor.shop), web.now()
    with web.db.read() as tx:
        installed_shop(tx, shop_id)
        member_id = members.resolved(tx, shop_id, visitor.customer_id)
        member = members.by_id(tx, shop_id, member_id)
        found = orders.by_id(tx, shop_id, int(order_id)) if _possible(order_id) else None
        if found is None or found.member_id != member_id:
            raise Refusal(
                "We do not know this order yet. Look again in a minute.", code="no_such_order", status=404
            )
        question = _question(tx, shop_id, member_id, found.order.order_id, now)
    return json_answer(
        {
            "order": order_id,
            "order_name": found.order.head.name if found.order.head else None,
            **_points(found, now),
            "joined": member is not None and member.status == "active",
            "survey": question,
            "nonce": web.signer.nonce(visitor.shop, visitor.customer_id, web.wall_s()),
        }
    )


def _possible(order_id: str) -> bool:
    return ID.fullmatch(order_id) is not None and int(order_id) < 1 << 63


def _points(found: StoredOrder, now: datetime) -> dict[str, Any]:
    """`state`: pending, available, taken_back (it had earned) or none (it earns nothing, or is not paid yet)."""
    opens = found.available_at
    if found.points:
        state = "available" if opens is not None and opens <= now else "pending"
    else:
        state = "taken_back" if any(count for _, count in found.standing.values()) else "none"
    return {
        "state": state,
        "points": found.points,
        "available_at": _time(opens) if state == "pending" else None,
    }


def _question(tx: Tx, shop_id: int, member_id: int, order_id: int, now: datetime) -> dict[str, Any] | None:
    """The question about this order while it can be answered or the answer changed, or None."""
    invited = surveys.by_order(tx, shop_id, order_id)
    if invited is None or invited.member_id != member_id:
        return None
    given = surveys.response(tx, shop_id, order_id)
    if given is not None:
        until = given.answered_at + timedelta(hours=ANSWER_CHANGE_HOURS)
        return {"score": given.score, "change_until": _time(until)} if now < until else None
    return {"score": None, "change_until": None} if invited.state == "asked" else None


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")
