"""A member's link for friends, and the merchant's list of what came by it: decided with a reason, told politely."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.domain.facts import CustomerFact, Traces
from plugin.domain.programme import Referral, Reward
from plugin.flows import merchants, orders, sharing
from tests.facts import line
from tests.facts import seen as order_seen
from tests.markup import Form
from tests.pages.admin_pages import checked, follow, open_page, read, words
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, Scene, code_of, programme

FRIEND = Reward("friend", "amount_off", "", 0, value_minor=1000)
ON = Referral(enabled=True, friend=FRIEND, points=200)


def published(scene: Scene, rule: Referral = ON) -> Scene:
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        merchants.publish(tx, shop, programme(referral=rule), "staff:1", scene.times.now())
    scene.times.forward(minutes=1)
    return scene


@pytest.fixture
def sharing_scene(light: Scene) -> Scene:
    """Alice's shop with referrals; Anna is a member."""
    published(light).member(ALICE, ANNA)
    return light


def share(scene: Scene, customer: int = ANNA, shop: str = ALICE) -> Any:
    return scene.post("referral", {"nonce": scene.nonce(customer, shop)}, customer, shop)


def brought(scene: Scene, friend: int, order_id: int, code: str, traces: Traces | None = None) -> None:
    """A friend's paid order that came by the link, read and confirmed."""
    now, shop = scene.times.now().replace(microsecond=0), scene.shop(ALICE)
    seen = order_seen(order_id, line(), at=now, customer_id=friend, processed_at=now, referral=code)
    person = CustomerFact(friend, now, f"{friend}@example.com", "Ben", "Rossi")
    with scene.db.write(shop.shop_id) as tx:
        fact = replace(seen, customer=person, traces=traces)
        orders.apply(tx, shop, [fact], now)
        orders.apply(tx, shop, [], now, confirmed=[order_id])


def press(scene: Scene, form: Form, note: str) -> Any:
    """Sends the form by its button "Count it"."""
    return scene.client().post(form.action, data=form.filled(note=note) | {"do": "approved"})


def test_the_link_is_made_at_the_first_tap(sharing_scene: Scene) -> None:
    before = sharing_scene.get("referral", ANNA).json
    assert before["enabled"] is True  # type: ignore[index]
    assert (before["link"], before["code"]) == (None, None)  # type: ignore[index]
    answer = share(sharing_scene)
    assert answer.status_code == 200
    link = answer.json["link"]
    assert link.startswith(f"https://{ALICE}/?ref=")
    assert answer.json["code"] is None  # the shop has yet to make it
    assert answer.json["friend"] == {
        "kind": "amount_off", "name": None, "value_minor": 1000, "percent": 0, "minimum_minor": None,
    }  # fmt: skip
    assert answer.json["you"] == {"points": 200, "reward": None, "minimum_minor": 0}
    assert share(sharing_scene).json["link"] == link
    code = link.rpartition("=")[2]
    shop = sharing_scene.shop(ALICE)
    with sharing_scene.db.write(shop.shop_id) as tx:
        sharing.made(tx, shop, code, "gid://shopify/DiscountCodeNode/1")
    assert sharing_scene.get("referral", ANNA).json["code"] == code  # type: ignore[index]


def test_who_may_not_share_is_told_why(sharing_scene: Scene) -> None:
    assert sharing_scene.get("referral").json == {
        "enabled": True,
        "friend": {"kind": "amount_off", "name": None, "value_minor": 1000, "percent": 0, "minimum_minor": None},
        "you": {"points": 200, "reward": None, "minimum_minor": 0}, "link": None, "code": None,
        "why_not": "join_first",
    }  # fmt: skip
    assert (share(sharing_scene, BEN).status_code, code_of(share(sharing_scene, BEN))) == (
        409,
        "not_a_member",
    )
    published(sharing_scene, Referral())
    assert (share(sharing_scene).status_code, code_of(share(sharing_scene))) == (404, "no_referrals")
    assert sharing_scene.get("referral", ANNA).json["enabled"] is False  # type: ignore[index]
    forged = sharing_scene.post("referral", {"nonce": "x"}, ANNA)
    assert (forged.status_code, code_of(forged)) == (403, "invalid_nonce")


def test_friends_are_counted_and_never_named(sharing_scene: Scene) -> None:
    code = share(sharing_scene).json["link"].rpartition("=")[2]
    brought(sharing_scene, BEN, 81, code)
    brought(sharing_scene, ANNA, 82, code)
    shown = sharing_scene.get("referral", ANNA)
    assert shown.json["counts"] == {"waiting": 1, "approved": 0, "not_counted": 1}  # type: ignore[index]
    states = [(one["state"], one["points"]) for one in shown.json["referrals"]]  # type: ignore[index]
    assert sorted(states) == [("not_counted", 0), ("waiting", 0)]
    assert "Rossi" not in shown.text
    assert "same_customer" not in shown.text
    assert "Sorry, the shop cannot count this one." in shown.text


def test_the_queue_is_decided_with_a_reason(sharing_scene: Scene) -> None:
    scene = sharing_scene
    code = share(scene).json["link"].rpartition("=")[2]
    brought(scene, BEN, 81, code, Traces(street="Way 1", zip="1"))
    brought(scene, ANNA, 90, code, Traces(street="Way 1", zip="1"))
    shop = scene.shop(ALICE)
    page = read(open_page(scene, "/referrals"))
    said = words(page.text)
    assert "The same shipping address." in said
    (form,) = [one for one in page.forms if one.method == "post"]
    wrong = press(scene, form, " ")
    assert "Say why, in a few words." in words(checked(wrong, 422))
    done = follow(scene, press(scene, form, "<b>A family</b>"))
    assert "Decided." in words(checked(done))
    text = checked(open_page(scene, "/referrals?show=qualified"))
    assert "&lt;b&gt;A family&lt;/b&gt;" in text
    assert "<b>A family" not in text
    rows = scene.db
    with rows.read() as tx:
        assert tx.all(
            "SELECT state, decision FROM referrals WHERE shop_id = :s AND order_id = 81", s=shop.shop_id
        ) == [("qualified", "approved")]
    trail = words(checked(open_page(scene, "/activity")))
    assert "A referral was approved by hand." in trail
    assert "A referral was refused. Too many signs of abuse." in trail


def test_the_lists_and_another_shop(sharing_scene: Scene) -> None:
    scene = sharing_scene
    code = share(scene).json["link"].rpartition("=")[2]
    for n in range(3):
        brought(scene, 900 + n, 81 + n, code)
    text = words(checked(open_page(scene, "/referrals?show=qualified")))
    assert "On the way (3)" in text
    assert "Nothing to decide." in words(checked(open_page(scene, "/referrals")))
    theirs = words(checked(open_page(scene, "/referrals?show=all", MALLORY)))
    assert "Referrals are off." in theirs
    assert "Rossi" not in theirs


def test_a_forged_form_decides_nothing(sharing_scene: Scene) -> None:
    data = {"referral": "5", "do": "approved", "note": "x", "ticket": "y"}
    assert sharing_scene.client().post("/referrals", data=data).status_code == 403
