"""A merchant with a real browser sets what actions earn, and sees on the member's page that they do."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, FrameLocator, expect

from plugin.domain.programme import ActionRule
from plugin.flows import api_keys
from plugin.store import shops
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, chapter, fits, publish
from tests.pages.test_admin_browser import _latest

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]
MORE = (
    ("Happy birthday", "Birthday", "100", "Year"),
    ("Another year", "Anniversary of joining", "60", "Year"),
    ("Review", "Product review", "20", "Year"),
    ("Survey", "Survey answered", "15", "Month"),
    ("Follow us", "Social follow", "10", "All time"),
    ("Visit", "Action", "5", "Day"),
)


def _add(inside: FrameLocator, name: str, kind: str, points: str, per: str) -> None:
    """Fills the row for one more; it must be checked before the next can be added."""
    inside.get_by_text("Add a rule").last.click()
    new = inside.get_by_role("group", name="New rule").last
    new.get_by_label("Name").fill(name)
    new.get_by_label("What is rewarded").select_option(label=kind)
    new.get_by_label("Points", exact=True).fill(points)
    new.get_by_label("At most").fill("1")
    new.get_by_label("per", exact=True).select_option(label=per)
    new.get_by_label("Points can be spent after").fill("0")
    if kind == "Social follow":
        new.get_by_label("Address").fill("https://social.example/tea")
    new.get_by_label("Counts").select_option("yes")


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_actions_are_set_published_and_earn(demo: Demo, browser: Browser, size: tuple[int, int]) -> None:
    seen = busy_shop(demo)
    base = f"{demo.address}/admin/apps/regulars"
    with chapter(demo, browser, size, "actions") as (page, inside):
        _add(inside, "Our letter", "Newsletter", "30", "Year")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("Subscribing counts once: set the limit to 1, ever.").first).to_be_visible()
        fits(page)
        new = inside.get_by_role("group", name="New rule").first
        new.get_by_label("per", exact=True).select_option(label="All time")
        inside.get_by_label("Earns when known").fill("10")
        for name, kind, points, per in MORE:
            _add(inside, name, kind, points, per)
            inside.get_by_role("button", name="Check and preview").click()
            expect(inside.locator(f'input[value="{name}"]').first).to_be_attached()  # the answer holds it
        publish(demo, page, 2)
        latest = _latest(demo)
        assert latest.actions[0] == ActionRule("our_letter", "newsletter", "Our letter", 30)
        assert [(one.kind, one.points, one.limit, one.period) for one in latest.actions[1:]] == [
            ("birthday", 100, 1, "year"), ("anniversary", 60, 1, "year"), ("review", 20, 1, "year"),
            ("survey", 15, 1, "month"), ("social", 10, 1, "ever"), ("custom", 5, 1, "day"),
        ]  # fmt: skip
        assert latest.birthday_notice_days == 10

        demo.shop.update_customer(seen.customer_id, accepts_marketing=True)
        demo.settle()
        here = demo.app.installation
        with here.db.write() as tx:
            shop = shops.by_domain(tx, demo.app.domain)
            assert shop is not None
            assert here.bench.sealer is not None
            key = api_keys.make(
                tx, shop, "Reviews", ["write_actions"], "staff:1", here.now(), here.bench.sealer.seal
            )
        for told in ("r-1", "r-2"):  # at most once a year: the second is refused, and says so
            page.request.post(
                f"{here.config.app_url}/api/v1/members/{seen.customer_id}/actions",
                data={"action": "review", "external_id": told},
                headers={"Authorization": f"Bearer {key.token}", "Idempotency-Key": told},
            )
        page.goto(f"{base}/members/{seen.customer_id}")
        done = inside.get_by_role("table", name="Actions, newest first")
        expect(done).to_contain_text("Our letter")
        expect(done).to_contain_text("The limit of the year was reached.")
        expect(inside.get_by_text("Newsletter: Our letter.")).to_be_visible()
        inside.get_by_text("Set it", exact=True).click()
        inside.get_by_label("Day", exact=True).select_option("29")
        inside.get_by_label("Month", exact=True).select_option(label="February")
        inside.get_by_role("button", name="Set the birthday").click()
        expect(inside.get_by_text("29 February")).to_be_visible()
        fits(page)
        demo.time.forward(days=365)
        demo.settle()
        page.goto(f"{base}/members/{seen.customer_id}")
        expect(inside.get_by_text("Birthday: Happy birthday.")).to_be_visible()
        expect(inside.get_by_text("Anniversary of joining: Another year.")).to_be_visible()
