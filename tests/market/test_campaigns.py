"""What others get wrong about campaigns: a week at most, one at a time, one rule only, and a clock of another zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from plugin.domain.programme import Campaign, EarningRule, Programme
from plugin.domain.values import Rate, Ratio
from tests.books import Books
from tests.facts import T0, back, line, programme, refund, refunded, seen


def campaign(key: str, starts: str, ends: str, **changes: Any) -> Campaign:
    given: dict[str, Any] = {"name": key, "starts": starts, "ends": ends, "zone": "Europe/Zurich"}
    return Campaign(key, **{**given, **changes})


def rules(*campaigns: Campaign, **changes: Any) -> Programme:
    return programme(signup_points=0, tiers=(), campaigns=campaigns, **changes)


def bought(books: Books, order_id: int, at: datetime) -> None:
    books.tell(seen(order_id, line(order_id, 10_000), at=at, processed_at=at))


def stands(books: Books, order_id: int) -> dict[str, int]:
    [[standing]] = books.rows(f"SELECT standing FROM orders WHERE shop_id = :s AND order_id = {order_id}")
    return {rule: one[0] for rule, one in msgspec.json.decode(standing).items() if one[0]}


def test_bonus_campaigns_of_any_length_overlap_and_all_count(books: Books) -> None:
    """A summer and a weekend in it, with two order rules in force: each gives what it says, and none is lost."""
    two = (EarningRule(Rate(1, 100)), EarningRule(Rate(1, 1_000), "extra"))
    summer = campaign("summer", "2026-03-02", "2026-09-01")
    weekend = campaign("weekend", "2026-03-07", "2026-03-09", multiplier=Ratio(3))
    books.publish(rules(summer, weekend, earning=two, campaign_stacking="add"))
    books.now = T0 + timedelta(days=150)
    bought(books, 1, T0 + timedelta(days=149))
    bought(books, 2, T0 + timedelta(days=6))
    alone, both = stands(books, 1), stands(books, 2)
    assert (alone["purchase"], alone["extra"], alone["campaign_summer"]) == (100, 10, 110)
    assert set(both) == {"purchase", "extra", "campaign_summer", "campaign_weekend"}
    assert sum(both.values()) > sum(alone.values())
    books.tell(refunded(2, refund(1, back(2, 1, 10_000), paid=10_000)))
    assert stands(books, 2) == {}
    assert books.audit() == []


@pytest.mark.parametrize(
    ("moment", "counts"),
    [
        (datetime(2026, 3, 27, 22, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 27, 23, tzinfo=UTC), True),  # Saturday begins in Zurich, in winter time
        (datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 29, 22, tzinfo=UTC), False),  # Sunday ends in summer time, an hour shorter
    ],
)
def test_bonus_campaigns_begin_and_end_by_the_shops_clock(
    books: Books, moment: datetime, counts: bool
) -> None:
    """The weekend on which the clocks go forward is 47 hours long, and not 48 and not of another zone."""
    books.publish(rules(campaign("spring", "2026-03-28", "2026-03-30")))
    books.now = moment + timedelta(hours=1)
    bought(books, 1, moment)
    assert ("campaign_spring" in stands(books, 1)) is counts


def test_bonus_campaigns_are_pinned_to_the_order(books: Books) -> None:
    """A campaign that is taken out or changed while it runs leaves what was bought in it alone."""
    weekend = campaign("weekend", "2026-03-07", "2026-03-09")
    books.publish(rules(weekend))
    books.now = T0 + timedelta(days=6, hours=1)
    bought(books, 1, T0 + timedelta(days=6))
    books.publish(rules(replace(weekend, multiplier=Ratio(9))))
    bought(books, 1, T0 + timedelta(days=6))
    assert stands(books, 1) == {"purchase": 100, "campaign_weekend": 100}
    books.publish(rules())
    books.tell(refunded(1, refund(1, paid=5_000)))
    assert stands(books, 1) == {"purchase": 50, "campaign_weekend": 50}
