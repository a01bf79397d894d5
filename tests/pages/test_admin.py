"""The merchant's pages: what they show, whom they show it to, and whether they are good HTML."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from werkzeug.test import TestResponse

from plugin.domain.facts import CustomerFact, Line, OrderHead, OrderSeen, Refund
from plugin.flows import orders as order_flow
from plugin.pages import explain
from plugin.pages.admin import RETRY
from plugin.shopify.grants import Grant
from plugin.store import members, queues, tokens
from plugin.store.ledger import HistoryLine
from tests.pages.scene import ALICE, ANNA, BEN, BOB, MALLORY, START, Scene, code_of

VOID = {"meta", "input", "br", "link"}


class Page(HTMLParser):
    """Reads a page strictly: every tag closed in order, and what a reader with a screen reader needs."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.scripts: list[str | None] = []
        self.first_in_head: list[str] = []
        self.labels: set[str] = set()
        self.inputs: list[dict[str, str | None]] = []
        self.headings: list[int] = []
        self.title = ""
        self.language: str | None = None
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.faults += [f"inline handler {name}" for name in found if name.startswith("on")]
        self.faults += [f"style attribute on <{tag}>"] if "style" in found else []
        self.faults += [
            f"javascript link {v}" for v in found.values() if (v or "").lower().startswith("javascript")
        ]
        if tag == "html":
            self.language = found.get("lang")
        if tag == "script":
            self.scripts.append(found.get("src"))
        if tag == "label":
            self.labels.add(str(found.get("for")))
        if tag == "input" and found.get("type") != "hidden":
            self.inputs.append(found)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if self.open[-1:] == ["head"]:
            self.first_in_head.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1:] != [tag]:
            self.faults.append(f"</{tag}> closes <{self.open[-1] if self.open else ''}>")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["title"]:
            self.title += data
        if self.open[-1:] == ["script"] and data.strip():
            self.faults.append("inline script")


def checked(answer: TestResponse, status: int = 200) -> str:
    """The text of a page, once it is found to be valid, titled, labelled and without inline code."""
    assert (answer.status_code, answer.content_type) == (status, "text/html; charset=utf-8")
    page = Page(answer.text)
    assert page.faults == []
    assert page.language == "en"
    assert page.title.strip()
    assert page.headings[:1] == [1]
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert [field for field in page.inputs if str(field.get("id")) not in page.labels] == []
    return answer.text


def open_page(scene: Scene, path: str = "/", shop: str = ALICE, **claims: Any) -> TestResponse:
    """A page as the frame loads it, with a fresh id token in its address."""
    with scene.db.write() as tx:
        real = scene.times.real()
        grant = Grant(
            "shpat_x", "shprt_x", real + timedelta(hours=1), real + timedelta(days=90), "read_orders"
        )
        tokens.put(tx, scene_shop_id(scene, tx, shop), scene.web.tokens.sealed(grant))
    joint = "&" if "?" in path else "?"
    return scene.client().get(
        f"{path}{joint}shop={shop}&host=YWRtaW4&id_token={scene.id_token(shop, **claims)}"
    )


def scene_shop_id(scene: Scene, tx: Any, shop: str) -> int:
    from plugin.store import shops

    found = shops.by_domain(tx, shop)
    assert found is not None
    return found.shop_id


def placed(scene: Scene, order_id: int, customer: CustomerFact, paid_minor: int, refund: int = 0) -> None:
    """A paid order of one line at the shop, with an amount refunded."""
    shop, now = scene.shop(ALICE), scene.times.now()
    head = OrderHead(
        updated_at=now, origin="webhook", name=f"#{order_id}", customer_id=customer.customer_id, currency="CHF",
        processed_at=now, taxes_included=True, financial_status="paid", source_name="web", test=False,
        cancelled_at=None, lines=(Line(1, 1, 0, paid_minor, 0, False, True),),
    )  # fmt: skip
    refunds = (Refund(5, now, (), refund, 0),) if refund else ()
    with scene.db.write(shop.shop_id) as tx:
        order_flow.apply(tx, shop, [OrderSeen(order_id, head, refunds, customer=customer)], now)


def test_the_home_page_shows_the_figures(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 150)
    placed(scene, 81, CustomerFact(ANNA), 4000)
    placed(scene, 82, CustomerFact(BEN), 2500)
    scene.asked(ALICE, ANNA, 81)
    given = {"order": "81", "score": 9, "nonce": scene.nonce(ANNA)}
    assert scene.post("survey", given, ANNA).status_code == 200
    text = checked(open_page(scene))
    assert (
        "<dt>Members</dt><dd>1<small>1 more bought and have not joined; 25 points wait for them</small>"
        in text
    )
    assert (
        "<dt>Points outstanding</dt><dd>240<small>" in text
    )  # 50 joining, 150 given, 40 of the order, pending
    assert re.search(r"<dd>100\.0<small>between -?[0-9.]+ and [0-9.]+ \(95 %\), from 1 answer</small>", text)
    assert "Nothing is stuck." in text


