"""Past orders are read in bulk: history, or points if the merchant says so; no kill loses or doubles one."""

from __future__ import annotations

import random

import pytest

from plugin.flows import backfills as flow
from plugin.flows.backfills import CannotBackfill
from plugin.shopify.errors import Unavailable
from plugin.store import backfills
from plugin.store.backfills import Backfill, Policy
from plugin.store.db import Row
from plugin.worker import backfill as work
from plugin.worker.backfill import backfill
from tests.worker.world import World


@pytest.fixture
def lived(database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """Seven orders of two customers, the last two hours before the install; one partly refunded, one delivered."""
    monkeypatch.setattr(work, "SLICE", 3)
    world = World(database_url, install=False)
    ada, bob = world.customer(), world.customer()
    placed = [world.order(ada if at % 2 else bob, units=2) for at in range(7)]
    world.dev.refund(placed[0], lines=[(placed[0].lines[0], 1)])
    world.dev.deliver_parcel(world.dev.fulfil(placed[1]))
    world.forward(hours=2)
    world.platform.queue.clear()
    world.install()
    return world


def begin(world: World, policy: Policy) -> None:
    shop = world.shop
    with world.db.write(shop.shop_id) as tx:
        flow.begin(tx, shop, policy, None, "staff:1", world.now())


def settled(world: World) -> None:
    """The worker asks, the platform announces its result, and the worker takes it."""
    world.deliver()
    world.deliver()


def newest(world: World) -> Backfill:
    shop_id = world.shop_id
    with world.db.read() as tx:
        return backfills.newest(tx, shop_id, 1)[0]


def stored(world: World) -> list[tuple[int, int, int]]:
    """(basis, points, counted) of every order."""
    return [
        (row[0], row[1], row[2])
        for row in asked(
            world, "SELECT basis_minor, points, counted FROM orders WHERE shop_id = :s ORDER BY order_id"
        )
    ]


def asked(world: World, sql: str) -> list[Row]:
    shop_id = world.shop_id
    with world.db.read() as tx:
        return tx.all(sql, s=shop_id)


def test_history_counts_and_earns_nothing(lived: World) -> None:
    assert stored(lived) == []
    begin(lived, "history")
    settled(lived)
    done = newest(lived)
    assert (done.state, done.orders, done.total, done.points, done.skipped) == ("done", 7, 7, 0, 0)
    assert stored(lived) == [(2_500, 0, 1)] + [(5_000, 0, 1)] * 6
    # What happens to such an order later earns nothing either.
    lived.dev.fulfil(lived.dev.desk.order(max(lived.dev.desk.shop.orders)))
    settled(lived)
    assert {points for _, points, _ in stored(lived)} == {0}
    assert lived.audit() == []


def test_the_merchant_may_let_them_earn_by_the_first_version_also_later(lived: World) -> None:
    begin(lived, "history")
    settled(lived)
    begin(lived, "earn")
    settled(lived)
    assert stored(lived) == [(2_500, 25, 1)] + [(5_000, 50, 1)] * 6
    assert newest(lived).state == "done"
    assert lived.audit() == []


def test_earning_at_once_says_how_many_points(lived: World) -> None:
    begin(lived, "earn")
    settled(lived)
    assert (newest(lived).points, newest(lived).orders) == (325, 7)
    with lived.db.read() as tx:
        assert tx.all("SELECT COUNT(*) FROM invitations WHERE shop_id = :s", s=lived.shop_id) in (
            [(0,)],
            [(1,)],
        )


def test_killed_anywhere_it_goes_on_where_it_stood(lived: World) -> None:
    begin(lived, "earn")
    shop = lived.shop
    steps = []
    for _ in range(20):
        if newest(lived).state == "done":
            break
        lived.forward(minutes=1)
        # A kill after every step: what the generator knew is lost.
        steps.append(next(backfill(lived.app.bench, shop), None))
    assert newest(lived).state == "done"
    assert sum(taken or 0 for taken in steps) == 7
    assert newest(lived).orders == 7
    assert sum(points for _, points, _ in stored(lived)) == 325
    assert lived.audit() == []


def test_two_processes_take_no_order_twice(lived: World) -> None:
    begin(lived, "earn")
    shop = lived.shop
    list(backfill(lived.app.bench, shop))
    lived.forward(minutes=1)
    one, other = backfill(lived.app.bench, shop), backfill(lived.app.bench, shop)
    assert next(one) == 3
    assert next(other) == 3
    assert next(one, None) is None  # overtaken
    assert sum(other) == 1
    assert newest(lived).orders == 7
    assert lived.audit() == []


def test_a_result_that_is_gone_is_asked_for_again(lived: World) -> None:
    begin(lived, "history")
    shop = lived.shop
    list(backfill(lived.app.bench, shop))
    lived.forward(minutes=1)
    assert next(backfill(lived.app.bench, shop)) == 3
    kept = dict(lived.dev.desk.shop.bulk_operations)
    lived.dev.desk.shop.bulk_operations.clear()
    with pytest.raises(Unavailable):
        list(backfill(lived.app.bench, shop))
    lived.dev.desk.shop.bulk_operations.update(kept)
    assert sum(backfill(lived.app.bench, shop)) == 4
    assert newest(lived).state == "done"


def test_what_the_platform_refuses_ends_it_with_a_reason(lived: World) -> None:
    begin(lived, "history")
    with pytest.raises(CannotBackfill, match="being read already"):
        begin(lived, "history")
    lived.dev.desk.shop.scopes = [one for one in lived.dev.desk.shop.scopes if one != "read_orders"]
    settled(lived)
    assert (newest(lived).state, newest(lived).reason) == ("failed", "ACCESS_DENIED")
    assert stored(lived) == []


def test_a_shop_without_past_orders_is_done_at_once(database_url: str) -> None:
    world = World(database_url)
    begin(world, "history")
    settled(world)
    assert (newest(world).state, newest(world).orders) == ("done", 0)


def test_delivered_in_any_order_with_webhooks_it_comes_out_the_same(lived: World) -> None:
    begin(lived, "earn")
    for order in list(lived.dev.desk.shop.orders.values())[3:6]:
        lived.dev.fulfil(order)
    lived.deliver(random.Random(1), duplicate=0.5)
    settled(lived)
    assert sum(points for _, points, _ in stored(lived)) == 325
    assert lived.audit() == []


def test_nobody_is_asked_about_a_parcel_of_long_ago(database_url: str) -> None:
    world = World(database_url, install=False)
    order = world.order(world.customer())
    world.dev.deliver_parcel(world.dev.fulfil(order))
    world.forward(days=50)
    world.platform.queue.clear()
    world.install()
    begin(world, "earn")
    settled(world)
    assert asked(world, "SELECT COUNT(*) FROM invitations WHERE shop_id = :s") == [(0,)]
    assert stored(world)[0][1] == 100
