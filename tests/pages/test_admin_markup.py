"""Our markup against Shopify's own types: every Polaris tag and attribute in the admin exists and takes its value."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from plugin.domain.facts import CustomerFact, DataRequested
from plugin.flows import members as member_flow
from tests.markup import Page
from tests.npm import environment, node, package
from tests.pages.admin_pages import confirm_pages, open_page, placed, read, send
from tests.pages.scene import ALICE, ANNA, Scene
from tests.pages.test_admin import PAGES
from tests.pages.test_admin_activity import park

# Every element takes these; `rel` marks the home link of the navigation (facts of App Bridge: s-app-nav).
GLOBAL = {"id", "class", "role", "hidden", "slot", "lang", "rel"}


@pytest.fixture(scope="module")
def elements() -> dict[str, dict[str, Any]]:
    """Tag → attribute → allowed values, or None where any text will do."""
    types = package("@shopify/polaris-types") / "dist/polaris"
    bridge = package("@shopify/app-bridge-types") / "dist/shopify.ts"
    assert package("typescript").is_dir()
    answer = subprocess.run(
        [str(node()), str(Path(__file__).with_name("polaris.cjs")), str(types), str(bridge)],
        capture_output=True, text=True, check=False, timeout=120,
        env=environment() | {"NODE_PATH": str(package("typescript").parent)},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-2000:]
    found: dict[str, dict[str, Any]] = json.loads(answer.stdout)
    return found


def tags(page: Page) -> list[tuple[str, dict[str, str | None]]]:
    return [(one.tag, one.attributes) for one in page.elements]


def wrong(page: Page, elements: dict[str, dict[str, Any]]) -> list[str]:
    """What of a page's Polaris markup Shopify's types do not know."""
    faults = []
    for tag, attributes in tags(page):
        if not tag.startswith("s-"):
            continue
        if tag not in elements:
            faults.append(f"<{tag}>")
            continue
        for name, value in attributes.items():
            if name in GLOBAL or name.startswith(("data-", "aria-")):
                continue
            if name not in elements[tag]:
                faults.append(f"<{tag} {name}>")
            elif elements[tag][name] is not None and value not in elements[tag][name]:
                faults.append(f"<{tag} {name}={value!r}>")
    return faults


def test_every_tag_and_attribute_is_polaris(light: Scene, elements: dict[str, dict[str, Any]]) -> None:
    light.member(ALICE, ANNA, 150)
    placed(light, 81, CustomerFact(ANNA, first_name="Anna"), 4000)
    placed(light, 82, CustomerFact(ANNA), 4000)
    light.asked(ALICE, ANNA, 81)
    assert (
        light.post("survey", {"order": "81", "score": 9, "nonce": light.nonce(ANNA)}, ANNA).status_code == 200
    )
    light.redeem(ANNA)
    park(light, ALICE)
    shop = light.shop(ALICE)
    with light.db.write(shop.shop_id) as tx:
        member_flow.apply(tx, shop, [DataRequested(ANNA, "77", ())], light.times.now())
    pages = [
        read(open_page(light, path))
        for path in (*PAGES, f"/members/{ANNA}", "/members?q=an", f"/settings?id={ANNA}")
    ]
    form = pages[3].form("/programme/preview")
    pages += [
        read(send(light, form, points="x"), 422),
        read(send(light, form, points="2")),
        *confirm_pages(light),
    ]
    used = {tag for page in pages for tag, _ in tags(page) if tag.startswith("s-")}
    assert {"s-page", "s-section", "s-table", "s-text-field", "s-number-field", "s-text-area", "s-select", "s-button",
            "s-badge", "s-banner", "s-app-nav", "s-link"} <= used  # fmt: skip
    assert sorted({fault for page in pages for fault in wrong(page, elements)}) == []


def test_the_check_sees_what_is_wrong(elements: dict[str, dict[str, Any]]) -> None:
    page = Page(
        '<s-badge tone="red"></s-badge><s-butten></s-butten><s-page title="x" heading="y"></s-page>'
        '<s-link rel="home"></s-link>'
    )
    assert wrong(page, elements) == ["<s-badge tone='red'>", "<s-butten>", "<s-page title>"]


def test_where_components_do_not_load_plain_controls_stand_in(light: Scene) -> None:
    """Each Polaris field and button has a native twin of the same name, form and meaning right behind it."""
    light.member(ALICE, ANNA)
    for path in ("/programme", "/settings", f"/members/{ANNA}"):
        page = read(open_page(light, path))
        native = [one.get("name") for tag, one in tags(page) if tag in ("input", "select", "textarea")]
        fields = ("s-text-field", "s-number-field", "s-text-area", "s-select")
        components = [one.get("name") for tag, one in tags(page) if tag in fields]
        assert components
        assert [name for name in components if name not in native] == []
        buttons = [
            (tag, one)
            for tag, one in tags(page)
            if tag in ("s-button", "button") or "button" in (one.get("class") or "")
        ]
        for (first, component), (second, twin) in zip(buttons[::2], buttons[1::2], strict=True):
            assert (first, second in ("a", "button")) == ("s-button", True)
            assert component.get("href") == twin.get("href")
            assert component.get("type") == twin.get("type")
