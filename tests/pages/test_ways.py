"""Ways to earn: what a shopper is shown, a follow that counts on the click, a birthday, and what the merchant reads."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.domain.programme import ActionRule
from plugin.flows import actions as flow
from plugin.flows import merchants
from plugin.store import members
from tests.pages.admin_pages import checked, follow, open_page, read, send, words
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, Scene, code_of, programme

RULES = (
    ActionRule("insta", "social", "Follow us", 5, url="https://www.instagram.com/tea_shop/"),
    ActionRule("cake", "birthday", "Happy birthday", reward="five_off", period="year"),
    ActionRule("review", "review", "A review", 20, limit=2, period="day"),
    ActionRule("old", "custom", "Gone", 5, enabled=False),
)


@pytest.fixture
def earning(light: Scene) -> Scene:
    """Alice's shop with ways to earn; Anna is a member."""
    shop = light.shop(ALICE)
    with light.db.write(shop.shop_id) as tx:
        merchants.publish(tx, shop, programme(actions=RULES), "staff:1", light.times.now())
    light.times.forward(minutes=1)
    light.member(ALICE, ANNA)
    return light


def claim(scene: Scene, key: str = "insta", customer: int = ANNA, shop: str = ALICE) -> Any:
    return scene.post(f"actions/{key}", {"nonce": scene.nonce(customer, shop)}, customer, shop)


def say(scene: Scene, month: int, day: int, customer: int = ANNA) -> Any:
    body = {"month": month, "day": day, "nonce": scene.nonce(customer)}
    return scene.post("birthday", body, customer)


def shown(scene: Scene, customer: int | None = ANNA) -> dict[str, dict[str, Any]]:
    found = scene.get("ways", customer).json
    assert found is not None
    return {way["key"]: way for way in found["ways"]}


def test_the_panel_lists_the_ways_that_are_open(earning: Scene) -> None:
    for customer in (None, ANNA, BEN):
        found = earning.get("me", customer).json
        assert found is not None
        ways = found["programme"]["ways"]
        assert [way["key"] for way in ways] == ["insta", "cake", "review"]
    assert ways[0] == {
        "key": "insta", "kind": "social", "name": "Follow us", "points": 5, "reward": None, "limit": 1,
        "period": "ever", "delay_days": 0, "url": "https://www.instagram.com/tea_shop/",
        "note": "It counts when you click. Nobody looks whether you follow.",
    }  # fmt: skip


def test_a_follow_counts_once_on_the_click_and_says_so(earning: Scene) -> None:
    first, again = claim(earning), claim(earning)
    assert first.status_code == again.status_code == 200
    assert first.json == {
        "state": "earned", "action": "insta", "points": 5, "reward": None, "why_not": None,
        "message": "It counts when you click. Nobody looks whether you follow.",
        "url": "https://www.instagram.com/tea_shop/",
    }  # fmt: skip
    assert again.json == first.json  # a second tap hears the first answer
    assert earning.entries(ALICE, ANNA) == [("action", 5), ("signup", 50)]
    assert earning.get("history", ANNA).json["lines"][0]["why"]["name"] == "Follow us"  # type: ignore[index]


@pytest.mark.parametrize("key", ["cake", "review", "old", "nothing", "INSTA", "x" * 300])
def test_only_a_follow_is_taken_on_a_shoppers_word(earning: Scene, key: str) -> None:
    answer = claim(earning, key)
    assert (answer.status_code, code_of(answer)) == (404, "no_such_action")
    assert earning.entries(ALICE, ANNA) == [("signup", 50)]


def test_who_has_not_joined_earns_nothing_and_leaves_no_trace(earning: Scene) -> None:
    assert (claim(earning, customer=BEN).status_code, code_of(claim(earning, customer=BEN))) == (
        403,
        "not_a_member",
    )
    assert code_of(say(earning, 6, 1, customer=BEN)) == "not_a_member"
    assert earning.post("actions/insta", {"nonce": "x"}).status_code == 401
    assert {way["why_not"] for way in shown(earning, BEN).values()} == {"join_first"}
    assert claim(earning, shop=MALLORY).status_code == 404
    with earning.db.read() as tx:
        assert tx.all("SELECT * FROM actions") == []


def test_the_ways_say_what_was_had_of_each(earning: Scene) -> None:
    claim(earning)
    shop, now = earning.shop(ALICE), earning.times.now()
    with earning.db.write(shop.shop_id) as tx:
        flow.happened(tx, shop, ANNA, "review", "r1", now, now, actor="api")
    ways = shown(earning)
    assert [(way["done"], way["available"], way["why_not"]) for way in ways.values()] == [
        (1, False, "limit_ever"), (0, True, None), (1, True, None),
    ]  # fmt: skip
    assert ways["insta"]["message"] == "You have done this as often as it counts."
    assert "old" not in ways


def test_a_birthday_is_said_once_a_year(earning: Scene) -> None:
    said = say(earning, 2, 29)
    expected = {"month": 2, "day": 29, "next": "2027-02-28", "may_change_from": "2027-11-22"}
    assert (said.status_code, said.json) == (200, {"birthday": expected})
    assert earning.get("ways", ANNA).json["birthday"] == expected  # type: ignore[index]
    again = say(earning, 3, 1)
    assert (again.status_code, code_of(again)) == (409, "set_this_year")
    assert (say(earning, 2, 30).status_code, code_of(say(earning, 2, 30))) == (422, "no_such_day")
    assert earning.post("birthday", {"month": 1, "day": 1, "nonce": "x"}, ANNA).status_code == 403
    assert (
        earning.post("birthday", {"month": 1, "day": 1, "year": 1999, "nonce": "x"}, ANNA).status_code == 422
    )


# --- the merchant --------------------------------------------------------------------------------------------


def test_the_members_page_shows_what_was_done_and_why_not(earning: Scene) -> None:
    shop, now = earning.shop(ALICE), earning.times.now()
    with earning.db.write(shop.shop_id) as tx:
        for name in ("a", "b", "c"):
            flow.happened(tx, shop, ANNA, "review", name, now, now, actor="api")
    said = words(checked(open_page(earning, f"/members/{ANNA}")))
    assert "Product review: A review." in said
    assert "Product review A review Refused The limit of the day was reached. 0" in said
    assert said.count("Product review A review Earned 20") == 2


def test_the_merchant_sets_a_birthday_and_hears_of_a_wrong_day(earning: Scene) -> None:
    form = read(open_page(earning, f"/members/{ANNA}")).form(f"/members/{ANNA}/birthday")
    said = words(checked(follow(earning, send(earning, form, day="10", month="6"))))
    assert "The birthday is set." in said
    assert "10 June earns next on 10 Jun 2027" in said
    said = words(checked(open_page(earning, "/activity")))
    assert "The birthday was set by hand." in said
    said = words(checked(follow(earning, send(earning, form, day="31", month="6"))))
    assert "There is no such day." in said
    assert "10 June" in said
    forged = form.filled(day="1", month="1") | {"ticket": "x"}
    assert code_of(earning.client().post(f"/members/{ANNA}/birthday", data=forged)) == "invalid_ticket"


def test_who_was_erased_has_no_birthday_form(earning: Scene) -> None:
    shop = earning.shop(ALICE)
    with earning.db.write(shop.shop_id) as tx:
        members.redact(tx, shop.shop_id, ANNA)
    assert f"/members/{ANNA}/birthday" not in checked(open_page(earning, f"/members/{ANNA}"))
