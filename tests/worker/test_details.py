"""What only a read tells, through the real doors: products, companies, tags, gift cards, and where the shop is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devshop.shop import Order
from plugin.domain.programme import Expiry, LineRule, OrderRules
from plugin.domain.values import Ratio
from plugin.flows import merchants as merchant_flow
from plugin.store import programmes
from tests.worker.world import World

DOUBLE = LineRule("new", "New things", "tag", ("new",), multiplier=Ratio(2))


@pytest.fixture
def world(_sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "world.db"
    shutil.copyfile(_sqlite_template, path)
    made = World(f"sqlite:///{path}")
    yield made
    made.close()


def publish(world: World, rules: OrderRules, **more: Any) -> None:
    shop = world.shop
    with world.db.write(shop.shop_id) as tx:
        latest = programmes.versions(tx, shop.shop_id).latest
        assert latest is not None
        merchant_flow.publish(tx, shop, replace(latest, tiers=(), orders=rules, **more), "merchant", world.at)
    world.forward(seconds=2)


def worth(world: World, order: Order) -> int:
    return int(world.rows("SELECT points FROM orders WHERE shop_id = :s AND order_id = :o", o=order.id)[0][0])


def test_products_are_read_when_the_programme_asks(world: World) -> None:
    publish(world, OrderRules(lines=(DOUBLE,)))
    fresh = world.dev.create_product("Fresh tea", 1_000, tags=["New"])
    order = world.dev.place_order(world.customer(), [(fresh, 3), (world.tea, 1)])
    world.deliver()
    assert worth(world, order) == 30 * 2 + 25
    fresh.tags = []
    world.forward(hours=1)
    world.dev.edit(order, add=[(fresh, 1)])
    world.dev.pay(order)
    world.deliver()
    assert worth(world, order) == 30 * 2 + 25 + 10, (
        "the first read is pinned; the new line is read as it is now"
    )


def test_gift_cards_companies_and_staff(world: World) -> None:
    publish(world, OrderRules(credit=False, companies=False, excluded_tags=("staff",)))
    card = world.order(world.customer(), shipping=0, paid=False)
    world.dev.pay(card, 2_500, "gift_card")
    world.dev.pay(card, None, "bogus")
    company = world.order(world.customer(), company="Tea Ltd")
    staff = world.order(world.customer(tags=["Staff"]))
    other = world.order(world.customer(tags=["vip"]))
    world.deliver()
    assert [worth(world, one) for one in (card, company, staff, other)] == [75, 0, 0, 100]


def test_a_read_by_reconciliation_is_followed_by_one_with_products(world: World) -> None:
    publish(world, OrderRules(lines=(DOUBLE,)))
    fresh = world.dev.create_product("Fresh tea", 1_000, tags=["new"])
    order = world.dev.place_order(world.customer(), [(fresh, 3)])
    world.deliver(drop=1.0)
    world.forward(hours=1)
    world.worker.settle()
    assert worth(world, order) == 60


def test_days_of_expiry_follow_the_shop_into_another_time_zone_at_once(world: World) -> None:
    publish(world, OrderRules(), expiry=Expiry("dates", dates=("12-31",)))
    world.join(world.customer())
    world.deliver()
    at = "SELECT expires_at FROM lots WHERE shop_id = :s"
    [(before,)] = world.rows(at)
    world.dev.move_to("Pacific/Auckland")  # twelve hours ahead of Zurich in winter
    world.deliver()
    assert world.shop.timezone == "Pacific/Auckland"
    world.forward(minutes=1)
    world.deliver()
    assert world.rows(at) == [(before - 12 * 3_600_000,)]
    assert world.audit() == []
