"""Activity: what is stuck and goes back in line, what happened in sentences, and customers' data requests."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from plugin.domain.facts import CustomerFact, DataRequested
from plugin.domain.ledger import Kind
from plugin.errors import RegularsError
from plugin.flows import members as member_flow
from plugin.pages import admin_activity, explain
from plugin.pages.admin_activity import RETRY
from plugin.shopify.errors import PlatformError
from plugin.store import events, queues
from plugin.store.events import Event
from plugin.store.history import HistoryLine
from plugin.worker.effects import PERFORMERS
from plugin.worker.reconcile import RECONCILE_EVERY
from tests.house.sources import ROOT
from tests.pages.admin_pages import checked, follow, open_page, placed, read, send, words
from tests.pages.scene import ALICE, ANNA, BOB, MALLORY, START, Scene, code_of, programme
from webhooks.payloads.reading import PayloadError


def park(scene: Scene, shop: str, webhook_id: str = "w-1", reason: str = "ValueError") -> None:
    """A webhook that was given up."""
    shop_id = scene.shop(shop).shop_id
    with scene.db.write() as tx:
        tx.run(
            "INSERT INTO inbox (shop_id, webhook_id, topic, received_at, body, state, due_at, reason, attempts) "
            "VALUES (:s, :w, 'orders/paid', 0, :b, 2, 0, :r, 10)",
            s=shop_id, w=webhook_id, b=b"{}", r=reason,
        )  # fmt: skip


def park_effect(scene: Scene, shop: str, key: str = "redemption:5:make") -> None:
    """An effect that Shopify refused."""
    shop_id, now = scene.shop(shop).shop_id, scene.times.now()
    with scene.db.write() as tx:
        queues.enqueue(tx, shop_id, [queues.Effect(key, "code.make", {"redemption_id": 5})], now)
        effect = queues.claim(tx, shop_id, "test", now, 1, key=key)[0]
        queues.effect_failed(tx, shop_id, effect, "access_denied: discounts", now, for_good=True)


def parked(scene: Scene, shop: str = ALICE) -> tuple[int, int]:
    """How many webhooks and effects are parked."""
    shop_id = scene.shop(shop).shop_id
    with scene.db.read() as tx:
        return len(queues.inbox_parked(tx, shop_id)), len(queues.outbox_parked(tx, shop_id))


def test_what_is_stuck_says_why_and_goes_back_in_line_one_by_one_or_all(scene: Scene) -> None:
    park(scene, ALICE, "w-1", "<b>no total</b>")
    park(scene, ALICE, "w-2")
    park_effect(scene, ALICE)
    park(scene, MALLORY)
    assert "3 tasks are stuck." in words(checked(open_page(scene)))
    answer = open_page(scene, "/activity")
    text, said = checked(answer), words(checked(answer))
    assert "<small><code>&lt;b&gt;no total&lt;/b&gt;</code></small>" in text
    assert "Message from Shopify: orders/paid 10 tries Something went wrong on our side." in said
    assert "Make a discount code 1 try Shopify does not let us do this." in said
    every, *forms = [form for form in read(answer).forms if form.action.startswith("/retry")]
    assert "key" not in dict(every.fields)
    assert [dict(form.fields)["key"] for form in forms] == ["w-1", "w-2", "redemption:5:make"]
    page = follow(scene, send(scene, forms[1]))
    assert "1 back in line." in checked(page)
    assert parked(scene) == (1, 1)
    assert "0 back in line." in checked(follow(scene, send(scene, forms[1]))), (
        "sent again, it finds nothing to do"
    )
    follow(scene, send(scene, forms[2]))
    assert parked(scene) == (1, 0)
    park_effect(scene, ALICE, "redemption:6:make")
    assert "2 back in line." in checked(follow(scene, send(scene, every)))
    assert parked(scene) == (0, 0)
    assert parked(scene, MALLORY) == (1, 0)
    assert "Nothing is stuck." in checked(open_page(scene, "/activity"))


def test_what_is_stuck_for_the_same_reason_is_one_row_and_goes_back_together(scene: Scene) -> None:
    for n in range(40):
        park(scene, ALICE, f"w-{n}", "bad_payload: Expected `int`, got `str` - at `$.total`")
    park(scene, ALICE, "other", "KeyError")
    park(scene, ALICE, "nameless", "")
    park(scene, MALLORY, "theirs", "bad_payload: Expected `int`, got `str` - at `$.total`")
    answer = open_page(scene, "/activity")
    said = words(checked(answer))
    assert said.count("something in it is not as Shopify describes it") == 1
    assert "orders/paid 40 of them, 10 tries each We cannot read this message" in said
    assert "No reason was given." in said
    assert "Try all 42 again" in said
    form = next(one for one in read(answer).forms if dict(one.fields).get("key", "").startswith("w-"))
    assert "40 back in line." in checked(follow(scene, send(scene, form)))
    assert (parked(scene), parked(scene, MALLORY)) == ((2, 0), (1, 0))
    assert "0 back in line." in checked(follow(scene, send(scene, form)))


def test_members_of_the_trail_have_names_and_staff_have_none(light: Scene) -> None:
    light.member(ALICE, ANNA)
    placed(light, 81, CustomerFact(ANNA, first_name="Anna", last_name="Keller"), 4000)
    shop = light.shop(ALICE)
    with light.db.write(shop.shop_id) as tx:
        member_flow.apply(tx, shop, [DataRequested(ANNA, "77", ())], light.times.now())
        events.record(tx, shop.shop_id, [
            Event(START, f"staff:{BOB}", "points_adjusted", f"member:{ANNA}", {"points": 10}),
            Event(START, "shopify", "member_forgotten", "member:424242", {}),
        ])  # fmt: skip
    text = checked(open_page(light, "/activity"))
    said = words(text)
    assert f"10 points were given by hand. A staff member {BOB} Anna Keller" in said
    assert "as the law asks. Shopify Member 424242" in said
    assert text.count(">Anna Keller</a>") == text.count(f'href="/members/{ANNA}?') >= 3


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
        assert (name, answer.status_code) == (name, 404 if "left" in name else 403)
    for fields in ({"queue": "webhook"}, {"key": "w-1"}, {"queue": "members", "key": "1"}):
        answer = light.client().post("/retry", data={"ticket": good, **fields})
        assert (answer.status_code, code_of(answer)) == (400, "invalid_row")
    light.times.wall_at += 3600
    assert light.client().post("/retry", data={"ticket": good}).status_code == 403


def test_a_ticket_acts_on_its_own_shop_whatever_the_address_says(light: Scene) -> None:
    for domain in (ALICE, MALLORY):
        park(light, domain)
    ticket = light.web.signer.form_ticket(MALLORY, BOB, RETRY, light.times.wall_s())
    answer = light.client().post(f"/retry?shop={ALICE}", data={"ticket": ticket})
    assert f"shop={MALLORY}" in answer.headers["Location"]
    assert f"frame-ancestors https://{MALLORY}" in answer.headers["Content-Security-Policy"]
    assert (parked(light), parked(light, MALLORY)) == ((1, 0), (0, 0))


def test_the_trail_has_pages_and_sentences(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_activity, "PAGE", 3)
    shop_id = scene.shop(ALICE).shop_id
    with scene.db.write() as tx:
        for n in range(5):
            detail: dict[str, object] = {"from": "bronze", "to": "silver", "progress": 500 + n}
            events.record(tx, shop_id, [Event(START, "system", "tier_changed", f"member:{n + 1}", detail)])
    first = checked(open_page(scene, "/activity"))
    older = re.search(r"(before=\d+)", first)
    assert older is not None
    second = checked(open_page(scene, f"/activity?{older[1]}"))
    seen = re.findall(r"with (\d+) points earned", first + second)
    assert seen == ["504", "503", "502", "501", "500"]
    assert "The member moved from Bronze to Silver" in first
    assert "Regulars Member 5" in words(first)


def test_a_data_request_is_answered_by_a_file_behind_a_signed_link(scene: Scene) -> None:
    scene.member(ALICE, ANNA, 10)
    shop = scene.shop(ALICE)
    with scene.db.write(shop.shop_id) as tx:
        member_flow.apply(tx, shop, [DataRequested(ANNA, "77", ())], scene.times.now())
    text = checked(open_page(scene, "/activity"))
    link = re.search(r'href="(/activity/data-request\?[^"]+)"', text)
    assert link is not None
    path = link[1].replace("&amp;", "&")
    answer = scene.client().get(path)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="data-request-datarequest77.json"'
    assert answer.json is not None
    assert answer.json["member"]["member_id"] == ANNA
    for wrong in (
        path.replace("request%3A77", "request%3A78"),
        path.partition("&ticket")[0],
        path[:-2] + "xx",
    ):
        assert scene.client().get(wrong).status_code == 403
    with scene.db.write() as tx:
        tx.run("UPDATE privacy_requests SET result = NULL")
    assert code_of(scene.client().get(path)) == "no_such_request"
    assert "Erased since" in checked(open_page(scene, "/activity"))
    assert "Data requests" not in checked(open_page(scene, "/activity", MALLORY))


def test_how_long_the_oldest_message_waits(light: Scene) -> None:
    received = int((START - timedelta(minutes=5)).timestamp() * 1000)
    with light.db.write() as tx:
        tx.run(
            "INSERT INTO inbox (shop_id, webhook_id, topic, received_at, body, due_at) "
            "VALUES (1, 'w', 'x', :t, :b, :t)",
            t=received, b=b"",
        )  # fmt: skip
    assert "Messages from Shopify 1 the oldest since 22 Nov 2026, 09:55" in words(
        checked(open_page(light, "/activity"))
    )


# Sentences


def test_sentences_for_every_kind_of_entry() -> None:
    def said(kind: str, **why: object) -> str:
        return explain.entry(HistoryLine(1, kind, 1, START, why, None, None), programme())

    assert said("signup", rule="signup") == "Points for joining."
    assert said("expire", rule="expiry") == "Not spent in time."
    assert (
        said("redeem_return", name="5 off", because="refused") == "5 off: the shop could not make the code."
    )
    assert said("void", rule="never_joined", months=12) == "Waited 12 months for the customer to join."
    assert said("forgiven", rule="lapsed") == (
        "They had expired or were never claimed, so they are not taken twice."
    )
    assert said("redeem_reversed", reward="five_off", because="less_refunded") == (
        "five_off: less of the order with the code is refunded now."
    )
    assert said("forgiven", rule="floor") == "The programme does not let a balance fall below zero."
    assert said("transfer_in", **{"from": "7", "to": "8"}) == "Two accounts became one: 7."
    assert said("transfer_out", **{"from": "7", "to": "8"}) == "Two accounts became one: 8."
    assert said("clawback", rule="signup", because="merged") == (
        "Another account of the same person had them already."
    )
    assert said("clawback", because="cancelled", basis_minor=0, before=40, target=0) == (
        "The order was cancelled. It had earned 40."
    )
    rate = {"rate": [3, 200], "currency": "CHF"}
    assert said("earn", basis_minor=4000, multiplier=[5, 4], tier="silver", **rate) == (
        "CHF 40.00 at 3 points for every CHF 2.00, times 1.25 for Silver."
    )
    assert said("earn", basis_minor=4000, multiplier=[5, 4], tier="gone", **rate).endswith("for tier gone.")
    assert said("clawback", basis_minor=3000, before=60, target=45, **rate) == (
        "CHF 30.00 at 3 points for every CHF 2.00: 45 now, 60 before."
    )
    assert (
        said("earn", basis_minor=4000, rate=[1, 1], currency="JPY") == "JPY 4000 at 1 point for every JPY 1."
    )


def test_every_kind_of_the_ledger_every_effect_and_every_event_has_words() -> None:
    assert set(explain.KINDS) == set(get_args(Kind))
    assert all(explain.work("effect", kind) != kind for kind in PERFORMERS)
    # The kinds that flows record, as their sources name them.
    sources = "".join(path.read_text("utf-8") for path in Path(ROOT / "plugin/flows").glob("*.py"))
    kinds = set(re.findall(r'Event\(\s*now,\s*(?:"[a-z]+"|actor),\s*"([a-z_]+)"', sources))
    assert len(kinds) >= 10
    for kind in kinds:
        plain = f"{kind.replace('_', ' ').capitalize()}."
        assert explain.event(Event(START, "system", kind, "member:1", {})) != plain, kind


def test_reasons_in_plain_words() -> None:
    assert explain.reason("needs_reauth: token rejected").startswith("Shopify no longer accepts our key")
    assert explain.reason("refused: Shopify refused x: TAKEN at code.").startswith(
        "Shopify understood and said no."
    )
    for text in ("KeyError", "msgspec.ValidationError: Expected `int`, got `str` - at `$.total`", "odd: one"):
        assert explain.reason(text).startswith("Something went wrong on our side. Try again;")
    assert explain.reason("") == "No reason was given."
    assert explain.technical("x y " * 100) == ("x y " * 100)[:199] + "…"
    assert (explain.actor("staff:5"), explain.staff_of("staff:5")) == ("A staff member", "5")
    assert (explain.actor("member:5"), explain.staff_of("member:5")) == ("The member", "")
    assert explain.actor("somebody") == "somebody"
    assert explain.member_of("member:12") == 12
    assert explain.member_of("order:12") is None


def test_every_error_that_can_park_a_row_has_a_sentence() -> None:
    errors: list[type[RegularsError]] = [PayloadError, *_below(PlatformError)]
    assert len(errors) >= 7
    deliveries = {"endpoint_failed", "endpoint_forbidden", "endpoint_gone"}
    assert {one.code for one in errors} | {"storage_busy", "unknown_topic"} | deliveries == set(
        explain.REASONS
    )


def _below(kind: type[RegularsError]) -> list[type[RegularsError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in _below(child))]


def test_the_page_names_the_interval_in_which_orders_are_compared(light: Scene) -> None:
    minutes = RECONCILE_EVERY // timedelta(minutes=1)
    assert f"Every {minutes} minutes we read what changed at Shopify" in words(
        checked(open_page(light, "/activity"))
    )
