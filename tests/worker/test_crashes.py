"""Killed with SIGKILL at every step of every effect, and at random: nothing is lost and nothing is done twice."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from plugin.worker.effects import PERFORMERS
from tests.worker.crashing import Job, Plan, run
from tests.worker.effects_at_hand import PREPARED, codes
from tests.worker.world import World


@pytest.fixture(scope="module")
def address(world: World) -> Iterator[str]:
    with world.served() as served:
        yield served


def plan(world: World, address: str, job: Job, die_at: int) -> Plan:
    return Plan(replace(world.config, devshop_url=address), world.at, world.shop_id, job, die_at)


@pytest.mark.parametrize("kind", sorted(PERFORMERS))
def test_a_worker_killed_at_each_step_of_each_effect(world: World, address: str, kind: str) -> None:
    for die_at in count(1):
        case = PREPARED[kind](world)
        died = run(plan(world, address, "perform", die_at))
        world.recover()
        assert world.effect(case.key)[0] == 1, f"killed at step {die_at}"
        case.check()
        assert world.unfinished() == []
        if not died:
            break
    # At the least: the claim and the outcome (two steps each), and one call (two more).
    assert die_at > 6
    assert world.audit() == []


def test_a_web_process_killed_at_each_step_of_a_redemption(world: World, address: str) -> None:
    for die_at in count(1):
        customer = world.rich()
        asked = world.dev.proxy_request("GET", "me", customer_id=customer.id)
        me = json.loads(world.web.get(asked.url, headers=list(asked.headers.items())).data)
        wish = {"reward": "five_off", "request_key": f"tap-{die_at}-of-this-test", "nonce": me["nonce"]}
        sent = world.dev.proxy_request("POST", "redeem", customer_id=customer.id, json=wish)
        request = (sent.url, sent.body, tuple(sent.headers.items()))
        died = run(replace(plan(world, address, "request", die_at), request=request))
        world.recover()
        # The phone got no answer and asks again, with the same request key.
        answer = json.loads(world.web.post(sent.url, data=sent.body, headers=list(sent.headers.items())).data)
        world.recover()
        redemption = world.redemption(int(answer["id"]))
        assert (redemption.state, len(codes(world, redemption))) == ("made", 1), f"killed at step {die_at}"
        assert world.points(customer)[0] == 450
        if not died:
            break
    assert die_at > 6
    assert world.unfinished() == []
    assert world.audit() == []


@pytest.mark.parametrize("seed", [1, 2])
def test_a_worker_killed_at_random_during_a_replay(world: World, address: str, seed: int) -> None:
    chance = random.Random(seed)
    before, members = len(world.dev.desk.shop.discounts), [world.rich() for _ in range(4)]
    redemptions = [world.redeem(member, f"tap {n}") for member in members for n in range(2)]
    orders = [world.order(chance.choice(members), chance.randint(1, 4)) for _ in range(12)]
    for order in chance.sample(orders, 6):
        world.dev.deliver_parcel(world.dev.fulfil(order))
    for order in chance.sample(orders, 4):
        world.dev.refund(order, amount=chance.randint(1, 2_500))
    world.dev.cancel(next(order for order in orders if not order.fulfilments and not order.refunds))
    while world.platform.queue:
        assert {attempt.status for attempt in world.platform.flush(chance, duplicate=0.4)} == {200}
    world.forward(minutes=1)  # a tier that starts now is too late for these orders
    deaths = 0
    while run(plan(world, address, "settle", chance.randint(1, 40))):
        deaths += 1
        world.run_out_leases()
        world.forward(minutes=1)
        assert deaths < 500
    world.recover()
    assert deaths >= 3
    assert world.unfinished() == []
    assert world.rows("SELECT 1 FROM inbox WHERE shop_id = :s AND state <> 1") == []
    assert [len(codes(world, one)) for one in redemptions] == [1] * len(redemptions)
    assert len(world.dev.desk.shop.discounts) == before + len(redemptions)
    expected = {member.id: points_of(world, member.id) for member in members}
    assert {member.id: sum(world.points(member)[:2]) for member in members} == expected
    assert world.audit() == []


def points_of(world: World, customer_id: int) -> int:
    """Points by the platform's own figures: a bonus of 50, 500 given, two codes of 100, and each order's goods."""
    points = 50 + 500 - 2 * 100
    for order in world.dev.orders.values():
        if order.customer_id == customer_id and order.cancelled_at is None:
            goods = sum(2_500 * line.quantity for line in order.lines)
            back = sum(one.amount.shop for one in order.transactions if one.kind == "refund")
            points += (goods - back) // 100
    return points
