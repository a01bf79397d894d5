"""API, moving in: a list is looked at, taken by the clock and shown on its way; past orders begin once."""

from __future__ import annotations

from plugin.flows import clock
from tests.pages.api.caller import fault, program
from tests.pages.scene import ALICE, ANNA, MALLORY, Scene

LIST = {
    "content": f"customer_id;points\n{ANNA};120\nnobody;1\nnowhere;2\n",
    "policy": "add",
    "name": "smile.csv",
}


def test_a_list_is_looked_at_taken_and_its_problems_are_told(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 100)
    caller = program(scene)
    looked = caller.send("POST", "/lists", LIST)
    assert looked.status_code == 200
    one = looked.json
    assert one is not None
    assert (one["state"], one["rows"], one["foreseen"]["points_in"], one["done"]) == ("looked_at", 3, 120, {})
    page = caller.get(f"/lists/{one['id']}/problems?limit=1")
    assert page["data"] == [
        {
            "line": 3,
            "cells": {"customer_id": "nobody", "points": "1"},
            "problem": "“nobody” is no customer number of Shopify.",
        }
    ]
    rest = caller.get(f"/lists/{one['id']}/problems?cursor={page['next_cursor']}")
    assert ([row["line"] for row in rest["data"]], rest["next_cursor"]) == ([4], None)
    plain = program(scene, "read_moving").send("GET", f"/lists/{one['id']}/problems")
    assert fault(plain)[:2] == (403, "insufficient_scope")
    assert scene.entries(ALICE, ANNA)[0] == ("adjust", 100)
    assert caller.get("/lists")["data"] == []

    for key in ("take-1", "take-2"):
        assert caller.post(f"/lists/{one['id']}/begin", status=200, key=key)["state"] == "running"
    shop, more = scene.shop(ALICE), True
    while more:
        with scene.db.write(shop.shop_id) as tx:
            more = clock.tick(tx, shop, scene.times.now())
    done = caller.get(f"/lists/{one['id']}")
    assert (done["state"], done["done"]["points_in"]) == ("done", 120)
    assert caller.get("/lists")["data"] == [done]
    assert scene.entries(ALICE, ANNA)[0] == ("import", 120)
    stranger = program(scene, shop=MALLORY)
    stranger.get(f"/lists/{one['id']}", 404)
    stranger.post(f"/lists/{one['id']}/begin", status=404)


def test_a_list_that_cannot_be_read_names_its_field(light: Scene) -> None:
    caller = program(light)
    for change, code, field in (
        ({"content": "customer_id,points\n"}, "no_rows", "content"),
        ({"content": "colour,size\nred,2\n"}, "no_columns", "content"),
        ({"content": "{"}, "unreadable_file", "content"),
        ({"policy": "double"}, "invalid_body", "policy"),
        ({"app": "Nobody"}, "invalid_body", "app"),
    ):
        answer = caller.send("POST", "/lists", LIST | change)
        assert fault(answer) == (422, code, field), answer.text
    # Larger than other requests may be, but not without an end.
    long = LIST | {"content": "customer_id,points\n" + "7,1\n" * 100_000}
    assert caller.send("POST", "/lists", long | {"policy": "x"}).status_code == 422
    assert fault(caller.send("POST", "/lists", b" " * 20_000_001, Content_Type="application/json"))[0] == 413


def test_past_orders_begin_once_and_are_watched(light: Scene) -> None:
    caller = program(light)
    begun = caller.post("/backfills", {"policy": "history", "since": "2025-01-01T00:00:00Z"})
    assert (begun["state"], begun["policy"], begun["since"]) == ("asked", "history", "2025-01-01T00:00:00Z")
    again = caller.send("POST", "/backfills", {"policy": "earn"}, Idempotency_Key="other")
    assert fault(again)[:2] == (409, "under_way")
    assert caller.get("/backfills")["data"] == [caller.get(f"/backfills/{begun['id']}")] == [begun]
    program(light, shop=MALLORY).get(f"/backfills/{begun['id']}", 404)
