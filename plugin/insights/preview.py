"""The preview of a draft programme: what it would have given, and whom it would move, beside the one in force."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.domain import earning, tiers
from plugin.domain.earning.caps import Seat, across
from plugin.domain.pauses import paused
from plugin.domain.programme import Programme, Tier
from plugin.domain.values import Ratio
from plugin.store import programmes, progress, samples, shops
from plugin.store.db import Tx
from plugin.store.samples import Sampled
from plugin.store.shops import Shop

SAMPLE = 5000


@dataclass(frozen=True, slots=True)
class Preview:
    """Two programmes over the same orders. `complete`: the sample holds every order of members that counts.

    `gained` and `lost` count members whose points over all their sampled orders would have been more or fewer.
    """

    orders: int
    complete: bool
    first_at: datetime | None
    last_at: datetime | None
    points: int
    points_before: int
    members: int
    gained: int
    lost: int
    moves: Moves | None = None


@dataclass(frozen=True, slots=True)
class TierMoves:
    """One tier of the draft: members who enter it, going up, at once, and those who will fall to it in time."""

    tier: Tier
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class Moves:
    """Whom the draft's ladder would move, over all members as they stand, and the gifts that brings at most.

    `removed`: members of a tier that the draft does not have. `gift_rewards`: (reward key, how many).
    """

    tiers: tuple[TierMoves, ...]
    stay: int
    removed: int
    gift_points: int
    gift_rewards: tuple[tuple[str, int], ...]


def of_draft(
    tx: Tx, shop: Shop, draft: Programme, in_force: Programme, now: datetime, *, sample: int = SAMPLE
) -> Preview:
    """Tries the draft on the newest `sample` orders of members that count, and a new ladder on all members."""
    found = samples.newest_counted(tx, shop.shop_id, sample + 1)
    tried = compared(found[:sample], draft, in_force, complete=len(found) <= sample)
    if draft.tiers and tiers.ladder_changed(in_force, draft):
        return replace(tried, moves=moves(tx, shop, draft, now))
    return tried


def moves(tx: Tx, shop: Shop, draft: Programme, now: datetime) -> Moves:
    """Where every member would stand by what counts now. What it takes to come back and grants are left out."""
    zone, unit = shops.zone(shop.timezone), tiers.unit(draft)
    since = tiers.window_start(draft, now, zone)
    spans = [(since, now)]
    if draft.ladder.keep_next_year:
        spans.append((tiers.year_start(now, zone, -1), since - timedelta(milliseconds=1)))
    if draft.ladder.basis == "money":
        first = programmes.versions(tx, shop.shop_id).in_currency_since(draft.currency)
        spans = [(max(start, first), end) for start, end in spans]
    bounds = sorted({n for tier in draft.tiers for n in (tier.threshold, tiers.retain_of(tier))})
    up, down, passed = ([0] * len(draft.tiers) for _ in range(3))
    stay = removed = 0
    for key, reached, count in progress.steps(
        tx, shop.shop_id, draft, [bound * unit for bound in bounds], spans
    ):
        have = bounds[reached - 1] if reached else 0
        held, to = tiers.step_of(draft, key), tiers.step_of(draft, _key(tiers.tier_for(draft, have)))
        landing = tiers.step_of(draft, _key(tiers.falls_to(draft, key, have)))
        removed += count if key is not None and held < 0 else 0
        if to > held:
            up[to] += count
            for step in range(held + 1, to + 1):
                passed[step] += count
        elif held > 0 and have < tiers.retain_of(draft.tiers[held]) and landing >= 0:
            down[landing] += count
        else:
            stay += count
    given = list(zip(draft.tiers, passed, strict=True))
    return Moves(
        tuple(TierMoves(tier, up[step], down[step]) for step, tier in enumerate(draft.tiers)),
        stay,
        removed,
        sum(tier.gift_points * count for tier, count in given),
        tuple((tier.gift_reward, count) for tier, count in given if tier.gift_reward and count),
    )


def _key(tier: Tier | None) -> str | None:
    return tier.key if tier is not None else None


def of_correction(
    tx: Tx, shop: Shop, since: datetime, until: datetime, programme: Programme, *, sample: int = SAMPLE
) -> Preview:
    """What counting the orders of that time by `programme` would change, on the newest `sample` of them."""
    found = samples.placed_since(tx, shop.shop_id, since, until, sample + 1)
    complete = len(found) <= sample
    earn = [one for one, _ in found[:sample] if not paused(shop.pauses, "earning", one.processed_at)]
    points = _points(earn, programme, complete=complete)
    return summed(
        ((one, points.get(one.order.order_id, 0), standing) for one, standing in found[:sample]),
        complete=complete,
    )


def compared(orders: Iterable[Sampled], draft: Programme, in_force: Programme, *, complete: bool) -> Preview:
    """Points of each order under both programmes. Pure.

    The tier is the one in force when the order was placed; sign-up points and thresholds are not replayed.
    """
    sampled = list(orders)
    new, old = (_points(sampled, one, complete=complete) for one in (draft, in_force))
    return summed(
        ((one, new[one.order.order_id], old[one.order.order_id]) for one in sampled), complete=complete
    )


def summed(orders: Iterable[tuple[Sampled, int, int]], *, complete: bool) -> Preview:
    """The sums over orders of which each would get so many points, and gets so many now. Pure."""
    sums: dict[int, list[int]] = {}
    moments = []
    for one, points, before in orders:
        row = sums.setdefault(one.member_id, [0, 0])
        row[0] += points
        row[1] += before
        moments.append(one.processed_at)
    return Preview(
        orders=len(moments),
        complete=complete,
        first_at=min(moments, default=None),
        last_at=max(moments, default=None),
        points=sum(row[0] for row in sums.values()),
        points_before=sum(row[1] for row in sums.values()),
        members=len(sums),
        gained=sum(row[0] > row[1] for row in sums.values()),
        lost=sum(row[0] < row[1] for row in sums.values()),
    )


def _points(orders: Iterable[Sampled], programme: Programme, *, complete: bool) -> dict[int, int]:
    found = points_by_rule(orders, programme, complete=complete)
    return {order_id: sum(count for _, count in points) for order_id, points in found.items()}


def points_by_rule(
    orders: Iterable[Sampled], programme: Programme, *, complete: bool
) -> dict[int, tuple[tuple[str, int], ...]]:
    """Points of each order by rule. Pure.

    Caps of a period run over the sample; who placed their n-th order, only all orders can tell.
    """
    rules = programme.orders if complete else replace(programme.orders, bonuses=())
    shortened = replace(programme, orders=rules)
    rows: dict[int, list[Seat]] = {}
    for one in orders:
        tier = programme.tier(one.tier)
        multiplier = tier.multiplier if tier else Ratio()
        # Development stores sell by test orders; an order that counted once counts here under both programmes.
        own = earning.target(
            one.order, programme, multiplier, tier=one.tier, confirmed=True, count_test_orders=True
        )
        seat = Seat(
            one.order.order_id, one.processed_at, shortened, own.earns, False, {}, own.points
        )  # fmt: skip
        rows.setdefault(one.member_id, []).append(seat)
    return {order_id: points for row in rows.values() for order_id, points in across(row).items()}
