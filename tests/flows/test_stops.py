"""Stops and corrections: earning, redeeming and messages stand still and go on; orders are counted anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from plugin.domain.values import Rate
from plugin.flows import corrections, stops
from plugin.flows.corrections import CannotCorrect
from plugin.flows.offers import CannotRedeem
from plugin.store import corrections as store
from plugin.store import surveys
from tests.books import Books
from tests.facts import DAY, T0, arrived, line, parcel, programme, refund, refunded, seen, sent

HOUR = timedelta(hours=1)
DIGITAL = line(requires_shipping=False)


def stop(books: Books, what: str) -> None:
    with books.db.write(books.shop_id) as tx:
        stops.stop(tx, books.shop, what, "staff:1", books.now)  # type: ignore[arg-type]
    books.reload()


def go_on(books: Books, what: str, *, make_good: bool = False) -> None:
    with books.db.write(books.shop_id) as tx:
        stops.go_on(tx, books.shop, what, "staff:1", books.now, make_good=make_good)  # type: ignore[arg-type]
    books.reload()


def correct(books: Books, since: datetime, version: int | None) -> None:
    with books.db.write(books.shop_id) as tx:
        corrections.begin(tx, books.shop, since, version, "staff:1", books.now)


def newest(books: Books) -> store.Correction:
    with books.db.read() as tx:
        return store.newest(tx, books.shop_id, 1)[0]


def order(books: Books, order_id: int, at: datetime) -> None:
    books.tell(seen(order_id, DIGITAL, at=at, processed_at=at))


def test_an_order_placed_while_earning_stands_still_earns_nothing_whenever_it_comes(books: Books) -> None:
    books.join(7)
    stop(books, "earning")
    books.now = T0 + 2 * HOUR
    order(books, 1, T0 + HOUR)
    go_on(books, "earning")
    order(books, 2, T0 + HOUR)  # heard of late, placed during the stop
    order(books, 3, T0 - HOUR)  # heard of late, placed before it
    order(books, 4, T0 + 2 * HOUR)  # the moment it went on
    books.now = T0 + DAY
    books.tell(refunded(1, refund(9, paid=5_000)))
    assert books.entries(7) == [("signup", 50), ("earn", 100), ("earn", 100)]
    assert books.audit() == []


def test_the_orders_of_a_stop_can_be_made_good(books: Books) -> None:
    books.join(7)
    stop(books, "earning")
    books.now = T0 + 2 * HOUR
    order(books, 1, T0 + HOUR)
    books.tell(seen(2, DIGITAL, at=T0 + HOUR, processed_at=T0 + HOUR, customer_id=8))
    go_on(books, "earning", make_good=True)
    assert books.shop.pauses == ()
    books.tick()
    books.tick()
    assert books.entries(7) == [("signup", 50), ("earn", 100)]
    assert books.entries(8) == [("earn", 100)]
    done = newest(books)
    assert (done.orders, done.points, done.finished_at) == (2, 200, books.now)
    assert books.audit() == []


def test_stopping_twice_or_going_on_twice_changes_nothing(books: Books) -> None:
    stop(books, "earning")
    before = books.shop.pauses
    books.now = T0 + HOUR
    stop(books, "earning")
    assert books.shop.pauses == before
    go_on(books, "earning")
    go_on(books, "earning")
    assert [(pause.since, pause.until) for pause in books.shop.pauses] == [(T0, T0 + HOUR)]
    kinds = books.rows(
        "SELECT kind FROM events WHERE shop_id = :s AND kind IN ('paused', 'resumed') ORDER BY event_id"
    )
    assert [row[0] for row in kinds] == ["paused", "resumed"]


def test_nobody_redeems_while_redeeming_stands_still_and_nothing_is_taken(books: Books) -> None:
    books.join(7)
    books.give(7, 200)
    stop(books, "redeeming")
    with pytest.raises(CannotRedeem) as refused:
        books.redeem(7)
    assert refused.value.code == "paused"
    assert books.points(7) == (250, 0, 0)
    go_on(books, "redeeming")
    books.redeem(7)
    assert books.points(7) == (150, 0, 0)


def test_questions_wait_while_messages_stand_still(books: Books) -> None:
    books.join(7)
    books.tell(seen(1), sent(1, parcel(1)), arrived(1), confirmed=[1])
    stop(books, "messages")
    books.now = T0 + 6 * DAY
    books.tick()
    with books.db.read() as tx:
        waiting = surveys.by_order(tx, books.shop_id, 1)
    assert waiting is not None
    assert waiting.state == "waiting"
    go_on(books, "messages")
    books.tick()
    with books.db.read() as tx:
        asked = surveys.by_order(tx, books.shop_id, 1)
    assert asked is not None
    assert asked.state == "asked"


def test_a_correction_counts_the_orders_since_a_moment_by_the_chosen_version(books: Books) -> None:
    books.join(7)
    order(books, 1, T0 - HOUR)
    books.publish(replace(programme(), earning=(replace(programme().earning[0], rate=Rate(10, 100)),)), at=T0)
    books.now = T0 + DAY
    order(books, 2, T0 + HOUR)
    order(books, 3, T0 + 3 * HOUR)
    assert books.points(7)[1] == 100 + 1_000 + 1_000
    fixed = books.publish(programme(), at=T0 + DAY)
    correct(books, T0 + 2 * HOUR, fixed.version)
    for _ in range(3):
        books.tick()
    assert books.points(7)[1] == 100 + 1_000 + 100
    order(books, 4, T0 + 4 * HOUR)  # of that time and heard of only now
    order(books, 5, T0 + HOUR)  # of the time before: the mistake stands there
    assert books.points(7)[1] == 100 + 1_000 + 100 + 100 + 1_000
    books.tell(refunded(3, refund(9, paid=5_000)))
    assert books.points(7)[1] == 100 + 1_000 + 50 + 100 + 1_000
    done = newest(books)
    assert (done.orders, done.points) == (1, -900)
    assert books.audit() == []


def test_a_correction_in_slices_of_one_ends_alike_and_is_carried_on_after_a_stop(books: Books) -> None:
    books.join(7)
    for order_id in range(1, 6):
        order(books, order_id, T0 + order_id * HOUR)
    books.now = T0 + DAY
    doubled = books.publish(
        replace(programme(), earning=(replace(programme().earning[0], rate=Rate(2, 100)),)), at=T0 + DAY
    )
    correct(books, T0, doubled.version)
    for done in range(1, 6):
        with books.db.write(books.shop_id) as tx:
            assert corrections.carry_on(tx, books.shop, books.now, 1)
        assert books.points(7)[1] == 500 + 100 * done
    with books.db.write(books.shop_id) as tx:
        assert corrections.carry_on(tx, books.shop, books.now, 1)
        assert not corrections.carry_on(tx, books.shop, books.now, 1)
    assert books.audit() == []


@pytest.mark.parametrize(
    ("since", "version", "code", "field"),
    [
        (T0, 1, "not_past", "since"),
        (T0 - 3 * DAY, 1, "before_programme", "since"),
        (T0 - HOUR, 9, "no_such_version", "version"),
    ],
)
def test_a_correction_that_cannot_be_is_refused(
    books: Books, since: datetime, version: int, code: str, field: str
) -> None:
    with pytest.raises(CannotCorrect) as refused:
        correct(books, since, version)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_one_correction_at_a_time(books: Books) -> None:
    correct(books, T0 - HOUR, 2)
    with pytest.raises(CannotCorrect) as refused:
        correct(books, T0 - HOUR, 2)
    assert refused.value.code == "under_way"
