"""The oracle on examples worked out by hand, with the arithmetic beside each."""

from __future__ import annotations

import ast
import sys
from itertools import permutations
from pathlib import Path
from typing import Any

from tests.oracle import bodies, oracle
from tests.oracle.bodies import Json, iso
from tests.oracle.oracle import Figures, Verdict, judge, when
from tests.oracle.shopping import START

ALICE, BOB, ORDER, LINE = 11, 12, 100, 1000


def at(day: float) -> str:
    """A moment some days after the beginning."""
    return iso(START + (when("2026-01-02T00:00:00Z") - when("2026-01-01T00:00:00Z")) * day)


def programme(**changes: Any) -> Json:
    """1 point per franc, 14 days' window, ends after a month; `changes` on top."""
    basis = {"tax": "as_priced", "shipping": False, "tips": False, "duties": False}
    plain: Json = {
        "currency": "CHF", "rate": [1, 100], "rounding": "floor", "membership": "joined", "basis": basis,
        "return_window_days": 14, "no_delivery_days": 21, "expiry_months": 1, "tier_months": 12, "tiers": [],
        "signup_points": 0, "clawback": "deficit", "orders": {},
    }  # fmt: skip
    return plain | changes


def line(number: int = LINE, price: int = 2000, quantity: int = 1, **changes: Any) -> Json:
    """A line that has to be shipped, without tax or discount; `changes` on top."""
    return {
        "id": number, "quantity": quantity, "current_quantity": quantity,
        **bodies.priced("price", price, "CHF", foreign=False),
        "discount_allocations": [], "tax_lines": [], "gift_card": False, "requires_shipping": True,
        "product_id": 7, "vendor": None,
    } | changes  # fmt: skip


def order(
    *lines: Json, day: float = 1, number: int = ORDER, customer: int | None = ALICE, **changes: Any
) -> Json:
    """A paid order of one line of 20.00, placed on day 1 and last changed then; `changes` on top."""
    return {
        "id": number, "processed_at": at(day), "updated_at": at(day), "cancelled_at": None, "test": False,
        "currency": "CHF", "presentment_currency": "CHF", "taxes_included": True, "financial_status": "paid",
        "source_name": "web", "discount_codes": [], "line_items": list(lines) or [line()], "shipping_lines": [],
        "refunds": [], "fulfillments": [], "customer": None if customer is None else {"id": customer},
    } | changes  # fmt: skip


def tax(minor: int) -> list[Json]:
    """One tax of a line."""
    return [bodies.priced("price", minor, "CHF", foreign=False)]


def refund(
    body: Json, *parts: tuple[Json, int, int, int], paid: int, number: int = 7, shipping: int = 0
) -> Json:
    """A refund of (line, units, subtotal, tax) parts."""
    return bodies.refund(number, body, START, list(parts), paid=paid, shipping=shipping, gateway="bogus")


def world(*steps: Json, **rules: Any) -> list[Json]:
    """A programme on day 0, Alice a member, then the steps."""
    return [{"do": "publish", "at": at(0), "programme": programme(**rules)},
            {"do": "join", "at": at(0), "customer": ALICE}, *steps]  # fmt: skip


def told(day: float, *messages: tuple[str, Json]) -> Json:
    """Messages that arrive on a day."""
    return {"do": "deliver", "at": at(day), "messages": [list(message) for message in messages]}


def read(day: float, *orders: Json) -> Json:
    """Orders read back on a day."""
    return {"do": "read", "at": at(day), "orders": list(orders)}


def points(body: Json, **rules: Any) -> int:
    """What one order is worth."""
    return judge(world(told(2, ("orders/updated", body)), **rules), at(2)).orders.get(ORDER, 0)


def alice(verdict: Verdict) -> Figures:
    """Alice's figures."""
    return verdict.members[ALICE]


def test_the_oracle_is_one_file_that_knows_only_the_standard_library() -> None:
    tree = ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))
    rooms = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or "."] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert rooms, "the file imports something"
    assert rooms <= set(sys.stdlib_module_names)


