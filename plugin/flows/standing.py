"""Standing flow: how a member stands right now, for the panel, the metafield and the member page alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.domain import tiers
from plugin.domain.ledger import Lot, is_available, is_pending
from plugin.domain.programme import Programme, Tier
from plugin.flows.tiers import counted_since
from plugin.store import ladder, ledger, members, programmes, progress, shops, surveys
from plugin.store.db import Tx
from plugin.store.ladder import Placed
from plugin.store.members import Member
from plugin.store.shops import Shop


@dataclass(frozen=True, slots=True)
class Rank:
    """A member's place on the ladder: the tier that holds, what counts towards the next, and what it takes.

    `notice`: the tier they will land on when theirs ends, once they have been told.
    """

    placed: Placed
    tier: Tier | None
    progress: int
    next: tuple[Tier, int] | None
    notice: Tier | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's points now. `next_at`: when `next_delta` points open (positive) or expire (negative), if known.

    For a member who has not joined, all of it waits: nothing is in a balance yet.
    """

    member: Member
    available: int
    pending: int
    owed: int
    next_at: datetime | None
    next_delta: int
    tier_progress: int
    due_survey: int | None
    programme: Programme | None
    rank: Rank | None = None


def of_member(tx: Tx, shop: Shop, member_id: int, now: datetime) -> Standing | None:
    """The standing of one member, or None for a stranger."""
    member = members.by_id(tx, shop.shop_id, member_id)
    if member is None:
        return None
    account = ledger.accounts(tx, shop.shop_id, [member_id])[member_id]
    programme = programmes.versions(tx, shop.shop_id).latest
    rank = rank_of(tx, shop, programme, member_id, now) if programme is not None and programme.tiers else None
    question = surveys.open_of_member(tx, shop.shop_id, member_id)
    next_at, next_delta = next_change(list(account.lots.values()), now)
    return Standing(
        member=member,
        available=account.available(now),
        pending=account.pending(now),
        owed=account.owed(),
        next_at=next_at,
        next_delta=next_delta,
        tier_progress=rank.progress if rank is not None else 0,
        due_survey=question.order_id if question else None,
        programme=programme,
        rank=rank,
    )


def rank_of(tx: Tx, shop: Shop, programme: Programme, member_id: int, now: datetime) -> Rank | None:
    """Where a member stands on the ladder, or None for a stranger."""
    placed = ladder.of_member(tx, shop.shop_id, member_id)
    if placed is None:
        return None
    since = tiers.window_start(programme, now, shops.zone(shop.timezone))
    since = counted_since(tx, shop, programme, since)
    counted = progress.sums(tx, shop.shop_id, [member_id], programme, since, now).get(member_id, 0)
    reached = counted // tiers.unit(programme)
    held: frozenset[str] = frozenset()
    if any(tier.reenter is not None for tier in programme.tiers):
        past = members.tier_histories(tx, shop.shop_id, [member_id]).get(member_id, ())
        held = frozenset(key for _, key in past)
    warned = placed.earned.warned_at is not None and placed.tier_by == "earned"
    return Rank(
        placed,
        programme.tier(placed.tier),
        reached,
        tiers.next_above(programme, reached, placed.tier, held),
        tiers.falls_to(programme, placed.tier, reached) if warned else None,
    )


def next_change(lots: list[Lot], now: datetime) -> tuple[datetime | None, int]:
    """The next moment at which points open or expire by themselves, and by how many."""
    changes: dict[datetime, int] = {}
    for lot in lots:
        if is_pending(lot, now) and lot.available_at is not None:
            changes[lot.available_at] = changes.get(lot.available_at, 0) + lot.remaining
        elif is_available(lot, now) and lot.expires_at is not None:
            changes[lot.expires_at] = changes.get(lot.expires_at, 0) - lot.remaining
    if not changes:
        return None, 0
    first = min(changes)
    return first, changes[first]
