"""Campaigns in the admin: set and tried out, told to shoppers, and every figure opens the orders that make it up."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from plugin.domain.facts import CustomerFact
from plugin.domain.programme import Campaign
from plugin.domain.values import Ratio
from plugin.flows import merchants
from plugin.pages.chapters.campaigns import CAMPAIGNS
from tests.pages.admin_pages import checked, follow, open_page, placed, read, send
from tests.pages.scene import ALICE, ANNA, MALLORY, Scene, code_of, programme
from tests.pages.test_admin_chapters import form_of
from tests.pages.test_admin_programme import latest

GIVEN = {
    "campaign_stacking": "add", "campaigns.0.name": "2x Black Friday", "campaigns.0.starts": "2026-11-27 00:00",
    "campaigns.0.ends": "2026-11-28T00:00", "campaigns.0.effect": "rate", "campaigns.0.points": "3",
    "campaigns.0.per_minor": "10", "campaigns.0.multiplier": "1.5", "campaigns.0.tiers": "silver, gold",
    "campaigns.0.tags": "VIP", "campaigns.0.countries": "CH, DE", "campaigns.0.sources": "web, pos",
    "campaigns.0.scope": "vendor", "campaigns.0.values": "Potter",
}  # fmt: skip


def fields(given: dict[str, str]) -> dict[str, str]:
    return {name.replace(".", "__"): value for name, value in given.items()}


def test_the_chapter_sets_every_rule_of_a_campaign_and_pins_the_zone(light: Scene) -> None:
    first = latest(light)
    answer = send(light, form_of(light, CAMPAIGNS), **fields(GIVEN))
    follow(light, send(light, read(answer).form("/programme/publish")))
    assert latest(light).campaigns == (
        Campaign(
            "campaign_2x_black_friday", "2x Black Friday", "2026-11-27 00:00", "2026-11-28T00:00", "Europe/Zurich",
            "rate", Ratio(3, 2), 3, 1000, ("silver", "gold"), ("VIP",), ("CH", "DE"), ("web", "pos"), "vendor",
            ("Potter",),
        ),
    )  # fmt: skip
    assert replace(latest(light), version=1, campaigns=(), campaign_stacking="best") == first
    # It reads back as it is.
    again = send(light, form_of(light, CAMPAIGNS))
    assert "/programme/publish" not in again.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"campaigns.0.ends": "2026-11-01"}, "Choose an end that is later than the start."),
        ({"campaigns.0.starts": "Friday"}, "Write day and time, such as 2027-03-27 00:00."),
        ({"campaigns.0.values": ""}, "No product can be meant: say which ones, or choose all products."),
        ({"campaigns.0.zone": "Mars/Olympus"}, "Name a time zone by its region and city, such as Europe/Zurich."),
        ({"campaigns.0.effect": "multiply", "campaigns.0.multiplier": "0"}, "Choose more than 1, up to 100."),
    ],
)  # fmt: skip
def test_a_fault_stands_beside_its_field_and_nothing_is_saved(
    light: Scene, changes: dict[str, str], said: str
) -> None:
    answer = send(light, form_of(light, CAMPAIGNS), **fields(GIVEN | changes))
    read(answer, 422)
    field = next(iter(reversed(changes)))
    assert f'href="#field-{field}"' in answer.text
    assert said in answer.text
    assert latest(light).version == 1


def running(scene: Scene, **changes: Any) -> None:
    """A campaign around the present moment, in force for Alice's shop."""
    day = scene.times.now()
    one = Campaign(
        "double", "Double <points>", f"{day - timedelta(days=2):%F}", f"{day + timedelta(days=2):%F}", "Europe/Zurich",
        **changes,
    )  # fmt: skip
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        merchants.publish(tx, shop, programme(campaigns=(one,)), "merchant", scene.times.now())
    scene.times.forward(seconds=5)


def link_to(what: str, text: str) -> str:
    """The first link of a page whose address holds that."""
    return next(unescape(one) for one in re.findall('href="([^"]*)"', text) if what in one)


def test_the_figures_open_the_orders_that_make_them_up(light: Scene) -> None:
    assert "No campaigns yet." in open_page(light, "/campaigns").text
    running(light)
    light.member(ALICE, ANNA)
    for n in range(60):
        placed(light, 9_000 + n, CustomerFact(ANNA, first_name="Anna"), 2_000)
        light.times.forward(seconds=1)
    shown = checked(open_page(light, "/campaigns"))
    assert "Double &lt;points&gt;" in shown
    assert "Runs" in shown
    first = checked(open_page(light, link_to("/campaigns/orders", shown)))
    assert "<strong>1,200 points</strong> for 60 orders, worth CHF 60.00" in first
    assert first.count('href="/members/') == 50
    second = checked(open_page(light, link_to("before=", first)))
    assert second.count('href="/members/') == 10
    told = [line["order"] for line in light.get("history", ANNA).get_json()["lines"][:2]]
    assert told == ["#9059", "#9059 · Double <points>"]
    assert open_page(light, f"/members/{ANNA}").text.count("Campaign “Double &lt;points&gt;”") > 3


def test_a_campaign_that_is_not_there_and_another_shop_see_nothing(light: Scene) -> None:
    running(light)
    assert code_of(open_page(light, "/campaigns/orders?campaign=double&since=5")) == "no_such_campaign"
    assert "Double" not in open_page(light, "/campaigns", MALLORY).text


def test_the_panel_names_campaigns_but_not_those_of_a_segment(light: Scene) -> None:
    running(light, effect="points", points=5, scope="vendor", values=("Potter",))
    shown = light.get("me", ANNA).get_json()["programme"]["campaigns"]
    assert [(one["name"], one["points"], one["some_products"]) for one in shown] == [
        ("Double <points>", 5, True)
    ]
    running(light, tags=("secret",))
    assert light.get("me", ANNA).get_json()["programme"]["campaigns"] == []
