"""API, referrals: the queue is read a page at a time, and a person's word is final until it is changed."""

from __future__ import annotations

from datetime import timedelta

from plugin.store import referrals
from plugin.store.referrals import Referred
from tests.pages.api.caller import fault, program
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, Scene


def sent(scene: Scene, *states: str) -> None:
    """Referrals of Anna's in these states, each a minute after the one before."""
    scene.member(ALICE, ANNA)
    scene.member(ALICE, BEN)
    now, shop_id = scene.times.now(), scene.shop(ALICE).shop_id
    made = [
        Referred(n, ANNA, BEN, 80 + n, "ANNA-1", "link", 1, now + timedelta(minutes=n), now, state=state,  # type: ignore[arg-type]
                 score=60, reasons=("same_device",))
        for n, state in enumerate(states, 1)
    ]  # fmt: skip
    with scene.db.write(shop_id) as tx:
        referrals.save(tx, shop_id, made)


def test_the_queue_is_read_a_page_at_a_time(scene: Scene) -> None:
    sent(scene, "review", "approved", "review", "review")
    caller = program(scene, "read_referrals")
    page = caller.get("/referrals?state=review&limit=2")
    assert [one["id"] for one in page["data"]] == ["4", "3"]
    rest = caller.get(f"/referrals?state=review&cursor={page['next_cursor']}")
    assert ([one["id"] for one in rest["data"]], rest["next_cursor"]) == (["1"], None)
    one = caller.get("/referrals/1")
    assert (one["referrer_id"], one["friend_id"], one["signs"]) == (str(ANNA), str(BEN), ["same_device"])
    assert len(caller.get("/referrals")["data"]) == 4
    assert program(scene, shop=MALLORY).get("/referrals")["data"] == []


def test_a_referral_is_decided_with_a_reason_and_by_the_key(scene: Scene) -> None:
    sent(scene, "review")
    caller = program(scene)
    path, wish = "/referrals/1/decision", {"decision": "rejected", "reason": "Same desk"}
    assert caller.post(path, wish, 200)["state"] == "rejected"
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        (kept,) = referrals.by_ids(tx, shop_id, [1])
    assert (kept.note, (kept.decided_by or "").split(":")[0]) == ("Same desk", "api")
    silent = caller.send("POST", path, wish | {"reason": " "}, Idempotency_Key="a")
    assert fault(silent) == (422, "no_reason", "reason")
    stranger = program(scene, shop=MALLORY)
    assert fault(stranger.send("POST", path, wish, Idempotency_Key="a"))[:2] == (404, "no_such_referral")
    stranger.get("/referrals/1", 404)