def test_rounds_once_on_the_whole_order() -> None:
    # Two lines of 0.99: 1.98 francs are 1 point; rounded by line they would be 0. Ceil makes 2, half up 2.
    body = order(line(1, 99), line(2, 99))
    assert points(body) == 1
    assert points(body, rounding="half_up") == 2
    assert points(body, rounding="ceil") == 2
    # 33.33 at 7 points per 3 francs: 3333 × 7 / 300 = 77.77
    assert points(order(line(1, 3333)), rate=[7, 300]) == 77


def test_discounts_gift_cards_and_presentment_money_earn_nothing() -> None:
    cut = [bodies.priced("amount", 501, "CHF", foreign=True)]
    # 3 × 20.00 − 5.01 = 54.99; the gift card of 50.00 counts nothing; presentment says 7 % more
    body = order(line(1, 2000, 3, discount_allocations=cut), line(2, 5000, gift_card=True))
    assert points(body) == 54
    foreign = bodies.priced("price", 10_000, "CHF", foreign=True)
    assert foreign["price_set"]["presentment_money"]["amount"] == "107.00"
    assert points(order(line() | foreign)) == 100


def test_tax_switch_forces_tax_in_or_out() -> None:
    def rules(switch: str) -> Json:
        return {**programme()["basis"], "tax": switch}

    included = order(line(price=10_810, tax_lines=tax(810)))
    excluded = order(line(price=10_000, tax_lines=tax(810)), taxes_included=False)
    # 108.10 with tax or 100.00 without, whichever way the shop prices
    assert [points(included, basis=rules(s)) for s in ("as_priced", "with", "without")] == [108, 108, 100]
    assert [points(excluded, basis=rules(s)) for s in ("as_priced", "with", "without")] == [100, 108, 100]


def test_shipping_and_tips_count_where_the_programme_says_so() -> None:
    shipping = [{**bodies.priced("discounted_price", 790, "CHF", foreign=False), "tax_lines": tax(59)}]
    body = order(shipping_lines=shipping, total_tip_received="2.50")
    on = {"tax": "as_priced", "shipping": True, "tips": True, "duties": True}
    # 20.00 + 7.90 + 2.50 = 30.40; without tax the shipping is 7.31: 29.81
    assert points(body) == 20
    assert points(body, basis=on) == 30
    assert points(body, basis=on | {"tax": "without"}) == 29


def test_shipping_that_was_refunded_leaves_with_its_tax() -> None:
    shipping = [{**bodies.priced("discounted_price", 1000, "CHF", foreign=False), "tax_lines": tax(81)}]
    body = order(line(price=10_000), shipping_lines=shipping, taxes_included=False)
    back = body | {"refunds": [refund(body, paid=540, shipping=540)]}
    on = {"tax": "as_priced", "shipping": True, "tips": False, "duties": False}
    # 10.00 of shipping cost 10.81 with tax. 5.40 of it back: floor(540 × 1000/1081 = 499.5) = 4.99 without tax.
    assert points(body, basis=on) == 110
    assert points(back, basis=on) == 105
    assert points(back, basis=on | {"tax": "with"}) == 105, "10.81 − 5.40 = 5.41"


def test_what_has_ended_is_not_taken_a_second_time_though_no_clock_has_run() -> None:
    gone = digital(5000, updated_at=at(49), cancelled_at=at(49))
    steps = (read(3, digital(5000)), read(41, digital(7000, number=101, day=40)))
    clock = {"do": "clock", "at": at(47)}
    late, on_time = (
        judge(world(*steps, *before, told(50, ("orders/cancelled", gone)), clock | {"at": at(51)}), at(51))
        for before in ((), (clock,))
    )
    # The 50 ended unused on day 46. The refund takes nothing of the other 70, whether the clock ran on day 47 or not.
    assert alice(late) == alice(on_time) == Figures(70, 0, 70, 0, "active")


def test_refunded_and_removed_units_leave_with_their_share_of_the_discount() -> None:
    cut = [bodies.priced("amount", 100, "CHF", foreign=False)]
    item = line(1, 1000, 3, discount_allocations=cut)
    # net 29.00 for 3. One unit back: 29.00 − floor(2900 × 1/3 = 966.67) = 19.34. Two: 29.00 − 19.33 = 9.67.
    one = order(item | {"current_quantity": 2})
    assert points(one) == 19
    back = refund(one, (item, 1, 967, 0), paid=967)
    assert points(one | {"refunds": [back]}) == 19, "the refund is inside current_quantity already"
    steps = world(told(2, ("orders/updated", one)), told(3, ("refunds/create", back)))
    assert judge(steps, at(3)).orders[ORDER] == 9, "a refund the body did not know takes one unit more"


