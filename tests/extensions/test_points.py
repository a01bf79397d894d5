"""The product block: the same whole numbers as the ledger, in Liquid and in the browser, for the variant on show."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page as Window
from playwright.sync_api import expect

from plugin.domain.earning import target
from plugin.domain.programme import (
    Band,
    Basis,
    Campaign,
    EarningRule,
    LineRule,
    OrderRules,
    Programme,
    Tier,
    first_programme,
)
from plugin.domain.values import Rate, Ratio, Rounding, exponent, rounded
from plugin.worker.digest import storefront_digest
from tests.extensions.conftest import DESKTOP, PHONE, Visit
from tests.extensions.page import HOSTILE, Page, render
from tests.extensions.served import Site
from tests.facts import line, order, seen

WHEN = ((-1, 1), (-1, 1), (-2, -1), (1, 2))  # days from now: two run, one is over, one is planned
WHO: tuple[tuple[str, ...], ...] = ((), ("silver",), ("bronze",))
MEMBER = {"joined": True, "available": 0, "pending": 0, "tier": "silver"}


def programmes() -> st.SearchStrategy[Programme]:
    """Programmes with one or two rules, any rounding, a multiplier, and currencies of 0, 2 and 3 decimals."""
    rate = st.builds(Rate, st.integers(0, 5000), st.integers(1, 20_000))
    rules = st.lists(rate, min_size=1, max_size=2).map(
        lambda rates: tuple(EarningRule(one, f"rule{at}") for at, one in enumerate(rates))
    )
    multiplier = st.builds(Ratio, st.integers(1, 30), st.integers(1, 12))
    rounding: st.SearchStrategy[Rounding] = st.sampled_from(("floor", "half_up", "ceil"))

    def made(currency: str, rules: tuple[EarningRule, ...], times: Ratio, rounding: Rounding) -> Programme:
        tiers = (Tier("bronze", "Bronze", 0), Tier("silver", "Silver", 500, times))
        return Programme(1, currency, rules, rounding=rounding, tiers=tiers)

    return st.builds(made, st.sampled_from(("CHF", "JPY", "KWD")), rules, multiplier, rounding)


def due(programme: Programme, price: int) -> tuple[int, bool]:
    """Points of one order of that price (in Liquid's hundredths) by the domain's rule, and whether all was exact."""
    times = programme.tiers[1].multiplier
    points, exact = 0, True
    for rule in programme.earning:
        top = price * 10 ** exponent(programme.currency) * rule.rate.points * times.numerator
        bottom = 100 * rule.rate.per_minor * times.denominator
        points += rounded(top, bottom, programme.rounding)
        exact = exact and top % bottom == 0
    return points, exact or programme.rounding == "floor"


def said(page: Page) -> str:
    """What the block says; empty when it is hidden or not there."""
    html = render("product-points", page)
    found = re.search(r'<span class="regulars-points__text">(.*?)</span>', html, re.DOTALL)
    return "" if found is None or re.search(r"\shidden\s", html) else unescape(found[1].strip())


@given(programmes(), st.integers(0, 10_000_000))
@settings(max_examples=60)
def test_liquid_counts_as_the_ledger_does(programme: Programme, price: int) -> None:
    page = Page(
        digest=storefront_digest(programme), loyalty=MEMBER, currency=programme.currency, prices=(price,)
    )
    points, exact = due(programme, price)
    words = "point" if points == 1 else "points"
    expected = f"Earn {points:,} {words}" if exact else f"Earn up to {points:,} {words}"
    assert said(page) == (expected if points else "")


@given(
    programmes(),
    st.integers(0, 10_000_000),
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 4), st.sampled_from(WHEN), st.sampled_from(WHO)),
        max_size=3,
    ),
    st.sampled_from(("multiply", "add", "best")),
)
@settings(max_examples=60)
def test_liquid_counts_campaigns_while_they_run_as_the_ledger_does(
    programme: Programme, price: int, several: list[Any], stacking: Any
) -> None:
    now = datetime.now(UTC)
    campaigns = tuple(
        Campaign(
            f"c{n}", "C", _wall(now, first), _wall(now, last), "UTC", multiplier=Ratio(more + less, less),
            tiers=tiers,
        )
        for n, (more, less, (first, last), tiers) in enumerate(several)
    )  # fmt: skip
    # Of what is not for everybody and everything, nothing is promised.
    scoped = Campaign("tea", "Tea", "2000-01-01", "2999-01-01", "UTC", scope="vendor", values=("Nobody",))
    ruled = replace(programme, campaigns=(*campaigns, scoped), campaign_stacking=stacking)
    minor = price * 10 ** exponent(ruled.currency) // 100
    price = minor * 100 // 10 ** exponent(ruled.currency)
    one = order(seen(1, line(1, minor), processed_at=now, at=now, currency=ruled.currency))
    due = target(one, ruled, ruled.tiers[1].multiplier, tier="silver", confirmed=True)
    shown = said(
        Page(digest=storefront_digest(ruled), loyalty=MEMBER, currency=ruled.currency, prices=(price,))
    )
    assert int(re.sub("[^0-9]", "", shown) or 0) == sum(count for _, count in due.points)


def _wall(now: datetime, days: int) -> str:
    return (now + timedelta(days=days)).replace(tzinfo=None).isoformat()


@pytest.fixture
def counts(site: Site, visit: Visit) -> Callable[[list[tuple[dict[str, str], int]]], list[list[Any]]]:
    """The browser's own count for (settings of the element, price)."""
    window = visit()
    return lambda cases: window.evaluate(
        """(cases) => cases.map(([data, price]) => {
          const element = document.createElement('regulars-points');
          Object.assign(element.dataset, data);
          return element.count(BigInt(price));
        })""",
        cases,
    )


@pytest.mark.browser
def test_the_browser_counts_as_the_ledger_does(
    counts: Callable[[list[tuple[dict[str, str], int]]], list[list[Any]]],
) -> None:
    @given(st.lists(st.tuples(programmes(), st.integers(0, 10_000_000)), min_size=20, max_size=20))
    @settings(max_examples=8)
    def holds(cases: list[tuple[Programme, int]]) -> None:
        asked = []
        for programme, price in cases:
            page = Page(
                digest=storefront_digest(programme),
                loyalty=MEMBER,
                currency=programme.currency,
                prices=(price,),
            )
            html = render("product-points", page)
            names = {
                "rules": "rules",
                "scale": "scale",
                "multiplier": "multiplier",
                "rounding": "rounding",
                "basket-decides": "basketDecides",
            }
            data = {key: re.search(f'data-{name}="([^"]*)"', html)[1] for name, key in names.items()}  # type: ignore[index]
            asked.append((data, price))
        expected = [[points, not exact] for points, exact in (due(*case) for case in cases)]
        assert counts(asked) == expected

    holds()


def page_of(programme: Programme, **changes: Any) -> Page:
    return Page(digest=storefront_digest(programme), loyalty=MEMBER).but(**changes)


CHF = first_programme("CHF", 100)
DISCOUNTED = {"cart_level_discount_applications": [{"title": "SPRING"}]}
OWN = {"text": "Get [points] leaves", "text_up_to": "At most [points] leaves"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "Earn 31 points"),
        ({"signed_in": False}, "Earn 24 points"),
        ({"loyalty": None}, "Earn 24 points"),
        ({"loyalty": {**MEMBER, "joined": False}}, "Earn 24 points"),
        ({"prices": (80,), "signed_in": False}, ""),
        ({"prices": (100,), "signed_in": False}, "Earn 1 point"),
        ({"gift_card": True}, ""),
        ({"currency": "EUR"}, "Earn points with this purchase"),
        ({"cart": DISCOUNTED}, "Earn up to 31 points"),
        ({"language": "de"}, "31 Punkte sammeln"),
        ({"language": "de", "prices": (100,), "signed_in": False}, "1 Punkt sammeln"),
        ({"prices": (129000,)}, "Earn 1,612 points"),
        ({"prices": (129000,), "language": "de"}, "1.612 Punkte sammeln"),
        ({"point_settings": {"text": "Get [points] leaves"}}, "Get 31 leaves"),
        ({"point_settings": {"text": "Get [points] leaves"}, "cart": DISCOUNTED}, "Earn up to 31 points"),
        ({"point_settings": OWN, "cart": DISCOUNTED}, "At most 31 leaves"),
        ({"point_settings": OWN}, "Get 31 leaves"),
        ({"digest": None}, ""),
        ({"digest": None, "design": True}, "Earn points with this purchase"),
    ],
)
def test_what_the_block_says(changes: dict[str, Any], expected: str) -> None:
    assert said(page_of(CHF).but(**changes)) == expected


