"""Campaigns: which ones an order falls into, and what each adds to its points, with the order's one rounding."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from plugin.domain.earning.basis import money_of
from plugin.domain.earning.lines import fits
from plugin.domain.earning.worth import Part, banded, paid_by_credit, paid_otherwise, parts_of
from plugin.domain.orders import Order, paid_share
from plugin.domain.programme import Campaign, Programme
from plugin.domain.values import Ratio, rounded

CAMPAIGN = "campaign_"  # before the key of a campaign, in source keys
Points = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A line's share of the order, or that of shipping, tips and duties (`part` None).

    `weighed`: its money after line rules and what was paid by credit, before bands; `minor`: the same without line
    rules, and nothing where units earn instead of money.
    """

    part: Part | None
    weighed: Fraction
    minor: Fraction


def of_order(order: Order, programme: Programme, tier: str | None, multiplier: Ratio) -> Points:
    """What each campaign adds, by rule, in the order of the programme's list; for an order that earns.

    While an edit is owing, the smaller of what is added now and to what was paid for. Two points are never counted
    twice: without campaigns the order has its points, and each campaign has what the rounded sum grows by.
    """
    campaigns = [one for one in programme.campaigns if is_for(order, one, tier)]
    if not campaigns:
        return ()
    now, paid = _added(order, programme, campaigns, multiplier), paid_share(order)
    if paid is None:
        return now
    return min(now, _added(paid, programme, campaigns, multiplier), key=_sum)


def is_for(order: Order, campaign: Campaign, tier: str | None) -> bool:
    """Whether the order falls into the campaign. By tags nobody can say before the first read told them."""
    head = order.head
    if head is None or not campaign.runs(head.processed_at):
        return False
    if campaign.tiers and tier not in campaign.tiers:
        return False
    if campaign.countries and head.country not in campaign.countries:
        return False
    if campaign.sources and not any(named(head.source_name or "", one) for one in campaign.sources):
        return False
    if not campaign.tags:
        return True
    held = {tag.casefold() for tag in order.buyer.tags} if order.buyer is not None else set()
    return any(tag.casefold() in held for tag in campaign.tags)


def named(source: str, rule: str) -> bool:
    """Whether a rule names that channel: a * at its end stands for any ending."""
    return source.startswith(rule[:-1]) if rule.endswith("*") else source == rule


def _added(order: Order, programme: Programme, campaigns: list[Campaign], multiplier: Ratio) -> Points:
    shares = _shares(order, programme)
    if programme.campaign_stacking != "best":
        return _stacked(shares, programme, campaigns, multiplier)
    alone = [_stacked(shares, programme, [one], multiplier) for one in campaigns]
    return max(alone, key=_sum)  # of equals the first


def _shares(order: Order, programme: Programme) -> list[Share]:
    """The order's money in shares whose weights add up to what its plain points are counted from."""
    money = money_of(order, programme.basis)
    whole = sum(minor for _, minor in money.lines)
    credit = paid_otherwise(order) if not programme.orders.credit and paid_by_credit(order) else Fraction(1)
    left = credit * Fraction(money.goods_minor, whole) if whole else Fraction(0)
    extras = credit * money.extras_minor
    return [
        Share(
            part,
            part.minor * part.weight.times * left,
            part.minor * left if part.weight.times else Fraction(0),
        )
        for part in parts_of(order, programme, money)
    ] + [Share(None, extras, extras)]


def _stacked(
    shares: list[Share], programme: Programme, campaigns: list[Campaign], multiplier: Ratio
) -> Points:
    """Each campaign's points, one after the other.

    What money counts is a sum of sets of shares, each banded by itself and taken so many times: at first all of them
    once. A campaign adds its own shares of it ("add"), or of every set so far ("multiply"), times its multiplier less
    one. So nothing given back ever raises what is left.
    """
    everything = frozenset(range(len(shares)))
    sets = {everything: Fraction(1)}
    counted = _counted(shares, programme, sets, multiplier)
    found = []
    for one in campaigns:
        mine = frozenset(n for n, share in enumerate(shares) if _is_about(one, share))
        if one.effect == "multiply":
            more = Fraction(one.multiplier.numerator, one.multiplier.denominator) - 1
            base = sets if programme.campaign_stacking == "multiply" else {everything: Fraction(1)}
            for held, times in list(base.items()):
                sets[held & mine] = sets.get(held & mine, Fraction(0)) + times * more
            before, counted = counted, _counted(shares, programme, sets, multiplier)
            added = counted - before
        elif one.effect == "rate":
            money = sum((shares[n].minor for n in mine), Fraction(0)) * Fraction(one.points, one.per_minor)
            added = rounded(money.numerator, money.denominator, programme.rounding)
        else:
            added = one.points if any(_is_there(shares[n]) for n in mine) else 0
        found.append((CAMPAIGN + one.key, added))
    return tuple(found)


def _counted(
    shares: list[Share], programme: Programme, sets: dict[frozenset[int], Fraction], multiplier: Ratio
) -> int:
    """Points of that much money: each earning rule rounded once, as without campaigns."""
    weighed = Fraction(0)
    for held, times in sets.items():
        money = sum((shares[n].weighed for n in held), Fraction(0))
        weighed += times * (banded(money, programme.orders.bands) if programme.orders.bands else money)
    weighed *= Fraction(multiplier.numerator, multiplier.denominator)
    return sum(
        rounded(
            weighed.numerator * rule.rate.points,
            weighed.denominator * rule.rate.per_minor,
            programme.rounding,
        )
        for rule in programme.earning
    )


def _is_about(campaign: Campaign, share: Share) -> bool:
    if share.part is None:
        return campaign.scope == "all"
    return fits(share.part.line, campaign, share.part.product)


def _is_there(share: Share) -> bool:
    return share.minor > 0 or (share.part is not None and share.part.units > 0)


def _sum(points: Points) -> int:
    return sum(count for _, count in points)
