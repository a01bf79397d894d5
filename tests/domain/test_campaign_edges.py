"""Campaigns at their edges: an edit that is owing, a part paid by gift card, shipping alone, the smallest unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from plugin.domain.earning import target
from plugin.domain.earning.campaigns import CAMPAIGN
from plugin.domain.facts import Payments
from plugin.domain.programme import Basis, Campaign, EarningRule, LineRule, OrderRules, Programme
from plugin.domain.values import Rate, Ratio
from tests.facts import T0, back, line, order, programme, refund, refunded, seen

TEA, CUP = line(1, 10_000, product_id=11), line(2, 5_000, product_id=12)
HOUR = timedelta(hours=1)


def campaign(**changes: Any) -> Campaign:
    given: dict[str, Any] = {"starts": "2026-03-01", "ends": "2026-04-01", "zone": "Europe/Zurich"}
    return Campaign("c", "Campaign", **{**given, **changes})


PER_FRANC = campaign(effect="rate", points=1, per_minor=100)
ONCE = campaign(effect="points", points=40)


def added(by: Programme, *facts: Any, multiplier: Ratio = Ratio()) -> int:
    found = target(order(*facts), by, multiplier, confirmed=True)
    return dict(found.points).get(CAMPAIGN + "c", 0)


def running(one: Campaign, **changes: Any) -> Programme:
    return programme(campaigns=(one,), **changes)


@pytest.mark.parametrize("one", [campaign(), PER_FRANC])
def test_what_an_edit_added_counts_once_it_is_paid(one: Campaign) -> None:
    grown = seen(1, TEA, CUP, at=T0 + HOUR, financial_status="partially_paid")
    paid = seen(1, TEA, CUP, at=T0 + 2 * HOUR)
    assert added(running(one), seen(1, TEA), grown) == 100
    assert added(running(one), seen(1, TEA), grown, paid) == 150
    assert added(running(one), seen(1, TEA), grown, multiplier=Ratio(2)) == (
        200 if one.effect == "multiply" else 100
    )


def test_the_part_that_a_gift_card_paid_adds_nothing() -> None:
    told = replace(seen(1, TEA, gateways=("gift_card",)), payments=Payments(T0, 10_000, 2_500))
    for one in (campaign(), PER_FRANC):
        assert added(running(one, orders=OrderRules(credit=False)), told) == 75
        assert added(running(one), told) == 100
        assert added(running(one, orders=OrderRules(credit=False)), seen(1, TEA)) == 100


def test_lines_add_up_before_the_one_rounding() -> None:
    assert added(running(PER_FRANC), seen(1, line(1, 150), line(2, 150), line(3, 99))) == 3
    assert added(running(PER_FRANC, rounding="ceil"), seen(1, line(1, 150), line(2, 151))) == 4
    three = running(campaign(), earning=(EarningRule(Rate(3, 1_000)),))
    assert added(three, seen(1, line(1, 5_000), line(2, 5_000))) == 30


def test_shipping_belongs_to_campaigns_about_everything() -> None:
    by = Basis(shipping=True)
    sent = seen(1, TEA, shipping_minor=1_000)
    assert added(running(PER_FRANC, basis=by), sent) == 110
    about_tea = replace(PER_FRANC, scope="product", values=("11",))
    assert added(running(about_tea, basis=by), sent) == 100
    alone = seen(1, line(1, 5_000, gift_card=True), shipping_minor=1_000)
    assert added(running(PER_FRANC, basis=by), alone) == 10
    assert added(running(campaign(), basis=by), alone) == 10


@pytest.mark.parametrize(("net", "points"), [(0, 0), (1, 40), (10_000, 40)])
def test_points_for_an_order_need_something_that_earns(net: int, points: int) -> None:
    assert added(running(ONCE), seen(1, line(1, net))) == points


def test_points_for_what_comes_back_whole_go() -> None:
    about_cups = replace(ONCE, scope="product", values=("12",))
    both = seen(1, TEA, CUP)
    assert added(running(about_cups), both) == 40
    assert added(running(about_cups), both, refunded(1, refund(1, back(2, 1, 5_000), paid=5_000))) == 0
    assert added(running(about_cups), seen(1, TEA)) == 0
    by_unit = LineRule("unit", "Cups", "product", ("12",), "fixed", points=5)
    one = seen(1, TEA, line(2, 5_000, 1, product_id=12))
    assert added(running(about_cups, orders=OrderRules(lines=(by_unit,))), one) == 40
    assert (
        added(
            running(replace(PER_FRANC, scope="product", values=("12",)), orders=OrderRules(lines=(by_unit,))),
            one,
        )
        == 0
    )


def test_an_order_of_no_named_channel_is_of_none() -> None:
    assert added(running(campaign(sources=("XXXX",))), seen(1, TEA, source_name=None)) == 0
    assert added(running(campaign(sources=("pos",))), seen(1, TEA, source_name="pos")) == 100