def test_up_to_where_tax_is_in_the_price_but_does_not_earn() -> None:
    net = replace(CHF, basis=Basis(tax="without"))
    assert said(page_of(net)) == "Earn up to 31 points"
    assert said(page_of(net, cart={"taxes_included": False})) == "Earn 31 points"


def test_a_programme_by_invitation_promises_nothing_to_others() -> None:
    invited = replace(CHF, membership="tag", membership_tag="club")
    assert said(page_of(invited)) == "Earn 31 points"
    assert said(page_of(invited, signed_in=False)) == ""


TEA = {"id": 11, "vendor": "Regulars", "type": "Tea", "tags": ["New", "green"], "collections": [{"id": 900}]}
SOME = "Earn points with this purchase"


def special(scope: Any, *values: str, key: str = "a", **changes: Any) -> LineRule:
    return LineRule(key, "", scope, values, **{"multiplier": Ratio(2), **changes})


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        (OrderRules(lines=(special("product", "11"),)), "Earn 62 points"),  # 24.90 × 5/4 × 2
        (OrderRules(lines=(special("product", "12"),)), "Earn 31 points"),
        (OrderRules(lines=(special("collection", "900"),)), "Earn 62 points"),
        (OrderRules(lines=(special("vendor", "REGULARS"),)), "Earn 62 points"),
        (OrderRules(lines=(special("type", "tea", multiplier=Ratio(3, 2)),)), "Earn 46 points"),  # 46.69
        (OrderRules(lines=(special("tag", "new"), special("tag", "GREEN", multiplier=Ratio(3)))), "Earn 93 points"),
        (OrderRules(lines=(special("tag", "new"), special("type", "Tea", effect="exclude"))), ""),
        (OrderRules(lines=(special("tag", "new", effect="fixed", points=50),)), SOME),
        (OrderRules(lines=(special("variant", "7001"),)), SOME),
        (OrderRules(lines=(special("variant", "7001", effect="exclude"),)), ""),
        (OrderRules(lines=(special("variant", "9"),)), "Earn 31 points"),
        (OrderRules(bands=(Band("a", "", 0, Ratio(2)),)), SOME),
        (OrderRules(max_per_order=10), "Earn up to 31 points"),
        (OrderRules(max_per_period=10), "Earn up to 31 points"),
        (OrderRules(minimum_minor=10_000), "Earn up to 31 points"),
        (OrderRules(credit=False), "Earn up to 31 points"),
        (OrderRules(companies=False, excluded_tags=("staff",)), "Earn 31 points"),
    ],
)  # fmt: skip
def test_rules_for_products_and_orders_are_never_overstated(orders: OrderRules, expected: str) -> None:
    assert said(page_of(replace(CHF, orders=orders), product=TEA)) == expected


