"""The points of one order, as its own page and the thank-you page ask for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from plugin.domain.facts import OrderFact
from plugin.flows import orders as order_flow
from tests.facts import DAY, arrived, back, line, parcel, refund, refunded, seen, sent
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, START, Scene, code_of

ORDER = 81


def tell(scene: Scene, *facts: OrderFact, confirmed: tuple[int, ...] = ()) -> None:
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        order_flow.apply(tx, shop, facts, scene.times.now(), confirmed=confirmed)


def asked(scene: Scene, customer_id: int = ANNA, order: str = str(ORDER)) -> dict[str, Any]:
    found = scene.get(f"orders/{order}", customer_id)
    assert found.status_code == 200, found.text
    assert found.json is not None
    return dict(found.json)


def test_an_orders_points_from_checkout_to_refund(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    tell(scene, seen(ORDER, line(1), at=START, processed_at=START, customer_id=ANNA))
    first = asked(scene)
    assert first.pop("nonce")
    assert first == {"order": "81", "order_name": "#1001", "state": "pending", "points": 100, "available_at": None,
                     "joined": True, "survey": None}  # fmt: skip
    tell(scene, sent(ORDER, parcel(at=START)), arrived(ORDER, at=START + DAY), confirmed=(ORDER,))
    assert asked(scene)["available_at"] == "2026-12-07T09:00:00Z"
    scene.times.forward(days=15)
    assert (asked(scene)["state"], asked(scene)["available_at"]) == ("available", None)
    tell(scene, refunded(ORDER, refund(1, back(1, 1, 10_000), paid=10_000, at=scene.times.now())))
    assert (asked(scene)["state"], asked(scene)["points"]) == ("taken_back", 0)


def test_who_has_not_joined_sees_what_waits_and_an_order_without_points_says_so(light: Scene) -> None:
    tell(light, seen(ORDER, line(1), at=START, processed_at=START, customer_id=ANNA))
    assert (asked(light)["joined"], asked(light)["points"]) == (False, 100)
    assert light.status(ALICE, ANNA) == "unclaimed", "looking joins nobody"
    tell(light, seen(82, line(1), at=START, processed_at=START, customer_id=ANNA, financial_status="pending"))
    assert (asked(light, order="82")["state"], asked(light, order="82")["points"]) == ("none", 0)


def test_the_question_of_this_order_is_answered_here_while_it_is_open(light: Scene) -> None:
    light.member(ALICE, ANNA)
    tell(light, seen(ORDER, line(1), at=START, processed_at=START, customer_id=ANNA))
    light.asked(ALICE, ANNA, ORDER)
    found = asked(light)
    assert found["survey"] == {"score": None, "change_until": None}
    assert light.post("survey", {"order": "81", "score": 9, "nonce": found["nonce"]}, ANNA).status_code == 200
    assert asked(light)["survey"] == {"score": 9, "change_until": "2026-11-23T09:00:00Z"}
    light.times.now_at += timedelta(hours=24)
    assert asked(light)["survey"] is None


def test_nobody_learns_of_another_persons_order(light: Scene) -> None:
    tell(light, seen(ORDER, line(1), at=START, processed_at=START, customer_id=ANNA))
    answers = [
        light.get("orders/81", BEN), light.get("orders/82", ANNA), light.get("orders/0", ANNA),
        light.get("orders/99999999999999999999", ANNA), light.get("orders/81", ANNA, MALLORY),
    ]  # fmt: skip
    assert {(one.status_code, code_of(one)) for one in answers} == {(404, "no_such_order")}
    assert (light.get("orders/81").status_code, code_of(light.get("orders/81"))) == (401, "sign_in")
