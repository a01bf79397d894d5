"""API, stop and correct: one call stops, one lets go on; a correction is tried before it moves anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from plugin.domain.values import Rate
from plugin.flows import merchants
from plugin.store import programmes
from tests.pages.admin_pages import placed
from tests.pages.api.caller import fault, program
from tests.pages.scene import ALICE, ANNA, Scene, code_of


def stopped(answer: object) -> dict[str, str | None]:
    assert isinstance(answer, dict)
    return {one["what"]: one["since"] for one in answer["data"]}


def test_one_call_stops_and_one_lets_go_on(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    caller = program(scene, "read_programme", "write_programme")
    assert set(stopped(caller.get("/stops")).values()) == {None}
    for key in ("a", "a", "b"):
        answer = caller.send(
            "POST", "/stops", {"what": "redeeming", "stopped": True}, Idempotency_Key=f"stop-{key}"
        )
        assert stopped(answer.json) == {
            "earning": None,
            "redeeming": "2026-11-22T09:00:00Z",
            "messages": None,
        }
    assert code_of(scene.redeem(ANNA)) == "paused"
    caller.send("POST", "/stops", {"what": "redeeming", "stopped": False}, Idempotency_Key="go-on")
    assert set(stopped(caller.get("/stops")).values()) == {None}
    assert scene.redeem(ANNA).status_code == 200


def test_a_correction_is_tried_then_begun(scene: Scene) -> None:
    shop = scene.shop(ALICE)
    scene.member(ALICE, ANNA)
    with scene.db.write(shop.shop_id) as tx:
        first = programmes.versions(tx, shop.shop_id).latest
        assert first is not None
        rule = replace(first.earning[0], rate=Rate(3, 100))
        merchants.publish(tx, shop, replace(first, earning=(rule,)), "staff:1", scene.times.now())
    scene.times.forward(hours=1)
    placed(scene, 71, ANNA, 10_000)
    scene.times.forward(hours=1)
    wanted = {"since": (scene.times.now() - timedelta(minutes=90)).isoformat(), "version": 1}
    caller = program(scene)
    tried = caller.send("POST", "/corrections/check", wanted).json
    assert tried == {
        "orders": 1, "complete": True, "points_before": 300, "points": 100, "gained": 0, "lost": 1,
    }  # fmt: skip
    assert caller.get("/corrections")["data"] == []
    begun = caller.send("POST", "/corrections", wanted, Idempotency_Key="fix-1")
    assert begun.status_code == 201
    assert caller.get("/corrections")["data"] == [begun.json]
    again = caller.send("POST", "/corrections", wanted, Idempotency_Key="fix-2")
    assert fault(again)[:2] == (422, "under_way")


def test_what_cannot_be_corrected_names_its_field(light: Scene) -> None:
    caller = program(light)
    for path in ("/corrections", "/corrections/check"):
        for wanted, code, field in (
            ({"since": "2099-01-01T00:00:00Z", "version": 1}, "not_past", "since"),
            ({"since": "2001-01-01T00:00:00Z", "version": 1}, "before_programme", "since"),
            ({"since": "2026-11-22T09:00:00", "version": 1}, "invalid_body", "since"),
        ):
            answer = caller.send("POST", path, wanted, Idempotency_Key=f"wrong-{code}")
            assert fault(answer) == (422, code, field)
