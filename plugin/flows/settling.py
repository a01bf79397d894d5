"""Settling: what should stand in the ledger for each order of a batch, minus what stands, posted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from plugin.domain import earning
from plugin.domain.earning import Target
from plugin.domain.ledger import Account, floor_at_zero
from plugin.domain.orders import Order
from plugin.domain.pauses import paused
from plugin.domain.programme import Programme
from plugin.domain.values import Ratio
from plugin.store import ledger, members
from plugin.store.db import Tx
from plugin.store.orders import Confirmed, StoredOrder
from plugin.store.shops import Shop


@dataclass(slots=True)
class Work:
    """One order while a batch decides on it."""

    before: StoredOrder
    order: Order
    confirmed: Confirmed
    member_id: int | None = None
    programme: Programme | None = None
    tier: str | None = None
    target: Target | None = None
    standing: dict[str, tuple[int, int]] = field(default_factory=dict)
    chosen: int | None = None  # the version that a correction counts it by


def is_confirmed(work: Work) -> bool:
    """Whether the shop's own token found the order. Until then all is a claim: a webhook's shop is not signed."""
    return work.confirmed == "yes"


def decide(tx: Tx, shop: Shop, works: list[Work], now: datetime) -> set[int]:
    """Sets each order's target and writes the moves that lead there; returns the members whose points moved."""
    for work in works:
        tier = work.programme.tier(work.tier) if work.programme else None
        order = replace(work.order, deleted=True) if work.confirmed == "refuted" else work.order
        work.target = earning.target(
            order,
            work.programme,
            tier.multiplier if tier else Ratio(),
            confirmed=is_confirmed(work),
            count_test_orders=shop.counts_test_orders,
        )
        head = order.head
        if shop.pauses and head is not None and paused(shop.pauses, "earning", head.processed_at):
            work.target = replace(work.target, points=(), why_not=work.target.why_not or "paused")
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


def _may_move(work: Work) -> bool:
    target = work.target
    assert target is not None
    standing = {rule: points for rule, (points, _) in work.before.standing.items() if points}
    wanted = {rule: points for rule, points in target.points if points}
    return (
        standing != wanted
        or work.before.member_id != work.member_id
        or (bool(wanted) and work.before.available_at != target.available_at)
    )


def _loses(work: Work) -> bool:
    """Whether points of the order are taken back from somebody."""
    target, before = work.target, work.before
    assert target is not None
    wanted = dict(target.points) if work.member_id == before.member_id else {}
    return any(points > wanted.get(rule, 0) for rule, (points, _) in before.standing.items())


def _settle(work: Work, accounts: dict[int, Account], now: datetime) -> None:
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


def _post(work: Work, account: Account, rule: str, wanted: int, why_not: str | None, now: datetime) -> None:
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
