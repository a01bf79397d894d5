"""Campaigns in numbers: what planned ones would have given lately, and what running and past ones gave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.domain.earning.campaigns import CAMPAIGN
from plugin.domain.orders import Order
from plugin.domain.programme import Campaign, Programme
from plugin.insights.preview import SAMPLE, points_by_rule
from plugin.store import campaigns, programmes, samples
from plugin.store.db import Tx
from plugin.store.samples import Sampled

WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a campaign would have given, had it run at the same hours of the same weekdays some weeks earlier.

    `unknown`: orders of that time of which nobody can say whether it is about them, because what it asks of products
    or customers was not read then. `complete`: every order of members of that time was tried.
    """

    campaign: Campaign
    since: datetime
    until: datetime
    orders: int
    points: int
    unknown: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What a campaign gave that still stands: extra points beside what its orders earn anyway."""

    campaign: Campaign
    since: datetime
    until: datetime
    orders: int
    points: int


def trials(tx: Tx, shop_id: int, draft: Programme, now: datetime, *, sample: int = SAMPLE) -> list[Trial]:
    """A dry run of the draft's campaigns over past orders of members, together, with the draft's stacking."""
    moved = tuple(_earlier(one, now) for one in draft.campaigns)
    found = samples.newest_counted(tx, shop_id, sample + 1)
    complete = len(found) <= sample
    named_tags = programmes.versions(tx, shop_id).named_tags
    return tried(replace(draft, campaigns=moved), found[:sample], named_tags, complete=complete)


def tried(
    programme: Programme, sampled: Iterable[Sampled], named_tags: frozenset[str], *, complete: bool
) -> list[Trial]:
    """The campaigns of a programme over these orders. Pure."""
    held = list(sampled)
    points = points_by_rule(held, programme, complete=complete)
    oldest = min((one.processed_at for one in held), default=None)
    found = []
    for one in programme.campaigns:
        gave = [n for rules in points.values() for rule, n in rules if rule == CAMPAIGN + one.key and n > 0]
        unknown = sum(
            one.runs(order.processed_at) and _unknown(one, order.order, named_tags) for order in held
        )
        whole = complete or (oldest is not None and oldest <= one.starts_at)
        found.append(Trial(one, one.starts_at, one.ends_at, len(gave), sum(gave), unknown, whole))
    return found


def _earlier(one: Campaign, now: datetime) -> Campaign:
    """The same campaign so many whole weeks earlier, by the wall clock, that it is over."""
    weeks = 0
    moved = one
    while moved.ends_at > now:
        weeks += max(1, (moved.ends_at - now) // WEEK)
        moved = replace(one, starts=_back(one.starts, weeks), ends=_back(one.ends, weeks))
    return moved


def _back(wall: str, weeks: int) -> str:
    return (datetime.fromisoformat(wall) - weeks * WEEK).isoformat()


def _unknown(one: Campaign, order: Order, named_tags: frozenset[str]) -> bool:
    """Whether what the campaign asks of the order was never read. Tags that no version names are not kept."""
    head = order.head
    if head is None:
        return False
    read = {product.line_id for product in order.products}
    if one.asks_products and not {line.line_id for line in head.lines} <= read:
        return True
    return bool(one.tags) and (order.buyer is None or not {tag.casefold() for tag in one.tags} <= named_tags)


def results(tx: Tx, shop_id: int) -> list[Result]:
    """Every campaign of any version, the latest to start first; of those taken out, only what gave something."""
    versions = programmes.versions(tx, shop_id)
    planned = versions.latest.campaigns if versions.latest is not None else ()
    found = []
    for one, until in _every(programme for _, programme in versions.published):
        orders, points = campaigns.given(tx, shop_id, CAMPAIGN + one.key, one.starts_at, until)
        if orders or one in planned:
            found.append(Result(one, one.starts_at, until, orders, points))
    return sorted(found, key=lambda result: result.since, reverse=True)


def result(tx: Tx, shop_id: int, key: str, since: datetime) -> Result | None:
    """One of `results`, or None."""
    return next((one for one in results(tx, shop_id) if (one.campaign.key, one.since) == (key, since)), None)


def _every(versions: Iterable[Programme]) -> list[tuple[Campaign, datetime]]:
    """Each campaign as the newest version has it, with the latest end that any version gave it: orders keep theirs.

    One that began at another moment is another one, whatever its key.
    """
    known: dict[tuple[str, datetime], tuple[Campaign, datetime]] = {}
    for programme in versions:
        for one in programme.campaigns:
            before = known.get((one.key, one.starts_at))
            until = one.ends_at if before is None else max(before[1], one.ends_at)
            known[one.key, one.starts_at] = (one, until)
    return list(known.values())
