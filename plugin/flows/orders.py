"""Orders flow: facts about orders become a projection, the projection a target, the difference ledger moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from plugin.domain import earning, orders
from plugin.domain.facts import CustomerFact, OrderChanged, OrderFact, OrderSeen, newer
from plugin.domain.orders import Order
from plugin.flows import gifts, grants, invitations, referrals, settling, spending, used_codes
from plugin.flows import members as member_flow
from plugin.flows.settling import Work, is_confirmed
from plugin.store import members, programmes, queues
from plugin.store import orders as order_store
from plugin.store.db import Tx
from plugin.store.orders import StoredOrder
from plugin.store.queues import Effect
from plugin.store.shops import Shop


def apply(
    tx: Tx,
    shop: Shop,
    facts: Sequence[OrderFact],
    now: datetime,
    *,
    confirmed: Iterable[int] = (),
    refuted: Iterable[int] = (),
) -> set[int]:
    """Takes facts about any number of orders of one shop, in any order, and leaves ledger and projections right.

    `confirmed`: orders that were just read with the shop's own token; `refuted`: orders the shop does not have.
    Returns the members whose points moved. Writes sets; the caller commits.
    """
    # An edit or a return may have happened while an earlier read was under way, so each one asks for a read.
    to_read = sorted({fact.order_id for fact in facts if isinstance(fact, OrderChanged)})
    queues.enqueue(tx, shop.shop_id, [read_order(order_id) for order_id in to_read], now)
    versions = programmes.versions(tx, shop.shop_id)
    facts = [_named_tags_only(fact, versions) for fact in facts]
    works = _merged(tx, shop, facts, frozenset(confirmed), frozenset(refuted))
    if not works:
        return set()
    return _arrange(tx, shop, works, facts, versions, now)


def count_again(tx: Tx, shop: Shop, order_ids: Iterable[int], version: int | None, now: datetime) -> set[int]:
    """Settles stored orders anew, by a chosen version or (None) each by its own; nothing new is known of them.

    Returns the members whose points moved.
    """
    stored = order_store.load(tx, shop.shop_id, order_ids)
    works = [
        Work(
            before,
            before.order,
            before.confirmed,
            standing=dict(before.standing),
            chosen=version,
            recount=True,
        )
        for _, before in sorted(stored.items())
    ]
    versions = programmes.versions(tx, shop.shop_id)
    return _arrange(tx, shop, works, (), versions, now) if works else set()


def _arrange(
    tx: Tx,
    shop: Shop,
    works: list[Work],
    facts: Sequence[OrderFact],
    versions: programmes.Versions,
    now: datetime,
) -> set[int]:
    _identify(tx, shop, works, facts, versions, now)
    moved = settling.decide(tx, shop, works, versions, now)
    order_store.save(tx, shop.shop_id, [settling.stored(work) for work in works])
    used_codes.codes_seen(tx, shop, [(w.order, w.programme) for w in works if is_confirmed(w)], now)
    payers = {w.member_id for w in works if w.member_id is not None and _paid_by_card(w)}
    if payers:
        used_codes.cards_seen(tx, shop, payers, now)
    invitations.invite(tx, shop, works, now)
    grants.bought(tx, shop, works, now)
    gifts.reversed_orders(tx, shop, works, now)
    referrals.settle(tx, shop, works, facts, now)
    _ask_effects(tx, shop, works, moved, now)
    return moved


def wants_details(tx: Tx, shop: Shop, seen: OrderSeen) -> bool:
    """Whether the programme of an order that was just read asks for its products or payments as well."""
    versions = programmes.versions(tx, shop.shop_id)
    if not versions.asks_details:
        return False
    before = order_store.by_id(tx, shop.shop_id, seen.order_id) or StoredOrder(Order(seen.order_id))
    programme = versions.numbered(before.programme_version) or versions.at(seen.head.processed_at)
    return earning.wants_details(orders.merge(before.order, seen), programme)


def _named_tags_only(fact: OrderFact, versions: programmes.Versions) -> OrderFact:
    """Of a customer's tags, those that a programme names: the others are none of our business, and not kept."""
    if not isinstance(fact, OrderSeen) or fact.buyer is None or not fact.buyer.tags:
        return fact
    tags = tuple(tag for tag in fact.buyer.tags if tag.casefold() in versions.named_tags)
    return replace(fact, buyer=replace(fact.buyer, tags=tags))


