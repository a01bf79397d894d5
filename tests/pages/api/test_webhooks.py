"""API, webhooks: subscribing, changing, the secret shown once, deliveries listed and sent again."""

from __future__ import annotations

import pytest

from plugin.flows import clock
from plugin.store import api_answers, outgoing, queues
from tests.pages.api.caller import Program, fault, program
from tests.pages.scene import ALICE, ANNA, MALLORY, Scene

URL = "https://example.com/hooks"


def told(scene: Scene) -> None:
    """The clock's turn in Alice's shop."""
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        clock.tick(tx, shop, scene.times.now())


def test_a_subscription_from_beginning_to_end(scene: Scene) -> None:
    caller = program(scene, "read_webhooks", "write_webhooks")
    made = caller.post("/webhooks", {"url": URL, "topics": ["points.earned"]})
    assert made["secret"].startswith("whsec_")
    shown = caller.get(f"/webhooks/{made['id']}")
    assert shown == {
        "id": made["id"], "url": URL, "topics": ["points.earned"], "active": True,
        "created_at": "2026-11-22T09:00:00Z", "failing_until": None,
    }  # fmt: skip
    changed = caller.send("PUT", f"/webhooks/{made['id']}", {"url": f"{URL}/2", "active": False}).json
    assert changed == shown | {"url": f"{URL}/2", "topics": [], "active": False}
    turned = caller.post(f"/webhooks/{made['id']}/secret")
    assert turned["secret"] not in ("", made["secret"])
    assert caller.get("/webhooks")["data"] == [changed]
    removed = caller.send("DELETE", f"/webhooks/{made['id']}")
    assert (removed.status_code, removed.data) == (204, b"")
    assert caller.get("/webhooks")["data"] == []
    caller.get(f"/webhooks/{made['id']}", 404)


def test_a_repeated_request_makes_one_subscription_and_no_secret_lies_open(scene: Scene) -> None:
    caller = program(scene)
    made = caller.post("/webhooks", {"url": URL}, key="mine")
    assert caller.post("/webhooks", {"url": URL}, key="mine") == made
    assert len(caller.get("/webhooks")["data"]) == 1
    key_id = int(caller.token.split("_")[2], 16)
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.read() as tx:
        kept = api_answers.find(tx, shop_id, key_id, "mine")
    assert kept is not None
    assert made["secret"] not in kept.answer


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest",
     "https://localhost/", "https://a:b@example.com/", "ftp://example.com", "/hooks"],
)  # fmt: skip
def test_addresses_inside_are_refused(light: Scene, url: str) -> None:
    caller = program(light)
    answer = caller.send("POST", "/webhooks", {"url": url}, Idempotency_Key="x")
    assert fault(answer) == (422, "bad_address", "url")
    made = caller.post("/webhooks", {"url": URL})
    assert fault(caller.send("PUT", f"/webhooks/{made['id']}", {"url": url})) == (422, "bad_address", "url")


def test_what_does_not_fit_is_named(light: Scene) -> None:
    caller = program(light)
    for body, code, field in (
        ({"url": URL, "topics": ["points.invented"]}, "unknown_topic", "topics"),
        ({"url": URL, "topics": "points.earned"}, "invalid_body", "topics"),
        ({"topics": []}, "invalid_body", "url"),
        ({"url": ""}, "invalid_body", "url"),
    ):
        answer = caller.send("POST", "/webhooks", body, Idempotency_Key="x")
        assert fault(answer) == (422, code, field)


def test_deliveries_are_listed_page_by_page_and_sent_again(scene: Scene) -> None:
    caller = program(scene)
    made = caller.post("/webhooks", {"url": URL, "topics": ["points.earned", "points.adjusted"]})
    other = caller.post("/webhooks", {"url": f"{URL}/other"})
    scene.member(ALICE, ANNA)
    for points in (1, 2):
        caller.post(f"/members/{ANNA}/adjustments", {"points": points, "reason": "why"})
    told(scene)
    path = f"/webhooks/{made['id']}/deliveries"
    page = caller.get(f"{path}?limit=2")
    rest = caller.get(f"{path}?limit=2&cursor={page['next_cursor']}")
    found = page["data"] + rest["data"]
    assert rest["next_cursor"] is None
    assert sorted(one["type"] for one in found) == ["points.adjusted", "points.adjusted", "points.earned"]
    assert len({one["event_id"] for one in found}) == 3
    assert {one["state"] for one in found} == {"waiting"}
    shop_id, event_id = scene.shop(ALICE).shop_id, found[0]["event_id"]
    key = outgoing.key_of(int(made["id"]), event_id)
    with scene.db.write(shop_id) as tx:
        (held,) = queues.claim(tx, shop_id, "w", scene.times.now(), 1, key=key)
        queues.effect_failed(tx, shop_id, held, "endpoint_failed: HTTP 500", scene.times.now(), for_good=True)
    parked = next(one for one in caller.get(path)["data"] if one["event_id"] == event_id)
    assert (parked["state"], parked["reason"], parked["next_attempt_at"]) == ("parked", "HTTP 500", None)
    again = caller.post(path, {"event_id": event_id}, status=200)
    assert (again["state"], again["reason"]) == ("waiting", None)
    caller.post(path, {"event_id": "entry-1"}, status=404)
    caller.post(f"/webhooks/{other['id']}/deliveries", {"event_id": "%"}, status=404)
    assert fault(caller.send("GET", f"{path}?cursor=x"))[:2] == (422, "invalid_cursor")


def test_another_shops_key_reaches_no_subscription(light: Scene) -> None:
    made = program(light).post("/webhooks", {"url": URL})
    theirs: Program = program(light, shop=MALLORY)
    path = f"/webhooks/{made['id']}"
    theirs.get(path, 404)
    theirs.get(f"{path}/deliveries", 404)
    theirs.post(f"{path}/secret", status=404)
    theirs.post(f"{path}/deliveries", {"event_id": "entry-1"}, status=404)
    assert theirs.send("PUT", path, {"url": URL}).status_code == 404
    assert theirs.send("DELETE", path).status_code == 404
    assert theirs.get("/webhooks")["data"] == []
