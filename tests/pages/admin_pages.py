"""Opens the merchant's pages, judges them, and sends their forms as they stand in the page."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from plugin.domain.facts import CustomerFact, Line, OrderHead, OrderSeen, Refund
from plugin.flows import orders as order_flow
from plugin.shopify.grants import Grant
from plugin.store import shops, tokens
from tests.markup import Form, Page
from tests.pages.scene import ALICE, Scene


def read(answer: TestResponse, status: int = 200) -> Page:
    """A page, once it is found to be valid, accessible and without inline code of others."""
    assert (answer.status_code, answer.content_type) == (status, "text/html; charset=utf-8"), answer.text[
        :500
    ]
    nonce = re.search(r"'nonce-([A-Za-z0-9_-]{20,})'", answer.headers["Content-Security-Policy"])
    page = Page(answer.text, nonce[1] if nonce else "")
    assert page.faults == []
    assert page.named("html")[0].attributes["lang"] == "en"
    return page


def checked(answer: TestResponse, status: int = 200) -> str:
    """The text of a page that `read` finds no fault with; non-breaking spaces are shown as spaces."""
    read(answer, status)
    return answer.text.replace("\u00a0", " ")


def words(text: str) -> str:
    """What a person reads of a page: no tags, single spaces."""
    plain = re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", plain).split())


def open_page(scene: Scene, path: str = "/", shop: str = ALICE, **claims: Any) -> TestResponse:
    """A page as the frame loads it, with a fresh id token in its address."""
    with scene.db.write() as tx:
        real = scene.times.real()
        grant = Grant(
            "shpat_x", "shprt_x", real + timedelta(hours=1), real + timedelta(days=90), "read_orders"
        )
        found = shops.by_domain(tx, shop)
        assert found is not None
        tokens.put(tx, found.shop_id, scene.web.tokens.sealed(grant))
    joint = "&" if "?" in path else "?"
    return scene.client().get(
        f"{path}{joint}shop={shop}&host=YWRtaW4&id_token={scene.id_token(shop, **claims)}"
    )


def send(scene: Scene, form: Form, **changes: str) -> TestResponse:
    """Sends a form as a browser would, with some of its fields changed."""
    assert form.method == "post"
    return scene.client().post(form.action, data=form.filled(**changes))


def follow(scene: Scene, answer: TestResponse) -> TestResponse:
    """The page that a sent form leads to, through the frame."""
    assert answer.status_code == 303, answer.text[:300]
    path = answer.headers["Location"].removeprefix("https://regulars.test")
    own = [pair for pair in path.partition("?")[2].split("&") if pair.split("=")[0] in ("done", "id", "show")]
    return open_page(scene, f"{path.partition('?')[0]}?{'&'.join(own)}")


def placed(
    scene: Scene,
    order_id: int,
    customer: CustomerFact | int,
    paid_minor: int,
    refund: int = 0,
    *,
    shop: str = ALICE,
    at: datetime | None = None,
    shipping_minor: int = 0,
) -> None:
    """A paid order of one line at the shop, with an amount refunded."""
    found, now = scene.shop(shop), scene.times.now()
    fact = CustomerFact(customer) if isinstance(customer, int) else customer
    head = OrderHead(
        updated_at=now, origin="webhook", name=f"#{order_id}", customer_id=fact.customer_id, currency="CHF",
        processed_at=at or now, taxes_included=True, financial_status="paid", source_name="web", test=False,
        cancelled_at=None, lines=(Line(1, 1, 0, paid_minor, 0, False, True),), shipping_minor=shipping_minor,
    )  # fmt: skip
    refunds = (Refund(5, now, (), refund, 0),) if refund else ()
    with scene.db.write(found.shop_id) as tx:
        order_flow.apply(tx, found, [OrderSeen(order_id, head, refunds, customer=fact)], now)


def query(**values: str) -> str:
    """A query."""
    return urlencode(values)


def confirm_pages(scene: Scene) -> list[Page]:
    """A member's page while an adjustment waits to be confirmed, and while a fault of it is shown."""
    form = read(open_page(scene, "/members/7001")).form("/members/7001/adjust")
    asked = send(scene, form, points="900", direction="take", reason="Wrong account")
    return [read(asked), read(send(scene, form, points="x", reason=""), 422)]
