"""What others get wrong about earning: crooked rates, whom nobody told us of, and what must not count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.domain.facts import OrderSeen, Payments
from plugin.domain.programme import (
    ActionRule,
    Basis,
    EarningRule,
    LineRule,
    OrderRules,
    Programme,
    first_programme,
    problems,
)
from plugin.domain.values import Rate
from plugin.flows import actions
from tests.books import Books
from tests.facts import DAY, T0, arrived, back, line, parcel, programme, refund, refunded, seen, sent
from tests.pages.scene import ALICE, ANNA, Scene


def at_rate(points: int, per_minor: int, **changes: Any) -> Programme:
    return programme(earning=(EarningRule(Rate(points, per_minor)),), signup_points=0, tiers=(), **changes)


def read_of(fact: OrderSeen, **told: Any) -> OrderSeen:
    return replace(fact, head=replace(fact.head, origin="read"), **told)


def earned(books: Books, order_id: int = 1) -> int:
    [[points]] = books.rows(f"SELECT points FROM orders WHERE shop_id = :s AND order_id = {order_id}")
    return int(points)


@pytest.mark.parametrize(
    ("points", "per_minor", "rounding", "net", "expected"),
    [
        (1, 1_000, "floor", 9_999, 9),  # 1 point per CHF 10
        (1, 1_000, "half_up", 9_500, 10),
        (1, 1_000, "half_up", 9_499, 9),
        (3, 200, "floor", 3_333, 49),  # 1.5 per franc: 49.995
        (3, 200, "ceil", 3_333, 50),
        (1, 200, "floor", 199, 0),  # half a point per franc
    ],
)
def test_purchase_points_per_currency(
    books: Books, points: int, per_minor: int, rounding: Any, net: int, expected: int
) -> None:
    """Less than one point per franc and broken rates are exact, rounded once over the whole order."""
    rules = at_rate(points, per_minor, rounding=rounding)
    assert problems(rules) == []
    books.publish(rules)
    third = net // 3
    books.tell(seen(1, line(1, third), line(2, third), line(3, net - 2 * third)))
    assert earned(books) == expected


def test_purchase_twice_the_same_cent_is_never_rounded_twice(books: Books) -> None:
    """Ten lines of 99 cents at 1 point per franc are 9 points, and not ten times none."""
    books.publish(at_rate(1, 100))
    books.tell(seen(1, *(line(n, 99) for n in range(1, 11))))
    assert earned(books) == 9


def test_signup_where_no_account_is_ever_created(scene: Scene) -> None:
    """New customer accounts send no "account created": the first signed request of the customer is the sign-up."""
    assert scene.status(ALICE, ANNA) is None
    nonce = scene.nonce(ANNA)
    for _ in range(2):
        assert scene.post("join", {"nonce": nonce}, ANNA).status_code == 200
    assert scene.status(ALICE, ANNA) == "active"
    assert scene.entries(ALICE, ANNA) == [("signup", first_programme("CHF", 100).signup_points)]


def test_review_and_custom_actions_need_no_plan_and_count_once(books: Books) -> None:
    """An action told by the review app and told again by its retry counts once, and each action has its own limit."""
    review = ActionRule("review", "review", "A review", 20, limit=2, period="day")
    visit = ActionRule("visit", "custom", "A visit to the shop", 5)
    books.publish(programme(signup_points=0, actions=(review, visit)), at=T0 - DAY)
    books.join(7)
    told = [
        ("review", "r1"),
        ("review", "r1"),
        ("review", "r2"),
        ("review", "r3"),
        ("visit", "v1"),
        ("visit", "v1"),
    ]
    with books.db.write(books.shop_id) as tx:
        for key, name in told:
            actions.happened(tx, books.shop, 7, key, name, books.now, books.now, actor="api")
    assert sorted(books.entries(7)) == [("action", 5), ("action", 20), ("action", 20)]


def test_pending_until_delivered_and_the_window_is_over(books: Books) -> None:
    """Paid is not kept: nothing can be spent before the parcel came and could have been sent back."""
    books.publish(at_rate(1, 100, return_window_days=30))
    books.join(7)
    books.tell(read_of(seen(1)), confirmed=[1])
    books.now = T0 + 60 * DAY
    books.tell(sent(1, parcel(at=books.now - 20 * DAY)), arrived(1, at=books.now - 10 * DAY))
    assert books.points(7) == (0, 100, 0)
    books.now = T0 + 79 * DAY
    assert books.points(7) == (0, 100, 0)
    books.now = T0 + 80 * DAY
    assert books.points(7) == (100, 0, 0)


def test_pending_changed_for_new_orders_only(books: Books) -> None:
    """A longer window never takes points back into waiting, and a shorter one frees none early."""
    books.publish(at_rate(1, 100, return_window_days=10))
    books.join(7)
    for order_id, window in ((1, 90), (2, 0)):
        books.tell(read_of(seen(order_id, at=books.now, processed_at=books.now)), confirmed=[order_id])
        books.tell(sent(order_id, parcel(at=books.now)), arrived(order_id, at=books.now))
        books.publish(at_rate(1, 100, return_window_days=window), at=books.now + DAY)
        books.now += 2 * DAY
    books.now = T0 + 10 * DAY
    assert books.points(7) == (100, 100, 0)


@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        (Basis(), 90),
        (Basis(shipping=True), 100),
        (Basis(tax="without"), 83),  # 9000 less 699 of tax
        (Basis(tips=True), 95),
    ],
)
def test_excluded_shipping_tax_and_tips_each_by_its_own_switch(
    books: Books, basis: Basis, expected: int
) -> None:
    """Tax, shipping and tips are three switches and not one, and what a discount took off counts with none."""
    books.publish(at_rate(1, 100, basis=basis))
    books.tell(seen(1, line(1, 9_000, tax_minor=699), shipping_minor=1_000, tip_minor=500))
    assert earned(books) == expected


def test_excluded_gift_cards_as_goods_and_as_money(books: Books) -> None:
    """A gift card earns neither when it is bought nor, if the merchant says so, when it pays."""
    books.publish(at_rate(1, 100, orders=OrderRules(credit=False)))
    paid = seen(1, line(1, 10_000), line(2, 5_000, gift_card=True), gateways=("gift_card", "bogus"))
    books.tell(paid)
    books.tell(read_of(paid, payments=Payments(T0, 15_000, 4_000)), confirmed=[1])
    # 4,000 of 15,000 came from a gift card, so 11/15 of the 10,000 that may earn do.
    assert earned(books) == 73


def test_excluded_products_and_their_part_of_a_refund(books: Books) -> None:
    """What earned nothing takes nothing away when it comes back."""
    tobacco = LineRule("tobacco", "Tobacco", "vendor", ("Smoke",), "exclude")
    books.publish(at_rate(1, 100, orders=OrderRules(lines=(tobacco,))))
    books.tell(seen(1, line(1, 6_000), replace(line(2, 4_000), vendor="Smoke")))
    assert earned(books) == 60
    books.tell(refunded(1, refund(1, back(2, 1, 4_000), paid=4_000)))
    assert earned(books) == 60
    books.tell(refunded(1, refund(2, back(1, 1, 6_000), paid=6_000)))
    assert earned(books) == 0


def test_excluded_sources_are_named_and_the_till_earns(books: Books) -> None:
    """Orders of the till, of drafts and of subscriptions earn unless the merchant names them."""
    books.publish(at_rate(1, 100, orders=OrderRules(sources=("amazon*",))))
    channels = ["web", "pos", "shopify_draft_order", "subscription_contract", "amazon-eu"]
    for order_id, channel in enumerate(channels, 1):
        books.tell(seen(order_id, source_name=channel))
    assert [earned(books, n) for n in range(1, 6)] == [100, 100, 100, 100, 0]


def test_guest_orders_wait_for_their_buyer(books: Books) -> None:
    """A guest's order is kept, counted when the account comes, and claimed whole on joining."""
    books.publish(at_rate(1, 100))
    books.tell(seen(1, customer_id=None, email="anna@example.com"))
    assert books.rows("SELECT 1 FROM entries WHERE shop_id = :s") == []
    books.tell(seen(1, at=T0 + DAY, customer_id=9))
    assert (books.member(9).status, books.points(9)) == ("unclaimed", (0, 100, 0))
    books.join(9)
    assert (books.member(9).status, books.points(9)) == ("active", (0, 100, 0))
    assert books.audit() == []
