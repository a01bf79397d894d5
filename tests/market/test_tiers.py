"""What others get wrong about tiers: freight counts, rules are frozen or switched off, falls come unannounced."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from plugin.domain.programme import Ladder, Programme, Tier
from plugin.flows import merchants
from plugin.store import events, ladder
from tests.books import Books
from tests.facts import DAY, T0, back, line, programme, refund, refunded, seen

BRONZE, SILVER, GOLD = Tier("bronze", "Bronze", 0), Tier("silver", "Silver", 500), Tier("gold", "Gold", 1500)


def rules(*steps: Tier, **changes: Any) -> Programme:
    return programme(tiers=steps or (BRONZE, SILVER, GOLD), signup_points=0, **changes)


def bought(books: Books, order_id: int, net: int, **changes: Any) -> None:
    books.tell(seen(order_id, line(1, net), at=books.now, processed_at=books.now, **changes))


def tier(books: Books, at: datetime | None = None) -> str | None:
    """The tier that holds after the clock's work."""
    books.now = at or books.now
    books.tick()
    with books.db.read() as tx:
        found = ladder.of_member(tx, books.shop_id, 7)
    assert found is not None
    return found.tier


def until(books: Books) -> datetime:
    with books.db.read() as tx:
        found = ladder.of_member(tx, books.shop_id, 7)
    assert found is not None
    assert found.tier_until is not None
    return found.tier_until


def test_tiers_basis_is_what_earns_and_not_freight_and_tax(books: Books) -> None:
    """Money for a tier counts by the programme's own basis: dear shipping buys nobody a status."""
    books.publish(rules(ladder=Ladder(basis="money")))
    books.join(7)
    bought(books, 1, 49_900, shipping_minor=9_900, tip_minor=5_000)
    assert tier(books) == "bronze"
    bought(books, 2, 100)
    assert tier(books) == "silver"


def test_tiers_basis_by_the_number_of_orders(books: Books) -> None:
    """Ten small orders are ten, and one that is taken back whole is none."""
    books.publish(rules(BRONZE, replace(SILVER, threshold=3), ladder=Ladder(basis="orders")))
    books.join(7)
    for order_id in (1, 2, 3):
        bought(books, order_id, 500)
    books.tell(refunded(3, refund(1, back(1, 1, 500), paid=500)))
    assert tier(books) == "bronze"
    bought(books, 4, 500)
    assert tier(books) == "silver"


@pytest.mark.parametrize(
    ("window", "ends"),
    [
        (Ladder(window="rolling"), datetime(2027, 3, 1, 12, tzinfo=UTC)),
        (Ladder(window="year"), datetime(2026, 12, 31, 23, tzinfo=UTC)),  # midnight in Zurich
        (Ladder(window="year", keep_next_year=True), datetime(2027, 12, 31, 23, tzinfo=UTC)),
        (Ladder(window="year", grace_months=2), datetime(2027, 2, 28, 23, tzinfo=UTC)),
        (Ladder(window="lifetime"), None),
    ],
)
def test_tier_period(books: Books, window: Ladder, ends: datetime | None) -> None:
    """Every period is there to choose, and each ends at the shop's own midnight and not before."""
    books.publish(rules(ladder=window))
    books.join(7)
    bought(books, 1, 60_000)
    assert tier(books) == "silver"
    if ends is None:
        assert tier(books, T0.replace(year=2046)) == "silver"
        return
    assert tier(books, ends.replace(hour=ends.hour - 1)) == "silver"
    assert tier(books, ends + DAY) == "bronze"


def test_entry_retain_and_reentry_thresholds(books: Books) -> None:
    """Entered at 500, kept with 200, and who fell needs 700 to come back."""
    silver = replace(SILVER, retain=200, reenter=700)
    books.publish(rules(BRONZE, silver, ladder=Ladder(window="year", keep_next_year=True)))
    books.join(7)
    bought(books, 1, 50_000)
    assert tier(books) == "silver"
    books.now = T0.replace(year=2027)
    bought(books, 2, 20_000)
    assert tier(books, T0.replace(year=2028, month=1, day=2)) == "silver", "200 of 2027 keep it for 2028"
    assert tier(books, T0.replace(year=2029, month=1, day=2)) == "bronze"
    books.now = T0.replace(year=2029)
    bought(books, 3, 69_900)
    assert tier(books) == "bronze"
    bought(books, 4, 100)
    assert tier(books) == "silver"


def test_changing_tiers_live_pauses_nobody_and_brings_the_gift(books: Books) -> None:
    """New steps come at their moment while people buy, and who reaches one by them gets its gift."""
    books.publish(rules())
    books.join(7)
    bought(books, 1, 40_000)
    assert tier(books) == "bronze"
    later = books.now + 5 * DAY
    with books.db.write(books.shop_id) as tx:
        easier = rules(BRONZE, replace(SILVER, threshold=400, gift_points=25))
        merchants.publish(tx, books.shop, easier, "staff:1", books.now, later)
    books.now += 2 * DAY
    bought(books, 2, 1_000)
    assert books.entries(7) == [("earn", 400), ("earn", 10)], "earning goes on meanwhile"
    assert tier(books, later - DAY) == "bronze"
    assert tier(books, later) == "silver"
    assert books.entries(7)[-1] == ("gift", 25)
    assert books.audit() == []


def test_changing_tiers_live_takes_a_held_tier_only_by_a_fall_that_is_announced(books: Books) -> None:
    """A dearer step does not throw out at once who stands on it: the period and the notice come first."""
    books.publish(rules(ladder=Ladder(notice_days=30)))
    books.join(7)
    bought(books, 1, 60_000)
    assert tier(books) == "silver"
    books.publish(rules(BRONZE, replace(SILVER, threshold=900), ladder=Ladder(notice_days=30)))
    books.now += DAY
    assert tier(books) == "silver"
    assert until(books) >= books.now + 30 * DAY


def test_downgrade_notice_comes_before_the_fall(books: Books) -> None:
    """A fall is told so many days ahead with its day and where to, once."""
    books.publish(rules(ladder=Ladder(notice_days=30)))
    books.join(7)
    bought(books, 1, 60_000)
    assert tier(books) == "silver"
    falls = until(books)
    for days in (31, 30, 10):
        assert tier(books, falls - days * DAY) == "silver"
    with books.db.read() as tx:
        told = [one for one in events.latest(tx, books.shop_id) if one.kind == "tier_warning"]
    assert [one.detail for one in told] == [{"tier": "silver", "to": "bronze", "at": falls.isoformat()}]
    assert told[0].at >= falls - 30 * DAY
    assert tier(books, falls) == "bronze"