def test_app_bridge_comes_first_and_only_shopify_may_frame_the_page(light: Scene) -> None:
    answer = open_page(light)
    page = Page(answer.text)
    assert page.scripts[0] == "https://cdn.shopify.com/shopifycloud/app-bridge.js"
    assert page.first_in_head[:3] == ["meta", "meta", "script"]
    assert '<meta name="shopify-api-key" content="key-of-the-app">' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert f"frame-ancestors https://{ALICE} https://admin.shopify.com" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_in_development_the_scripts_come_from_the_development_shop(sqlite_url: str) -> None:
    from plugin.store.db import Database
    from tests.pages.scene import make_scene

    database = Database.open(sqlite_url)
    scene = make_scene(
        database, config={"devshop_url": "http://127.0.0.1:8001", "app_url": "http://127.0.0.1:8000"}
    )
    scene.install(ALICE)
    answer = open_page(scene)
    assert '<script src="http://127.0.0.1:8001/app-bridge.js"></script>' in answer.text
    assert "http://127.0.0.1:8001" in answer.headers["Content-Security-Policy"].split("frame-ancestors")[1]
    assert "Strict-Transport-Security" not in answer.headers
    database.close()


def test_parked_rows_show_with_their_reasons_and_go_back_in_line(scene: Scene) -> None:
    shop_id, now = scene.shop(ALICE).shop_id, scene.times.now()
    with scene.db.write(shop_id) as tx:
        tx.run(
            "INSERT INTO inbox (shop_id, webhook_id, topic, received_at, body, state, due_at, reason) "
            "VALUES (:s, 'w-1', 'orders/paid', 0, :b, 2, 0, '<b>no total</b>')",
            s=shop_id, b=b"{}",
        )  # fmt: skip
        queues.enqueue(
            tx, shop_id, [queues.Effect("redemption:5:make", "code.make", {"redemption_id": 5})], now
        )
        effect = queues.claim(tx, shop_id, "test", now, 1, key="redemption:5:make")[0]
        queues.effect_failed(tx, shop_id, effect, "access_denied: discounts", now, for_good=True)
    text = checked(open_page(scene))
    assert "&lt;b&gt;no total&lt;/b&gt;" in text
    assert "access_denied: discounts" in text
    assert "2 stuck after several tries" in text
    found = re.search(r'name="ticket" value="([^"]+)"', text)
    action = re.search(r'<form method="post" action="([^"]+)"', text)
    assert found is not None
    assert action is not None
    answer = scene.client().post(action[1].replace("&amp;", "&"), data={"ticket": found[1]})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("https://regulars.test/?")
    assert f"shop={ALICE}" in answer.headers["Location"]
    assert "done=2" in answer.headers["Location"]
    with scene.db.read() as tx:
        assert (queues.inbox_parked(tx, shop_id), queues.outbox_parked(tx, shop_id)) == ([], [])
    assert "2 rows back in line" in checked(open_page(scene, "/?done=2"))


def test_the_form_needs_its_own_fresh_ticket(light: Scene) -> None:
    signer, now_s = light.web.signer, light.times.wall_s()
    good = signer.form_ticket(ALICE, BOB, RETRY, now_s)
    wrong = {
        "none": "",
        "forged": good[:-2] + "xx",
        "for another form": signer.form_ticket(ALICE, BOB, "publish", now_s),
        "a survey ticket": signer.survey_ticket(1, 81, ANNA, now_s),
        "an id token": light.id_token(),
        "of a shop that left": signer.form_ticket("stranger-shop.myshopify.com", BOB, RETRY, now_s),
    }
    for name, ticket in wrong.items():
        answer = light.client().post(f"/retry?shop={ALICE}", data={"ticket": ticket})
        expected = 404 if "left" in name else 403
        assert (name, answer.status_code) == (name, expected)
    light.times.wall_at += 3600
    assert light.client().post("/retry", data={"ticket": good}).status_code == 403


def test_a_ticket_acts_on_its_own_shop_whatever_the_address_says(light: Scene) -> None:
    for domain in (ALICE, MALLORY):
        with light.db.write() as tx:
            tx.run(
                "INSERT INTO inbox (shop_id, webhook_id, topic, received_at, body, state, due_at, reason) "
                "VALUES (:s, 'w-1', 'orders/paid', 0, :b, 2, 0, 'x')",
                s=scene_shop_id(light, tx, domain), b=b"",
            )  # fmt: skip
    ticket = light.web.signer.form_ticket(MALLORY, BOB, RETRY, light.times.wall_s())
    answer = light.client().post(f"/retry?shop={ALICE}", data={"ticket": ticket})
    assert f"shop={MALLORY}" in answer.headers["Location"]
    with light.db.read() as tx:
        assert len(queues.inbox_parked(tx, scene_shop_id(light, tx, ALICE))) == 1
        assert queues.inbox_parked(tx, scene_shop_id(light, tx, MALLORY)) == []


