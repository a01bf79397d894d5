"""Rewards flow: stock, limits, amounts of any size, gift cards, hand-over, gifts of the shop, and how codes end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from plugin.domain.programme import Reward
from plugin.flows import cards, spending
from plugin.flows.offers import CannotRedeem
from plugin.store import redemptions
from plugin.store.db import Database
from plugin.store.redemptions import Redemption
from tests.books import Books
from tests.facts import DAY, T0, line, programme, seen

CARD = Reward("card", "gift_card", "", 100, value_minor=1_000)
ANY = Reward("any", "amount_off", "", 100, step_points=50, step_minor=250, max_points=400)
BAG = Reward("bag", "manual", "A bag", 80)
FIVE = Reward("five_off", "amount_off", "5 off", 100, value_minor=500)

Open = Callable[..., Books]


@pytest.fixture
def opened(shared: Database) -> Open:
    """A shop that offers these rewards, and member 7 with a thousand points."""

    def open_(*offered: Reward, **rules: Any) -> Books:
        books = Books(shared, programme(rewards=offered, **rules))
        books.shop = replace(books.shop, scopes="write_gift_cards,write_store_credit_account_transactions")
        for member_id in (7, 8):
            books.join(member_id)
            books.give(member_id, 950)
        return books

    return open_


def redeem(books: Books, member_id: int, reward: str, request: str = "tap", **wish: Any) -> Redemption:
    with books.db.write(books.shop_id) as tx:
        return spending.redeem(tx, books.shop, member_id, reward, request, books.now, **wish)


def refusal(books: Books, member_id: int, reward: str, request: str = "another", **wish: Any) -> str:
    before = books.points(member_id)
    with pytest.raises(CannotRedeem) as refused:
        redeem(books, member_id, reward, request, **wish)
    assert books.points(member_id) == before
    return refused.value.code


def issue(books: Books, member_id: int, reward: Reward, cause: str) -> Redemption | None:
    with books.db.write(books.shop_id) as tx:
        return spending.issue(tx, books.shop, member_id, reward, cause, books.now)


def kinds(books: Books) -> list[str]:
    return [row[0] for row in books.rows("SELECT kind FROM events WHERE shop_id = :s ORDER BY event_id")]


def test_the_last_one_goes_to_one_phone_of_many(opened: Open) -> None:
    books = opened(replace(FIVE, stock=2))
    outcomes: list[str] = []
    start = threading.Barrier(5)

    def tap(number: int) -> None:
        start.wait()
        try:
            outcomes.append(redeem(books, 7 + number % 2, "five_off", f"phone {number}").state)
        except CannotRedeem as refused:
            outcomes.append(refused.code)

    phones = [threading.Thread(target=tap, args=(n,)) for n in range(5)]
    for phone in phones:
        phone.start()
    for phone in phones:
        phone.join()
    assert sorted(outcomes) == ["debited"] * 2 + ["out_of_stock"] * 3
    assert books.audit() == []


def test_what_was_refused_or_given_back_can_be_had_again(opened: Open) -> None:
    books = opened(replace(FIVE, stock=1, member_limit=1))
    first = redeem(books, 7, "five_off")
    assert refusal(books, 8, "five_off") == "out_of_stock"
    books.refused(first)
    second = redeem(books, 8, "five_off")
    books.made(second)
    books.undo(8, second)
    assert refusal(books, 7, "five_off") == "out_of_stock", "until it is gone from the shop"
    books.withdrawn(second, used=False)
    assert redeem(books, 7, "five_off", "again").state == "debited"


def test_a_limit_counts_in_its_period_and_not_what_was_given(opened: Open) -> None:
    books = opened(replace(FIVE, member_limit=2, limit_days=30))
    assert issue(books, 7, FIVE, "birthday:2026") is not None
    redeem(books, 7, "five_off", "one")
    books.now += 20 * DAY
    redeem(books, 7, "five_off", "two")
    assert refusal(books, 7, "five_off") == "limit_reached"
    assert redeem(books, 8, "five_off").state == "debited", "each member has limits of their own"
    books.now += 10 * DAY
    assert redeem(books, 7, "five_off", "three").state == "debited"
    assert refusal(books, 7, "five_off") == "limit_reached"


def test_a_gift_of_the_shop_is_given_once_and_never_sold(opened: Open) -> None:
    gift = replace(FIVE, for_sale=False, stock=1)
    books = opened(gift)
    assert refusal(books, 7, "five_off") == "not_for_sale"
    given = issue(books, 7, gift, "tier:gold")
    assert given is not None
    assert (given.points, issue(books, 7, gift, "tier:gold")) == (0, given)
    assert books.points(7)[0] == 1_000
    assert issue(books, 8, gift, "tier:gold") is None
    assert kinds(books)[-1] == "reward_not_given"


def test_a_reward_of_a_tier_is_for_that_tier(opened: Open) -> None:
    books = opened(replace(FIVE, tiers=("silver",)))
    assert refusal(books, 7, "five_off") == "wrong_tier"


@pytest.mark.parametrize(
    ("wish", "points", "value"),
    [
        (("any", {}), 100, 500),
        (("any", {"points": 350}), 350, 1_750),
        (("any:400", {}), 400, 2_000),
    ],
)
def test_any_amount_is_worth_its_steps(
    opened: Open, wish: tuple[str, dict[str, Any]], points: int, value: int
) -> None:
    books = opened(ANY)
    code = redeem(books, 7, wish[0], **wish[1])
    assert (code.points, code.reward.value_minor, code.reward.key) == (points, value, "any")
    assert books.points(7)[0] == 1_000 - points


@pytest.mark.parametrize("points", [0, 50, 99, 120, 450, -100])
def test_an_amount_between_the_steps_or_beyond_is_refused(opened: Open, points: int) -> None:
    books = opened(ANY, FIVE)
    if points:
        assert refusal(books, 7, "any", points=points) == "points_not_offered"
    assert refusal(books, 7, "five_off", points=99) == "points_not_offered"


def test_another_currency_is_given_as_stated_and_never_converted(opened: Open) -> None:
    books = opened(replace(CARD, prices=("EUR 9.50", "JPY 1500")))
    assert refusal(books, 7, "card", currency="GBP") == "currency_not_offered"
    euros, yen, francs = (redeem(books, 7, "card", cur, currency=cur).reward for cur in ("EUR", "JPY", "CHF"))
    assert (euros.currency, euros.value_minor) == ("EUR", 950)
    assert (yen.currency, yen.value_minor) == ("JPY", 1_500)
    assert (francs.currency, francs.value_minor) == ("", 1_000)
    assert redeem(books, 7, "card@EUR", "wish").reward == euros


def test_without_its_permission_a_gift_card_takes_no_points(opened: Open) -> None:
    books = opened(CARD)
    books.shop = replace(books.shop, scopes="read_orders")
    assert refusal(books, 7, "card") == "not_set_up"


@pytest.mark.parametrize(
    ("left", "back", "state"), [(1_000, 100, "undone"), (333, 33, "undone"), (0, 0, "used")]
)
def test_a_card_given_back_returns_what_was_not_spent(opened: Open, left: int, back: int, state: str) -> None:
    books = opened(CARD)
    card = redeem(books, 7, "card")
    assert card.code.isalnum()
    assert 8 <= len(card.code) <= 20
    books.made(card)
    books.undo(7, card)
    assert books.rows("SELECT kind FROM outbox WHERE shop_id = :s AND effect_key = :k",
                      k=f"redemption:{card.redemption_id}:withdraw") == [("card.withdraw",)]  # fmt: skip
    for _ in range(2):
        with books.db.write(books.shop_id) as tx:
            cards.card_withdrawn(tx, books.shop, card.redemption_id, left, books.now)
    assert (books.redemption(card).state, books.redemption(card).spent_minor) == (state, 1_000 - left)
    assert books.points(7)[0] == 900 + back
    assert books.audit() == []


def test_an_order_paid_by_gift_card_asks_what_is_left(opened: Open) -> None:
    books = opened(CARD, FIVE)
    card, other = redeem(books, 7, "card"), redeem(books, 7, "five_off", "other")
    books.made(card)
    books.made(other)
    paid = seen(5, line(), gateways=("gift_card",))
    books.tell(paid)
    assert books.effects("card.read") == [], "until the shop itself confirmed the order"
    books.tell(paid, confirmed=[5])
    assert books.effects("card.read") == [f"redemption:{card.redemption_id}:card"]
    with books.db.write(books.shop_id) as tx:
        cards.card_read(tx, books.shop, card.redemption_id, 0)
    assert books.redemption(card).state == "used"


def test_credit_of_one_member_never_ends_at_the_same_second(opened: Open) -> None:
    books = opened(Reward("credit", "store_credit", "", 100, value_minor=1_000))
    given = [redeem(books, 7, "credit", f"tap {n}") for n in range(5)]
    assert len({one.expires_at for one in given}) == 5
    assert all(one.expires_at and one.expires_at.microsecond == 0 for one in given)
    assert len(books.effects("credit.make")) == 5
    with books.db.write(books.shop_id) as tx:
        spending.code_made(tx, books.shop, given[0].redemption_id, "gid://t", books.now, state="credited")
    with pytest.raises(CannotRedeem) as refused:
        books.undo(7, given[0])
    assert refused.value.code == "already_used"


@pytest.mark.parametrize(("done", "state", "points"), [(True, "fulfilled", 920), (False, "refused", 1_000)])
def test_what_the_shop_hands_over_waits_for_the_shop(
    opened: Open, done: bool, state: str, points: int
) -> None:
    books = opened(BAG)
    bag = redeem(books, 7, "bag")
    assert (bag.state, bag.expires_at, books.effects("code.make")) == ("waiting", None, [])
    with books.db.read() as tx:
        assert redemptions.waiting(tx, books.shop_id, 10) == [bag]
    for decided in (done, not done):
        with books.db.write(books.shop_id) as tx:
            cards.hand_over(tx, books.shop, bag.redemption_id, done=decided, actor="staff:1", now=books.now)
    assert (books.redemption(bag).state, books.points(7)[0]) == (state, points)
    with books.db.read() as tx:
        assert redemptions.waiting(tx, books.shop_id, 10) == []
    assert books.audit() == []


def test_a_reward_that_waits_can_be_given_back(opened: Open) -> None:
    books = opened(BAG)
    bag = redeem(books, 7, "bag")
    books.undo(7, bag)
    assert (books.redemption(bag).state, books.points(7)[0]) == ("undone", 1_000)


@pytest.mark.parametrize(("returns", "points"), [(False, 900), (True, 1_000)])
def test_an_unused_code_is_told_of_once_and_switched_off_at_its_end(
    opened: Open, returns: bool, points: int
) -> None:
    books = opened(FIVE, code_reminder_days=7, return_on_code_expiry=returns)
    code = redeem(books, 7, "five_off")
    books.made(code)
    books.now = T0 + 82 * DAY
    books.tick()
    assert "reward_expiring" not in kinds(books)
    for _ in range(3):
        books.now += DAY
        books.tick()
    assert kinds(books).count("reward_expiring") == 1
    assert books.effects("code.withdraw") == []
    books.now = T0 + 90 * DAY
    for _ in range(2):
        books.tick()
        assert books.effects("code.withdraw") == [f"redemption:{code.redemption_id}:expire"]
    for _ in range(2):
        with books.db.write(books.shop_id) as tx:
            spending.code_withdrawn(tx, books.shop, code.redemption_id, False, books.now, expired=True)
    assert (books.redemption(code).state, books.points(7)[0]) == ("expired", points)
    # An order from before that reaches us late: what came back is taken again.
    books.tell(seen(5, line(1, 10_000), discount_codes=(code.code,)), confirmed=[5])
    assert books.redemption(code).state == "used"
    assert books.points(7)[0] == 900
    assert books.audit() == []


def test_a_used_code_is_left_alone_at_its_end(opened: Open) -> None:
    books = opened(FIVE)
    code = redeem(books, 7, "five_off")
    books.made(code)
    books.tell(seen(5, line(1, 10_000), discount_codes=(code.code,)), confirmed=[5])
    books.now = T0 + 91 * DAY
    books.tick()
    assert books.effects("code.withdraw") == []


def test_a_change_of_combinations_reaches_every_unused_code(opened: Open) -> None:
    books = opened(FIVE, ANY)
    unused, other, used = (
        redeem(books, 7, key, key + str(n)) for n, key in enumerate(("five_off", "any", "five_off"))
    )
    for one in (unused, other, used):
        books.made(one)
    books.tell(seen(5, line(1, 10_000), discount_codes=(used.code,)), confirmed=[5])
    books.publish(programme(rewards=(replace(FIVE, name="Five"), ANY)), at=T0 + timedelta(hours=1))
    assert books.effects("code.combine") == [], "nothing about combinations changed"
    books.publish(programme(rewards=(replace(FIVE, combines=("order",)), ANY)), at=T0 + timedelta(hours=2))
    assert books.effects("code.combine") == ["reward:five_off:combine"]