def test_an_amount_only_refund_takes_its_tax_along_and_is_never_counted_twice() -> None:
    body = order(line(price=10_000, tax_lines=tax(1000)), taxes_included=False)
    # 22.00 back of 110.00 with tax: 22 × 100/110 = 20.00 of goods. 100 − 20 = 80 points.
    assert points(body | {"refunds": [refund(body, paid=2200)]}) == 80
    # With 3.00 of shipping in it: 19.00 × 100/110 = 17.27, rounded down. 100.00 − 17.27 = 82.73
    assert points(body | {"refunds": [refund(body, paid=2200, shipping=300)]}) == 82
    # By line: 110.00 paid back for the line itself, nothing is left over to count a second time.
    gone = body | {"line_items": [body["line_items"][0] | {"current_quantity": 0}]}
    assert (
        points(gone | {"refunds": [refund(body, (body["line_items"][0], 1, 10_000, 1000), paid=11_000)]}) == 0
    )
    # A fee kept back (paid less than the line) does not give points back.
    assert (
        points(gone | {"refunds": [refund(body, (body["line_items"][0], 1, 10_000, 1000), paid=9000)]}) == 0
    )


def test_a_refund_in_the_shoppers_currency_converts_only_what_lines_do_not_explain() -> None:
    body = order(line(price=10_000), presentment_currency="EUR",
                 total_price_set=bodies.money_set(10_000, "CHF", True))  # fmt: skip
    # 10.70 EUR back at 100 CHF = 107 EUR is 10.00 CHF: 90 points
    amount_only = bodies.refund(7, body, START, [], paid=1000, shipping=0, gateway="bogus")
    assert amount_only["transactions"][0]["amount"] == "10.70"
    assert points(body | {"refunds": [amount_only]}) == 90


def test_what_does_not_count_at_all() -> None:
    for change in ({"test": True}, {"cancelled_at": at(1)}, {"financial_status": "pending"}, {"currency": "EUR"},
                   {"processed_at": at(-1)}):  # fmt: skip
        assert points(order(**change)) == 0, change
    steps = world(told(2, ("orders/paid", order())), told(3, ("orders/delete", {"id": ORDER})))
    assert judge(steps, at(3)).orders[ORDER] == 0


def test_the_newest_body_wins_whatever_came_last() -> None:
    old, new = order(), order(line(price=5000), updated_at=at(1.5))
    for messages in ((old, new), (new, old), (old, new, old)):
        steps = world(*(told(2 + n, ("orders/updated", body)) for n, body in enumerate(messages)))
        assert judge(steps, at(9)).orders[ORDER] == 50


def test_programme_and_tier_are_those_of_the_moment_of_the_order() -> None:
    ladder = [
        {"key": "low", "threshold": 0, "multiplier": [1, 1]},
        {"key": "high", "threshold": 20, "multiplier": [2, 1]},
    ]
    steps = [
        *world(told(2, ("orders/paid", order())), {"do": "clock", "at": at(3)}, tiers=ladder),
        {"do": "publish", "at": at(4), "programme": programme(rate=[5, 100], tiers=ladder)},
        told(5, *(("orders/paid", order(number=100 + n, day=1.5 + n)) for n in (1, 2, 3))),
    ]
    # 101 came before the review: ×1. 102 after it, old rate: 20 × 2. 103 at five points a franc: 20 × 5 × 2.
    verdict = judge(steps, at(5))
    assert verdict.orders == {100: 20, 101: 20, 102: 40, 103: 200}
    assert verdict.tiers[ALICE] == "high"


def parcel(day: float, number: int = 500, units: int = 1, item: int = LINE) -> Json:
    return bodies.parcel(number, ORDER, when(at(day)), [(item, units)])


