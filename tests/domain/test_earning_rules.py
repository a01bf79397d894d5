"""Rules besides the rate: lines, bands, fixed points, limits, who is excluded, and when points open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.earning import target, wants_details
from plugin.domain.earning.worth import banded
from plugin.domain.facts import Buyer, LineProduct, Payments
from plugin.domain.programme import Band, LineRule, OrderBonus, OrderRules, Programme, problems
from plugin.domain.values import Ratio, Rounding
from tests.facts import DAY, T0, arrived, back, line, order, parcel, programme, refund, refunded, seen, sent

TEA = line(1, 10_000, 2, product_id=11, variant_id=111, vendor="Regulars")
CUP = line(2, 5_000, product_id=12, variant_id=121, vendor="Potter")
READ = (LineProduct(1, "Tea", ("new", "Green"), (900, 901)), LineProduct(2, "Cup", (), (901,)))


def rule(scope: Any, *values: str, key: str = "special", **changes: Any) -> LineRule:
    return LineRule(key, "Special", scope, values, **{"multiplier": Ratio(2), **changes})


def ruled(**changes: Any) -> Programme:
    return programme(orders=OrderRules(**changes))


def points(given: Any, by: Programme, multiplier: Ratio = Ratio()) -> dict[str, int]:
    return dict(target(order(given) if not isinstance(given, list) else order(*given), by, multiplier,
                       confirmed=True).points)  # fmt: skip


BOUGHT = replace(seen(1, TEA, CUP), products=READ)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ((rule("product", "11"),), {"purchase": 250}),  # 100 × 2 + 50
        ((rule("variant", "121", "999"),), {"purchase": 200}),  # 100 + 50 × 2
        ((rule("vendor", "potter", multiplier=Ratio(3, 2)),), {"purchase": 175}),  # 100 + 50 × 1.5
        ((rule("collection", "900"),), {"purchase": 250}),
        ((rule("collection", "901"),), {"purchase": 300}),
        ((rule("type", "CUP"),), {"purchase": 200}),
        ((rule("tag", "green"),), {"purchase": 250}),
        ((rule("tag", "sale"),), {"purchase": 150}),
        ((rule("type", "Tea", effect="exclude"),), {"purchase": 50}),
        ((rule("product", "11", effect="fixed", points=30),), {"purchase": 50, "products": 60}),  # two units
        # An exclusion before all, fixed points before a multiplier, the better of two of a kind.
        ((rule("product", "11"), rule("tag", "new", key="b", effect="exclude")), {"purchase": 50}),
        ((rule("product", "11"), rule("tag", "new", key="b", effect="fixed", points=1)),
         {"purchase": 50, "products": 2}),
        ((rule("product", "11"), rule("tag", "new", key="b", multiplier=Ratio(3))), {"purchase": 350}),
    ],
)  # fmt: skip
def test_line_rules(rules: tuple[LineRule, ...], expected: dict[str, int]) -> None:
    assert points(BOUGHT, ruled(lines=rules)) == expected


def test_a_line_that_nobody_read_yet_waits_where_a_rule_needs_to_know() -> None:
    by = ruled(lines=(rule("collection", "900"),))
    unread = seen(1, TEA, CUP)
    assert points(unread, by) == {"purchase": 0}
    assert wants_details(order(unread), by)
    half = replace(unread, products=READ[:1])
    assert points(half, by) == {"purchase": 200}
    assert wants_details(order(half), by)
    assert not wants_details(order(BOUGHT), by)
    named = ruled(lines=(rule("product", "11"), rule("vendor", "Potter", key="b")))
    assert points(unread, named) == {"purchase": 300}
    assert not wants_details(order(unread), named)


def test_what_the_first_read_told_of_a_product_stands() -> None:
    later = replace(seen(1, TEA, CUP, at=T0 + DAY), products=(LineProduct(1, "Tea", ("sale",), ()),))
    by = ruled(lines=(rule("tag", "new"), rule("tag", "sale", key="b", effect="exclude")))
    assert points([BOUGHT, later], by) == {"purchase": 250}


def test_an_amount_refunded_without_lines_is_borne_by_all_lines_alike() -> None:
    back_30 = refunded(1, refund(1, paid=3_000))
    # a fifth of 150 leaves: (100 × 2 + 50) × 4/5
    assert points([BOUGHT, back_30], ruled(lines=(rule("product", "11"),))) == {"purchase": 200}
    assert points([BOUGHT, back_30], ruled(lines=(rule("product", "11", effect="exclude"),))) == {
        "purchase": 40
    }


def test_fixed_points_follow_the_units_that_are_kept() -> None:
    by = ruled(lines=(rule("product", "11", effect="fixed", points=30),), per_order=5)
    one_back = refunded(1, refund(1, back(1, 1, 5_000), paid=5_000))
    assert points([BOUGHT, one_back], by) == {"purchase": 50, "products": 30, "order": 5}
    all_back = refunded(1, refund(2, back(1, 2, 10_000), back(2, 1, 5_000), paid=15_000))
    assert points([BOUGHT, all_back], by) == {"purchase": 0}


def test_nothing_multiplies_points_that_are_stated() -> None:
    by = ruled(
        lines=(rule("product", "11", effect="fixed", points=30),),
        per_order=5,
        bands=(Band("a", "", 0, Ratio(2)),),
    )
    assert points(BOUGHT, by, Ratio(3, 2)) == {"purchase": 150, "products": 60, "order": 5}


BANDS = (Band("a", "", 10_000, Ratio(2)), Band("b", "", 20_000, Ratio(3)))


@pytest.mark.parametrize(
    ("minor", "expected"), [(5_000, 50), (10_000, 100), (15_000, 200), (20_000, 300), (30_000, 600)]
)
def test_bands_count_each_part_as_it_says(minor: int, expected: int) -> None:
    assert points(seen(1, line(1, minor)), ruled(bands=BANDS)) == {"purchase": expected}


def test_bands_hold_for_what_line_rules_made_of_the_money() -> None:
    # 100 × 2 + 50 = 250: 100 once, 100 twice, 50 three times; then the tier, then the one rounding
    by = ruled(bands=BANDS, lines=(rule("product", "11"),))
    assert points(BOUGHT, by, Ratio(5, 4)) == {"purchase": 562}  # 450 × 1.25 = 562.5


@pytest.mark.parametrize(
    ("most", "expected"),
    [(500, {"purchase": 50, "products": 60, "order": 5}), (112, {"purchase": 50, "products": 60, "order": 2}),
     (60, {"purchase": 50, "products": 10, "order": 0}), (7, {"purchase": 7, "products": 0, "order": 0})],
)  # fmt: skip
def test_the_most_that_an_order_earns(most: int, expected: dict[str, int]) -> None:
    lines = (rule("product", "11", effect="fixed", points=30),)
    assert points(BOUGHT, ruled(lines=lines, per_order=5, max_per_order=most)) == expected


def test_an_order_below_the_minimum_earns_nothing_and_says_why() -> None:
    by = ruled(minimum_minor=15_000, per_order=5)
    assert points(BOUGHT, by) == {"purchase": 150, "order": 5}
    found = target(order(BOUGHT, refunded(1, refund(1, paid=1))), by, confirmed=True)
    assert (found.points, found.why_not, found.counted, found.earns) == ((), "below_minimum", True, False)


GIFT: dict[str, Any] = {"gateways": ("bogus", "gift_card")}


def test_the_part_paid_by_credit_may_earn_nothing() -> None:
    unread = seen(1, TEA, CUP, **GIFT)
    read = replace(unread, payments=Payments(T0, 16_000, 4_000))
    assert points(unread, ruled()) == {"purchase": 150}
    by = ruled(credit=False)
    assert points(unread, by) == {"purchase": 0}, "nobody knows how much until the read"
    assert wants_details(order(unread), by)
    assert points(read, by) == {"purchase": 112}  # 150 × 12/16 = 112.5
    assert not wants_details(order(read), by)
    assert points(seen(1, TEA, CUP), by) == {"purchase": 150}
    more = replace(seen(1, TEA, CUP, at=T0 + DAY, **GIFT), payments=Payments(T0 + DAY, 16_000, 16_000))
    assert points([more, read], by) == points([read, more], by) == {"purchase": 0}


@pytest.mark.parametrize(
    ("change", "rules", "why_not"),
    [
        ({"source_name": "pos"}, {"sources": ("pos",)}, "excluded_source"),
        (
            {"source_name": "subscription_contract_checkout_one"}, {"sources": ("subscription_contract*",)},
            "excluded_source",
        ),
        ({"source_name": "subscription_contract_checkout_one"}, {"sources": ("subscription_contract",)}, None),
        ({"source_name": "pos"}, {}, None),
        ({"source_name": "shopify_draft_order"}, {}, None),
        ({"source_name": None}, {"sources": ("pos",)}, None),
        ({"buyer": Buyer(True)}, {"companies": False}, "company"),
        ({"buyer": Buyer(True)}, {}, None),
        ({"buyer": None}, {"companies": False}, None),
        ({"buyer": Buyer(False, ("Staff", "vip"))}, {"excluded_tags": ("staff",)}, "excluded_customer"),
        ({"buyer": Buyer(False, ("vip",))}, {"excluded_tags": ("staff",)}, None),
        ({"buyer": None}, {"excluded_tags": ("staff",)}, "not_read"),
    ],
)  # fmt: skip
def test_who_and_which_channel_earns(
    change: dict[str, Any], rules: dict[str, Any], why_not: str | None
) -> None:
    seen_so = {name: value for name, value in change.items() if name != "buyer"}
    found = target(
        order(replace(seen(1, **seen_so), buyer=change.get("buyer"))), ruled(**rules), confirmed=True
    )
    assert (found.why_not, bool(found.points)) == (why_not, why_not is None)
    assert found.counted, "it is an order all the same: it is asked about, and a read decides"


def test_who_bought_is_pinned_by_the_first_read() -> None:
    first = replace(seen(1), buyer=Buyer(False, ("vip",)))
    tagged = replace(seen(1, at=T0 + DAY), buyer=Buyer(True, ("staff",)))
    assert points([first, tagged], ruled(excluded_tags=("staff",), companies=False)) == {"purchase": 100}


def test_when_points_open() -> None:
    placed, delivered = seen(1), [seen(1), sent(1, parcel()), arrived(1, at=T0 + 3 * DAY)]
    at_once, after_payment = ruled(opens="at_once"), ruled(opens="paid", paid_days=30)
    for facts in ([placed], delivered):
        assert target(order(*facts), at_once, confirmed=True).available_at == T0
        assert target(order(*facts), after_payment, confirmed=True).available_at == T0 + 30 * DAY
        assert target(order(*facts), at_once, confirmed=False).available_at is None
    assert target(order(placed), ruled(), confirmed=True).available_at is None
    assert target(order(*delivered), ruled(), confirmed=True).available_at == T0 + timedelta(days=17)
    assert target(order(*delivered), at_once, confirmed=True).delivered_at == T0 + 3 * DAY


ratios = st.builds(Ratio, st.integers(0, 12), st.integers(1, 4))
scopes = st.sampled_from(
    (("product", "11"), ("product", "12"), ("vendor", "Potter"), ("tag", "new"), ("collection", "901"))
)
line_rules = st.lists(
    st.tuples(scopes, st.sampled_from(("multiply", "fixed", "exclude")), ratios, st.integers(0, 50)), max_size=4
).map(lambda found: tuple(
    LineRule(f"r{n}", "", scope, (value,), effect, times, count)  # type: ignore[arg-type]
    for n, ((scope, value), effect, times, count) in enumerate(found)
))  # fmt: skip
bands = st.lists(st.tuples(st.integers(0, 30_000), ratios), max_size=3, unique_by=lambda one: one[0]).map(
    lambda found: tuple(
        Band(f"b{n}", "", start, times)
        for n, (start, times) in enumerate(sorted(found, key=lambda one: one[0]))
    )
)
order_rules = st.builds(
    OrderRules, lines=line_rules, bands=bands, per_order=st.integers(0, 20), minimum_minor=st.integers(0, 20_000),
    max_per_order=st.none() | st.integers(1, 300),
)  # fmt: skip


@given(order_rules, st.integers(0, 2), st.integers(0, 1), st.integers(0, 20_000), ratios,
       st.sampled_from(("floor", "half_up", "ceil")))  # fmt: skip
def test_no_refund_ever_raises_points_and_no_cap_is_exceeded(
    rules: OrderRules, tea: int, cup: int, loose: int, tier: Ratio, rounding: Rounding
) -> None:
    by = programme(orders=rules, rounding=rounding)
    made = refund(1, back(1, tea, 5_000 * tea), back(2, cup, 5_000 * cup), paid=5_000 * (tea + cup) + loose)
    before = target(order(BOUGHT), by, tier, confirmed=True)
    after = target(order(BOUGHT, refunded(1, made)), by, tier, confirmed=True)
    assert sum(dict(after.points).values()) <= sum(dict(before.points).values())
    assert all(count >= 0 for _, count in after.points)
    assert 0 <= after.basis_minor <= before.basis_minor <= 15_000
    assert rules.max_per_order is None or sum(dict(before.points).values()) <= rules.max_per_order


@given(bands, st.integers(0, 50_000))
def test_bands_of_one_multiplier_are_a_multiplier(found: tuple[Band, ...], minor: int) -> None:
    plain = tuple(replace(band, multiplier=Ratio()) for band in found)
    assert not found or banded(minor, plain) == minor
    if found and found[0].from_minor == 0:
        triple = tuple(replace(band, multiplier=Ratio(3)) for band in found)
        assert banded(Fraction(minor), triple) == 3 * minor


LONG = [f"{n:0199}" for n in range(100)]


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        (OrderRules(lines=(rule("product"),)), "orders.lines.0.values"),
        (OrderRules(lines=(rule("product", "tea"),)), "orders.lines.0.values"),
        (OrderRules(lines=(rule("tag", "tea", multiplier=Ratio(101)),)), "orders.lines.0.multiplier"),
        (OrderRules(lines=(rule("tag", "tea"), rule("tag", "cup"))), "orders.lines"),
        (OrderRules(lines=tuple(rule("tag", *LONG, key=f"k{k}") for k in range(3))), "orders.lines"),
        (OrderRules(bands=(BANDS[1], BANDS[0])), "orders.bands"),
        (OrderRules(bonuses=(OrderBonus("a", "", 0, 10),)), "orders.bonuses.0.nth"),
        (OrderRules(bonuses=(OrderBonus("a", "", 1, 0),)), "orders.bonuses.0.points"),
        (OrderRules(max_per_order=0), "orders.max_per_order"),
        (OrderRules(max_per_period=-1), "orders.max_per_period"),
        (OrderRules(sources=("*",)), "orders.sources"),
        (OrderRules(paid_days=366), "orders.paid_days"),
    ],
)  # fmt: skip
def test_what_may_not_be_published(rules: OrderRules, where: str) -> None:
    assert [name for name, _ in problems(programme(orders=rules))] == [where]
