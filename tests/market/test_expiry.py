"""What others get wrong about expiry: balances collapse, a new rule takes old points at once, nobody is warned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugin.domain.programme import Expiry
from plugin.store import events
from plugin.store.db import Database
from tests.books import Books
from tests.facts import DAY, T0, programme


def shop(db: Database, expiry: Expiry, **rules: Any) -> Books:
    """Member 7 with the 50 points of joining."""
    made = Books(db, programme(expiry=expiry, expiry_months=rules.pop("expiry_months", None), **rules))
    made.join(7)
    made.tick()
    return made


def after(books: Books, moment: datetime) -> tuple[int, int, int]:
    books.now = moment
    books.tick()
    return books.points(7)


def test_points_expiry_a_debit_never_collapses_the_balance(shared: Database) -> None:
    """Points that were spent come out of the oldest lot: when it ends, what is left of it goes and no more."""
    books = shop(shared, Expiry(), signup_points=0)
    books.give(7, 100, ends=T0 + 10 * DAY)
    books.give(7, 60, ends=T0 + 20 * DAY)
    books.redeem(7)
    assert after(books, T0 + 10 * DAY) == (60, 0, 0)
    assert [kind for kind, _ in books.entries(7)].count("expire") == 0
    assert after(books, T0 + 20 * DAY) == (0, 0, 0)
    assert books.entries(7)[-1] == ("expire", -60)
    assert books.audit() == []


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("expiry", "lot_months", "gone"),
    [
        (Expiry("inactivity", months=6), None, datetime(2026, 9, 1, 12, tzinfo=UTC)),
        (Expiry("dates", dates=("12-31",)), None, datetime(2027, 12, 31, 22, 59, 59, tzinfo=UTC)),
        (Expiry(), 3, datetime(2026, 6, 1, 12, tzinfo=UTC)),
        (Expiry(), None, None),
    ],
    ids=["inactivity", "closing day", "per lot", "never"],
)
def test_points_expiry_kinds(
    shared: Database, expiry: Expiry, lot_months: int | None, gone: datetime | None
) -> None:
    """Every kind is there to choose, to the second and in the shop's time zone; a late clock changes nothing."""
    books = shop(shared, expiry, expiry_months=lot_months)
    assert after(books, T0.replace(year=2046) if gone is None else gone - SECOND)[0] == 50
    if gone is not None:
        books.now = gone
        assert books.points(7)[0] == 0, "whether or not the clock has come round"
        assert after(books, gone)[0] == 0


def test_points_expiry_switched_on_leaves_everybody_a_full_period(shared: Database) -> None:
    """Points of four years ago do not end the night the rule is switched on, but six months later."""
    books = shop(shared, Expiry())
    books.now = T0.replace(year=2030)
    books.publish(programme(expiry=Expiry("inactivity", months=6), expiry_months=None))
    assert after(books, datetime(2030, 8, 31, tzinfo=UTC))[0] == 50
    assert after(books, datetime(2030, 9, 1, 12, tzinfo=UTC))[0] == 0


def test_expiry_notices_come_once_each_and_before(shared: Database) -> None:
    """Two warnings with the number of points, whether or not anybody sends mails, however often the clock runs."""
    books = shop(shared, Expiry(first_days=30, last_days=1))
    books.give(7, 25, ends=T0 + 100 * DAY)
    for day in (60, 70, 71, 98, 99, 99, 100, 101):
        after(books, T0 + day * DAY)
    with books.db.read() as tx:
        told = [one.detail for one in events.latest(tx, books.shop_id) if one.kind == "points_expiring"]
    assert [(one["reminder"], one["points"]) for one in reversed(told)] == [("first", 25), ("last", 25)]