def delivered(day: float, number: int = 500) -> tuple[str, Json]:
    return "fulfillment_events/create", bodies.parcel_event(1, number, ORDER, "delivered", when(at(day)))


def opens(*steps: Json, **rules: Any) -> float:
    """The day from which Alice's points may be spent; 0 when nobody can say."""
    for day in range(1, 80):
        if alice(judge(world(*steps, expiry_months=None, **rules), at(day))).available:
            return day
    return 0


def test_points_wait_for_the_parcel_the_window_and_a_read() -> None:
    shipped = order(fulfillments=[parcel(2)])
    assert opens(told(2, ("orders/paid", shipped), delivered(5))) == 0, "never read back"
    assert opens(told(2, ("orders/paid", order())), read(2, order())) == 0, "not shipped"
    assert opens(read(2, shipped), told(6, delivered(5))) == 5 + 14
    assert opens(read(2, shipped)) == 2 + 21 + 14, "no delivery ever reported"
    assert opens(read(2, order(line(requires_shipping=False)))) == 1 + 14, "nothing to ship: from payment"
    assert opens(read(2, order(source_name="pos", fulfillments=[parcel(1)]))) == 1 + 14, (
        "at the till: at once"
    )


def test_only_parcels_with_something_kept_are_waited_for() -> None:
    two = order(
        line(1), line(2, current_quantity=0), fulfillments=[parcel(2, 500, 1, 1), parcel(2, 501, 1, 2)]
    )
    assert opens(read(2, two), told(4, delivered(3, 500))) == 3 + 14
    one_cancelled = order(fulfillments=[parcel(2) | {"status": "cancelled"}, parcel(4, 501)])
    assert opens(read(2, one_cancelled), told(7, delivered(6, 501))) == 6 + 14
    half = order(line(quantity=2), fulfillments=[parcel(2)])
    assert opens(read(2, half), told(4, delivered(3))) == 0, "one unit is still to be sent"


def test_a_late_payment_moves_the_date_and_a_past_date_stays() -> None:
    late = order(updated_at=at(9), fulfillments=[parcel(2)])
    assert opens(read(9, late), told(9, delivered(3))) == 9 + 14
    # Spendable from day 17 on; an event that reports a later parcel on day 20 cannot move it any more.
    steps = (read(2, order(fulfillments=[parcel(2)])), told(4, delivered(3)),
             told(20, ("orders/updated", order(line(), line(2), updated_at=at(19)))))  # fmt: skip
    assert opens(*steps) == 17
    figures = alice(judge(world(*steps), at(20)))
    assert (figures.available, figures.pending) == (20, 20), "the added line's points wait for its own parcel"


def test_points_end_counted_from_when_they_may_be_spent() -> None:
    steps = world(read(2, order(line(requires_shipping=False))), {"do": "clock", "at": at(60)})
    # From day 15 (20 January) to 20 February, day 46.
    assert alice(judge(steps, at(45))) == Figures(0, 0, 0, 0, "active"), "the clock of day 60 already ran"
    before = steps[:-1]
    assert alice(judge(before, at(45))).available == 20
    assert alice(judge(before, at(46))) == Figures(20, 0, 0, 0, "active"), "over, though no clock has run"
    assert alice(judge(steps, at(60))).posted == 0


def digital(price: int, **changes: Any) -> Json:
    """A paid order with nothing to ship: its points may be spent 14 days after payment."""
    return order(line(price=price, requires_shipping=False), **changes)


def test_spending_takes_the_soonest_to_end_and_a_refund_its_own_first() -> None:
    a, b = digital(5000), digital(7000, number=101, day=3)
    spent = {"do": "redeem", "at": at(20), "customer": ALICE, "points": 60, "code": "C"}
    base = (read(3, a, b), spent)
    # Opens on day 15 and 17. 60 taken: all 50 of A, 10 of B. 60 of B are left.
    assert alice(judge(world(*base), at(20))) == Figures(60, 60, 0, 0, "active")
    # A is refunded whole: nothing of its own is left, 50 come from B.
    gone = a | {"cancelled_at": at(20.5), "updated_at": at(20.5)}
    assert alice(judge(world(*base, told(21, ("orders/cancelled", gone))), at(21))) == Figures(
        10, 10, 0, 0, "active"
    )
    # B too: 70 to take back, 10 are there, 60 are owed. The next 100 settle that first.
    gone_b = b | {"cancelled_at": at(21.5), "updated_at": at(21.5)}
    both = (*base, told(21, ("orders/cancelled", gone)), told(22, ("orders/cancelled", gone_b)))
    assert alice(judge(world(*both), at(22))) == Figures(-60, 0, 0, 60, "active")
    after = (*both, told(23, ("orders/paid", digital(10_000, number=102, day=22.5))))
    assert alice(judge(world(*after), at(23))) == Figures(40, 0, 40, 0, "active")
    # With the policy "floor" what is not there is forgiven.
    assert alice(judge(world(*both, clawback="floor"), at(22))) == Figures(0, 0, 0, 0, "active")


