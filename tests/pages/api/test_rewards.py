"""API, rewards: redeemed once per key, answered with the code, undone while unused."""

from __future__ import annotations

from plugin.domain.programme import Reward
from plugin.flows import spending
from tests.pages.api.caller import fault, program
from tests.pages.scene import ALICE, ANNA, BEN, Scene, programme


def wish(customer_id: int = ANNA, reward: str = "five_off") -> dict[str, str]:
    return {"member_id": str(customer_id), "reward": reward}


def test_the_rewards_on_offer(light: Scene) -> None:
    found = program(light, "read_rewards").get("/rewards")["data"]
    assert [one["key"] for one in found] == ["welcome_off", "five_off", "free_shipping", "twenty_off"]
    assert found[1] == {
        "key": "five_off", "kind": "amount_off", "title": "CHF 5 off", "points": 100, "value_minor": 500,
        "minimum_minor": None, "currency": "CHF", "valid_days": 90, "for_sale": True, "stock": None,
    }  # fmt: skip


def test_redeemed_with_the_code_in_the_answer_and_once_per_key(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    caller = program(scene, "write_redemptions", "read_rewards")
    made = caller.post("/redemptions", wish(), key="basket-7")
    assert (made["state"], made["points"], made["member_id"]) == ("made", 100, str(ANNA))
    assert made["code"].startswith("REG-")
    again = caller.send("POST", "/redemptions", wish(), Idempotency_Key="basket-7")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (made, "true")
    assert [kind for kind, _ in scene.entries(ALICE, ANNA)].count("redeem") == 1
    with scene.db.read() as tx:
        (spent,) = tx.all("SELECT actor FROM entries WHERE kind = 'redeem'")
    assert spent[0].startswith("api:")
    assert caller.get(f"/redemptions/{made['id']}") == made
    other = caller.send("POST", "/redemptions", wish(reward="free_shipping"), Idempotency_Key="basket-7")
    assert fault(other)[:2] == (422, "idempotency_key_reused")
    elsewhere = caller.send("POST", f"/redemptions/{made['id']}/undo", None, Idempotency_Key="basket-7")
    assert fault(elsewhere)[:2] == (422, "idempotency_key_reused")


def test_a_slow_shop_leaves_the_code_to_the_worker(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    scene.outcome = "silent"
    caller = program(scene)
    made = caller.post("/redemptions", wish())
    assert (made["state"], made["code"]) == ("being_made", None)
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        spending.code_made(tx, shop, int(made["id"]), "gid://1", scene.times.now())
    assert caller.get(f"/redemptions/{made['id']}")["state"] == "made"


def test_a_shop_that_refuses_gives_the_points_back(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    scene.outcome = "refused"
    caller = program(scene)
    made = caller.post("/redemptions", wish())
    assert (made["state"], made["code"], made["points_returned"]) == ("refused", None, 100)
    assert caller.get(f"/members/{ANNA}")["points"]["available"] == 550


def test_undone_while_unused(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 500)
    caller = program(scene)
    made = caller.post("/redemptions", wish())
    undone = caller.post(f"/redemptions/{made['id']}/undo", status=200)
    assert (undone["state"], undone["points_returned"], undone["code"]) == ("undone", 100, None)
    assert caller.get(f"/members/{ANNA}")["points"]["available"] == 550


def test_lists_page_and_keep_to_a_member(scene: Scene) -> None:
    for customer_id in (ANNA, BEN):
        scene.member(ALICE, customer_id, 500)
    caller = program(scene)
    made = [caller.post("/redemptions", wish(who))["id"] for who in (ANNA, BEN, ANNA)]
    page = caller.get("/redemptions?limit=2")
    assert [one["id"] for one in page["data"]] == [made[2], made[1]]
    rest = caller.get(f"/redemptions?limit=2&cursor={page['next_cursor']}")
    assert ([one["id"] for one in rest["data"]], rest["next_cursor"]) == ([made[0]], None)
    own = caller.get(f"/redemptions?member_id={ANNA}")["data"]
    assert [one["id"] for one in own] == [made[2], made[0]]


def test_what_cannot_be_redeemed_takes_nothing_and_may_be_tried_again(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 0)
    caller = program(scene)

    def refused(body: object, key: str = "k") -> tuple[int, str, str | None]:
        return fault(caller.send("POST", "/redemptions", body, Idempotency_Key=key))

    assert refused(wish()) == (409, "not_enough_points", None)
    assert refused(wish(reward="gone"), "l") == (404, "no_such_reward", None)
    assert refused(wish(BEN), "m") == (422, "no_such_member", "member_id")
    assert refused({"member_id": 7001, "reward": "x"}, "n") == (422, "invalid_body", "member_id")
    assert fault(caller.send("POST", "/redemptions", wish()))[:2] == (400, "invalid_idempotency_key")
    long = caller.send("POST", "/redemptions", wish(), Idempotency_Key="x" * 256)
    assert fault(long)[:2] == (400, "invalid_idempotency_key")
    assert scene.entries(ALICE, ANNA) == [("signup", 50)]
    # A refusal is not kept: with points in the account the same request succeeds.
    scene.member(ALICE, ANNA, 100)
    caller.post("/redemptions", wish(), key="k")


def test_what_the_shop_hands_over_waits_and_is_decided_once(scene: Scene) -> None:
    scene.install(ALICE, programme(rewards=(Reward("cup", "manual", "A cup", 100),)))
    scene.member(ALICE, ANNA, 500)
    caller = program(scene)
    given, kept = (caller.post("/redemptions", wish(reward="cup")) for _ in range(2))
    assert [one["id"] for one in caller.get("/redemptions?state=waiting")["data"]] == [
        kept["id"],
        given["id"],
    ]
    path = f"/redemptions/{given['id']}/handover"
    assert caller.post(path, {"done": True}, 200)["state"] == "fulfilled"
    assert fault(caller.send("POST", path, {"done": False}, Idempotency_Key="n"))[:2] == (
        409,
        "already_decided",
    )
    refused = caller.post(f"/redemptions/{kept['id']}/handover", {"done": False}, 200)
    assert (refused["state"], refused["points_returned"]) == ("refused", 100)
    assert caller.get("/redemptions?state=waiting")["data"] == []
