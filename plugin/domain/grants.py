"""Granted tiers: bought, by tag or by hand; a grant lifts and never lowers what the member's own doing has earned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.domain.orders import Order, kept_units
from plugin.domain.programme import PaidMembership, Programme
from plugin.domain.tiers import Earned, step_of
from plugin.domain.values import months_later


@dataclass(frozen=True, slots=True)
class Grant:
    """A granted tier. `kind`: order, tag, staff or api. `until_at` None: until it is ended.

    `bought_at` and `months` are those of a bought one, from which its times follow. `warned_at`: when the member was
    told of the end that it has.
    """

    grant_key: str
    member_id: int
    tier: str
    kind: str
    from_at: datetime
    until_at: datetime | None = None
    order_id: int | None = None
    bought_at: datetime | None = None
    months: int = 0
    ended_at: datetime | None = None
    actor: str = "system"
    note: str | None = None
    warned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """The tier that holds, by what (`earned`, or the kind of the grant), until when (None: no end is known).

    `changes_at`: when a grant begins or ends next. `order_id`: the order that bought it.
    """

    tier: str | None
    by: str | None
    until: datetime | None
    changes_at: datetime | None
    order_id: int | None = None


def units_of(order: Order, membership: PaidMembership) -> int | None:
    """How many of the membership's products the shopper keeps; None when the order never held one."""
    if order.head is None:
        return None
    kept, wanted = kept_units(order), set(membership.products)
    lines = [line for line in order.head.lines if {str(line.product_id), str(line.variant_id)} & wanted]
    return sum(kept[line.line_id] for line in lines) if lines else None


def chained(grants: Iterable[Grant]) -> list[Grant]:
    """Bought grants of one membership with their times: each begins where the one bought before it ends.

    By when they were bought and not by when we heard of it, so that any order of deliveries comes out the same.
    """
    made: list[Grant] = []
    free_at: datetime | None = None
    for one in sorted(grants, key=lambda g: (g.bought_at or g.from_at, g.order_id or 0)):
        if one.ended_at is None:
            bought_at = one.bought_at or one.from_at
            from_at = bought_at if free_at is None else max(bought_at, free_at)
            free_at = months_later(from_at, one.months)
            # Told of another end means not told of this one.
            warned_at = one.warned_at if one.until_at == free_at else None
            one = replace(one, from_at=from_at, until_at=free_at, warned_at=warned_at)
        made.append(one)
    return made


def standing(grant: Grant, now: datetime) -> bool:
    """Whether a grant is in force."""
    return (
        grant.ended_at is None and grant.from_at <= now and (grant.until_at is None or now < grant.until_at)
    )


def _tier_of(programme: Programme, grant: Grant) -> int:
    """The step that a grant lifts to; a tag lifts to what the programme says of it today."""
    if grant.kind == "tag":
        key = grant.grant_key.split(":")[1]
        tagged = next((one.tier for one in programme.tag_tiers if one.key == key), None)
        return step_of(programme, tagged)
    return step_of(programme, grant.tier)


def holding(programme: Programme, earned: Earned, grants: Sequence[Grant], now: datetime) -> Holding:
    """The higher of what is earned and what is granted; of equal ones the earned, for as long as either lasts."""
    open_ = [one for one in grants if one.ended_at is None and (one.until_at is None or one.until_at > now)]
    edges = [at for one in open_ for at in (one.from_at, one.until_at) if at is not None and at > now]
    changes_at = min(edges, default=None)
    own = step_of(programme, earned.tier)
    best = max(
        (one for one in open_ if one.from_at <= now), key=lambda g: _tier_of(programme, g), default=None
    )
    step = _tier_of(programme, best) if best is not None else -1
    if best is None or step < own or step < 0:
        return Holding(
            earned.tier if own >= 0 else None, "earned" if own >= 0 else None, earned.until, changes_at
        )
    until = _lasts(programme, open_, step, now)
    key = programme.tiers[step].key
    if step == own:
        ends = None if until is None or earned.until is None else max(until, earned.until)
        return Holding(key, "earned", ends, changes_at)
    return Holding(key, best.kind, until, changes_at, best.order_id)


def _lasts(programme: Programme, open_: Sequence[Grant], step: int, now: datetime) -> datetime | None:
    """How long grants of at least that step go on without a gap; None when one has no end."""
    until = now
    for one in sorted(open_, key=lambda g: g.from_at):
        if _tier_of(programme, one) >= step and one.from_at <= until:
            if one.until_at is None:
                return None
            until = max(until, one.until_at)
    return until


@dataclass(frozen=True, slots=True)
class Notice:
    """What a member is owed before a granted tier ends: word of that grant's end, and where they land, from then on."""

    grant: Grant
    to: str | None
    due_at: datetime


def notice(programme: Programme, earned: Earned, grants: Sequence[Grant], held: Holding) -> Notice | None:
    """The notice that the end of what holds asks for; None when a grant does not hold it, or has no end or was told.

    A grant ends on its day all the same: that day was known when it was given.
    """
    if not programme.ladder.notice_days or held.until is None or held.by in (None, "earned"):
        return None
    last = next((one for one in grants if one.ended_at is None and one.until_at == held.until), None)
    if last is None or last.warned_at is not None:
        return None
    lands = holding(programme, earned, grants, held.until).tier
    return Notice(last, lands, held.until - timedelta(days=programme.ladder.notice_days))
