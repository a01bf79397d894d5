"""Orders flow: facts about orders become a projection, the projection a target, the difference ledger moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from plugin.domain import earning, nps, orders
from plugin.domain.earning import Target
from plugin.domain.facts import CustomerFact, OrderChanged, OrderFact, OrderSeen, newer
from plugin.domain.ledger import Account, floor_at_zero
from plugin.domain.orders import Order
from plugin.domain.programme import Programme
from plugin.domain.values import Ratio
from plugin.flows import members as member_flow
from plugin.flows import spending
from plugin.store import ledger, members, programmes, queues, surveys
from plugin.store import orders as order_store
from plugin.store.db import Tx
from plugin.store.orders import Confirmed, StoredOrder
from plugin.store.queues import Effect
from plugin.store.shops import Shop


@dataclass(slots=True)
class _Work:
    """One order while a batch decides on it."""

    before: StoredOrder
    order: Order
    confirmed: Confirmed
    member_id: int | None = None
    programme: Programme | None = None
    tier: str | None = None
    target: Target | None = None
    standing: dict[str, tuple[int, int]] = field(default_factory=dict)


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
    works = _merged(tx, shop, facts, frozenset(confirmed), frozenset(refuted))
    if not works:
        return set()
    versions = programmes.versions(tx, shop.shop_id)
    _identify(tx, shop, works, facts, versions, now)
    moved = _decide(tx, shop, works, now)
    order_store.save(tx, shop.shop_id, [_stored(work) for work in works])
    spending.codes_seen(tx, shop, [(w.order, w.programme) for w in works if _confirmed(w)], now)
    _invite(tx, shop, works, now)
    _ask_effects(tx, shop, works, moved, now)
    return moved


def _merged(
    tx: Tx, shop: Shop, facts: Sequence[OrderFact], confirmed: frozenset[int], refuted: frozenset[int]
) -> list[_Work]:
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
            works.append(_Work(before, order, standing, standing=dict(before.standing)))
    return works


def _identify(
    tx: Tx,
    shop: Shop,
    works: list[_Work],
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
        work.programme = versions.numbered(work.before.programme_version) or versions.at(head.processed_at)
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
    latest = versions.latest
    if latest is not None and latest.membership == "all":
        member_flow.welcome_all(tx, shop, latest, sorted(known), now)


def _decide(tx: Tx, shop: Shop, works: list[_Work], now: datetime) -> set[int]:
    for work in works:
        tier = work.programme.tier(work.tier) if work.programme else None
        order = replace(work.order, deleted=True) if work.confirmed == "refuted" else work.order
        work.target = earning.target(
            order,
            work.programme,
            tier.multiplier if tier else Ratio(),
            confirmed=_confirmed(work),
            count_test_orders=shop.counts_test_orders,
        )
    involved = {m for work in works if _may_move(work) for m in (work.member_id, work.before.member_id) if m}
    accounts = ledger.accounts(tx, shop.shop_id, involved)
    lapsed = ledger.lapsed(tx, shop.shop_id, [w.order.order_id for w in works if _loses(w)], now)
    for account in accounts.values():
        account.lapsed = lapsed  # one for all, because an order may change hands between two of them
    for work in works:
        if work.member_id in accounts or work.before.member_id in accounts:
            _settle(work, accounts, now)
    moved = {m for m, account in accounts.items() if account.moves.entries}
    names = {w.order.order_id: w.order.head.name for w in works if w.order.head is not None}
    ledger.write(tx, shop.shop_id, [accounts[m].moves for m in sorted(accounts)], now, names)
    members.wants_review(tx, shop.shop_id, moved, now)
    return moved | {m for m, account in accounts.items() if account.moves.changed_lots}


def _may_move(work: _Work) -> bool:
    target = work.target
    assert target is not None
    standing = {rule: points for rule, (points, _) in work.before.standing.items() if points}
    wanted = {rule: points for rule, points in target.points if points}
    return (
        standing != wanted
        or work.before.member_id != work.member_id
        or (bool(wanted) and work.before.available_at != target.available_at)
    )


def _loses(work: _Work) -> bool:
    """Whether points of the order are taken back from somebody."""
    target, before = work.target, work.before
    assert target is not None
    wanted = dict(target.points) if work.member_id == before.member_id else {}
    return any(points > wanted.get(rule, 0) for rule, (points, _) in before.standing.items())


def _settle(work: _Work, accounts: dict[int, Account], now: datetime) -> None:
    """Posts what should stand minus what stands, per rule, and moves the dates of lots still in the future."""
    target, head = work.target, work.order.head
    assert target is not None
    wanted = dict(target.points) if work.member_id is not None else {}
    order_id = work.order.order_id
    changed_hands = work.before.member_id is not None and work.before.member_id != work.member_id
    for rule in sorted(set(wanted) | set(work.standing)):
        if changed_hands and work.before.member_id in accounts:
            _post(work, accounts[work.before.member_id], rule, 0, "moved_to_another_customer", now)
        if work.member_id is not None:
            _post(work, accounts[work.member_id], rule, wanted.get(rule, 0), target.why_not, now)
    if work.member_id is not None and head is not None and target.counted:
        accounts[work.member_id].retime(order_id, target.available_at, target.expires_at, now)


def _post(work: _Work, account: Account, rule: str, wanted: int, why_not: str | None, now: datetime) -> None:
    points, n = work.standing.get(rule, (0, 0))
    difference = wanted - points
    if difference == 0:
        return
    target, head, programme = work.target, work.order.head, work.programme
    assert target is not None
    order_id = work.order.order_id
    source_key = f"order:{order_id}:{rule}:{n + 1}"
    why: dict[str, object] = {
        "rule": rule,
        "basis_minor": target.basis_minor,
        "target": wanted,
        "before": points,
    }
    if head is not None:
        why["currency"] = head.currency
    if programme is not None:
        why["programme"] = programme.version
        for one in programme.earning:
            if one.key == rule:
                why["rate"] = [one.rate.points, one.rate.per_minor]
        tier = programme.tier(work.tier)
        if tier is not None:
            why["tier"] = tier.key
            why["multiplier"] = [tier.multiplier.numerator, tier.multiplier.denominator]
    if why_not is not None:
        why["because"] = why_not
    occurred_at = now if head is None else min(head.updated_at if points else head.processed_at, now)
    if difference > 0:
        account.credit(
            "earn",
            difference,
            source_key=source_key,
            why=why,
            occurred_at=occurred_at,
            available_at=target.available_at,
            expires_at=target.expires_at,
            order_id=order_id,
        )
    else:
        entry = account.take_back(
            "clawback",
            -difference,
            source_key=source_key,
            why=why,
            occurred_at=occurred_at,
            now=now,
            order_id=order_id,
        )
        floor_at_zero(account, entry, programme)
    work.standing[rule] = (wanted, n + 1)


def _stored(work: _Work) -> StoredOrder:
    target = work.target
    assert target is not None
    standing = {rule: state for rule, state in work.standing.items() if state[1]}
    return StoredOrder(
        order=work.order,
        member_id=work.member_id,
        programme_version=work.programme.version if work.programme else None,
        tier=work.tier,
        basis_minor=target.basis_minor,
        points=sum(points for points, _ in standing.values()),
        counted=target.counted,
        available_at=target.available_at,
        delivered_at=target.delivered_at,
        confirmed=work.confirmed,
        standing=standing,
    )


def _invite(tx: Tx, shop: Shop, works: list[_Work], now: datetime) -> None:
    invitations, withdrawn, postponed = [], [], []
    for work in works:
        target, programme, before = work.target, work.programme, work.before
        assert target is not None
        if programme is None or not programme.survey.enabled:
            continue
        emptied = target.basis_minor == 0 and bool(work.order.refunds)
        if work.member_id is None or not target.counted or emptied:
            if before.delivered_at is not None:
                withdrawn.append(work.order.order_id)
        elif target.delivered_at is None:
            if before.delivered_at is not None:
                postponed.append(work.order.order_id)
        elif target.delivered_at != before.delivered_at or work.member_id != before.member_id:
            invitations.append(
                surveys.Invitation(
                    work.order.order_id,
                    work.member_id,
                    "waiting",
                    "delivered",
                    target.delivered_at,
                    nps.due_at(programme.survey, target.delivered_at),
                    None,
                    None,
                )
            )
    if invitations:
        surveys.invite(tx, shop.shop_id, invitations, now)
    if withdrawn:
        surveys.withdraw(tx, shop.shop_id, withdrawn, "cancelled_or_refunded")
    if postponed:
        surveys.withdraw(tx, shop.shop_id, postponed, "more_to_come", also_asked=False)


def _ask_effects(tx: Tx, shop: Shop, works: list[_Work], moved: set[int], now: datetime) -> None:
    fresh = [w for w in works if w.confirmed == "no" and orders.codes(w.order) - orders.codes(w.before.order)]
    claimed = spending.with_our_codes(tx, shop, [work.order for work in fresh])
    effects = [spending.mirror_of(member_id) for member_id in sorted(moved)]
    for work in works:
        order, target = work.order, work.target
        assert target is not None
        unconfirmed = work.confirmed == "no" and target.counted and work.member_id is not None
        first_time = unconfirmed and not work.before.counted
        # A read that disagreed with the last word leaves the wish standing, and so asks for the next one.
        if first_time or order.wants_read is not None or order.order_id in claimed:
            effects.append(read_order(order.order_id))
    queues.enqueue(tx, shop.shop_id, effects, now)


def _confirmed(work: _Work) -> bool:
    """Whether the shop's own token found the order. Until then all is a claim: a webhook's shop is not signed."""
    return work.confirmed == "yes"


def read_order(order_id: int) -> Effect:
    """The wish to read an order with the shop's own token."""
    return Effect(f"order:{order_id}:read", "order.read", {"order_id": order_id})
