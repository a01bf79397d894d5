"""Refunds in a real browser: what the merchant does to an order in the shop, and what the member's page then says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from devshop.shop import Order
from plugin.domain.facts import Dispute, OrderDisputed
from plugin.flows import members as member_flow
from plugin.flows import orders as order_flow
from plugin.flows import spending
from plugin.store import shops
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, fits, inner, window

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]

# Two units for CHF 50 each, and CHF 10 of shipping: 100 points.


def act(page: Page, title: str) -> Locator:
    """One of the things that may happen to an order, opened."""
    found = page.locator("details").filter(has=page.locator("summary", has_text=title)).first
    if found.get_attribute("open") is None:
        found.locator("summary").click()
    return found


def refund(page: Page, units: str = "", shipping: str = "", amount: str = "", credit: bool = False) -> None:
    form = act(page, "Refund")
    if units:
        form.get_by_label("Bowl", exact=True).fill(units)
    form.get_by_label("Shipping").fill(shipping)
    form.get_by_label("Amount in CHF").fill(amount)
    form.get_by_label("As store credit").set_checked(credit)
    form.get_by_role("button", name="Refund").click()


def edit(page: Page, units: str = "2", add: str = "Nothing") -> None:
    form = act(page, "Edit quantities")
    form.get_by_label("Bowl", exact=True).fill(units)
    form.get_by_label("Add one of").select_option(add)
    form.get_by_role("button", name="Change the order").click()


def pay(page: Page) -> None:
    act(page, "Receive payment").get_by_role("button", name="Mark as paid").click()


def cancel(page: Page) -> None:
    act(page, "Cancel").get_by_role("button", name="Cancel the order").click()


Step = Callable[[Page], None]
HAPPENINGS: dict[str, tuple[list[Step], str]] = {
    "in full": ([lambda page: refund(page, "2", "10")], "0 now, 100 before"),
    "by line": ([lambda page: refund(page, "1")], "50 now, 100 before"),
    "an amount": ([lambda page: refund(page, amount="25")], "75 now, 100 before"),
    "shipping alone": ([lambda page: refund(page, shipping="10", amount="10")], ""),
    "store credit": ([lambda page: refund(page, "1", credit=True)], "50 now, 100 before"),
    "edited down": ([lambda page: edit(page, "1")], "50 now, 100 before"),
    "edited up, then paid": ([lambda page: edit(page, add="Bowl"), pay], "150 now, 100 before"),
    "exchanged": (
        [lambda page: refund(page, "1"), lambda page: edit(page, "1", add="Bowl"), pay],
        "100 now, 50 before",
    ),
    "cancelled": ([cancel], "The order was cancelled. It had earned 100."),
}


@pytest.mark.parametrize("happening", HAPPENINGS)
def test_what_the_merchant_does_to_an_order_is_said_on_the_members_page(
    demo: Demo, browser: Browser, happening: str
) -> None:
    steps, said = HAPPENINGS[happening]
    member = busy_shop(demo)
    bowl = demo.shop.create_product("Bowl", 5_000)
    order = demo.shop.place_order(member.customer_id, [(bowl, 2)], shipping=1_000)
    demo.settle()
    with window(browser, WIDTHS["desk"]) as page:
        for step in steps:
            # Two states of one second are settled by asking Shopify, and the sentence then names another cause.
            demo.time.forward(minutes=1)
            page.goto(f"{demo.address}/shop-admin/orders/{order.id}")
            step(page)
            # Before the answer the note stands there empty: only words say that the shop has acted.
            expect(page.get_by_role("status").first).not_to_be_empty()
            demo.settle()
        page.goto(f"{demo.address}/admin/apps/regulars/members/{member.customer_id}")
        inside = inner(page)
        expect(inside.get_by_text("CHF 100.00 at 1 point for every CHF 1.00.").first).to_be_visible()
        if said:
            expect(inside.get_by_text(said)).to_be_visible()
        else:
            expect(inside.get_by_text("before.")).to_have_count(0)
        fits(page)


def test_who_owes_what_when_the_points_are_gone_is_said_on_the_members_page(
    demo: Demo, browser: Browser
) -> None:
    anna, bowl = busy_shop(demo).customer_id, demo.shop.create_product("Bowl", 5_000)
    cleo = demo.shop.create_customer(first_name="Cleo", last_name="Rey", email="cleo@example.com")
    here, orders = demo.app.installation, []
    with here.db.read() as tx:
        shop = shops.by_domain(tx, demo.app.domain)
    assert shop is not None
    with here.db.write(shop.shop_id) as tx:
        member_flow.join(tx, shop, cleo.id, None, here.now())
    for customer_id in (cleo.id, anna, anna):
        orders.append(demo.shop.place_order(customer_id, [(bowl, 2)], shipping=0))
        demo.shop.deliver_parcel(demo.shop.fulfil(orders[-1]))
    spent, lapsed, disputed = orders
    demo.settle()
    demo.time.forward(days=15)
    demo.settle()
    with here.db.write(shop.shop_id) as tx:
        # No development shop has a bank: this is what disputes/create says.
        charged = Dispute(1, "chargeback", "needs_response", None)
        order_flow.apply(tx, shop, [OrderDisputed(disputed.id, charged)], here.now())
        spending.redeem(tx, shop, cleo.id, "five_off", "tap", here.now())

    with window(browser, WIDTHS["desk"]) as page:
        inside = inner(page)

        def visit(customer_id: int) -> None:
            page.goto(f"{demo.address}/admin/apps/regulars/members/{customer_id}")

        def refunded(order: Order) -> None:
            demo.time.forward(minutes=1)
            page.goto(f"{demo.address}/shop-admin/orders/{order.id}")
            refund(page, "2")
            expect(page.get_by_role("status").first).not_to_be_empty()
            demo.settle()

        visit(anna)
        expect(inside.get_by_text("The payment was disputed at the bank. It had earned 100.")).to_be_visible()
        refunded(spent)
        visit(cleo.id)  # 150 points less the 100 of the code: the 50 that are left, and 50 that are owed
        expect(inside.locator(".figures li", has_text="Owed")).to_contain_text("50")
        ben = demo.shop.create_customer(first_name="Ben", last_name="Rossi", email="ben@example.com")
        demo.shop.merge_customers(ben, cleo)
        demo.settle()
        visit(cleo.id)
        expect(inside.locator("h1")).to_have_text("Ben Rossi")
        expect(inside.locator(".figures li", has_text="Owed")).to_contain_text("50")
        demo.shop.redact_customer(ben)
        demo.settle()
        visit(cleo.id)
        expect(inside.locator("s-badge", has_text="Erased")).to_be_visible()
        expect(inside.locator(".figures li", has_text="Owed")).to_contain_text("50")
        demo.time.forward(days=800)
        demo.settle()
        refunded(lapsed)
        visit(anna)
        expect(inside.get_by_text("Not spent in time.").first).to_be_visible()
        expect(inside.get_by_text("They had expired or were never claimed")).to_be_visible()
        fits(page)
