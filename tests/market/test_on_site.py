"""What others get wrong on the page: heavy scripts from other domains, members nobody sees, one language."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from plugin.domain.programme import first_programme
from plugin.pages import explain
from plugin.worker.digest import storefront_digest
from tests.books import Books
from tests.extensions.page import EXTENSION, Page, render
from tests.facts import seen
from tests.flows.test_outgoing import announce, listen, types
from tests.pages.scene import ALICE, ANNA, Scene, programme

DIGEST = storefront_digest(first_programme("CHF", 100))
LIGHTEST_BYTES = 104 * 1024  # of scripts, as they travel
SCRIPTS = sorted((EXTENSION / "assets").glob("*.js"))


def test_on_site_launcher_needs_no_request_and_no_other_domain() -> None:
    """What the page shows was already in it: no script, style, frame or request of another address."""
    html = render("launcher", Page(digest=DIGEST, loyalty={"joined": True, "available": 120, "pending": 30}))
    html += render("product-points", Page(digest=DIGEST))
    assert "120" in html
    sources = re.findall(r"<(?:script|link|iframe|img)\b[^>]*?(?:src|href)=[\"']([^\"']+)", html)
    assert sources
    assert [one for one in sources if re.match(r"(https?:)?//", one)] == []
    assert "<iframe" not in html
    for path in SCRIPTS:
        called = re.findall(r"(?:fetch|import)\(\s*['\"`](?:https?:)?//", path.read_text("utf-8"))
        assert called == [], path.name


def test_measured_weight_of_all_scripts_together() -> None:
    """A sixth of the lightest that was measured elsewhere, with every panel and every block on one page."""
    assert sum(len(gzip.compress(path.read_bytes(), 9, mtime=0)) for path in SCRIPTS) <= LIGHTEST_BYTES // 6


def test_new_customer_accounts_show_a_member_without_any_surface_opened(books: Books) -> None:
    """Who never opened a panel still has points that wait, and a metafield that says so on every surface."""
    books.tell(seen(1))
    assert books.points(7) == (0, 100, 0)
    assert "member:7:mirror" in books.effects("member.mirror")


def test_new_customer_accounts_ask_by_session_token(scene: Scene) -> None:
    """The account page proves who asks with its own token; a customer's number in a query proves nothing."""
    scene.member(ALICE, ANNA, 70)
    claimed = scene.client().get(f"/proxy/me?shop={ALICE}&logged_in_customer_id={ANNA}")
    assert claimed.status_code >= 400
    token = {"Authorization": f"Bearer {scene.session_token(ANNA)}"}
    shown = scene.client().get("/api/me", headers=token).json
    assert shown is not None
    assert shown["points"]["available"] == 120


def test_product_page_and_panel_say_the_same_rate(light: Scene) -> None:
    """One programme feeds the product page, the panel and the guest's view."""
    light.install(ALICE, programme())
    shown = light.get("me", None).json
    assert shown is not None
    assert shown["programme"] == json.loads(json.dumps(light.get("me", ANNA).json["programme"]))  # type: ignore[index]


@pytest.mark.parametrize("language", ["en.default", "de"])
def test_languages_have_words_for_every_movement(language: str) -> None:
    """No line of a history is left in another language or without words."""
    texts = json.loads((EXTENSION / "locales" / f"{language}.json").read_text("utf-8"))["panel"]
    wanted = {f"h_{kind}" for kind in explain.KINDS if kind not in ("earn", "clawback")}
    assert {key for key in wanted | {f"b_{one}" for one in explain._BECAUSE} if not texts.get(key)} == set()


def test_email_and_klaviyo_events_need_no_plan(books: Books) -> None:
    """Another program hears of points, tiers and codes, whatever the shop pays: there is nothing to pay."""
    listen(books, "points.earned", "points.spent", "tier.changed")
    books.join(7)
    books.give(7, 200)
    books.redeem(7)
    books.tick()
    announce(books)
    assert {"points.earned", "points.spent", "tier.changed"} <= set(types(books))
