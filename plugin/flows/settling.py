"""Settling: what should stand in the ledger for each order of a batch, minus what stands, posted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from plugin.domain import earning
from plugin.domain.earning import Target
from plugin.domain.earning.campaigns import CAMPAIGN
from plugin.domain.earning.caps import BONUS, Seat, across
from plugin.domain.ledger import Account, floor_at_zero
from plugin.domain.orders import Order
from plugin.domain.pauses import paused
from plugin.domain.programme import Programme
from plugin.domain.values import Ratio
from plugin.store import ledger, members
from plugin.store import orders as order_store
from plugin.store.db import Tx
from plugin.store.orders import Confirmed, OrderOfMember, StoredOrder
from plugin.store.programmes import Versions
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
    uncapped: dict[str, int] = field(default_factory=dict)  # by rule, before the rules across orders
    standing: dict[str, tuple[int, int]] = field(default_factory=dict)
    chosen: int | None = None  # the version that a correction counts it by
    recount: bool = False  # whether a correction asks


def is_confirmed(work: Work) -> bool:
    """Whether the shop's own token found the order. Until then all is a claim: a webhook's shop is not signed."""
    return work.confirmed == "yes"


def decide(tx: Tx, shop: Shop, works: list[Work], versions: Versions, now: datetime) -> set[int]:
    """Sets each order's target and writes the moves that lead there; returns the members whose points moved.

    Adds to `works` the later orders of the same members whose target changed with these (law 4).
    """
    for work in works:
        work.target = _target(shop, work, work.order)
    if versions.crosses_orders:
        _across(tx, shop, works, versions, now)
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
    members.wants_review(tx, shop.shop_id, moved | _counting_otherwise(works), now)
    return moved | {m for m, account in accounts.items() if account.moves.changed_lots}


def _counting_otherwise(works: list[Work]) -> set[int]:
    """Members of whose orders another number or other money counts now, though perhaps no points moved."""
    found = set()
    for work in works:
        before, target = work.before, work.target
        assert target is not None
        counts = (work.member_id, target.counted, target.basis_minor)
        if counts != (before.member_id, before.counted, before.basis_minor):
            found |= {work.member_id, before.member_id}
    return {member_id for member_id in found if member_id is not None}


def resettle(tx: Tx, shop: Shop, member_id: int, versions: Versions, now: datetime) -> set[int]:
    """Decides anew on all orders of a member whose row was joined with another's; returns whose points moved."""
    if not versions.crosses_orders:
        return set()
    works = [_again(before, versions) for before in order_store.of_member(tx, shop.shop_id, member_id)]
    moved = decide(tx, shop, works, versions, now)
    order_store.save(tx, shop.shop_id, [stored(work) for work in works])
    return moved


def stored(work: Work) -> StoredOrder:
    """The order as it is to be kept, with what stands of it now."""
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
        earns=target.earns,
    )


def _again(before: StoredOrder, versions: Versions) -> Work:
    programme = versions.numbered(before.programme_version)
    return Work(
        before, before.order, before.confirmed, before.member_id, programme, before.tier,
        standing=dict(before.standing),
    )  # fmt: skip


def _target(shop: Shop, work: Work, order: Order) -> Target:
    tier = work.programme.tier(work.tier) if work.programme else None
    found = earning.target(
        replace(order, deleted=True) if work.confirmed == "refuted" else order,
        work.programme,
        tier.multiplier if tier else Ratio(),
        confirmed=is_confirmed(work),
        tier=work.tier,
        count_test_orders=shop.counts_test_orders,
    )
    if shop.pauses and order.head is not None and paused(shop.pauses, "earning", order.head.processed_at):
        return replace(found, points=(), earns=False, why_not=found.why_not or "paused")
    return found


