"""Referrals through the real doors: the code is made, a friend buys with it or by the link, both sides are rewarded."""

from __future__ import annotations

import pytest

from devshop.shop import Order
from plugin.domain.referrals import ATTRIBUTE
from tests.worker.effects_at_hand import sharing_code
from tests.worker.world import World


@pytest.mark.parametrize("via", ["link", "code"])
def test_a_friend_buys_and_both_are_rewarded(world: World, via: str) -> None:
    code = sharing_code(world)
    world.worker.settle()
    [(owner,)] = world.rows("SELECT member_id FROM referral_codes WHERE shop_id = :s AND code = :c", c=code)
    friend = world.customer()
    if via == "code":
        order = world.order(friend, discount_codes=[code])
        assert order.applications[0].amount.shop == 1000
    else:
        order = world.order(
            friend, attributes={ATTRIBUTE: code.lower()}, client_ip="203.0.113.9", user_agent="B"
        )
    world.deliver()
    assert _states(world, order) == [("qualified", via)]
    parcel = world.dev.fulfil(order)
    world.dev.deliver_parcel(parcel)
    world.deliver()
    world.forward(days=15)
    world.worker.settle()
    assert _states(world, order) == [("approved", via)]
    referrer = world.dev.customers[owner]
    assert world.points(referrer)[0] == 750
    world.dev.refund(order, lines=[(order.lines[0], 4)])
    world.deliver()
    assert _states(world, order) == [("cancelled", via)]
    assert world.points(referrer)[0] == 550
    assert world.unfinished() == []
    assert world.audit() == []


def _states(world: World, order: Order) -> list[tuple[str, str]]:
    sql = "SELECT state, via FROM referrals WHERE shop_id = :s AND order_id = :o"
    return [(row[0], row[1]) for row in world.rows(sql, o=order.id)]
