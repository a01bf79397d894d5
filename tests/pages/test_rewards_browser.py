"""The chapter on rewards in a real browser: filled in, previewed, published, and seen by the shopper."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from plugin.store import programmes
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, fits, inner, window

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_a_merchant_adds_a_reward_and_publishes_it(
    demo: Demo, browser: Browser, size: tuple[int, int]
) -> None:
    busy_shop(demo)
    with window(browser, size) as page:
        page.goto(f"{demo.address}/admin/apps/regulars/programme/rewards")
        inside = inner(page)
        inside.get_by_label("Remind before an unused code ends").fill("7")
        inside.get_by_text("Add a reward").click()
        row = inside.get_by_role("group", name="New reward")
        row.get_by_label("Name", exact=True).fill("A tenth off")
        row.get_by_label("Kind", exact=True).select_option("percent_off")
        row.get_by_label("Costs", exact=True).fill("300")
        row.get_by_label("Percentage", exact=True).fill("101")
        fits(page)
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_role("link", name="A tenth off, Percentage")).to_be_visible()
        inside.locator('input[name="rewards.4.percent"]').fill("10")
        inside.get_by_role("button", name="Check and preview").click()
        inside.get_by_role("button", name="Publish version").click()
        expect(inside.locator("h1")).to_have_text("Programme")
    app = demo.app.installation
    with app.db.read() as tx:
        [row_of_shop] = tx.all("SELECT shop_id FROM shops WHERE domain = :d", d=demo.app.domain)
        latest = programmes.versions(tx, row_of_shop[0]).latest
    assert latest is not None
    assert latest.code_reminder_days == 7
    added = latest.reward("a_tenth_off")
    assert added is not None
    assert (added.kind, added.percent, added.points, added.for_sale) == ("percent_off", 10, 300, True)


KINDS: dict[str, tuple[dict[str, str], dict[str, object]]] = {
    "amount_off": (
        {"Worth": "5", "Order of at least": "40", "Valid for": "60"},
        {"value_minor": 500, "minimum_minor": 4_000, "valid_days": 60},
    ),
    "percent_off": ({"Percentage": "10", "Worth": "20"}, {"percent": 10, "value_minor": 2_000}),
    "free_shipping": (
        {"Stock in all": "50", "Times for each member": "1", "Counted over": "30"},
        {"stock": 50, "member_limit": 1, "limit_days": 30},
    ),
    "product": (
        {"Percentage": "100", "Only for products, or given": "4711", "Given with products": "4712"},
        {"percent": 100, "products": ("4711",), "buys_products": ("4712",)},
    ),
    "gift_card": (
        {"Worth": "10", "Amounts of other currencies": "EUR 9.50"},
        {"value_minor": 1_000, "prices": ("EUR 9.50",)},
    ),
    "store_credit": ({"Worth": "10", "Only for tiers": "silver"}, {"value_minor": 1_000, "tiers": ("silver",)}),
    "manual": ({}, {}),
    "any amount": (
        {"Any amount: each step costs": "50", "Each step is worth": "2.50", "The most that can be spent": "900"},
        {"step_points": 50, "step_minor": 250, "max_points": 900},
    ),
    "of some collections": (
        {"Worth": "5", "Only for collections, or given": "901, 902", "Code combines with": "order, shipping"},
        {"collections": ("901", "902"), "combines": ("order", "shipping")},
    ),
}  # fmt: skip
CHOICES = {"any amount": "amount_off", "of some collections": "amount_off"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_reward_is_added_and_published_as_it_was_filled_in(
    demo: Demo, browser: Browser, kind: str
) -> None:
    filled, expected = KINDS[kind]
    busy_shop(demo)
    with window(browser, WIDTHS["desk"]) as page:
        page.goto(f"{demo.address}/admin/apps/regulars/programme/rewards")
        inside = inner(page)
        inside.get_by_label("Codes begin with").fill("TEA")
        inside.get_by_text("Add a reward").click()
        row = inside.get_by_role("group", name="New reward")
        row.get_by_label("Name", exact=True).fill("Something new")
        row.get_by_label("Kind", exact=True).select_option(CHOICES.get(kind, kind))
        row.get_by_label("Costs", exact=True).fill("300")
        row.get_by_label("Code counts for", exact=True).select_option("both")
        for label, value in filled.items():
            row.get_by_label(label, exact=True).fill(value)
        inside.get_by_role("button", name="Check and preview").click()
        inside.get_by_role("button", name="Publish version").click()
        expect(page.locator(".toast span")).to_contain_text("is published")
    app = demo.app.installation
    with app.db.read() as tx:
        [shop] = tx.all("SELECT shop_id FROM shops WHERE domain = :d", d=demo.app.domain)
        latest = programmes.versions(tx, shop[0]).latest
    assert latest is not None
    added = latest.reward("something_new")
    assert added is not None
    assert (latest.code_prefix, added.kind, added.points, added.purchases) == (
        "TEA", CHOICES.get(kind, kind), 300, "both",
    )  # fmt: skip
    assert {name: getattr(added, name) for name in expected} == expected
