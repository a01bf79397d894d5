"""Clock flow: expiry, voids, tiers up at once and down in time, points that open, in slices of any size."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.domain.programme import Tier
from plugin.domain.values import Ratio
from plugin.flows import clock
from plugin.store import queues
from plugin.store.db import to_ms
from tests.books import Books
from tests.facts import DAY, T0, line, programme, refund, refunded, seen
from tests.webhooks.post import person, post
from webhooks.drain import drain_shop

MONTH = 30.5 * DAY


def test_points_expire_at_their_moment_and_are_taken_once(books: Books) -> None:
    books.join(7)
    books.give(7, 40, ends=T0 + 10 * DAY)
    books.now = T0 + 10 * DAY - timedelta(milliseconds=1)
    books.tick()
    assert books.points(7) == (90, 0, 0)
    books.now = T0 + 10 * DAY
    assert books.points(7) == (50, 0, 0)  # the clock may be late
    books.now = T0 + 11 * DAY
    for _ in range(2):
        books.tick()
    assert books.entries(7)[-1] == ("expire", -40)
    [row] = books.rows("SELECT occurred_at, source_key FROM entries WHERE shop_id = :s AND kind = 'expire'")
    assert row[0] == int((T0 + 10 * DAY).timestamp() * 1000)
    assert books.member(7).posted == 50
    assert books.audit() == []


def test_only_what_is_left_of_a_lot_expires(books: Books) -> None:
    books.join(7)
    books.give(7, 140, ends=T0 + 10 * DAY)
    books.redeem(7)
    books.now = T0 + 10 * DAY
    books.tick()
    assert books.entries(7)[-1] == ("expire", -40)
    assert books.points(7) == (50, 0, 0)
    assert books.audit() == []


def test_many_more_than_one_slice(books: Books) -> None:
    books.join(7)
    for _ in range(5):
        books.give(7, 10, ends=T0 + DAY)
    books.now = T0 + 2 * DAY
    before, clock.SLICE = clock.SLICE, 2
    try:
        books.tick()
    finally:
        clock.SLICE = before
    assert books.points(7) == (50, 0, 0)
    assert books.rows("SELECT COUNT(*) FROM entries WHERE shop_id = :s AND kind = 'expire'") == [(5,)]
    assert books.audit() == []


def test_unclaimed_points_are_void_after_twelve_months(books: Books) -> None:
    books.give_order(7)
    books.join(8)
    books.give_order(8, 2)
    books.now = T0.replace(year=2027)
    books.tick()
    assert books.points(7) == (0, 100, 0)
    books.now += DAY
    books.tick()
    assert books.entries(7) == [("earn", 100), ("void", -100)]
    assert books.points(8) == (50, 100, 0)
    books.join(7)
    assert books.points(7) == (50, 0, 0)
    assert books.audit() == []


def test_a_merge_does_not_make_unclaimed_points_younger(books: Books) -> None:
    from plugin.domain.facts import CustomersMerged

    books.give_order(9)
    books.tell(seen(2, line(1, 100), customer_id=7))
    books.now = T0 + 6 * MONTH
    books.people(CustomersMerged(7, 9, "success"))
    books.now = T0 + 13 * MONTH
    books.tick()
    assert books.points(7) == (0, 0, 0)
    assert books.audit() == []


def test_opening_points_are_shown_to_the_storefront_once(books: Books) -> None:
    books.join(7)
    books.tell(seen(1, line(requires_shipping=False)))
    books.read(1)
    books.tick()
    _done(books)
    books.now = T0 + 14 * DAY - timedelta(seconds=1)
    books.tick()
    assert books.effects("member.mirror") == []
    books.now += timedelta(seconds=1)
    books.tick()
    assert books.effects("member.mirror") == ["member:7:mirror"]
    _done(books)
    books.tick()
    assert books.effects("member.mirror") == []


def _done(books: Books) -> None:
    with books.db.write(books.shop_id) as tx:
        effects = queues.claim(tx, books.shop_id, "test", books.now, 100)
        queues.effects_done(tx, books.shop_id, effects, books.now)


def test_up_at_once(books: Books) -> None:
    books.join(7)
    books.tick()
    assert books.member(7).tier == "bronze"
    books.tell(seen(1, line(1, 50_000)))
    books.tick()
    assert books.member(7).tier == "silver"
    assert "member:7:tags" in books.effects("member.tags")
    books.now = T0 + DAY
    books.tell(seen(2, processed_at=books.now, at=books.now))
    assert books.entries(7)[-1] == ("earn", 125)  # floor(100 x 5 / 4)
    books.tell(seen(3, processed_at=T0 - timedelta(hours=1)))
    assert books.entries(7)[-1] == ("earn", 100)  # placed before the tier, whenever we hear of it


def test_down_only_when_the_period_is_over(books: Books) -> None:
    books.join(7)
    books.tell(seen(1, line(1, 50_000)))
    books.tick()
    books.now = T0 + DAY
    books.tell(refunded(1, refund(1, paid=30_000)))
    for months in (0.1, 1, 6, 11.9):
        books.now = T0 + months * MONTH
        books.tick()
        assert books.member(7).tier == "silver"
    assert books.stands(7).tier_progress == 200
    books.now = T0.replace(year=2027) + timedelta(minutes=1)
    books.tick()
    assert books.member(7).tier == "bronze"
    assert [row[0] for row in books.rows(
        "SELECT tier FROM tier_history WHERE shop_id = :s AND member_id = 7 ORDER BY from_at"
    )] == ["silver", "bronze"]  # fmt: skip


def test_a_tier_that_is_only_held_falls_at_the_end_of_its_period_and_not_later(books: Books) -> None:
    books.join(7)
    books.tell(seen(1, line(1, 50_000)))
    books.tick()
    books.now = T0 + 6 * MONTH
    books.tell(seen(2, processed_at=books.now, at=books.now))  # keeps counting long after the period
    books.tick()
    books.tell(refunded(1, refund(1, paid=50_000)))
    books.tick()
    books.now = T0.replace(year=2027) + timedelta(minutes=1)
    books.tick()
    assert books.member(7).tier == "bronze"


def test_a_tier_that_is_earned_again_is_kept(books: Books) -> None:
    books.join(7)
    books.tell(seen(1, line(1, 50_000)))
    books.tick()
    books.now = T0 + 11 * MONTH
    books.tell(seen(2, line(1, 50_000), processed_at=books.now, at=books.now))
    for months in (11, 12.1, 13, 18, 22.9):
        books.now = T0 + months * MONTH
        books.tick()
        assert books.member(7).tier == "silver"
    books.now = T0 + 23.5 * MONTH
    books.tick()
    assert books.member(7).tier == "bronze"


@pytest.mark.parametrize("tiers", [()])
def test_without_tiers_nothing_is_reviewed(books: Books, tiers: tuple[()]) -> None:
    books.publish(programme(tiers=tiers))
    books.join(7)
    books.tick()
    assert books.member(7).tier is None
    assert books.rows("SELECT review_at FROM members WHERE shop_id = :s AND member_id = 7") == [(None,)]


def test_who_is_no_member_has_no_tier(books: Books) -> None:
    books.tell(seen(1, line(1, 90_000)))
    books.tick()
    assert books.member(7).tier is None
    books.join(7)
    books.tick()
    assert books.member(7).tier == "silver"


def test_old_bodies_are_emptied_and_old_effects_forgotten(books: Books) -> None:
    books.give_order(7)
    with books.db.write() as tx:
        for number, done in (("old", T0), ("new", T0 + 20 * DAY), ("waiting", None)):
            tx.run(
                "INSERT INTO inbox (shop_id, webhook_id, topic, received_at, body, state, attempts, due_at) "
                "VALUES (:s, :w, 'orders/paid', 0, :b, :st, 0, :d)",
                s=books.shop_id, w=number, b=b"{}", st=int(done is not None),
                d=0 if done is None else int(done.timestamp() * 1000),
            )  # fmt: skip
    _done(books)
    books.now = T0 + 31 * DAY
    books.give_order(8, 2)
    with books.db.write(books.shop_id) as tx:
        clock.tidy(tx, books.shop, books.now)
    bodies = {
        row[0]: bytes(row[1]) for row in books.rows("SELECT webhook_id, body FROM inbox WHERE shop_id = :s")
    }
    assert bodies == {"old": b"", "new": b"{}", "waiting": b"{}"}
    assert books.rows("SELECT COUNT(*) FROM outbox WHERE shop_id = :s AND state = 1") == [(0,)]
    assert books.effects("order.read") == ["order:2:read"]


def test_a_published_ladder_reviews_everybody_soon(books: Books) -> None:
    books.publish(programme(tiers=()))
    for number in (7, 8):
        books.join(number)
        books.tell(seen(number, line(1, 60_000 if number == 7 else 10_000), customer_id=number))
    books.tell(seen(9, line(1, 60_000), customer_id=9))
    books.tick()
    assert [books.member(number).tier for number in (7, 8, 9)] == [None, None, None]
    books.now = T0 + DAY
    _done(books)
    books.publish(programme())
    books.tick()
    assert [books.member(number).tier for number in (7, 8, 9)] == ["silver", "bronze", None]
    assert books.effects("member.tags") == ["member:7:tags", "member:8:tags"]
    assert set(books.effects("member.mirror")) == {"member:7:mirror", "member:8:mirror"}
    books.now += DAY
    books.publish(programme(tiers=(Tier("bronze", "Bronze", 0), Tier("plate", "Plate", 400))))
    books.tick()
    assert books.member(7).tier == "plate"
    _done(books)
    books.now += DAY
    books.publish(programme(tiers=()))
    books.tick()
    assert [books.member(number).tier for number in (7, 8)] == [None, None]
    assert books.effects("member.tags") == ["member:7:tags", "member:8:tags"]


def test_a_version_with_the_same_steps_reviews_nobody(books: Books) -> None:
    books.join(7)
    books.tick()
    waits = "SELECT after_member_id FROM tier_sweeps WHERE shop_id = :s"
    books.publish(programme(tiers=(Tier("bronze", "Bronce", 0), Tier("silver", "Silver", 500, Ratio(2, 1)))))
    assert books.rows(waits) == []
    books.publish(programme(tier_months=6), at=books.now + timedelta(seconds=1))
    assert books.rows(waits) == [(-1,)]


def test_old_bodies_and_effects_go_in_slices_and_are_not_read_again(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "TIDY_SLICE", 4)
    for _ in range(10):
        post(books, "customers/update", person(7), received_at=T0)
    drain_shop(books.db, books.shop_id, books.now)
    books.give_order(7)
    _done(books)
    with books.db.write(books.shop_id) as tx:
        tx.run(
            "UPDATE outbox SET done_at = :t WHERE shop_id = :s AND state = 1", s=books.shop_id, t=to_ms(T0)
        )
    full = "SELECT COUNT(*) FROM inbox WHERE shop_id = :s AND LENGTH(body) > 0"

    def tidied() -> bool:
        with books.db.write(books.shop_id) as tx:
            return clock.tidy(tx, books.shop, books.now)

    books.now = T0 + clock.BODY_DAYS * DAY
    assert [tidied() for _ in range(2)] == [True, False]  # effects in slices; for bodies a moment too early
    assert books.rows("SELECT COUNT(*) FROM outbox WHERE shop_id = :s AND state = 1") == [(0,)]
    assert books.rows(full) == [(10,)]
    books.now += timedelta(milliseconds=1)
    assert [tidied() for _ in range(3)] == [True, True, False]
    assert books.rows(full) == [(0,)]
    assert books.rows("SELECT bodies_emptied_to FROM shops WHERE shop_id = :s") == [
        (to_ms(T0 + timedelta(milliseconds=1)),)
    ]