def test_too_few_points_buy_nothing_and_a_refusal_gives_them_back() -> None:
    spend = {"do": "redeem", "at": at(20), "customer": ALICE, "points": 30, "code": "C"}
    verdict = judge(world(read(3, digital(2000)), spend), at(20))
    assert (alice(verdict).available, verdict.redeemed) == (20, set())
    steps = world(read(3, digital(5000)), spend, {"do": "refuse", "at": at(21), "code": "C"}, expiry_months=1)
    # 20 of the order's own end on day 46; the 30 that came back at least 30 days after day 21.
    assert [alice(judge(steps, at(day))).available for day in (21, 45, 46, 50, 51)] == [50, 50, 30, 30, 0]


def test_a_used_code_returns_points_as_its_order_is_refunded() -> None:
    spend = {"do": "redeem", "at": at(20), "customer": ALICE, "points": 50, "code": "C"}
    using = digital(3000, number=101, day=21, discount_codes=[{"code": "C"}])
    base = (read(3, digital(5000)), spend, read(22, using))
    assert alice(judge(world(*base), at(22))) == Figures(30, 0, 30, 0, "active")
    # 10.00 of 30.00 back: 10 points of the order go, floor(50 × 1/3) = 16 of the code return.
    part = using | {"refunds": [refund(using, paid=1000)], "updated_at": at(23)}
    assert alice(judge(world(*base, told(24, ("orders/updated", part))), at(24))) == Figures(
        36, 16, 20, 0, "active"
    )
    # Cancelled: all 30 go, all 50 return, whatever had returned before.
    whole = part | {"cancelled_at": at(25), "updated_at": at(25)}
    steps = (*base, told(24, ("orders/updated", part)), told(26, ("orders/cancelled", whole)))
    assert alice(judge(world(*steps), at(26))) == Figures(50, 50, 0, 0, "active")
    # An edit adds 60.00: once paid 10.00 of 90.00 are back, so floor(50 / 9) = 5 are due and 11 are taken again.
    more = [*part["line_items"], line(2, 6000, requires_shipping=False)]
    grown = part | {"line_items": more, "updated_at": at(25)}
    for status, returned in (("partially_paid", 16), ("partially_refunded", 5)):
        steps = (*base, told(24, ("orders/updated", part)),
                 told(26, ("orders/updated", grown | {"financial_status": status})))  # fmt: skip
        assert alice(judge(world(*steps), at(26))).available == returned
    # An order that was never read returns nothing.
    unread = (*base[:-1], told(22, ("orders/paid", using)), told(26, ("orders/cancelled", whole)))
    assert alice(judge(world(*unread), at(26))) == Figures(0, 0, 0, 0, "active")


def test_an_edit_that_is_not_paid_yet_leaves_what_was_paid_for() -> None:
    grown = order(line(), line(2, 3000), updated_at=at(3), financial_status="partially_paid")
    paid = grown | {"updated_at": at(4), "financial_status": "paid"}
    for messages, right in (
        ((order(), grown), 20),
        ((grown, order()), 20),
        ((grown, order(), paid), 50),
        ((grown,), 0),
    ):
        steps = world(*(told(5 + n, ("orders/updated", body)) for n, body in enumerate(messages)))
        assert judge(steps, at(9)).orders[ORDER] == right
    voided = grown | {"updated_at": at(4), "financial_status": "voided"}
    assert (
        judge(world(told(5, ("orders/paid", order()), ("orders/updated", voided))), at(5)).orders[ORDER] == 0
    )


