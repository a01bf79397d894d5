"""What others get wrong about rewards: flags for new codes only, prices that drift, codes that stay for ever."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.domain.programme import Reward
from plugin.flows import cards, spending
from plugin.flows.offers import CannotRedeem
from plugin.store.db import Database
from plugin.store.redemptions import Redemption
from tests.books import Books
from tests.facts import DAY, T0, programme

FIVE = Reward("five", "amount_off", "5 off", 100, value_minor=500)
SCOPES = "write_gift_cards,write_store_credit_account_transactions"


def shop(db: Database, *offered: Reward, **rules: Any) -> Books:
    """Member 7 with a thousand points."""
    books = Books(db, programme(rewards=offered, **rules))
    books.shop = replace(books.shop, scopes=SCOPES)
    books.join(7)
    books.give(7, 950)
    return books


def redeem(books: Books, key: str, request: str = "tap", **wish: Any) -> Redemption:
    with books.db.write(books.shop_id) as tx:
        return spending.redeem(tx, books.shop, 7, key, request, books.now, **wish)


@pytest.mark.parametrize(
    "reward",
    [
        FIVE,
        Reward("percent", "percent_off", "", 100, percent=10, value_minor=2_000),
        Reward("freight", "free_shipping", "", 100),
        Reward("tea", "product", "", 100, percent=100, products=("4711",), buys_products=("4712",)),
        Reward("card", "gift_card", "", 100, value_minor=500),
        Reward("credit", "store_credit", "", 100, value_minor=500),
        Reward("any", "amount_off", "", 100, step_points=50, step_minor=250, max_points=400),
        Reward("bag", "manual", "A bag", 100),
    ],
    ids=lambda reward: reward.key,
)
def test_redeem_types(shared: Database, reward: Reward) -> None:
    """Every kind of reward is there, costs its points once, and gives them back when it cannot be made."""
    books = shop(shared, reward)
    first, again = redeem(books, reward.key), redeem(books, reward.key)
    assert first == again
    assert books.points(7)[0] == 900
    if reward.kind != "manual":
        books.refused(first)
        assert books.points(7)[0] == 1_000
    assert books.audit() == []


def test_cap_per_member_and_stock(shared: Database) -> None:
    """One each and ten in all mean that, and what was given back can be had again."""
    books = shop(shared, replace(FIVE, member_limit=1))
    first = redeem(books, "five")
    with pytest.raises(CannotRedeem) as refused:
        redeem(books, "five", "second")
    assert refused.value.code == "limit_reached"
    books.made(first)
    books.undo(7, first)
    books.withdrawn(first, used=False)
    assert redeem(books, "five", "second").state == "debited"


def test_discount_stacking_of_codes_that_exist_already(shared: Database) -> None:
    """A new flag reaches the codes in people's pockets too, and nobody has to be refunded for it."""
    books = shop(shared, FIVE)
    code = redeem(books, "five")
    books.made(code)
    books.publish(programme(rewards=(replace(FIVE, combines=("order", "product")),)), at=T0 + DAY)
    assert books.effects("code.combine") == ["reward:five:combine"]
    assert books.redemption(code).state == "made"


@pytest.mark.parametrize(("returns", "points"), [(True, 1_000), (False, 900)])
def test_reward_code_expiry_is_announced_and_ends_the_code(
    shared: Database, returns: bool, points: int
) -> None:
    """An unused code is announced once, switched off at its end, and gives its points back if the merchant says so."""
    books = shop(shared, FIVE, code_reminder_days=7, return_on_code_expiry=returns)
    code = redeem(books, "five")
    books.made(code)
    for day in (82, 84, 85, 89):
        books.now = T0 + day * DAY
        books.tick()
    told = books.rows("SELECT 1 FROM events WHERE shop_id = :s AND kind = 'reward_expiring'")
    assert len(told) == 1
    assert books.effects("code.withdraw") == []
    books.now = T0 + 90 * DAY
    books.tick()
    assert books.effects("code.withdraw") == [f"redemption:{code.redemption_id}:expire"]
    with books.db.write(books.shop_id) as tx:
        spending.code_withdrawn(tx, books.shop, code.redemption_id, False, books.now, expired=True)
    assert (books.redemption(code).state, books.points(7)[0]) == ("expired", points)


def test_currencies_each_market_has_its_own_stated_price(shared: Database) -> None:
    """CHF 5 is EUR 4.50 because the merchant says so; no exchange rate moves it, and an unstated one is refused."""
    books = shop(shared, replace(FIVE, kind="gift_card", prices=("EUR 4.50", "JPY 800")))
    euro, yen = (redeem(books, "five", one, currency=one) for one in ("EUR", "JPY"))
    assert [(one.reward.currency, one.reward.value_minor) for one in (euro, yen)] == [
        ("EUR", 450),
        ("JPY", 800),
    ]
    with pytest.raises(CannotRedeem) as refused:
        redeem(books, "five", "dollars", currency="USD")
    assert refused.value.code == "currency_not_offered"
    assert books.points(7)[0] == 800


@pytest.mark.parametrize(("left", "back"), [(500, 100), (200, 40), (0, 0)])
def test_refund_of_points_spent_on_a_gift_card(shared: Database, left: int, back: int) -> None:
    """A card that is given back returns points for what is left on it, and not nothing and not all."""
    books = shop(shared, Reward("card", "gift_card", "", 100, value_minor=500))
    card = redeem(books, "card")
    books.made(card)
    books.undo(7, card)
    with books.db.write(books.shop_id) as tx:
        cards.card_withdrawn(tx, books.shop, card.redemption_id, left, books.now)
    assert books.points(7)[0] == 900 + back
