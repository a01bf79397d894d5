"""Effects: each is performed, survives every trouble of the platform, and is never done twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from plugin.shopify.errors import Unavailable
from plugin.shopify.perform import CreditOrder, give_credit
from plugin.store import queues
from plugin.store.db import Database, Tx
from plugin.store.queues import MAX_ATTEMPTS, Effect
from plugin.worker.effects import PERFORMERS, SLICE_S, perform_due, perform_now
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


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("code.make", "referral.make")])
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


def test_credit_whose_call_acts_after_it_was_looked_for_is_given_once(world: World) -> None:
    case = PREPARED["credit.make"](world)
    world.platform.faults.add("timeout_before", "storeCreditAccountCredit")
    world.worker.settle()
    for _ in range(3):
        world.forward(seconds=20)
        world.worker.settle()  # looks, finds nothing, and sends nothing again
        with pytest.raises(AssertionError):
            case.check()
    redemption = world.redemption(int(case.key.split(":")[1]))
    assert redemption.expires_at is not None
    late = CreditOrder(redemption.member_id, 1_000, "CHF", redemption.created_at, redemption.expires_at)
    give_credit(world.app.bench.clients.of(world.shop_id, world.shop.domain), late, sent_ago=None)
    world.forward(hours=1)
    world.worker.settle()
    assert world.effect(case.key)[0] == 1
    case.check()


def test_a_referral_code_refused_for_good_makes_room_for_another(world: World) -> None:
    case = PREPARED["referral.make"](world)
    world.platform.faults.add("refuse", "discountCodeBasicCreate", code="INVALID")
    world.worker.settle()
    sql = "SELECT state FROM referral_codes WHERE shop_id = :s AND code = :c"
    assert world.rows(sql, c=case.key.split(":")[1]) == [("refused",)]
    assert world.effect(case.key)[0] == 1


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


def claimed(world: World, effect_key: str) -> Effect:
    """The effect as the web request holds it."""
    shop_id = world.shop_id
    with world.db.write(shop_id) as tx:
        held = queues.claim_now(tx, shop_id, effect_key, world.at)
    assert held is not None
    return held


def test_a_waiting_shopper_gets_the_code_at_once_and_the_worker_finds_it_done(world: World) -> None:
    case = code_make(world)
    perform_now(world.app.bench, world.shop_id, claimed(world, case.key))
    assert world.effect(case.key)[0] == 1
    case.check()
    world.worker.settle()
    case.check()


@pytest.mark.parametrize("fault", ["http_500", "timeout_before", "timeout_after"])
def test_when_the_platform_keeps_the_shopper_waiting_the_worker_takes_over(world: World, fault: str) -> None:
    case = code_make(world)
    world.platform.faults.add(fault, "discountCodeBasicCreate")
    perform_now(world.app.bench, world.shop_id, claimed(world, case.key))
    assert world.effect(case.key)[0] == 0
    world.forward(minutes=10)
    world.worker.settle()
    case.check()


def test_perform_now_never_raises(world: World) -> None:
    for shop_id in (world.shop_id, 10**9):
        perform_now(world.app.bench, shop_id, Effect("redemption:1:make", "code.make", {"redemption_id": 1}))


def test_an_effect_of_an_unknown_kind_is_parked_in_the_end(world: World) -> None:
    world.enqueue(Effect("odd:1", "odd.kind", {}))
    for _ in range(MAX_ATTEMPTS):
        world.worker.settle()
        world.forward(hours=2)
    assert world.effect("odd:1") == (2, "KeyError")
    _change(world, "DELETE FROM outbox WHERE shop_id = :s AND effect_key = 'odd:1'")


def test_the_shopper_holds_the_effect_before_any_worker_can_see_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that claims whatever it finds after every single commit gets nothing of a redemption."""
    customer, shop_id, stolen = world.rich(), world.shop_id, list[str]()
    request = world.dev.proxy_request("GET", "me", customer_id=customer.id)
    me = json.loads(world.web.get(request.url, headers=list(request.headers.items())).data)
    real = Database.write

    @contextmanager
    def write(self: Database, shop_id_: int | None = None) -> Iterator[Tx]:
        with real(self, shop_id_) as tx:
            yield tx
        with real(self, shop_id) as tx:
            stolen.extend(e.effect_key for e in queues.claim(tx, shop_id, "worker", world.at, 50))

    monkeypatch.setattr(Database, "write", write)
    wish = {"reward": "five_off", "request_key": "tap-at-the-worst-moment", "nonce": me["nonce"]}
    sent = world.dev.proxy_request("POST", "redeem", customer_id=customer.id, json=wish)
    answer = world.web.post(sent.url, data=sent.body, headers=list(sent.headers.items()))
    monkeypatch.undo()
    assert (answer.status_code, json.loads(answer.data)["state"]) == (200, "made")
    assert stolen == [f"member:{customer.id}:mirror"]
    world.recover()
    assert world.unfinished() == []


def test_when_the_platform_is_away_a_shop_is_tried_once_and_the_rest_is_given_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [PREPARED["order.read"](world) for _ in range(4)]
    tried: list[str] = []

    def away(_bench: Any, _client: Any, _shop: Any, effect: Effect) -> None:
        tried.append(effect.effect_key)
        raise Unavailable("Shopify could not answer.", outcome_unknown=False)

    with monkeypatch.context() as outage:
        outage.setitem(PERFORMERS, "order.read", away)
        assert perform_due(world.app.bench, world.shop_id) == 1
    assert len(tried) == 1
    waiting = world.rows("SELECT attempts, lease_until_at FROM outbox WHERE shop_id = :s AND state = 0")
    assert {row[1] for row in waiting} == {None}
    assert sorted(row[0] for row in waiting if row[0]) == [1]
    world.recover()
    for case in cases:
        case.check()
    assert world.unfinished() == []


def test_a_slow_platform_keeps_a_shop_for_a_slice_and_no_lease_runs_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [PREPARED["order.read"](world) for _ in range(4)]
    clock, real = [0.0], PERFORMERS["order.read"]

    def slow(*what: Any) -> None:
        clock[0] += SLICE_S / 2
        real(*what)

    bench = replace(world.app.bench, elapsed=lambda: clock[0])
    monkeypatch.setitem(PERFORMERS, "order.read", slow)
    perform_due(bench, world.shop_id)
    assert clock == [SLICE_S]
    left = world.rows(
        "SELECT effect_key FROM outbox WHERE shop_id = :s AND state = 0 AND kind = 'order.read'"
    )
    assert len(left) == 2
    assert world.rows("SELECT 1 FROM outbox WHERE shop_id = :s AND lease_until_at IS NOT NULL") == []
    world.recover()
    for case in cases:
        case.check()


def test_no_text_of_an_error_reaches_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    case = code_make(world)

    def odd(*_: Any) -> None:
        raise ValueError("ada@example.com is not a number") from KeyError("grace@example.com")

    with monkeypatch.context() as broken, caplog.at_level("DEBUG"):
        broken.setitem(PERFORMERS, "code.make", odd)
        perform_due(world.app.bench, world.shop_id)
        world.recover()
        perform_now(world.app.bench, world.shop_id, Effect(case.key, "code.make", {}))
    assert "ValueError from KeyError at test_effects.py:" in caplog.text
    assert "example.com" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]
    world.recover()


def _change(world: World, sql: str, **parameters: object) -> None:
    shop_id = world.shop_id
    with world.db.write(shop_id) as tx:
        assert tx.run(sql, s=shop_id, **parameters) == 1