def test_points_that_ran_out_are_not_taken_a_second_time() -> None:
    # 50 end on day 46; 30 of them were spent, 20 ran out. All 50 go: 30 are owed, not 50.
    spend = {"do": "redeem", "at": at(20), "customer": ALICE, "points": 30, "code": "C"}
    gone = digital(5000, updated_at=at(60), cancelled_at=at(60))
    steps = (
        read(3, digital(5000)),
        spend,
        {"do": "clock", "at": at(50)},
        told(61, ("orders/cancelled", gone)),
    )
    assert alice(judge(world(*steps), at(61))) == Figures(-30, 0, 0, 30, "active")


def test_the_tier_is_that_of_whoever_placed_the_order_whenever_the_merge_is_told() -> None:
    ladder = [
        {"key": "low", "threshold": 0, "multiplier": [1, 1]},
        {"key": "high", "threshold": 20, "multiplier": [2, 1]},
    ]
    start = world(told(2, ("orders/paid", order())), {"do": "clock", "at": at(3)}, tiers=ladder)
    placed = ("orders/paid", order(number=101, day=4))
    renamed = ("orders/updated", order(number=101, day=4, customer=BOB, updated_at=at(5)))
    merge = ("customers/merge", bodies.merge(BOB, ALICE, "success"))
    for messages in permutations((placed, renamed, merge)):
        steps = [*start, *(told(6 + n, message) for n, message in enumerate(messages))]
        assert judge(steps, at(9)).members[BOB].posted == 20 + 40


def campaign(**changes: Any) -> Json:
    """Twice the points until the eleventh of January; `changes` on top."""
    return {
        "starts": "2026-01-01T00:00", "ends": "2026-01-11T00:00", "zone": "Europe/Zurich", "effect": "multiply",
        "multiplier": [2, 1], "points": 0, "per": 100, "tiers": [], "sources": [], "scope": "all", "values": [],
    } | changes  # fmt: skip


def test_campaigns_multiply_add_up_or_the_best_stands() -> None:
    tea, cup = line(product_id=11), line(2, 1000, product_id=12)
    told_of = told(3, ("orders/paid", order(tea, cup, day=2)))

    def points(*campaigns: Json, stacking: str = "best", day: float = 2, **changes: Any) -> int:
        placed = told_of if day == 2 else told(day + 1, ("orders/paid", order(tea, cup, day=day)))
        return judge(world(placed, campaigns=list(campaigns), stacking=stacking, **changes), at(40)).orders[
            ORDER
        ]

    all_, three = campaign(), campaign(multiplier=[3, 1], scope="product", values=["11"])
    gift, rate = campaign(effect="points", points=7), campaign(effect="rate", points=1, per=700)
    assert points(all_) == 60
    assert [points(all_, day=day) for day in (5.9, 5.99)] == [60, 30], "midnight in Zurich is 23:00 UTC"
    assert points(three) == 20 * 3 + 10
    assert [points(all_, three, stacking=how) for how in ("best", "add", "multiply")] == [70, 100, 140]
    assert points(gift, rate, stacking="add") == 30 + 7 + 4, "a point for each 7.00 of 30.00"
    assert points(gift, rate, all_) == 60
    assert points(campaign(tiers=["gold"]), campaign(sources=["pos"]), stacking="add") == 30
    # A third of a point: 10 × 4/3 more than 30 is 33, rounded once
    assert points(campaign(multiplier=[4, 3], scope="product", values=["12"])) == 33


def test_two_customers_become_one() -> None:
    merge = ("customers/merge", bodies.merge(BOB, ALICE, "success"))
    base = (read(3, digital(5000), digital(3000, number=101, customer=BOB)), told(4, merge))
    verdict = judge(world(*base, signup_points=25), at(4))
    assert set(verdict.members) == {BOB}
    assert verdict.members[BOB] == Figures(105, 25, 80, 0, "active"), "50 + 30 + Alice's 25; dates stay"
    # A late order of the gone id belongs to the kept one; a second copy of the merge changes nothing.
    late = told(5, ("orders/paid", order(number=102)), merge)
    assert judge(world(*base, late), at(5)).members[BOB] == Figures(100, 0, 100, 0, "active")
    failed = told(4, ("customers/merge", bodies.merge(BOB, ALICE, "failed")))
    assert judge(world(base[0], failed), at(4)).members[ALICE].posted == 50
    # Both had signed up: 25 once.
    join = {"do": "join", "at": at(3.5), "customer": BOB}
    assert judge(world(base[0], join, base[1], signup_points=25), at(4)).members[BOB].posted == 50 + 30 + 25


