"""Privacy flow: handing over what we hold of a person, and forgetting them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from plugin.domain.facts import CustomerDeleted, CustomerRedacted, DataRequested
from plugin.flows import sharing
from plugin.store import (
    actions,
    birthdays,
    events,
    freezes,
    grants,
    history,
    members,
    newcomers,
    orders,
    privacy,
    queues,
    redemptions,
    referrals,
    surveys,
)
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.queues import Effect
from plugin.store.shops import Shop


def hand_over(tx: Tx, shop: Shop, fact: DataRequested, now: datetime) -> None:
    """Answers a data request, once; the merchant hands the answer to the customer."""
    if fact.customer_id is None:
        return
    member_id = members.resolved(tx, shop.shop_id, fact.customer_id)
    key = privacy.key_of("data_request", fact.request_id)
    if privacy.requested(tx, shop.shop_id, key, "data_request", member_id, now):
        privacy.fulfilled(
            tx, shop.shop_id, key, msgspec.json.encode(everything_of(tx, shop, member_id)).decode(), now
        )
        events.record(tx, shop.shop_id, [Event(now, "shopify", "data_requested", f"member:{member_id}", {})])


def everything_of(tx: Tx, shop: Shop, member_id: int) -> dict[str, object]:
    """All we hold of one person, for them to keep."""
    member = members.by_id(tx, shop.shop_id, member_id)
    if member is None:
        return {}
    return {
        "member": member,
        "birthday": birthdays.of_member(tx, shop.shop_id, member_id),
        "actions": actions.of_member(tx, shop.shop_id, member_id, limit=100_000),
        "entries": history.page(tx, shop.shop_id, member_id, before=None, limit=100_000),
        "codes": redemptions.of_member(tx, shop.shop_id, member_id, limit=10_000),
        "orders": [str(stored.order.order_id) for stored in orders.of_member(tx, shop.shop_id, member_id)],
        "answers": surveys.of_member(tx, shop.shop_id, member_id),
        "frozen": freezes.of_member(tx, shop.shop_id, member_id),
        "brought_along": newcomers.brought(tx, shop.shop_id, member_id),
        "referrals": [
            {"at": one.placed_at, "state": one.state, "points": one.points}
            for one in referrals.of_member(tx, shop.shop_id, member_id, limit=10_000)
        ],
    }


def deleted(tx: Tx, shop: Shop, fact: CustomerDeleted, now: datetime) -> None:
    """A customer was deleted at the platform, which is forgetting them.

    One who was merged away is deleted as a part of the merge: that says nothing of the customer who was kept.
    """
    if not members.resolve(tx, shop.shop_id, [fact.customer_id]):
        _forget_member(tx, shop, fact.customer_id, (), now, because="customer_deleted")


def redacted(tx: Tx, shop: Shop, fact: CustomerRedacted, now: datetime) -> None:
    """A person asked to be forgotten. A guest has orders only; of them nothing but webhook bodies is kept.

    Under an id that was merged away, what belongs to that id and to the orders named goes: the customer who was kept
    lives on at the platform, and is forgotten when they ask under their own id.
    """
    because = "customers_redact"
    if fact.customer_id is None:
        if fact.orders:
            key = privacy.key_of(because, f"guest:{min(fact.orders)}:{max(fact.orders)}")
            privacy.forget_bodies(tx, shop.shop_id, key, because, None, fact.orders, now)
    elif alias := members.resolve(tx, shop.shop_id, [fact.customer_id]):
        kept_id, _ = alias[fact.customer_id]
        theirs = set(fact.orders) | {
            stored.order.order_id
            for stored in orders.of_member(tx, shop.shop_id, kept_id)
            if stored.order.head is not None and stored.order.head.customer_id == fact.customer_id
        }
        answered = _answered(tx, shop, kept_id) & theirs
        _forget(tx, shop, fact.customer_id, [fact.customer_id], theirs, answered, now, because=because)
    else:
        _forget_member(tx, shop, fact.customer_id, fact.orders, now, because=because)


def _forget_member(
    tx: Tx, shop: Shop, member_id: int, order_ids: Iterable[int], now: datetime, *, because: str
) -> None:
    """All of one member, under every name they had."""
    names = [member_id, *members.old_ids(tx, shop.shop_id, member_id)]
    theirs = {stored.order.order_id for stored in orders.of_member(tx, shop.shop_id, member_id)}
    member = members.by_id(tx, shop.shop_id, member_id)
    if member is not None and member.email is not None:
        newcomers.claim(tx, shop.shop_id, member.email)  # what waited for them waits no longer
    members.redact(tx, shop.shop_id, member_id)
    birthdays.forget(tx, shop.shop_id, names)
    sharing.forget(tx, shop, member_id, names, now)
    answered = _answered(tx, shop, member_id)
    _forget(tx, shop, member_id, names, {*theirs, *order_ids}, answered, now, because=because)


def _answered(tx: Tx, shop: Shop, member_id: int) -> set[int]:
    return {response.order_id for response in surveys.of_member(tx, shop.shop_id, member_id)}


def _forget(
    tx: Tx,
    shop: Shop,
    customer_id: int,
    names: list[int],
    order_ids: Collection[int],
    answered: Collection[int],
    now: datetime,
    *,
    because: str,
) -> None:
    surveys.forget_words(tx, shop.shop_id, answered)
    privacy.forget_notes_of(tx, shop.shop_id, names)
    newcomers.forget_brought(tx, shop.shop_id, names)
    freezes.forget_reasons(tx, shop.shop_id, names)
    grants.forget_notes(tx, shop.shop_id, names)
    privacy.forget_requests_of(tx, shop.shop_id, names)
    key = privacy.key_of(because, customer_id)
    privacy.forget_bodies(tx, shop.shop_id, key, because, customer_id, {*names, *order_ids}, now)
    erase: dict[str, object] = {
        "member_id": customer_id,
        "orders": [str(order_id) for order_id in sorted(answered)],
    }
    queues.enqueue(tx, shop.shop_id, [Effect(f"member:{customer_id}:erase", "member.erase", erase)], now)
    events.record(
        tx,
        shop.shop_id,
        [Event(now, "shopify", "member_forgotten", f"member:{customer_id}", {"because": because})],
    )
