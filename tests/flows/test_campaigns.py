"""Campaigns in the books: their points stand apart, orders keep their version, figures lead to the orders."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from plugin.domain.earning.campaigns import CAMPAIGN
from plugin.domain.facts import Buyer, LineProduct, OrderSeen
from plugin.domain.programme import Campaign, Programme
from plugin.domain.values import Ratio
from plugin.insights import campaigns as insights
from plugin.insights.campaigns import Trial
from plugin.store import campaigns as store
from tests.books import Books
from tests.facts import DAY, T0, back, line, programme, refund, refunded, seen


def campaign(key: str = "double", **changes: Any) -> Campaign:
    """The Saturday and the Sunday after T0, which is a Sunday's noon."""
    given: dict[str, Any] = {
        "name": "Double weekend", "starts": "2026-03-07", "ends": "2026-03-09", "zone": "Europe/Zurich",
    }  # fmt: skip
    return Campaign(key, **{**given, **changes})


def rules(*campaigns: Campaign, **changes: Any) -> Programme:
    return programme(signup_points=0, tiers=(), campaigns=campaigns, **changes)


def bought(order_id: int, at: datetime, **changes: Any) -> OrderSeen:
    return seen(order_id, line(order_id, 10_000), at=at, **{"processed_at": at, **changes})


SATURDAY = T0 + 6 * DAY


def stands(books: Books) -> dict[int, dict[str, int]]:
    rows = books.rows("SELECT order_id, standing FROM orders WHERE shop_id = :s ORDER BY order_id")
    return {row[0]: {k: v[0] for k, v in msgspec.json.decode(row[1]).items() if v[0]} for row in rows}


def test_a_campaign_stands_apart_with_its_name_and_is_taken_back_with_the_order(books: Books) -> None:
    books.publish(rules(campaign()))
    books.tell(bought(1, SATURDAY), bought(2, SATURDAY - 2 * DAY))
    assert stands(books) == {1: {"purchase": 100, "campaign_double": 100}, 2: {"purchase": 100}}
    whys: dict[str, str] = dict(books.rows("SELECT source_key, why FROM entries WHERE shop_id = :s"))
    why = msgspec.json.decode(whys["order:1:campaign_double:1"])
    assert (why["name"], why["campaign"], why["target"]) == ("Double weekend", "double", 100)
    half = refunded(1, refund(1, back(1, 1, 10_000), paid=10_000))
    books.tell(half, bought(1, SATURDAY))  # told again and out of order
    assert stands(books) == {1: {}, 2: {"purchase": 100}}
    assert books.audit() == []


def test_a_campaign_that_began_before_it_was_published_touches_no_earlier_order(books: Books) -> None:
    books.publish(rules(), at=T0)
    books.now = SATURDAY + timedelta(hours=2)
    books.publish(rules(campaign()))
    books.now = SATURDAY + timedelta(hours=4)
    books.tell(bought(1, SATURDAY), bought(2, SATURDAY + timedelta(hours=3)))
    assert stands(books) == {1: {"purchase": 100}, 2: {"purchase": 100, "campaign_double": 100}}
    # Taken out again while it runs: what was placed keeps it, also when it is told of later.
    books.publish(rules())
    books.now = SATURDAY + timedelta(hours=6)
    books.tell(bought(3, SATURDAY + timedelta(hours=3, minutes=30)), bought(4, SATURDAY + timedelta(hours=5)))
    assert stands(books)[3] == {"purchase": 100, "campaign_double": 100}
    assert stands(books)[4] == {"purchase": 100}


def test_customers_of_a_segment_and_products_count_once_a_read_told(books: Books) -> None:
    books.publish(rules(campaign(tags=("VIP",), scope="collection", values=("900",))))
    first = bought(1, SATURDAY)
    books.tell(first)
    assert stands(books) == {1: {"purchase": 100}}
    read = replace(
        first, head=replace(first.head, origin="read"), buyer=Buyer(False, ("vip", "other")),
        products=(LineProduct(1, collections=(900,)),),
    )  # fmt: skip
    books.tell(read, confirmed=[1])
    assert stands(books) == {1: {"purchase": 100, "campaign_double": 100}}
    kept = msgspec.json.decode(books.rows("SELECT projection FROM orders WHERE shop_id = :s")[0][0])
    assert kept["buyer"]["tags"] == ["vip"]


