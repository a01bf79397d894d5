"""Cards flow: gift cards as the platform sees them, and rewards that the merchant hands over in person."""

from __future__ import annotations

from datetime import datetime

from plugin.domain import rewards
from plugin.flows import spending
from plugin.flows.offers import CannotRedeem
from plugin.store import events, queues, redemptions
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.queues import Effect
from plugin.store.redemptions import Redemption
from plugin.store.shops import Shop


def read_card(redemption_id: int) -> Effect:
    """The wish to know what is left on a gift card."""
    return Effect(f"redemption:{redemption_id}:card", "card.read", {"redemption_id": redemption_id})


def card_read(tx: Tx, shop: Shop, redemption_id: int, left_minor: int) -> None:
    """The platform says what is left on a gift card: with nothing left it is used."""
    redemption = redemptions.by_id(tx, shop.shop_id, redemption_id)
    if redemption is None or redemption.state != "made":
        return
    value = redemption.reward.value_minor or 0
    redemptions.spent(tx, shop.shop_id, redemption_id, max(0, value - left_minor))
    if left_minor <= 0:
        redemptions.settle(tx, shop.shop_id, redemption_id, "used", "spent")


def card_withdrawn(
    tx: Tx, shop: Shop, redemption_id: int, left_minor: int, now: datetime, *, expired: bool = False
) -> None:
    """A gift card no longer works: points come back for what was left on it, and for nothing else (design 10.17)."""
    card_read(tx, shop, redemption_id, left_minor)
    redemption = redemptions.by_id(tx, shop.shop_id, redemption_id)
    if redemption is None or redemption.state != "made":
        return
    value = redemption.reward.value_minor or 0
    back = rewards.unspent_points(redemption.points, redemption.returned, left_minor, value)
    if not expired:
        redemptions.settle(tx, shop.shop_id, redemption_id, "undone", "by_member")
        spending.give_back(tx, shop, redemption, back, "undone", 1, now)
        return
    redemptions.settle(tx, shop.shop_id, redemption_id, "expired", "code_expired")
    if spending.returns_on_expiry(tx, shop):
        spending.give_back(tx, shop, redemption, back, "code_expired", 1, now)


def hand_over(tx: Tx, shop: Shop, redemption_id: int, *, done: bool, actor: str, now: datetime) -> Redemption:
    """The merchant handed a reward over, or cannot: then its points come back. Once decided, it stays so.

    Raises CannotRedeem (code: no_such_redemption).
    """
    found = redemptions.by_id(tx, shop.shop_id, redemption_id)
    if found is None or found.reward.kind != "manual":
        raise CannotRedeem("There is no such reward to hand over.", code="no_such_redemption", status=404)
    if found.state != "waiting":
        return found
    redemptions.settle(tx, shop.shop_id, redemption_id, "fulfilled" if done else "refused", actor)
    if not done:
        spending.give_back(tx, shop, found, found.points, "not_fulfilled", 1, now)
    kind = "reward_fulfilled" if done else "reward_refused"
    detail: dict[str, object] = {"redemption": str(redemption_id), "reward": found.reward.key}
    events.record(tx, shop.shop_id, [Event(now, actor, kind, f"member:{found.member_id}", detail)])
    queues.enqueue(tx, shop.shop_id, [spending.mirror_of(found.member_id)], now)
    return found
