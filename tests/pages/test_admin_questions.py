"""Survey questions in the admin and the API: every state with its reason, down to order and member."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.domain.asking import FINAL
from plugin.domain.facts import CustomerFact
from plugin.domain.programme import Survey
from plugin.flows import asking, merchants
from plugin.flows.invitations import TOLD
from plugin.pages import admin_questions
from plugin.store import surveys
from plugin.store.surveys import Invitation
from tests.facts import DAY
from tests.pages.admin_pages import checked, follow, open_page, placed, read, send, words
from tests.pages.api.caller import program
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, Scene
from tests.pages.test_admin_programme import latest


@pytest.fixture
def asked(light: Scene) -> Scene:
    """Anna is asked about 81 and waits for 82; Ben wants no questions."""
    scene, shop, now = light, light.shop(ALICE), light.times.now()
    for order_id, customer_id in ((81, ANNA), (82, ANNA), (83, BEN)):
        placed(scene, order_id, CustomerFact(customer_id, first_name="Anna", last_name="Keller"), 4000)
        came = Invitation(
            order_id, customer_id, "waiting", "delivered", now - 3 * DAY, now, None, None, "domestic", "CH", "Post"
        )  # fmt: skip
        with scene.db.write(shop.shop_id) as tx:
            surveys.invite(tx, shop.shop_id, [came], now)
    form = read(open_page(scene, f"/members/{BEN}")).form(f"/members/{BEN}/membership")
    follow(scene, send(scene, form, do="ask_no_more"))
    assert "This customer is asked no survey questions." in open_page(scene, f"/members/{BEN}").text
    rules = replace(latest(scene), survey=Survey(quiet_days=20, consent_countries=("CH",)))
    with scene.db.write(shop.shop_id) as tx:
        merchants.publish(tx, shop, rules, "merchant", now)
        asking.ask(tx, shop, now, 100)
    return scene


def test_every_question_says_where_it_stands_and_why(asked: Scene) -> None:
    said = words(checked(open_page(asked, "/surveys/questions")))
    assert "Waits for the pause after the customer’s last question" in said
    assert "The customer wants no questions" in said
    assert "reported by the carrier, domestic parcel (Post, CH)" in said
    assert "Not by e-mail: no newsletter there" in said
    for show, orders in (("waiting", {"82"}), ("asked", {"81"}), ("skipped", {"83"}), ("missed", set[str]())):
        text = checked(open_page(asked, f"/surveys/questions?show={show}"))
        assert {one for one in ("81", "82", "83") if f"/admin/orders/{one}" in text} == orders
    assert f'href="/members/{ANNA}?' in checked(open_page(asked, "/surveys/questions?show=asked"))
    assert "/admin/orders/8" not in checked(open_page(asked, "/surveys/questions", MALLORY))


def test_the_questions_have_pages(asked: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_questions, "PAGE", 2)
    text = checked(open_page(asked, "/surveys/questions"))
    assert "/admin/orders/81" not in text
    before = text.partition("before=")[2].partition("&")[0].partition('"')[0]
    assert "/admin/orders/81" in checked(open_page(asked, f"/surveys/questions?before={before}"))


def test_a_program_reads_the_same(asked: Scene) -> None:
    caller = program(asked, "read_surveys")
    page = caller.get("/surveys/invitations?limit=2")
    rest = caller.get(f"/surveys/invitations?limit=2&cursor={page['next_cursor']}")
    found = {one["order_id"]: (one["state"], one["reason"]) for one in (*page["data"], *rest["data"])}
    assert found == {
        "81": ("asked", None), "82": ("waiting", "quiet_period"), "83": ("withdrawn", "opted_out"),
    }  # fmt: skip
    (skipped,) = caller.get("/surveys/invitations?state=skipped")["data"]
    assert (skipped["basis"], skipped["way"], skipped["carrier"]) == ("delivered", "domestic", "Post")


def test_every_reason_has_its_words() -> None:
    assert {*FINAL, *TOLD} <= admin_questions.REASONS.keys()
