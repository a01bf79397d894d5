"""Redeeming through the real door: two phones at once, double taps, refusals, undo, and other people's codes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from werkzeug.test import TestResponse

from plugin.store import audit, queues
from plugin.store.db import Database
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, Scene, code_of, programme


def differences(scene: Scene, domain: str = ALICE) -> list[str]:
    shop_id = scene.shop(domain).shop_id
    with scene.db.read() as tx:
        return list(audit.audit(tx, shop_id))


def test_the_answer_holds_the_code_and_the_new_balance(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 150)
    answer = scene.redeem(ANNA)
    body = answer.json
    assert body is not None
    assert (answer.status_code, body["state"], body["cost"]) == (200, "made", 100)
    assert body["code"].startswith("REG-")
    assert body["points"]["available"] == 100
    shown = scene.get("me", ANNA).json
    assert [code["code"] for code in shown["codes"]] == [body["code"]]  # type: ignore[index]
    assert scene.performed == [(scene.shop(ALICE).shop_id, f"redemption:{body['id']}:make")]
    assert differences(scene) == []


def test_a_double_tap_finds_the_first_redemption(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    first, second = scene.redeem(ANNA).json, scene.redeem(ANNA).json
    assert first is not None
    assert second is not None
    assert first["code"] == second["code"]
    assert len(scene.redemptions(ALICE, ANNA)) == 1
    third = scene.redeem(ANNA, key="tap-00002").json
    assert third is not None
    assert third["code"] != first["code"]


def _at_once(scene: Scene, keys: list[str]) -> list[TestResponse]:
    nonce, barrier = scene.nonce(ANNA), Barrier(len(keys))

    def tap(key: str) -> TestResponse:
        barrier.wait()
        return scene.post("redeem", {"reward": "five_off", "request_key": key, "nonce": nonce}, ANNA)

    with ThreadPoolExecutor(len(keys)) as phones:
        return list(phones.map(tap, keys))


def test_two_phones_at_once_cannot_spend_the_same_points(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 60)  # 110 with the bonus: one reward, not two
    answers = _at_once(scene, [f"phone-{n}-tap" for n in range(4)])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert {code_of(answer) for answer in answers if answer.status_code == 409} == {"not_enough_points"}
    assert scene.get("me", ANNA).json["points"]["available"] == 10  # type: ignore[index]
    assert scene.entries(ALICE, ANNA) == [("redeem", -100), ("adjust", 60), ("signup", 50)]
    assert differences(scene) == []


def test_one_tap_that_is_sent_four_times_at_once_makes_one_code(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    answers = _at_once(scene, ["the-same-tap"] * 4)
    assert {answer.json["code"] for answer in answers if answer.status_code == 200} == {  # type: ignore[index]
        scene.redemptions(ALICE, ANNA)[0].code
    }
    assert len(scene.redemptions(ALICE, ANNA)) == 1
    assert differences(scene) == []


def test_while_the_platform_is_silent_the_code_is_being_made(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 150)
    scene.outcome = "silent"
    answer = scene.redeem(ANNA)
    body = answer.json
    assert body is not None
    assert (answer.status_code, body["state"], body["code"]) == (202, "being_made", None)
    asked = scene.get(f"redemptions/{body['id']}", ANNA).json
    assert asked is not None
    assert (asked["state"], asked["code"]) == ("being_made", None)
    assert scene.get("me", ANNA).json["codes"][0]["code"] is None  # type: ignore[index]
    scene.outcome = "made"
    scene.times.forward(minutes=1)
    again = scene.redeem(ANNA)  # the shopper taps again: the same redemption, now finished
    assert (again.status_code, again.json["id"], again.json["state"]) == (200, body["id"], "made")  # type: ignore[index]
    assert len(scene.redemptions(ALICE, ANNA)) == 1


@pytest.mark.parametrize("answered", [True, False])
def test_what_another_one_is_making_is_waited_for_three_seconds(scene: Scene, answered: bool) -> None:
    scene.member(ALICE, ANNA, 150)
    scene.outcome = "silent"
    first = scene.redeem(ANNA).json
    assert first is not None
    scene.times.forward(minutes=1)
    shop_id, key, waited = scene.shop(ALICE).shop_id, f"redemption:{first['id']}:make", list[float]()
    with scene.db.write(shop_id) as tx:
        [held] = queues.claim(tx, shop_id, "worker", scene.times.now(), 1, key=key)
    scene.outcome = "made"

    def meanwhile(seconds: float) -> None:
        waited.append(seconds)
        if answered and len(waited) == 3:
            scene.perform(shop_id, held)

    scene.meanwhile = meanwhile
    answer = scene.redeem(ANNA)
    assert answer.status_code == (200 if answered else 202)
    assert answer.json is not None
    assert answer.json["state"] == ("made" if answered else "being_made")
    assert sum(waited) == pytest.approx(0.6 if answered else 3)


def test_a_refusal_for_good_gives_the_points_back_and_says_so(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 150)
    scene.outcome = "refused"
    answer = scene.redeem(ANNA)
    body = answer.json
    assert body is not None
    assert (answer.status_code, body["state"], body["code"]) == (200, "refused", None)
    assert "back" in body["message"]
    assert body["points"]["available"] == 200
    assert differences(scene) == []


def test_not_enough_points_takes_nothing(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    answer = scene.redeem(ANNA)
    assert (answer.status_code, code_of(answer)) == (409, "not_enough_points")
    assert scene.entries(ALICE, ANNA) == [("signup", 50)]
    assert scene.performed == []
    rewards = scene.get("rewards", ANNA).json["rewards"]  # type: ignore[index]
    assert [(r["key"], r["affordable"], r["missing"], r["why_not"]) for r in rewards] == [
        ("welcome_off", True, 0, None),
        ("five_off", False, 50, "not_enough_points"),
        ("free_shipping", False, 100, "not_enough_points"),
        ("twenty_off", False, 300, "not_enough_points"),
    ]


def test_a_reward_that_is_gone_takes_nothing(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    scene.install(ALICE, programme(rewards=()))
    answer = scene.redeem(ANNA)
    assert (answer.status_code, code_of(answer)) == (404, "no_such_reward")
    assert scene.get("me", ANNA).json["rewards"] == []  # type: ignore[index]


def test_undo_gives_the_points_back_once(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 150)
    made = scene.redeem(ANNA).json
    assert made is not None
    nonce = scene.nonce(ANNA)
    for _ in range(2):
        answer = scene.post(f"redemptions/{made['id']}/undo", {"nonce": nonce}, ANNA)
        assert answer.json is not None
        assert (answer.status_code, answer.json["state"], answer.json["points"]["available"]) == (
            200,
            "undone",
            200,
        )
        assert answer.json["code"] is None
    assert scene.entries(ALICE, ANNA)[0] == ("redeem_return", 100)
    assert differences(scene) == []


def test_undo_waits_for_the_platform(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 150)
    made = scene.redeem(ANNA).json
    scene.outcome = "silent"
    answer = scene.post(f"redemptions/{made['id']}/undo", {"nonce": scene.nonce(ANNA)}, ANNA)  # type: ignore[index]
    assert (answer.status_code, answer.json["state"]) == (202, "being_undone")  # type: ignore[index]
    assert answer.json["points"]["available"] == 100  # type: ignore[index]


def test_a_code_that_is_being_made_cannot_be_undone_yet(light: Scene) -> None:
    light.member(ALICE, ANNA, 150)
    light.outcome = "silent"
    made = light.redeem(ANNA).json
    answer = light.post(f"redemptions/{made['id']}/undo", {"nonce": light.nonce(ANNA)}, ANNA)  # type: ignore[index]
    assert (answer.status_code, code_of(answer)) == (409, "being_made")


def test_a_used_code_cannot_be_undone(light: Scene) -> None:
    light.member(ALICE, ANNA, 150)
    made = light.redeem(ANNA).json
    assert made is not None
    from plugin.store import redemptions

    with light.db.write() as tx:
        redemptions.used(tx, 1, int(made["id"]), 81)
    answer = light.post(f"redemptions/{made['id']}/undo", {"nonce": light.nonce(ANNA)}, ANNA)
    assert (answer.status_code, code_of(answer)) == (409, "already_used")
    assert light.get(f"redemptions/{made['id']}", ANNA).json["state"] == "used"  # type: ignore[index]


def test_nobody_sees_or_undoes_another_persons_code(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 150)
    scene.member(ALICE, BEN, 150)
    scene.member(MALLORY, ANNA, 150)
    made = scene.redeem(ANNA).json
    assert made is not None
    path = f"redemptions/{made['id']}"
    for customer, shop in ((BEN, ALICE), (ANNA, MALLORY), (BEN, MALLORY)):
        seen = scene.get(path, customer, shop)
        assert (seen.status_code, code_of(seen)) == (404, "no_such_redemption")
        undone = scene.post(f"{path}/undo", {"nonce": scene.nonce(customer, shop)}, customer, shop)
        assert (undone.status_code, code_of(undone)) == (404, "no_such_redemption")
    assert scene.get(path).status_code == 401
    assert scene.get(path, ANNA).json["code"] == made["code"]  # type: ignore[index]


@pytest.mark.parametrize("number", ["0", "-1", "abc", "1e5", "9" * 19, "9" * 30, "%00", "１２"])
def test_a_redemption_that_cannot_be_is_not_found(light: Scene, number: str) -> None:
    answer = light.get(f"redemptions/{number}", ANNA)
    assert (answer.status_code, code_of(answer)) == (404, "no_such_redemption")


def test_a_guest_and_a_non_member_redeem_nothing(light: Scene) -> None:
    wish = {"reward": "five_off", "request_key": "tap-00001", "nonce": "1.x"}
    guest = light.post("redeem", wish)
    assert (guest.status_code, code_of(guest)) == (401, "sign_in")
    stranger = light.post(
        "redeem", {**wish, "nonce": light.web.signer.nonce(ALICE, BEN, light.times.wall_s())}, BEN
    )
    assert (stranger.status_code, code_of(stranger)) == (409, "not_a_member")


def test_a_busy_database_is_a_503_that_says_when_to_come_back(
    light: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    light.member(ALICE, ANNA, 150)
    nonce = light.nonce(ANNA)
    monkeypatch.setattr("plugin.store.connections.BUSY_WAIT_S", 0.0)
    other = Database.open(light.db.url)
    with other.write():
        answer = light.post(
            "redeem", {"reward": "five_off", "request_key": "tap-00001", "nonce": nonce}, ANNA
        )
    other.close()
    assert (answer.status_code, code_of(answer)) == (503, "storage_busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert light.redemptions(ALICE, ANNA) == []