def _across(tx: Tx, shop: Shop, works: list[Work], versions: Versions, now: datetime) -> None:
    """Lets the rules across orders decide: over each member's row, and so perhaps on orders nobody told us about."""
    involved = {m for work in works for m in (work.member_id, work.before.member_id) if m is not None}
    known = {work.order.order_id for work in works}
    others = [
        row
        for row in order_store.rows(tx, shop.shop_id, involved)
        if row.order_id not in known and row.counted
    ]
    settled = [row for row in others if _is_open(row.available_at, now)]
    waiting = order_store.load(
        tx, shop.shop_id, [row.order_id for row in others if not _is_open(row.available_at, now)]
    )
    retold = [_again(before, versions) for before in waiting.values()]
    for work in retold:
        work.target = _target(shop, work, work.order)
    for member_id in involved:
        row = [work for work in (*works, *retold) if work.member_id == member_id]
        seats = [_seat(shop, work, now) for work in row if work.order.head is not None]
        seats += [_settled_seat(one, versions) for one in settled if one.member_id == member_id]
        points = across(seats)
        for work in row:
            if work.target is not None and work.order.order_id in points:
                work.uncapped = dict(work.target.points)
                work.target = replace(work.target, points=points[work.order.order_id])
    works += [work for work in retold if _may_move(work)]


def _seat(shop: Shop, work: Work, now: datetime) -> Seat:
    head, target, before = work.order.head, work.target, work.before
    assert head is not None
    assert target is not None
    # A merchant's correction is about released orders too.
    released = not work.recount and before.member_id == work.member_id and _is_open(before.available_at, now)
    own_before = sum(points for _, points in _target(shop, work, before.order).points) if released else 0
    return Seat(
        work.order.order_id, head.processed_at, work.programme, target.earns, released,
        {rule: points for rule, (points, _) in before.standing.items()}, target.points, own_before,
    )  # fmt: skip


def _settled_seat(row: OrderOfMember, versions: Versions) -> Seat:
    held = {rule: points for rule, (points, _) in row.standing.items()}
    programme = versions.numbered(row.programme_version)
    return Seat(row.order_id, row.processed_at, programme, row.earns, True, held)


def _is_open(available_at: datetime | None, now: datetime) -> bool:
    return available_at is not None and available_at <= now


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
    standing = {rule: points for rule, (points, _) in work.standing.items()}
    # What rises goes first: where points only change their rule, what is taken back is there.
    for rule in sorted(
        wanted.keys() | standing.keys(), key=lambda r: (wanted.get(r, 0) < standing.get(r, 0), r)
    ):
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
    why = _why(work, target, rule, wanted, points)
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


def _why(work: Work, target: Target, rule: str, wanted: int, before: int) -> dict[str, object]:
    """The numbers that explain an entry to a shopper."""
    head, programme = work.order.head, work.programme
    why: dict[str, object] = {
        "rule": rule,
        "basis_minor": target.basis_minor,
        "target": wanted,
        "before": before,
    }
    if head is not None:
        why["currency"] = head.currency
    if programme is None:
        return why
    why["programme"] = programme.version
    rate = next((one.rate for one in programme.earning if one.key == rule), None)
    tier = programme.tier(work.tier)
    if rate is not None:
        weighed = target.earns and target.weighed_minor != target.basis_minor
        # Under another name where basis times rate is not the whole story, so that nobody shows it as such.
        why["rate_of_weighed" if weighed else "rate"] = [rate.points, rate.per_minor]
        if weighed:
            why["weighed_minor"] = target.weighed_minor
    if tier is not None and rate is not None:
        why["tier"] = tier.key
        why["multiplier"] = [tier.multiplier.numerator, tier.multiplier.denominator]
    bonus = next((one for one in programme.orders.bonuses if BONUS + one.key == rule), None)
    if bonus is not None:
        why |= {"name": bonus.name, "nth": bonus.nth, "every": bonus.every}
    campaign = programme.campaign(rule.removeprefix(CAMPAIGN)) if rule.startswith(CAMPAIGN) else None
    if campaign is not None:
        why |= {"name": campaign.name, "campaign": campaign.key}
    if (whole := work.uncapped.get(rule, wanted)) > wanted:
        why["uncapped"] = whole
    return why
