"""Members: what is known of them, their other names, their tiers; and two smaller stores beside."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.domain.facts import CustomerFact
from plugin.store import ladder, members, meta
from plugin.store.clock import Clock
from plugin.store.db import Database
from tests.books import Books
from tests.facts import DAY, T0


def test_a_name_is_never_erased_and_the_gone_stay_gone(books: Books) -> None:
    ada = CustomerFact(7, T0, "ada@example.com", "Ada", "Lovelace", "en")
    with books.db.write(books.shop_id) as tx:
        members.seen(tx, books.shop_id, [ada, CustomerFact(8)], T0, status="unclaimed")
        members.seen(tx, books.shop_id, [CustomerFact(7, T0, None, "Augusta")], T0 + DAY, status="active")
        assert members.refresh(tx, books.shop_id, CustomerFact(8, T0, "ben@example.com"))
        assert not members.refresh(tx, books.shop_id, CustomerFact(9, T0, "eve@example.com"))
        members.redact(tx, books.shop_id, 8)
        assert not members.refresh(tx, books.shop_id, CustomerFact(8, T0, "ben@example.com"))
        members.seen(tx, books.shop_id, [CustomerFact(8, T0, "ben@example.com")], T0, status="unclaimed")
        found = members.load(tx, books.shop_id, [7, 8, 9])
    assert (found[7].email, found[7].first_name, found[7].status, found[7].created_at) == (
        "ada@example.com", "Augusta", "unclaimed", T0,
    )  # fmt: skip
    assert (found[8].email, found[8].status) == (None, "redacted")
    assert 9 not in found


def test_names_lead_to_the_last_one_kept(books: Books) -> None:
    with books.db.write(books.shop_id) as tx:
        members.alias(tx, books.shop_id, 1, 2, T0)
        members.alias(tx, books.shop_id, 2, 3, T0 + DAY)
        members.alias(tx, books.shop_id, 1, 9, T0 + 2 * DAY)  # told again, otherwise: the first stands
        assert members.resolve(tx, books.shop_id, [1, 2, 3]) == {1: (3, T0), 2: (3, T0 + DAY)}
        assert members.resolved(tx, books.shop_id, 3) == 3
        assert members.old_ids(tx, books.shop_id, 3) == [1, 2]


def test_the_tier_of_a_moment(books: Books) -> None:
    with books.db.write(books.shop_id) as tx:
        for tier, since in (("bronze", T0), ("silver", T0 + DAY), ("gold", T0 + DAY)):
            # The last two are of one moment: one follows the other by 1 ms.
            ladder.history_from(tx, books.shop_id, [(7, tier, "")], since)
        history = members.tier_histories(tx, books.shop_id, [7, 8])
    assert list(history) == [7]
    at = [T0 - DAY, T0, T0 + DAY, T0 + DAY + timedelta(milliseconds=1), T0 + 99 * DAY]
    assert [members.tier_at(history[7], moment) for moment in at] == [
        None,
        "bronze",
        "silver",
        "gold",
        "gold",
    ]
    assert members.tier_at(None, T0) is None


def test_a_lease_is_for_one_holder_in_real_time(database: Database) -> None:
    with database.write() as tx:
        assert meta.take_lease(tx, "worker", "a", 60)
        assert meta.take_lease(tx, "worker", "a", 60)
        assert not meta.take_lease(tx, "worker", "b", 60)
        assert meta.worker(tx) == "a"
        meta.drop_lease(tx, "worker", "b")
        assert not meta.take_lease(tx, "worker", "b", 60)
        meta.drop_lease(tx, "worker", "a")
        assert meta.take_lease(tx, "worker", "b", -1)
        assert meta.worker(tx) is None
        assert meta.take_lease(tx, "worker", "c", 60)


def test_the_clock_moves_for_everyone_and_only_where_it_may(database: Database) -> None:
    here, elsewhere, live = (Clock(database, movable=movable) for movable in (True, True, False))
    before = live.now()
    moved = here.move(timedelta(days=15))
    assert moved - before >= timedelta(days=15)
    for clock in (here, elsewhere):
        assert (
            timedelta(days=15)
            <= clock.now() - live.now() + timedelta(seconds=5)
            < timedelta(days=15, minutes=5)
        )
    here.move(timedelta(hours=6))
    with database.read() as tx:
        assert meta.clock_offset(tx) == timedelta(days=15, hours=6)
    assert live.now() - before < timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("+15d", timedelta(days=15)),
        ("6h", timedelta(hours=6)),
        ("+30m", timedelta(minutes=30)),
        (" +10s ", timedelta(seconds=10)),
    ],
)
def test_spans(text: str, span: timedelta) -> None:
    assert Clock.span(text) == span


@pytest.mark.parametrize("text", ["", "-1d", "15", "d", "+1w", "+1.5h", "1000000d"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="Write a span"):
        Clock.span(text)
