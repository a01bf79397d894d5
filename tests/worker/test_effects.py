"""Effects: each is performed, survives every trouble of the platform, and is never done twice."""

from __future__ import annotations

import pytest

from plugin.store import queues
from plugin.worker.effects import PERFORMERS, perform_now
from tests.worker.effects_at_hand import PREPARED, code_make, codes
from tests.worker.world import World

KINDS = sorted(PERFORMERS)


def test_every_kind_of_effect_has_a_case_here() -> None:
    assert sorted(PREPARED) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_an_effect_is_performed_and_may_be_performed_again(world: World, kind: str) -> None:
    case = PREPARED[kind](world)
    assert world.effect(case.key)[0] == 0
    world.worker.settle()
    assert world.effect(case.key)[0] == 1
    case.check()
    with world.db.write(world.shop_id) as tx:
        tx.run(
            "UPDATE outbox SET state = 0 WHERE shop_id = :s AND effect_key = :k", s=world.shop_id, k=case.key
        )
    world.worker.settle()
    assert world.effect(case.key)[0] == 1
    case.check()
    assert world.unfinished() == []
    assert world.audit() == []


@pytest.mark.parametrize("fault", ["throttle", "http_500", "timeout_before", "timeout_after"])
@pytest.mark.parametrize("kind", KINDS)
def test_passing_trouble_is_survived(world: World, kind: str, fault: str) -> None:
    case = PREPARED[kind](world)
    world.platform.faults.add(fault, "graphql", times=7)  # outlasts the tries of one call
    world.worker.settle()
    world.platform.faults.clear()
    for _ in range(8):
        world.forward(hours=1)
        world.worker.settle()
    assert world.effect(case.key)[0] == 1
    case.check()
    assert world.unfinished() == []
    assert world.audit() == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "code.make"])
def test_a_refusal_is_parked_where_it_is_seen_and_can_be_retried(world: World, kind: str) -> None:
    case = PREPARED[kind](world)
    world.platform.faults.add("refuse", "graphql", times=None, code="ACCESS_DENIED")
    world.worker.settle()
    state, reason = world.effect(case.key)
    assert state == 2
    assert reason is not None
    assert "access_denied" in reason
    shop_id = world.shop_id
    with world.db.read() as tx:
        assert case.key in [row[0] for row in queues.outbox_parked(tx, shop_id)]
    world.platform.faults.clear()
    with world.db.write(shop_id) as tx:
        assert queues.effect_retry(tx, shop_id, None, world.at) > 0
    world.worker.settle()
    assert world.effect(case.key)[0] == 1
    case.check()
    assert world.audit() == []


def test_a_code_refused_for_good_brings_the_points_back(world: World) -> None:
    customer = world.rich()
    redemption = world.redeem(customer)
    world.platform.faults.add("refuse", "discountCodeBasicCreate", code="INVALID")
    world.worker.settle()
    settled = world.redemption(redemption.redemption_id)
    assert (settled.state, settled.reason) == ("refused", "refused_invalid")
    assert world.points(customer)[0] == 550
    assert codes(world, redemption) == []
    assert world.unfinished() == []
    assert world.audit() == []


def test_a_code_somebody_else_owns_brings_the_points_back(world: World) -> None:
    customer = world.rich()
    redemption = world.redeem(customer)
    other = world.redeem(world.rich(), "theirs")
    world.worker.settle()
    renamed = "UPDATE redemptions SET code = :c WHERE shop_id = :s AND redemption_id = :o"
    _change(world, renamed, c="REG-OTHER", o=other.redemption_id)
    again = world.redeem(customer, "second")
    _change(world, renamed, c=other.code, o=again.redemption_id)  # the same letters, drawn twice
    world.worker.settle()
    assert world.redemption(again.redemption_id).state == "refused"
    assert world.redemption(redemption.redemption_id).state == "made"
    assert world.points(customer)[0] == 450
    assert world.audit() == []


def test_a_waiting_shopper_gets_the_code_at_once_and_the_worker_finds_it_done(world: World) -> None:
    case = code_make(world)
    perform_now(world.app.bench, world.shop_id, case.key)
    assert world.effect(case.key)[0] == 1
    case.check()
    world.worker.settle()
    case.check()


@pytest.mark.parametrize("fault", ["http_500", "timeout_before", "timeout_after"])
def test_when_the_platform_keeps_the_shopper_waiting_the_worker_takes_over(world: World, fault: str) -> None:
    case = code_make(world)
    world.platform.faults.add(fault, "discountCodeBasicCreate")
    perform_now(world.app.bench, world.shop_id, case.key)
    assert world.effect(case.key)[0] == 0
    world.forward(minutes=10)
    world.worker.settle()
    case.check()


def test_perform_now_never_raises(world: World) -> None:
    perform_now(world.app.bench, world.shop_id, "redemption:1:make")
    perform_now(world.app.bench, 10**9, "redemption:1:make")


def test_an_effect_of_an_unknown_kind_is_parked_in_the_end(world: World) -> None:
    from plugin.store.queues import MAX_ATTEMPTS, Effect

    world.enqueue(Effect("odd:1", "odd.kind", {}))
    for _ in range(MAX_ATTEMPTS):
        world.worker.settle()
        world.forward(hours=2)
    assert world.effect("odd:1") == (2, "KeyError")
    _change(world, "DELETE FROM outbox WHERE shop_id = :s AND effect_key = 'odd:1'")


def _change(world: World, sql: str, **parameters: object) -> None:
    shop_id = world.shop_id
    with world.db.write(shop_id) as tx:
        assert tx.run(sql, s=shop_id, **parameters) == 1