def test_who_earns_nothing_is_promised_nothing() -> None:
    choosy = page_of(replace(CHF, orders=OrderRules(companies=False, excluded_tags=("Staff",))))
    assert said(choosy.but(customer={"b2b?": True})) == ""
    assert said(choosy.but(customer={"tags": ["vip", "STAFF"]})) == ""
    assert said(choosy.but(customer={"tags": ["vip"]})) == "Earn 31 points"


def test_a_merchants_words_are_text() -> None:
    html = render("product-points", page_of(CHF, point_settings={"text": HOSTILE}))
    assert "<img" not in html
    assert html.count("<script") == 1


def text(window: Window) -> str:
    return window.locator(".regulars-points__text").first.inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_it_follows_the_variant_without_a_request(site: Site, visit: Visit, size: tuple[int, int]) -> None:
    window = visit(size)
    asked = len(site.asked)
    assert text(window) == "Earn 31 points"
    window.locator("select").select_option("7002")
    window.wait_for_function(
        "document.querySelector('.regulars-points__text').textContent === 'Earn 1,612 points'"
    )
    window.evaluate(
        "document.dispatchEvent(new CustomEvent('variant:change', {detail: {variant: {id: 7001}}}))"
    )
    assert text(window) == "Earn 111 points"
    window.evaluate(
        """const event = new Event('variant:update', {bubbles: true});
        event.detail = {resource: {id: 7000}};
        document.body.dispatchEvent(event)"""
    )
    assert text(window) == "Earn 31 points"
    assert len(site.asked) == asked