def test_points_of_a_stranger_wait_a_year() -> None:
    steps = world(told(2, ("orders/paid", order(customer=BOB))))
    assert judge(steps, at(2)).members[BOB] == Figures(20, 0, 20, 0, "unclaimed")
    year = [*steps, {"do": "clock", "at": at(360)}]
    assert judge(year, at(360)).members[BOB].posted == 20
    assert judge([*year, {"do": "clock", "at": at(368)}], at(368)).members[BOB].posted == 0
    joined = [*steps, {"do": "join", "at": at(300), "customer": BOB}, {"do": "clock", "at": at(368)}]
    assert judge(joined, at(368)).members[BOB] == Figures(20, 0, 20, 0, "active")


def test_a_tier_rises_at_once_and_falls_after_its_time() -> None:
    ladder = [
        {"key": "low", "threshold": 0, "multiplier": [1, 1]},
        {"key": "high", "threshold": 20, "multiplier": [2, 1]},
    ]
    cancelled = order(cancelled_at=at(5), updated_at=at(5))
    steps = [
        *world(told(2, ("orders/paid", order())), {"do": "clock", "at": at(3)}, tiers=ladder),
        told(6, ("orders/cancelled", cancelled)),
        {"do": "clock", "at": at(7)},
    ]
    assert judge(steps, at(7)).tiers[ALICE] == "high", "held for the twelve months it was earned for"
    assert judge([*steps, {"do": "clock", "at": at(400)}], at(400)).tiers[ALICE] == "low"


def test_rules_for_lines_bands_and_the_whole_order() -> None:
    tea, cup = line(1, 5_000, 2, product_id=11), line(2, 5_000, product_id=12, vendor="Potter")
    double = {"scope": "product", "values": ["11"], "effect": "multiply", "multiplier": [2, 1], "points": 0}
    fixed = {"scope": "vendor", "values": ["potter"], "effect": "fixed", "multiplier": [1, 1], "points": 7}
    none = {**fixed, "effect": "exclude"}
    bands = [{"from": 10_000, "multiplier": [3, 1]}]
    # 100 × 2 + 50; 100 × 2 + 7; 100 × 2; of 250 the 150 above 100 count three times
    assert points(order(tea, cup), orders={"lines": [double]}) == 250
    assert points(order(tea, cup), orders={"lines": [double, fixed]}) == 207
    assert points(order(tea, cup), orders={"lines": [double, fixed, none]}) == 200
    assert points(order(tea, cup), orders={"lines": [double], "bands": bands}) == 100 + 3 * 150
    assert points(order(tea, cup), orders={"per_order": 5, "max_per_order": 152}) == 152
    assert points(order(tea, cup), orders={"per_order": 5, "minimum": 15_001}) == 0
    # 30.00 back without a line: a fifth of everything
    amount = refund(order(tea, cup), paid=3_000)
    assert points(order(tea, cup, refunds=[amount]), orders={"lines": [double]}) == 200


def test_caps_of_a_month_and_bonuses_are_dealt_by_date_whatever_comes_first() -> None:
    rules = programme(
        orders={
            "max_per_period": 50, "period": "month",
            "bonuses": [{"key": "second", "nth": 2, "every": False, "points": 9}],
        }
    )  # fmt: skip
    first, second, third = (order(line(n, 3_000), number=n, day=day) for n, day in ((1, 2), (2, 3), (3, 40)))
    told_late = [{"do": "publish", "at": at(0), "programme": rules},
                 *(told(45 + n, ("orders/paid", body)) for n, body in enumerate((third, second, first)))]  # fmt: skip
    assert judge(told_late, at(50)).orders == {1: 30, 2: 29, 3: 30}