def test_the_best_campaign_may_change_with_a_refund_and_nothing_is_owed_for_it(books: Books) -> None:
    books.publish(
        rules(
            campaign("tea", name="Tea", multiplier=Ratio(3), scope="product", values=("11",)),
            campaign("gift", name="Gift", effect="points", points=60),
            clawback="floor",
        )
    )
    both = seen(1, line(1, 10_000, product_id=11), line(2, 5_000), at=SATURDAY, processed_at=SATURDAY)
    books.tell(both)
    assert stands(books) == {1: {"purchase": 150, "campaign_tea": 200}}
    books.tell(refunded(1, refund(1, back(1, 1, 10_000), paid=10_000)))
    assert stands(books) == {1: {"purchase": 50, "campaign_gift": 60}}
    assert books.rows("SELECT COUNT(*) FROM entries WHERE shop_id = :s AND kind = 'forgiven'") == [(0,)]
    assert books.audit() == []


def test_a_dry_run_moves_the_campaign_to_the_same_weekdays_that_are_over(books: Books) -> None:
    books.join(7)
    last, before = T0 - timedelta(hours=20), T0 - timedelta(hours=40)  # Saturday and Friday in Zurich
    books.tell(bought(1, last), bought(2, before))
    books.now = T0 + DAY  # Monday: the weekend that is over is the one of T0
    books.tell(bought(3, T0 + timedelta(hours=1)))
    draft = rules(
        campaign(starts="2026-05-09", ends="2026-05-11"),
        campaign(
            "vip",
            name="VIP",
            starts="2026-05-09",
            ends="2026-05-11",
            effect="points",
            points=5,
            tags=("vip",),
        ),
        campaign_stacking="add",
    )
    with books.db.read() as tx:
        found = insights.trials(tx, books.shop_id, draft, books.now)
    double, vip = found
    weekend = (datetime(2026, 2, 27, 23, tzinfo=UTC), datetime(2026, 3, 1, 23, tzinfo=UTC))
    assert double == Trial(double.campaign, *weekend, orders=2, points=200, unknown=0, complete=True)
    assert (vip.orders, vip.points, vip.unknown) == (0, 0, 2)


def test_the_report_sums_to_its_orders_and_knows_campaigns_that_were_taken_out(books: Books) -> None:
    books.publish(rules(campaign()))
    books.now = SATURDAY + DAY
    books.tell(*(bought(n, SATURDAY + n * timedelta(minutes=1)) for n in range(1, 6)), bought(9, T0 + DAY))
    books.tell(refunded(2, refund(1, back(2, 1, 4_000), paid=4_000)))  # of one unit: the line is gone
    books.publish(rules(campaign("later", name="Later", starts="2026-06-01", ends="2026-06-02")))
    books.tell(bought(8, SATURDAY + DAY + timedelta(minutes=1)))
    rule = CAMPAIGN + "double"
    with books.db.read() as tx:
        results = insights.results(tx, books.shop_id)
        since, until = results[1].since, results[1].until
        rows = store.orders(tx, books.shop_id, rule, since, until, None, 3)
        last = rows[-1]
        below = (int(last.processed_at.timestamp() * 1000), last.order_id)
        rest = store.orders(tx, books.shop_id, rule, since, until, below, 3)
        strangers = store.given(tx, books.shop_id + 1, rule, since, until)
    assert [(one.campaign.key, one.orders, one.points) for one in results] == [
        ("later", 0, 0),
        ("double", 4, 400),
    ]
    assert [row.order_id for row in rows + rest] == [5, 4, 3, 1]
    assert sum(row.given for row in rows + rest) == 400
    assert strangers == (0, 0)