def _merged(
    tx: Tx, shop: Shop, facts: Sequence[OrderFact], confirmed: frozenset[int], refuted: frozenset[int]
) -> list[Work]:
    """The orders that these facts change, merged. An order that ends as it was is left alone."""
    by_order: dict[int, list[OrderFact]] = {order_id: [] for order_id in (*confirmed, *refuted)}
    for fact in facts:
        by_order.setdefault(fact.order_id, []).append(fact)
    stored = order_store.load(tx, shop.shop_id, by_order)
    works = []
    for order_id, its_facts in sorted(by_order.items()):
        before = stored.get(order_id) or StoredOrder(Order(order_id))
        order = before.order
        for fact in its_facts:
            order = orders.merge(order, fact)
        standing = before.confirmed
        if order_id in confirmed:
            standing = "yes"
        elif order_id in refuted and standing != "yes":
            standing = "refuted"
        if order != before.order or standing != before.confirmed or order_id not in stored:
            works.append(Work(before, order, standing, standing=dict(before.standing)))
    return works


def _identify(
    tx: Tx,
    shop: Shop,
    works: list[Work],
    facts: Sequence[OrderFact],
    versions: programmes.Versions,
    now: datetime,
) -> None:
    """Finds whose order it is, which programme and tier it is pinned to; makes rows for new customers."""
    customers = {
        work.order.head.customer_id
        for work in works
        if work.order.head is not None and work.order.head.customer_id is not None
    }
    placers = {work.order.first_named.customer_id for work in works if work.order.first_named is not None}
    aliases = members.resolve(tx, shop.shop_id, customers | placers)
    _welcome(tx, shop, facts, customers, aliases, versions, now)
    asked_tiers = placers | {aliases[c][0] for c in placers if c in aliases}
    histories = members.tier_histories(tx, shop.shop_id, asked_tiers)
    for work in works:
        head = work.order.head
        if head is None:
            continue
        work.programme = versions.numbered(work.chosen or work.before.programme_version) or versions.at(
            head.processed_at
        )
        if head.customer_id is None:
            continue
        alias = aliases.get(head.customer_id)
        work.member_id = alias[0] if alias else head.customer_id
        # The tier is that of whoever placed the order: a merge may reach us before or after the platform renames
        # the order's customer, and must change nothing either way.
        named, pinned = work.order.first_named, work.before.order.first_named
        assert named is not None
        placer = named.customer_id
        if work.before.member_id is not None and pinned is not None and pinned.customer_id == placer:
            work.tier = work.before.tier
        else:
            alias = aliases.get(placer)
            owner = placer if alias is None or head.processed_at < alias[1] else alias[0]
            work.tier = members.tier_at(histories.get(owner), head.processed_at)


def _welcome(
    tx: Tx,
    shop: Shop,
    facts: Sequence[OrderFact],
    customers: set[int],
    aliases: dict[int, tuple[int, datetime]],
    versions: programmes.Versions,
    now: datetime,
) -> None:
    """Members' rows for every customer of these orders, with what the orders say of them."""
    known: dict[int, CustomerFact] = {
        member_id: CustomerFact(member_id)
        for member_id in (aliases[c][0] if c in aliases else c for c in customers)
    }
    for fact in facts:
        if isinstance(fact, OrderSeen) and fact.customer is not None and fact.customer.customer_id in known:
            known[fact.customer.customer_id] = newer(known[fact.customer.customer_id], fact.customer)
    members.seen(tx, shop.shop_id, known.values(), now, status="unclaimed")
    member_flow.subscribed(tx, shop, known.values())
    member_flow.recognise(tx, shop, known.values(), now)
    latest = versions.latest
    if latest is not None and latest.membership == "all":
        member_flow.welcome_all(tx, shop, latest, sorted(known), now)


def _paid_by_card(work: Work) -> bool:
    head = work.order.head
    return head is not None and is_confirmed(work) and "gift_card" in head.gateways


def _ask_effects(tx: Tx, shop: Shop, works: list[Work], moved: set[int], now: datetime) -> None:
    fresh = [w for w in works if w.confirmed == "no" and orders.codes(w.order) - orders.codes(w.before.order)]
    claimed = used_codes.with_our_codes(tx, shop, [work.order for work in fresh])
    effects = [spending.mirror_of(member_id) for member_id in sorted(moved)]
    for work in works:
        order, target = work.order, work.target
        assert target is not None
        unconfirmed = work.confirmed == "no" and target.counted and work.member_id is not None
        first_time = unconfirmed and not work.before.counted
        missing = target.counted and earning.wants_details(order, work.programme)
        # A read that disagreed with the last word leaves the wish standing, and so asks for the next one.
        if first_time or missing or order.wants_read is not None or order.order_id in claimed:
            effects.append(read_order(order.order_id))
    queues.enqueue(tx, shop.shop_id, effects, now)


def read_order(order_id: int) -> Effect:
    """The wish to read an order with the shop's own token."""
    return Effect(f"order:{order_id}:read", "order.read", {"order_id": order_id})
