"""API, surveys: answers page by page, and the score with its interval."""

from __future__ import annotations

from plugin.flows import surveys as survey_flow
from tests.pages.api.caller import program
from tests.pages.scene import ALICE, ANNA, Scene


def answered(scene: Scene, order_id: int, score: int, words: str | None = None) -> None:
    scene.asked(ALICE, ANNA, order_id)
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        survey_flow.answer(
            tx, shop, ANNA, order_id, score, words=words, locale="de", channel="panel", now=scene.times.now()
        )
    scene.times.forward(minutes=1)


def test_answers_page_keep_to_a_band_and_hide_words(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    for order_id, score in ((81, 10), (82, 3), (83, 8)):
        answered(scene, order_id, score, f"About {order_id}")
    plain, trusted = program(scene, "read_surveys"), program(scene, "read_surveys", "read_personal_data")
    page = plain.get("/surveys/responses?limit=2")
    assert [(one["order_id"], one["band"]) for one in page["data"]] == [
        ("83", "passive"),
        ("82", "detractor"),
    ]
    assert {one["words"] for one in page["data"]} == {None}
    rest = trusted.get(f"/surveys/responses?limit=2&cursor={page['next_cursor']}")
    assert ([one["words"] for one in rest["data"]], rest["next_cursor"]) == (["About 81"], None)
    low = plain.get("/surveys/responses?band=detractor")["data"]
    assert [one["score"] for one in low] == [3]


def test_the_score_over_all_time_and_of_late(scene: Scene) -> None:
    scene.member(ALICE, ANNA)
    caller = program(scene, "read_surveys")
    assert caller.get("/surveys/score")["nps"] is None
    answered(scene, 81, 10)
    scene.times.forward(days=40)
    answered(scene, 82, 3)
    everything, lately = caller.get("/surveys/score"), caller.get("/surveys/score?days=30")
    assert (everything["answers"], everything["nps"]) == (2, 0.0)
    assert (lately["answers"], lately["nps"], lately["detractors"]) == (1, -100.0, 1)
    assert everything["low"] < 0 < everything["high"]
