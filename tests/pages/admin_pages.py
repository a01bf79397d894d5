"""Reads the merchant's pages as a strict browser would, and sends their forms as they stand in the page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from plugin.domain.facts import CustomerFact, Line, OrderHead, OrderSeen, Refund
from plugin.flows import orders as order_flow
from plugin.shopify.grants import Grant
from plugin.store import shops, tokens
from tests.pages.scene import ALICE, Scene

VOID = {"meta", "input", "br", "link"}


@dataclass(slots=True)
class Form:
    """One form: where it goes, and its fields as they would be sent untouched."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, **changes: str) -> dict[str, str]:
        """The fields with some changed; dots of a name are written as two underscores."""
        changed = {name.replace("__", "."): value for name, value in changes.items()}
        assert set(changed) <= {name for name, _ in self.fields}, changed
        return dict(self.fields) | changed


class Page(HTMLParser):
    """Reads a page strictly: every tag closed in order, and what a reader with a screen reader needs."""

    def __init__(self, text: str, nonce: str = "") -> None:
        super().__init__(convert_charrefs=True)
        self.nonce = nonce
        self.open: list[str] = []
        self.faults: list[str] = []
        self.scripts: list[str | None] = []
        self.first_in_head: list[str] = []
        self.labels: set[str] = set()
        self.inputs: list[dict[str, str | None]] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.described: set[str] = set()
        self.title = ""
        self.language: str | None = None
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._select: str | None = None
        self._area: str | None = None
        self._nonced = False
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]
        self.faults += [f"id {one} twice" for one in set(self.ids) if self.ids.count(one) > 1]
        self.faults += [f"nothing has the id {one}" for one in self.described - set(self.ids)]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.tags.append((tag, found))
        self.faults += [f"inline handler {name}" for name in found if name.startswith("on")]
        self.faults += [f"style attribute on <{tag}>"] if "style" in found else []
        self.faults += [
            f"javascript link {v}" for v in found.values() if (v or "").lower().startswith("javascript")
        ]
        if found.get("id"):
            self.ids.append(str(found["id"]))
        self.described |= set((found.get("aria-describedby") or "").split())
        if tag == "html":
            self.language = found.get("lang")
        if tag == "script":
            self.scripts.append(found.get("src"))
            self._nonced = bool(self.nonce) and found.get("nonce") == self.nonce
        if tag == "label":
            self.labels.add(str(found.get("for")))
        if tag in ("input", "select", "textarea") and found.get("type") != "hidden":
            self.inputs.append(found)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if self.open[-1:] == ["head"]:
            self.first_in_head.append(tag)
        self._field(tag, found)
        if tag not in VOID:
            self.open.append(tag)

    def _field(self, tag: str, found: dict[str, str | None]) -> None:
        name = found.get("name") or ""
        if tag == "form":
            self.faults += ["a form within a form"] if "form" in self.open else []
            self.forms.append(Form(found.get("action") or "", found.get("method") or "get"))
        elif tag == "input":
            self.forms[-1].fields.append((name, found.get("value") or ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select is not None and "selected" in found:
            self.forms[-1].fields.append((self._select, found.get("value") or ""))
        elif tag == "textarea":
            self._area = name
            self.forms[-1].fields.append((name, ""))

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1:] != [tag]:
            self.faults.append(f"</{tag}> closes <{self.open[-1] if self.open else ''}>")
        else:
            self.open.pop()
        if tag == "textarea":
            self._area = None
        if tag == "select":
            form = self.forms[-1]
            if self._select not in {name for name, _ in form.fields}:
                self.faults.append(f"nothing is chosen in {self._select}")
            self._select = None

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["title"]:
            self.title += data
        if self.open[-1:] == ["script"] and data.strip() and not self._nonced:
            self.faults.append("inline script without the word of this answer")
        if self._area is not None:
            self.forms[-1].fields[-1] = (self._area, self.forms[-1].fields[-1][1] + data)

    def form(self, action: str) -> Form:
        """The first form whose address begins so."""
        return next(one for one in self.forms if one.action.partition("?")[0] == action)


def read(answer: TestResponse, status: int = 200) -> Page:
    """A page, once it is found to be valid, titled, labelled and without inline code of others."""
    assert (answer.status_code, answer.content_type) == (status, "text/html; charset=utf-8"), answer.text[
        :500
    ]
    nonce = re.search(r"'nonce-([A-Za-z0-9_-]{20,})'", answer.headers["Content-Security-Policy"])
    page = Page(answer.text, nonce[1] if nonce else "")
    assert page.faults == []
    assert page.language == "en"
    assert page.title.strip()
    assert page.headings[:1] == [1]
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    unnamed = [one for one in page.inputs if str(one.get("id")) not in page.labels]
    assert unnamed == []
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