def test_a_members_page_explains_every_entry(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 150)
    customer = CustomerFact(ANNA, first_name="<Anna>", last_name="Keller")
    placed(scene, 81, customer, 4000)
    scene.times.forward(hours=1)
    placed(scene, 81, customer, 4000, refund=1000)
    scene.redeem(ANNA)
    text = checked(open_page(scene, f"/members/{ANNA}"))
    assert "<h1>&lt;Anna&gt; Keller</h1>" in text
    assert "CHF 40.00 at 1 for every CHF 1.00." in text
    assert "CHF 30.00 at 1 for every CHF 1.00; 30 points should stand, 40 stood before." in text
    assert re.search(r'<td class="number">-100</td><td>5 off\.</td>', text)
    for kind in ("Joined", "Adjusted", "Earned", "Taken back", "Redeemed"):
        assert f"<td>{kind}</td>" in text
    assert "<td>#81</td>" in text


def test_a_long_history_has_pages(light: Scene) -> None:
    from plugin.store import ledger

    light.member(ALICE, ANNA)
    with light.db.write() as tx:
        account = ledger.accounts(tx, 1, [ANNA])[ANNA]
        for n in range(60):
            account.credit("adjust", n + 1, source_key=f"gift:{n}", why={}, occurred_at=START, available_at=START,
                           expires_at=None)  # fmt: skip
        ledger.write(tx, 1, [account.moves], START)
    first = checked(open_page(light, f"/members/{ANNA}"))
    older = re.search(r'<a href="(/members/[^"]+)">Older entries', first)
    assert older is not None
    path = older[1].replace("&amp;", "&").split("shop=")[0].rstrip("&")
    before = re.search(r"before=\d+", older[1])
    assert before is not None
    second = checked(open_page(light, f"{path.partition('?')[0]}?{before[0]}"))
    points = re.findall(r'<td class="number">\+(\d+)', first + second)
    assert points == [str(n) for n in range(60, 0, -1)] + ["50"]
    assert "Older entries" not in second


def test_a_member_is_found_by_number_and_by_the_number_before_a_merge(light: Scene) -> None:
    light.member(ALICE, ANNA)
    with light.db.write() as tx:
        members.alias(tx, 1, BEN, ANNA, START)
    for number in (ANNA, BEN):
        assert f"<h1>Member {ANNA}</h1>" in checked(open_page(light, f"/members?id={number}"))


def test_staff_of_another_shop_see_nothing(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 150)
    answer = open_page(scene, f"/members/{ANNA}", MALLORY)
    assert (answer.status_code, code_of(answer)) == (404, "no_such_member")
    assert "<dt>Members</dt><dd>0</dd>" in checked(open_page(scene, "/", MALLORY))


@pytest.mark.parametrize("number", ["", "abc", "-5", "9" * 30, "1 OR 1=1", "１２"])
def test_a_number_that_is_none_is_explained(light: Scene, number: str) -> None:
    answer = open_page(light, f"/members?id={number}")
    assert (answer.status_code, code_of(answer)) == (400, "invalid_member")


def test_an_error_is_a_page_for_people_within_the_frame(light: Scene) -> None:
    light.member(ALICE, ANNA)
    with light.db.write() as tx:
        grant = Grant("shpat_x", None, light.times.real() + timedelta(hours=1), None, "")
        tokens.put(tx, 1, light.web.tokens.sealed(grant))
    answer = light.client().get(
        f"/members/424242?shop={ALICE}&id_token={light.id_token()}", headers={"Accept": "text/html,*/*;q=0.8"}
    )
    text = checked(answer, 404)
    assert "There is no member with this number." in text
    assert f"frame-ancestors https://{ALICE}" in answer.headers["Content-Security-Policy"]
    assert "nothing at this address" in checked(
        light.client().get("/nowhere", headers={"Accept": "text/html"}), 404
    )


def test_sentences_for_every_kind_of_entry() -> None:
    def said(kind: str, **why: object) -> str:
        return explain.entry(HistoryLine(1, kind, 1, START, why, None, None))

    assert said("signup", rule="signup") == ""
    assert (
        said("redeem_return", name="5 off", because="refused") == "5 off: the shop could not make the code."
    )
    assert said("void", rule="never_joined", months=12) == "Waited 12 months for the customer to join."
    assert said("forgiven", rule="floor") == "The programme does not let a balance fall below zero."
    assert said("clawback", because="cancelled", before=40, target=0) == (
        "0 points should stand, 40 stood before; the order was cancelled."
    )
    earned = said("earn", basis_minor=4000, rate=[3, 200], currency="CHF", multiplier=[5, 4], tier="silver")
    assert earned == "CHF 40.00 at 3 for every CHF 2.00, times 5/4 for tier silver."
    assert said("earn", basis_minor=4000, rate=[1, 1], currency="JPY") == "JPY 4000 at 1 for every JPY 1."


def test_every_kind_of_the_ledger_has_a_name_and_reasons_are_cut() -> None:
    from typing import get_args

    from plugin.domain.ledger import Kind

    assert set(explain.KINDS) == set(get_args(Kind))
    assert explain.reason("x" * 300) == "x" * 197 + "…"
