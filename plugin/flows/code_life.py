"""Code life flow: reminders before unused codes end, their end, and what they may be combined with after a change."""

from __future__ import annotations

from datetime import datetime

from plugin.domain.programme import Programme, combines_with
from plugin.flows.spending import withdraw_code
from plugin.store import events, queues, redemptions
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.queues import Effect
from plugin.store.redemptions import Redemption
from plugin.store.shops import Shop

SLICE = 200


def ends(tx: Tx, shop: Shop, now: datetime) -> bool:
    """Reminds of codes that end soon and asks to switch off those that ended: one slice; True when more may wait."""
    due = redemptions.due(tx, shop.shop_id, now, SLICE)
    for redemption in due:
        after = redemption.expires_at
        if redemption.state not in ("debited", "made") or after is None:
            redemptions.look_again(tx, shop.shop_id, redemption.redemption_id, None)
        elif now < after:
            _remind(tx, shop, redemption, now)
            redemptions.look_again(tx, shop.shop_id, redemption.redemption_id, after)
        elif redemption.state == "made":
            card = redemption.reward.kind == "gift_card"
            wish = withdraw_code(redemption.redemption_id, card=card, expired=True)
            queues.enqueue(tx, shop.shop_id, [wish], now)
            redemptions.look_again(tx, shop.shop_id, redemption.redemption_id, None)
        else:  # still being made: whatever becomes of that settles it
            redemptions.look_again(tx, shop.shop_id, redemption.redemption_id, None)
    return len(due) == SLICE


def _remind(tx: Tx, shop: Shop, redemption: Redemption, now: datetime) -> None:
    """The one place where a code that ends soon is told of."""
    assert redemption.expires_at is not None
    detail: dict[str, object] = {
        "redemption_id": str(redemption.redemption_id),
        "reward": redemption.reward.key,
        "expires_at": redemption.expires_at.isoformat(timespec="seconds"),
    }
    events.record(
        tx,
        shop.shop_id,
        [Event(now, "system", "reward_expiring", f"member:{redemption.member_id}", detail)],
    )


def combinations_changed(
    tx: Tx, shop: Shop, before: Programme | None, after: Programme, now: datetime
) -> None:
    """A version was published: codes that wait to be used follow what their reward may be combined with now."""
    held = {one.key: one for one in before.rewards} if before is not None else {}
    changed = [
        one.key
        for one in after.rewards
        if (old := held.get(one.key)) is not None and combines_with(old) != combines_with(one)
    ]
    queues.enqueue(tx, shop.shop_id, [_all_of(key, 0) for key in changed], now)


def _all_of(reward_key: str, after: int) -> Effect:
    # One key for a reward: a second change starts the walk over, with what is published then.
    return Effect(f"reward:{reward_key}:combine", "code.combine", {"reward": reward_key, "after": str(after)})


def of_one(redemption_id: int) -> Effect:
    """The wish to make one code follow its reward."""
    return Effect(f"redemption:{redemption_id}:combine", "code.combine", {"redemption_id": redemption_id})


def next_slice(tx: Tx, shop: Shop, effect: Effect, now: datetime) -> None:
    """Asks for the next codes of a reward, one wish each, and for the slice after them."""
    reward_key, after = str(effect.payload["reward"]), int(str(effect.payload["after"]))
    found = redemptions.unused_of(tx, shop.shop_id, reward_key, after, SLICE)
    queues.enqueue(tx, shop.shop_id, [of_one(redemption_id) for redemption_id in found], now)
    if len(found) == SLICE:
        queues.enqueue(tx, shop.shop_id, [_all_of(reward_key, found[-1])], now)
