"""Reconciliation: whatever webhooks were lost, an hour later the books are those of a shop that got them all."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devshop.shop import Order
from plugin.shopify import orders as platform_orders
from plugin.store import orders as order_store
from plugin.store.db import to_ms
from plugin.worker.reconcile import PAGE
from tests.worker.world import World


@pytest.fixture
def worlds(_sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Worlds of their own: every one begins with the same platform and the same numbers."""
    made: list[World] = []

    def make() -> World:
        path = tmp_path / f"world{len(made)}.db"
        shutil.copyfile(_sqlite_template, path)
        made.append(World(f"sqlite:///{path}"))
        return made[-1]

    yield make
    for world in made:
        world.close()


def live(world: World, **loss: Any) -> None:
    """A month of two customers' orders, each step followed by whatever webhooks are not lost."""
    ada, ben = world.customer(), world.customer()
    for one in (ada, ben):
        world.join(one)
    world.deliver(**loss)
    first, second, third = world.order(ada), world.order(ben, 2), world.order(ada, 1, paid=False)
    world.deliver(**loss)
    world.forward(hours=3)
    parcel = world.dev.fulfil(first)
    world.dev.fulfil(second)
    world.dev.pay(third)
    world.deliver(**loss)
    world.forward(days=2)
    world.dev.deliver_parcel(parcel)
    world.dev.refund(second, lines={second.lines[0].id: 1})
    world.deliver(**loss)
    world.forward(days=1)
    world.dev.edit(third, increase={third.lines[0].id: 2})
    fourth = world.order(ben, 3)
    world.deliver(**loss)
    world.forward(days=3)
    world.dev.cancel(fourth)
    world.dev.refund(first, amount=1_234)
    world.deliver(**loss)
    for hours in (1, 1, 24 * 20, 1):
        world.forward(hours=hours)
        world.worker.settle()


@pytest.mark.parametrize("drop", [0.3, 0.6, 1.0])
def test_lost_webhooks_heal_within_the_hour(worlds: Callable[[], World], drop: float) -> None:
    whole, lossy = worlds(), worlds()
    live(whole)
    live(lossy, shuffle=random.Random(3), drop=drop)
    assert lossy.balances() == whole.balances()
    assert len(set(whole.balances().values())) > 1
    assert (lossy.audit(), whole.audit()) == ([], [])
    assert lossy.unfinished() == []