@pytest.mark.browser
@pytest.mark.parametrize(
    ("settings", "said"),
    [(OWN, "At most 111 leaves"), ({"text": "Get [points] leaves"}, "Earn up to 111 points")],
)
def test_own_words_keep_up_to_for_another_variant(
    site: Site, visit: Visit, settings: dict[str, str], said: str
) -> None:
    site.page = site.page.but(point_settings=settings, cart=DISCOUNTED)
    window = visit()
    window.locator("select").select_option("7001")
    expect(window.locator(".regulars-points__text")).to_have_text(said)


@pytest.mark.browser
def test_it_follows_a_hidden_field_and_the_address(site: Site, visit: Visit) -> None:
    window = visit()
    window.evaluate("document.querySelector('select').outerHTML = '<input type=hidden name=id value=7000>'")
    window.evaluate("const block = document.querySelector('regulars-points'); block.replaceWith(block)")
    window.evaluate("document.querySelector('[name=id]').value = '7001'")
    window.wait_for_function(
        "document.querySelector('.regulars-points__text').textContent === 'Earn 111 points'"
    )
    window.evaluate("document.querySelector('[name=id]').remove()")
    window.evaluate(
        """history.pushState({}, '', '?variant=7002');
        document.dispatchEvent(new Event('variant:changed', {bubbles: true}))"""
    )
    window.wait_for_function(
        "document.querySelector('.regulars-points__text').textContent === 'Earn 1,612 points'"
    )


@pytest.mark.browser
def test_another_product_on_the_page_is_not_heard(site: Site, visit: Visit) -> None:
    window = visit()
    for foreign in ("424242", "'7'", "'('", "null", "{}"):
        window.evaluate(
            f"document.dispatchEvent(new CustomEvent('variant:change', {{detail: {{variant: {{id: {foreign}}}}}}}))"
        )
    assert text(window) == "Earn 31 points"


@pytest.mark.browser
def test_it_survives_rendering_again_and_two_of_it(site: Site, visit: Visit) -> None:
    site.page = site.page.but(point_blocks=2)
    window = visit()
    window.evaluate(
        "const section = document.querySelector('#product-section'); section.innerHTML = section.innerHTML"
    )
    window.locator("select").select_option("7001")
    window.wait_for_function(
        """[...document.querySelectorAll('.regulars-points__text')]
          .every((each) => each.textContent === 'Earn 111 points')"""
    )
    assert window.locator("regulars-points").count() == 2


@pytest.mark.browser
def test_no_number_where_the_currency_has_no_rate(site: Site, visit: Visit) -> None:
    site.page = site.page.but(currency="EUR")
    window = visit()
    window.locator("select").select_option("7001")
    window.wait_for_timeout(100)
    assert text(window) == "Earn points with this purchase"
