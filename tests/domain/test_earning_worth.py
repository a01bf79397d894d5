"""What one order is worth to the minor unit: lines weighed, credit left out, bands, refunds without lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import pytest

from plugin.domain.earning import Target, target, wants_details
from plugin.domain.earning.basis import basis_minor, refunded_share
from plugin.domain.earning.caps import Seat, across
from plugin.domain.earning.worth import Worth, banded, worth_of
from plugin.domain.facts import Dispute, LineProduct, OrderDisputed, Payments
from plugin.domain.orders import Order
from plugin.domain.programme import Band, Basis, LineRule, OrderRules, Programme
from plugin.domain.values import Ratio
from tests.facts import T0, back, line, order, programme, refund, refunded, seen

DOUBLE = LineRule("double", "Tea", "product", ("11",), multiplier=Ratio(2))
FRESH = LineRule("fresh", "Fresh", "tag", ("fresh",), multiplier=Ratio(3))
TEA = line(1, 10_000, product_id=11)
CUP = line(2, 5_000, product_id=12)


GOODS, SHIPPING = Basis(), Basis(shipping=True)


def ruled(basis: Basis = GOODS, **changes: Any) -> Programme:
    return programme(basis=basis, orders=OrderRules(**changes))


def worth(given: Any, by: Programme) -> Worth:
    return worth_of(order(*given) if isinstance(given, list) else order(given), by)


def test_every_line_counts_and_extras_count_once() -> None:
    by = ruled(SHIPPING, lines=(DOUBLE,))
    assert worth(seen(1, TEA, CUP, shipping_minor=1_000), by) == Worth(16_000, 26_000)
    assert worth(seen(1, CUP, TEA), by) == Worth(15_000, 25_000)


def test_a_refund_without_lines_is_borne_by_all_of_them_but_not_by_the_extras() -> None:
    by = ruled(SHIPPING, lines=(DOUBLE,))
    given = [seen(1, TEA, CUP, shipping_minor=1_000), refunded(1, refund(1, paid=3_000))]
    assert worth(given, by) == Worth(12_000 + 1_000, 20_000 + 1_000)


def test_without_goods_the_extras_are_all() -> None:
    by = ruled(SHIPPING, lines=(replace(DOUBLE, effect="fixed", points=5),))
    assert worth(seen(1, line(1, 5_000, gift_card=True), shipping_minor=1_000), by) == Worth(1_000, 1_000)


def test_a_line_of_an_unknown_product_waits_and_the_others_count() -> None:
    told = replace(seen(1, TEA, CUP), products=(LineProduct(2, "Cup", ("fresh",), ()),))
    assert worth(told, ruled(lines=(FRESH,))) == Worth(5_000, 15_000)


@pytest.mark.parametrize(
    ("paid", "credit", "basis"),
    [
        (10_000, 0, 10_000),
        (10_000, 2_500, 7_500),
        (10_000, 10_000, 0),
        (10_000, 12_000, 0),
        (0, 0, 0),
        (1, 0, 10_000),
    ],
)
def test_the_part_that_credit_paid_is_left_out(paid: int, credit: int, basis: int) -> None:
    told = replace(seen(1, TEA, gateways=("gift_card",)), payments=Payments(T0, paid, credit))
    assert worth(told, ruled(credit=False)) == Worth(basis, basis)


def test_bands_with_broken_multipliers() -> None:
    bands = (
        Band("a", "A", 1_000, Ratio(3, 2)), Band("b", "B", 2_000, Ratio(5, 3)), Band("c", "C", 4_000, Ratio(7, 4)),
    )  # fmt: skip
    assert [banded(money, bands) for money in (999, 1_000, 1_001, 2_000, 3_500, 4_000, 6_000)] == [
        999, 1_000, Fraction(2_003, 2), 2_500, 5_000, Fraction(17_500, 3), Fraction(17_500, 3) + 3_500,
    ]  # fmt: skip


def test_what_is_not_there_needs_no_details() -> None:
    asks = ruled(lines=(FRESH,))
    assert not wants_details(order(seen(1, TEA)), None)
    assert not wants_details(Order(1), asks)
    assert wants_details(order(seen(1, TEA)), asks)


def test_a_line_without_a_vendor_is_of_no_vendor() -> None:
    rule = replace(DOUBLE, scope="vendor", values=("xxxx", "tea & co"))
    assert worth(seen(1, replace(TEA, vendor=None)), ruled(lines=(rule,))) == Worth(10_000, 10_000)
    assert worth(seen(1, replace(TEA, vendor="Tea & Co")), ruled(lines=(rule,))) == Worth(10_000, 20_000)


@pytest.mark.parametrize(
    ("source", "named", "earns"),
    [
        ("amazon-eu", "amazon*", False),
        ("amazon", "amazon*", False),
        ("amaz", "amazon*", True),
        ("amazo", "amazon*", True),
        ("ebay", "amazon*", True),
        ("pos", "pos", False),
        ("pos2", "pos", True),
    ],
)
def test_a_name_that_ends_in_a_star_stands_for_all_that_begin_so(
    source: str, named: str, earns: bool
) -> None:
    found = target(order(seen(1, source_name=source)), ruled(sources=(named,)), confirmed=True)
    assert (found.why_not is None) is earns


def test_several_lines_of_a_refund_are_explained_each() -> None:
    given = seen(1, TEA, CUP)
    both = refund(1, back(1, 1, 10_000), back(2, 1, 5_000), paid=15_500)
    assert basis_minor(order(given, refunded(1, both)), GOODS) == 0
    half = refund(1, back(1, 0, 4_000), back(2, 0, 2_000), paid=6_500)
    assert basis_minor(order(given, refunded(1, half)), GOODS) == 14_500


def test_shipping_of_a_single_unit_is_taken_back_whole() -> None:
    given = seen(1, TEA, shipping_minor=1)
    assert basis_minor(order(given), SHIPPING) == 10_001
    assert basis_minor(order(given, refunded(1, refund(1, paid=1, shipping=1))), SHIPPING) == 10_000


def test_the_share_given_back_is_of_the_same_basis() -> None:
    taxed = seen(1, line(1, 10_000, tax_minor=1_000), taxes_included=False)
    none = order(taxed)
    assert refunded_share(none, Basis(tax="with")) == (0, 11_000)
    assert refunded_share(none, Basis(tax="without")) == (0, 10_000)
    assert refunded_share(order(seen(1, line(1, 1))), GOODS) == (0, 1)


def test_a_day_is_one_of_utc_whatever_zone_a_moment_is_written_in() -> None:
    by = ruled(max_per_period=150, period="day")
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    same = late.astimezone(timezone(timedelta(hours=14)))
    points = (("purchase", 100),)
    row = [Seat(1, late - timedelta(hours=20), by, True, False, {}, points, 100),
           Seat(2, same, by, True, False, {}, points, 100)]  # fmt: skip
    assert {number: sum(count for _, count in found) for number, found in across(row).items()} == {
        1: 100,
        2: 50,
    }


def test_an_order_of_no_programme_sits_in_the_row_and_gets_nothing_by_a_rule() -> None:
    points = (("purchase", 100),)
    row = [
        Seat(1, T0, None, False, False, {}, points, 100),
        Seat(2, T0, None, False, True, {"purchase": 40}, points, 40),
    ]
    assert across(row) == {1: points, 2: points}


def test_what_does_not_count_has_no_basis_and_no_dates() -> None:
    gone = seen(1, cancelled_at=T0)
    assert target(order(gone), ruled(), confirmed=True) == Target((), 0, False, "cancelled", None, None, None)
    held = OrderDisputed(1, Dispute(1, "chargeback", "needs_response", None))
    assert target(order(seen(1), held), ruled(), confirmed=True).why_not == "disputed"
    assert target(Order(1), ruled(), confirmed=True).why_not == "not_seen"
    assert target(order(seen(1)), None, confirmed=True).why_not == "before_programme"


def test_orders_of_a_test_shop_count_where_it_says_so() -> None:
    trial = order(seen(1, test=True))
    assert target(trial, ruled(), confirmed=True).why_not == "test"
    assert target(trial, ruled(), confirmed=True, count_test_orders=True).why_not is None


@pytest.mark.parametrize(("net", "earns"), [(0, False), (1, True), (10_000, True)])
def test_an_order_of_the_smallest_unit_is_one_that_earns(net: int, earns: bool) -> None:
    by = ruled(per_order=7)
    found = target(order(seen(1, line(1, net))), by, confirmed=True)
    assert (found.earns, dict(found.points).get("order")) == (earns, 7 if earns else None)
    assert (found.basis_minor, found.weighed_minor) == (net, net)


def test_points_by_the_unit_go_with_the_last_of_the_money() -> None:
    by = ruled(lines=(replace(DOUBLE, effect="fixed", points=5),))
    for back_again, fixed in ((0, 5), (9_999, 5), (10_000, 0)):
        given = [seen(1, TEA), *([refunded(1, refund(1, paid=back_again))] if back_again else [])]
        assert worth(given, by) == Worth(10_000 - back_again, 0, fixed)


def test_points_by_the_unit_of_what_is_not_paid_wait() -> None:
    by = ruled(lines=(replace(DOUBLE, effect="fixed", points=5),))
    grown = seen(
        1, TEA, line(3, 4_000, product_id=11), at=T0 + timedelta(hours=1), financial_status="partially_paid"
    )
    assert worth([seen(1, TEA), grown], by) == Worth(10_000, 0, 5)
    paid = replace(
        grown, head=replace(grown.head, financial_status="paid", updated_at=T0 + timedelta(hours=2))
    )
    assert worth([seen(1, TEA), grown, paid], by) == Worth(14_000, 0, 10)


def test_a_gift_card_before_the_goods_hides_none_of_them() -> None:
    card = line(9, 5_000, gift_card=True)
    assert basis_minor(order(seen(1, card, TEA, card, CUP)), GOODS) == 15_000


def test_a_refund_of_the_last_unit_of_money_leaves_nothing() -> None:
    given = [seen(1, line(1, 1)), refunded(1, refund(1, paid=1))]
    assert basis_minor(order(*given), GOODS) == 0
    big = [seen(1, line(1, 3), line(2, 4)), refunded(1, refund(1, paid=7))]
    assert basis_minor(order(*big), GOODS) == 0


def test_money_of_all_that_was_edited_out_is_no_refund_beside_it() -> None:
    edited = seen(1, replace(TEA, removed=1), replace(CUP, removed=1), line(3, 2_000))
    assert basis_minor(order(edited, refunded(1, refund(1, paid=15_000))), GOODS) == 2_000


def test_extras_add_to_an_order_without_special_rules() -> None:
    assert worth(seen(1, TEA, shipping_minor=1_000), ruled(SHIPPING)) == Worth(11_000, 11_000)
