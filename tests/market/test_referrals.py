"""What others get wrong about referrals: another browser, a day too late, self-referral, and rewards silently lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.domain.facts import Traces
from plugin.domain.programme import Referral, Reward
from plugin.flows import referrals, sharing
from plugin.store import referrals as store
from plugin.store.referrals import Referred
from tests.books import Books
from tests.facts import DAY, T0, arrived, parcel, programme, refund, refunded, seen, sent

FRIEND = Reward("friend", "amount_off", "", 0, value_minor=1_000)
ON = Referral(enabled=True, friend=FRIEND, points=200)
HOME = Traces(
    phone="+41791234567", street="Seestrasse 1", zip="8001", country="CH", ip="203.0.113.7", device="A"
)

DOOR = Traces(street="SEESTRASSE 1", zip="80 01", country="CH")


@pytest.fixture
def code(books: Books) -> str:
    """Member 7 shares a code; points of an order open ten days after it arrived."""
    books.publish(programme(signup_points=0, tiers=(), referral=ON, return_window_days=10), at=T0 - DAY / 2)
    books.join(7)
    with books.db.write(books.shop_id) as tx:
        return sharing.share(tx, books.shop, 7, books.now).code


def bought(books: Books, order_id: int, friend: int, traces: Traces | None = None, **changes: Any) -> None:
    fact = seen(order_id, **{"customer_id": friend, "processed_at": books.now, "at": books.now, **changes})
    books.tell(replace(fact, traces=traces))
    books.read(order_id)


def delivered(books: Books, order_id: int) -> None:
    at = books.now + DAY
    books.tell(sent(order_id, parcel(order_id, at=at)), arrived(order_id, order_id, at))


def of_order(books: Books, order_id: int) -> Referred:
    with books.db.read() as tx:
        [found] = store.by_orders(tx, books.shop_id, [order_id])
    return found


@pytest.mark.parametrize(
    "way", ["the code in another browser a month later", "the link, carried by the cart"]
)
def test_referral_reward_is_not_lost(books: Books, code: str, way: str) -> None:
    """No cookie decides: the code in the order does, in any browser and whenever it comes."""
    carried: dict[str, Any] = (
        {"discount_codes": (code,)} if way.startswith("the code") else {"referral": code}
    )
    books.now = T0 + 40 * DAY
    bought(books, 1, 8, **carried)
    delivered(books, 1)
    assert of_order(books, 1).state == "qualified"
    books.now += 11 * DAY
    books.tick()
    assert books.entries(7) == [("referral", 200)]
    assert books.audit() == []


def test_referral_reward_comes_after_the_return_window_and_goes_with_the_order(
    books: Books, code: str
) -> None:
    """Nothing can be spent before the friend's parcel came and could have gone back; a refund takes it again."""
    bought(books, 1, 8, discount_codes=(code,))
    delivered(books, 1)
    books.now = T0 + 10.5 * DAY
    books.tick()
    assert books.points(7) == (0, 0, 0)
    books.now = T0 + 11 * DAY
    books.tick()
    assert books.points(7) == (200, 0, 0)
    books.tell(refunded(1, refund(1, paid=10_000)))
    books.tick()
    assert books.points(7) == (0, 0, 0)
    assert books.audit() == []


@pytest.mark.parametrize(
    ("friend", "mine", "theirs", "reasons", "state"),
    [
        pytest.param(7, None, None, ("same_customer",), "rejected", id="own order"),
        pytest.param(8, HOME, Traces(phone="079 123 45 67"), ("same_phone",), "review", id="same phone"),
        pytest.param(8, HOME, DOOR, ("same_address",), "review", id="same address"),
        pytest.param(8, HOME, Traces(ip="203.0.113.7", device="A"), ("device",), "review", id="same device"),
        pytest.param(8, HOME, Traces(ip="203.0.113.7"), (), "qualified", id="one network is no proof"),
    ],
)  # fmt: skip
def test_anti_fraud_scores_each_sign_and_loses_nothing_silently(
    books: Books, code: str, friend: int, mine: Any, theirs: Any, reasons: tuple[str, ...], state: str
) -> None:
    """Each sign has a name and a score; a suspicion waits for a person, and a refusal can be lifted."""
    books.tell(replace(seen(50, customer_id=7, processed_at=T0 + DAY, at=T0 + DAY), traces=mine))
    bought(books, 1, friend, theirs, discount_codes=(code,))
    found = of_order(books, 1)
    assert (found.reasons, found.state) == (reasons, state)
    if state == "review":
        with books.db.write(books.shop_id) as tx:
            referrals.decide(
                tx, books.shop, found.referral_id, "approved", "They are a couple", "staff:5", books.now
            )
        delivered(books, 1)
        books.now += 12 * DAY
        books.tick()
        assert ("referral", 200) in books.entries(7)


@pytest.mark.parametrize(
    ("email", "reasons"), [("ada.l+shop@gmail.com", ("same_email",)), ("bob@gmail.com", ())]
)
def test_anti_fraud_sees_through_dots_and_plus(
    books: Books, code: str, email: str, reasons: tuple[str, ...]
) -> None:
    """One mailbox is one person, however its address is written."""
    books.tell(seen(50, customer_id=7, email="AdaL@googlemail.com", processed_at=T0 + DAY, at=T0 + DAY))
    bought(books, 1, 8, email=email, discount_codes=(code,))
    assert of_order(books, 1).reasons == reasons


def test_anti_fraud_knows_who_bought_before(books: Books, code: str) -> None:
    """A customer of the shop is no new friend, whichever order is told of first."""
    bought(books, 2, 8, discount_codes=(code,), processed_at=T0 + DAY, at=T0 + DAY)
    assert of_order(books, 2).state == "qualified"
    books.tell(seen(1, customer_id=8, processed_at=T0, at=T0))
    assert (of_order(books, 2).state, of_order(books, 2).reasons) == ("rejected", ("prior_purchase",))