def test_what_is_known_is_not_read_again(
    worlds: Callable[[], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = worlds()
    orders = [world.order(world.customer()) for _ in range(3)]
    world.deliver()
    read: list[int] = []
    real = platform_orders.order_seen

    def order_seen(client: Any, number: int) -> Any:
        read.append(number)
        return real(client, number)

    monkeypatch.setattr(platform_orders, "order_seen", order_seen)
    world.forward(minutes=21)
    world.worker.settle()
    assert read == []
    world.dev.refund(orders[1], amount=500)
    world.platform.queue.clear()
    world.forward(minutes=21)
    world.worker.settle()
    assert read == [orders[1].id]
    assert world.shop.reconciled_at == world.at
    assert to_ms(world.shop.orders_watermark_at) == to_ms(world.at)


def paid_in_the_second_of_a_read(world: World) -> Order:
    """An edit leaves an order owing and is read; then it is paid, while the clock stands: the same updated_at."""
    order = world.order(world.customer())
    world.forward(minutes=1)
    world.dev.edit(order, increase={order.lines[0].id: 6})
    world.deliver()
    assert status(world, order) == "partially_paid"
    world.dev.pay(order)
    return order


def status(world: World, order: Order) -> str | None:
    shop_id = world.shop_id
    with world.db.read() as tx:
        stored = order_store.by_id(tx, shop_id, order.id)
    assert stored is not None
    assert stored.order.head is not None
    return stored.order.head.financial_status


def test_a_payment_in_the_second_of_a_read_is_read_again(worlds: Callable[[], World]) -> None:
    world = worlds()
    order = paid_in_the_second_of_a_read(world)
    world.deliver()
    assert status(world, order) == "paid"
    assert world.points(world.dev.customers[order.customer_id or 0]) == (0, 250, 0)


def test_an_order_in_doubt_is_not_known(worlds: Callable[[], World]) -> None:
    """The read that the doubt asks for got lost with its row: reconciliation does it."""
    world = worlds()
    order = paid_in_the_second_of_a_read(world)
    while world.platform.queue:
        world.platform.flush()
    world.worker.drain(world.at)
    with world.db.write(world.shop_id) as tx:
        tx.run("DELETE FROM outbox WHERE shop_id = :s AND kind = 'order.read'", s=world.shop_id)
    assert status(world, order) == "partially_paid"
    world.forward(minutes=21)
    world.worker.settle()
    assert status(world, order) == "paid"
    assert world.unfinished() == []


def test_an_order_that_cannot_be_read_stops_no_other(
    worlds: Callable[[], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = worlds()
    odd, fine = world.order(world.customer()), world.order(world.customer())
    world.platform.queue.clear()
    real = platform_orders.order_seen

    def order_seen(client: Any, number: int) -> Any:
        if number == odd.id:
            raise ValueError("an answer nobody foresaw")
        return real(client, number)

    with monkeypatch.context() as broken:
        broken.setattr(platform_orders, "order_seen", order_seen)
        world.forward(minutes=30)
        world.worker.settle()
    assert world.confirmed(fine) == "yes"
    assert world.effect(f"order:{odd.id}:read") == (0, "ValueError")
    world.forward(hours=1)
    world.worker.settle()
    assert world.confirmed(odd) == "yes"


def test_trouble_of_the_platform_waits_and_loses_nothing(worlds: Callable[[], World]) -> None:
    world = worlds()
    order = world.order(world.customer())
    world.platform.queue.clear()
    watermark = world.shop.orders_watermark_at
    world.platform.faults.add("http_500", "graphql", times=None)
    world.forward(hours=1)
    world.worker.settle()
    assert world.shop.orders_watermark_at == watermark
    world.platform.faults.clear()
    world.forward(minutes=1)
    world.worker.settle()
    assert world.confirmed(order) == "yes"


def test_a_failed_reconciliation_waits_longer_each_time_and_tries_again_at_least_every_20_minutes(
    worlds: Callable[[], World], caplog: pytest.LogCaptureFixture
) -> None:
    world = worlds()
    world.platform.faults.add("http_500", "graphql", times=None)
    world.forward(hours=1)
    for _ in range(1_000):
        world.worker.settle()
        world.forward(seconds=5)
    waits = [int(text.split()[-3]) for text in caplog.messages if text.startswith("reconciling")]
    assert waits == sorted(waits)
    assert 10 < len(waits) < 20
    assert waits[-1] == 20 * 60


def test_a_round_reads_one_page_and_does_everything_else_between_two(
    worlds: Callable[[], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = worlds()
    customer = world.customer()
    many = [world.order(customer, 1) for _ in range(2 * PAGE + 1)]
    world.platform.queue.clear()
    world.forward(hours=1)
    done: list[str] = []
    seen, drained = platform_orders.order_seen, world.worker.drain

    def order_seen(client: Any, number: int) -> Any:
        done.append("read")
        return seen(client, number)

    def drain(now: Any) -> int:
        done.append("drain")
        return drained(now)

    monkeypatch.setattr(platform_orders, "order_seen", order_seen)
    monkeypatch.setattr(world.worker, "drain", drain)
    world.worker.settle()
    reads = "".join("r" if one == "read" else "d" for one in done).split("d")
    assert [len(read) for read in reads if read] == [PAGE, PAGE, 1]
    assert {world.confirmed(order) for order in many} == {"yes"}


def test_orders_from_between_install_and_set_up_are_found(worlds: Callable[[], World]) -> None:
    world = worlds()
    customer = world.customer()
    many = [world.order(customer, 1) for _ in range(30)]  # more than one page
    world.platform.queue.clear()
    world.forward(hours=1)
    world.worker.settle()
    assert {world.confirmed(order) for order in many} == {"yes"}
    assert world.points(customer) == (0, 30 * 25, 0)
    assert world.audit() == []
