"""Rewards at the door of the shopper and of the merchant: names, reasons, any amount, hand-over, and the form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.domain.programme import Programme, Reward
from plugin.flows import merchants
from plugin.pages.chapters import form
from plugin.pages.chapters.rewards import REWARDS
from plugin.store import programmes, redemptions
from tests.pages.admin_pages import follow, open_page, read, send
from tests.pages.scene import ALICE, ANNA, BEN, Scene, code_of
from tests.pages.test_admin_chapters import form_of
from tests.pages.test_admin_programme import FIRST, latest

PERCENT = Reward("p", "percent_off", "", 100, 2_000, percent=10)
ANY = Reward("any", "amount_off", "", 100, step_points=50, step_minor=250, max_points=400)
CARD = Reward("card", "gift_card", "", 100, value_minor=1_000, prices=("EUR 9.50",))
BAG = Reward("bag", "manual", "A bag", 80)
LAST = Reward("last", "amount_off", "", 100, value_minor=500, stock=1)
SILVER = Reward("silver", "amount_off", "Ten off", 100, value_minor=1_000, tiers=("silver",))
GIFT = Reward("gift", "amount_off", "", 1, value_minor=500, for_sale=False)
EVERY = (PERCENT, ANY, CARD, BAG, LAST, SILVER, GIFT)


def offer(scene: Scene, *rewards: Reward) -> Programme:
    shop = scene.shop(ALICE)
    scene.times.forward(minutes=1)
    with scene.db.write(shop.shop_id) as tx:
        held = programmes.versions(tx, shop.shop_id).latest
        assert held is not None
        return merchants.publish(tx, shop, replace(held, rewards=rewards), "merchant", scene.times.now())


def rows(scene: Scene, customer_id: int, **own: str) -> dict[str, dict[str, Any]]:
    body: Any = scene.get("me", customer_id, **own).json
    return {row["key"]: row for row in body["rewards"]}


def wish(scene: Scene, reward: str, key: str = "tap-00001", **more: object) -> Any:
    body = {"reward": reward, "request_key": key, "nonce": scene.nonce(ANNA), **more}
    return scene.post("redeem", body, ANNA)


@pytest.mark.parametrize(
    ("locale", "percent", "card", "euros"),
    [
        ("en", "10 % off, CHF 20 at most", "CHF 10 gift card", "EUR 9.50 gift card"),
        (
            "de-CH",
            "10 % Rabatt, höchstens CHF 20",
            "Geschenkkarte über CHF 10",
            "Geschenkkarte über EUR 9.50",
        ),
        (
            "fr",
            "10 % de réduction, CHF 20 au plus",
            "Carte cadeau de CHF 10",
            "Carte cadeau de EUR 9.50",
        ),
        (
            "it-CH",
            "10 % di sconto, al massimo CHF 20",
            "Carta regalo da CHF 10",
            "Carta regalo da EUR 9.50",
        ),
        ("pl", "10 % off, CHF 20 at most", "CHF 10 gift card", "EUR 9.50 gift card"),
    ],
)
def test_names_come_ready_in_the_shoppers_language(
    light: Scene, locale: str, percent: str, card: str, euros: str
) -> None:
    offer(light, *EVERY)
    light.member(ALICE, ANNA, 0)
    shown = rows(light, ANNA, locale=locale)
    assert [shown[key]["name"] for key in ("p", "card", "card@EUR")] == [percent, card, euros]
    assert [shown[key]["value_minor"] for key in ("p", "card", "card@EUR")] == [None] * 3
    assert shown["p"]["minimum_minor"] == 20_000, "from where a tenth is the most"
    assert "gift" not in shown


def test_every_row_says_why_it_is_out_of_reach(light: Scene) -> None:
    offer(light, *EVERY)
    light.member(ALICE, ANNA, 100)
    light.member(ALICE, BEN, 500)
    assert rows(light, ANNA)["last"]["affordable"] is True
    body = {"reward": "last", "request_key": "tap-of-ben", "nonce": light.nonce(BEN)}
    assert light.post("redeem", body, BEN).status_code == 200
    shown = rows(light, ANNA, locale="de")
    assert {key: shown[key]["why_not"] for key in ("last", "silver", "card", "any")} == {
        "last": "out_of_stock", "silver": "wrong_tier", "card": None, "any": None,
    }  # fmt: skip
    assert shown["last"]["name"] == "CHF 5 Rabatt (ausverkauft)"
    assert shown["silver"]["name"].startswith("Ten off (für ")
    assert code_of(wish(light, "last")) == "out_of_stock"
    assert code_of(wish(light, "silver")) == "wrong_tier"


def test_any_amount_shows_the_least_and_the_most_in_reach(light: Scene) -> None:
    offer(light, ANY)
    light.member(ALICE, ANNA, 280)
    shown = rows(light, ANNA)
    assert [(key, row["points"], row["value_minor"]) for key, row in shown.items()] == [
        ("any", 100, 500), ("any:300", 300, 1_500),
    ]  # fmt: skip
    assert shown["any"]["slider"] == {
        "reward": "any", "step_points": 50, "step_minor": 250, "from": 100, "to": 400,
    }  # fmt: skip
    assert code_of(wish(light, "any", points=120)) == "points_not_offered"
    made = wish(light, "any:300").json
    assert (made["state"], made["cost"], made["value_minor"]) == ("made", 300, 1_500)
    light.member(ALICE, BEN, 0)
    assert list(rows(light, BEN)) == ["any"]


def test_what_the_shop_hands_over_is_said_and_decided_in_activity(light: Scene) -> None:
    offer(light, BAG)
    light.member(ALICE, ANNA, 200)
    first, second = (wish(light, "bag", f"tap-{n}-long").json for n in range(2))
    assert (first["state"], first["code"], first["name"]) == ("awaiting_shop", None, "A bag")
    assert light.get("me", ANNA).json["codes"] == []  # type: ignore[index]
    for made, decision, points in ((first, "done", 90), (second, "refused", 170)):
        page = read(open_page(light, "/activity"))
        assert "A bag" in page.text
        forms = [one for one in page.forms if dict(one.fields).get("redemption") == made["id"]]
        chosen = next(one for one in forms if dict(one.fields)["decision"] == decision)
        follow(light, send(light, chosen))
        assert light.get("me", ANNA).json["points"]["available"] == points  # type: ignore[index]
    assert "To hand over" not in read(open_page(light, "/activity")).text
    shop_id = light.shop(ALICE).shop_id
    with light.db.read() as tx:
        assert redemptions.waiting(tx, shop_id, 10) == []


def test_a_forged_decision_is_refused(light: Scene) -> None:
    answer = light.client().post(
        "/activity/handing", data={"ticket": "x", "redemption": "1", "decision": "done"}
    )
    assert code_of(answer) == "invalid_ticket"


def test_the_history_names_it_in_the_readers_language(light: Scene) -> None:
    offer(light, PERCENT, replace(BAG, name=""))
    light.member(ALICE, ANNA, 500)
    assert wish(light, "p").status_code == 200
    lines: Any = light.get("history", ANNA, locale="de").json
    [told] = [line["why"] for line in lines["lines"] if line["kind"] == "redeem"]
    assert told["name"] == "10 % Rabatt, höchstens CHF 20"


# The form


def test_a_new_reward_needs_only_what_it_is(light: Scene) -> None:
    n = len(FIRST.rewards)
    added = {
        f"rewards__{n}__name": "Tenth off", f"rewards__{n}__kind": "percent_off", f"rewards__{n}__points": "300",
        f"rewards__{n}__percent": "10", f"rewards__{n}__value_minor": "20", f"rewards__{n}__stock": "50",
        f"rewards__{n}__combines": "order, shipping",
        "code_reminder_days": "7",
    }  # fmt: skip
    answer = send(light, form_of(light, REWARDS), **added)
    follow(light, send(light, read(answer).form("/programme/publish")))
    now = latest(light)
    assert now.rewards[:n] == FIRST.rewards
    assert now.rewards[n] == Reward(
        "tenth_off",
        "percent_off",
        "Tenth off",
        300,
        2_000,
        percent=10,
        stock=50,
        combines=("order", "shipping"),
    )
    assert now.code_reminder_days == 7


WRONG = [
    ({"kind": "percent_off"}, "percent", "Choose 1 to 100 percent."),
    ({"kind": "percent_off", "percent": "101"}, "percent", "Choose 1 to 100 percent."),
    ({"kind": "gift_card", "value_minor": ""}, "value_minor", "Say what it is worth."),
    ({"kind": "product", "percent": "100"}, "products", "Say which product is given."),
    ({"products": "mug"}, "products", "Give the numbers as in Shopify"),
    ({"products": "1", "collections": "2"}, "collections", "Choose products or collections"),
    ({"prices": "EUR 5"}, "prices", "Shopify converts the amount of a code by itself"),
    ({"prices": "5 euros"}, "prices", "Write a currency and an amount"),
    ({"step_points": "30"}, "step_minor", "Say what each step is worth."),
    ({"combines": "everything"}, "combines", "Write order, product, shipping or none"),
    ({"member_limit": "0"}, "member_limit", "Choose 1 to 1000"),
    ({"tiers": "platinum"}, "tiers", "Name tiers of this programme by their keys."),
]


@pytest.mark.parametrize(("given", "field", "said"), WRONG)
def test_what_cannot_be_stands_beside_its_field(given: dict[str, str], field: str, said: str) -> None:
    base = replace(FIRST, rewards=(Reward("one", "amount_off", "One", 100, value_minor=500),))
    values = form.filled(REWARDS, base, "CHF") | {f"rewards.0.{name}": value for name, value in given.items()}
    errors = form.read(REWARDS, values, base, "CHF").errors
    assert said in errors[f"rewards.0.{field}"]


def test_the_page_of_essentials_leaves_other_kinds_as_they_are(light: Scene) -> None:
    before = offer(light, PERCENT, ANY, CARD, BAG, SILVER)
    shown = read(open_page(light, "/programme")).form("/programme/preview")
    answer = send(light, shown, signup_points="75")
    follow(light, send(light, read(answer).form("/programme/publish")))
    assert replace(latest(light), version=before.version, signup_points=before.signup_points) == before
