"""API, memberships: a member is frozen, taken out and taken back by a program."""

from __future__ import annotations

from tests.pages.api.caller import fault, program
from tests.pages.scene import ALICE, ANNA, MALLORY, Scene, code_of


def test_a_member_is_frozen_and_freed(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    caller, path = program(scene), f"/members/{ANNA}/membership"
    silent = caller.send("POST", path, {"change": "freeze"}, Idempotency_Key="a")
    assert fault(silent) == (422, "no_reason", "reason")
    frozen = caller.post(path, {"change": "freeze", "reason": "Looks like fraud"}, 200)
    assert frozen == {"member_id": str(ANNA), "status": "active", "frozen_since": "2026-11-22T09:00:00Z"}
    assert code_of(scene.redeem(ANNA)) == "frozen"
    assert caller.post(path, {"change": "unfreeze"}, 200)["frozen_since"] is None
    assert scene.redeem(ANNA).status_code == 200


def test_a_member_is_taken_out_and_back_in(light: Scene) -> None:
    light.member(ALICE, ANNA, 500)
    caller, path = program(light), f"/members/{ANNA}/membership"
    assert caller.post(path, {"change": "opt_out"}, 200)["status"] == "left"
    assert caller.get(path)["status"] == light.status(ALICE, ANNA) == "left"
    assert caller.post(path, {"change": "opt_in"}, 200)["status"] == "active"
    stranger = program(light, shop=MALLORY)
    assert fault(stranger.send("POST", path, {"change": "opt_out"}, Idempotency_Key="a"))[0] == 404
