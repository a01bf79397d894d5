"""Used codes flow: orders that carry a code of ours, and what a refund of them gives back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from plugin.domain import earning, rewards
from plugin.domain.ledger import floor_at_zero
from plugin.domain.orders import Order, codes
from plugin.domain.programme import Programme
from plugin.flows.cards import read_card
from plugin.flows.spending import give_back, mirror_of
from plugin.store import ledger, queues, redemptions
from plugin.store.db import Tx
from plugin.store.redemptions import Redemption
from plugin.store.shops import Shop


def with_our_codes(tx: Tx, shop: Shop, orders: Sequence[Order]) -> set[int]:
    """Those of these orders that carry a code of ours."""
    carried = frozenset[str]().union(*map(codes, orders))
    ours = redemptions.by_codes(tx, shop.shop_id, carried).keys()
    return {order.order_id for order in orders if ours & codes(order)}


def codes_seen(tx: Tx, shop: Shop, orders: Sequence[tuple[Order, Programme | None]], now: datetime) -> None:
    """Confirmed orders that carry one of our codes: marks it used, and returns points for what was refunded since.

    A code that was undone and still shows up in an order is debited again (design 10.16).
    """
    carried = frozenset[str]().union(*(codes(order) for order, _ in orders))
    ours = redemptions.by_codes(tx, shop.shop_id, carried)
    for order, programme in orders:
        for code in sorted(codes(order)):
            redemption = ours.get(code)
            if redemption is not None and redemption.used_order_id in (None, order.order_id):
                _code_in_order(tx, shop, redemption, order, programme, now)


def _code_in_order(
    tx: Tx, shop: Shop, redemption: Redemption, order: Order, programme: Programme | None, now: datetime
) -> None:
    if redemption.state in ("undone", "refused", "expired"):
        if redemption.returned:
            _take_again(
                tx, shop, redemption, order, redemption.returned, "code_was_used", "reused", programme, now
            )
        redemption = replace(redemption, returned=0)
        redemptions.returned(tx, shop.shop_id, redemption.redemption_id, 0, redemption.return_count)
    if redemption.state != "used":
        redemptions.used(tx, shop.shop_id, redemption.redemption_id, order.order_id)
    if programme is None or not programme.return_spent_points:
        return
    refunded, ordered = earning.refunded_share(order, programme.basis)
    due = rewards.return_target(redemption.points, refunded, ordered) - redemption.returned
    count = redemption.return_count + 1
    if due > 0:
        give_back(tx, shop, redemption, due, "refunded", count, now)
    elif due < 0:
        _take_again(tx, shop, redemption, order, -due, "less_refunded", f"return:{count}", programme, now)
        redemptions.returned(tx, shop.shop_id, redemption.redemption_id, redemption.returned + due, count)


def _take_again(
    tx: Tx,
    shop: Shop,
    redemption: Redemption,
    order: Order,
    points: int,
    because: str,
    cause: str,
    programme: Programme | None,
    now: datetime,
) -> None:
    """Takes returned points again, because the code was used after all or less of its order is refunded now."""
    account = ledger.accounts(tx, shop.shop_id, [redemption.member_id])[redemption.member_id]
    entry = account.take_back(
        "redeem_reversed",
        points,
        source_key=f"redeem:{redemption.redemption_id}:{cause}",
        why={"reward": redemption.reward.key, "because": because, "order": str(order.order_id)},
        occurred_at=now,
        now=now,
    )
    floor_at_zero(account, entry, programme)
    ledger.write(tx, shop.shop_id, [account.moves], now)
    queues.enqueue(tx, shop.shop_id, [mirror_of(redemption.member_id)], now)


def cards_seen(tx: Tx, shop: Shop, payers: Iterable[int], now: datetime) -> None:
    """Members who paid an order with a gift card: asks what is left on those they have of us.

    An order never names the card, so the card itself is read.
    """
    cards = redemptions.cards_of(tx, shop.shop_id, payers)
    queues.enqueue(tx, shop.shop_id, [read_card(redemption_id) for redemption_id in cards], now)
