"""API, actions: told with a key or by a signed hook; once by their own id, and by nobody without the secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from plugin.channels.outgoing import signature
from plugin.domain.programme import ActionRule
from plugin.flows import api_keys as key_flow
from plugin.flows.api_keys import Made, public_name
from tests.pages.api.caller import fault, make_key, program
from tests.pages.api.test_members import named
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, Scene, programme

TOLD = {"action": "quiz", "external_id": "quiz-81"}


@pytest.fixture
def quiz(scene: Scene) -> Scene:
    """Alice's programme rewards a quiz with 30 points; Anna is a member."""
    rule = ActionRule(key="quiz", kind="custom", name="Quiz", points=30)
    scene.install(ALICE, programme(actions=(rule,)))
    scene.times.forward(seconds=1)
    scene.member(ALICE, ANNA)
    return scene


def hook(scene: Scene, made: Made, body: Any, *, shop: str = ALICE, **changes: str) -> TestResponse:
    """A signed message; `changes` replace its headers after it was signed."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = int(scene.times.wall_s())
    headers = {
        "webhook-id": "m-1",
        "webhook-timestamp": str(at),
        "webhook-signature": signature(made.signing_secret, "m-1", at, raw),
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    key = public_name(scene.shop(shop).shop_id, made.key.key_id)
    return scene.client().post(f"/api/v1/hooks/actions?key={key}", data=raw, headers=headers)


def test_an_action_told_with_a_key_counts_once(quiz: Scene) -> None:
    caller = program(quiz, "write_actions")
    first = caller.post(f"/members/{ANNA}/actions", TOLD, status=200)
    assert (first["outcome"], first["points"], first["again"]) == ("earned", 30, False)
    again = caller.post(f"/members/{ANNA}/actions", TOLD, status=200)
    assert (again["points"], again["again"]) == (30, True)
    assert quiz.entries(ALICE, ANNA)[0] == ("action", 30)
    assert [kind for kind, _ in quiz.entries(ALICE, ANNA)].count("action") == 1
    unknown = caller.send("POST", f"/members/{ANNA}/actions", TOLD | {"action": "x"}, Idempotency_Key="a")
    assert fault(unknown)[:2] == (404, "no_such_action")
    naive = TOLD | {"occurred_at": "2026-11-22T09:00:00"}
    refused = caller.send("POST", f"/members/{ANNA}/actions", naive, Idempotency_Key="b")
    assert fault(refused) == (422, "invalid_body", "occurred_at")


def test_a_signed_hook_names_the_member_by_number_or_address(quiz: Scene) -> None:
    named(quiz, ANNA, "anna@example.com")
    made = make_key(quiz, "write_actions")
    by_address = hook(quiz, made, TOLD | {"email": "Anna@example.com"})
    assert (by_address.status_code, by_address.json and by_address.json["points"]) == (200, 30)
    twice = hook(quiz, made, TOLD | {"member_id": str(ANNA)})
    assert twice.json is not None
    assert (twice.json["member_id"], twice.json["again"]) == (str(ANNA), True)
    assert [kind for kind, _ in quiz.entries(ALICE, ANNA)].count("action") == 1


def test_what_is_not_signed_by_this_key_is_refused_and_says_no_more(quiz: Scene) -> None:
    made, other = make_key(quiz, "write_actions"), make_key(quiz, "write_actions")
    theirs = make_key(quiz, "write_actions", shop=MALLORY)
    body = TOLD | {"member_id": str(ANNA)}
    at = int(quiz.times.wall_s())
    raw = json.dumps(body).encode()
    forged = [
        {"webhook_signature": ""},
        {"webhook_signature": "v1,AAAA"},
        {"webhook_signature": signature(other.signing_secret, "m-1", at, raw)},
        {"webhook_signature": signature(theirs.signing_secret, "m-1", at, raw)},
        {"webhook_signature": signature(made.signing_secret, "m-1", at, raw + b" ")},
        {"webhook_id": "m-2"},
        {"webhook_timestamp": str(at + 1)},
        {"webhook_timestamp": "now"},
    ]
    for changes in forged:
        assert fault(hook(quiz, made, body, **changes))[:2] == (401, "invalid_signature"), changes
    old = {"webhook_timestamp": str(at - 301),
           "webhook_signature": signature(made.signing_secret, "m-1", at - 301, raw)}  # fmt: skip
    assert fault(hook(quiz, made, body, **old))[:2] == (401, "invalid_signature")
    assert fault(quiz.client().post("/api/v1/hooks/actions", json=body))[:2] == (401, "invalid_signature")
    # Mallory's own key is good for her own shop, where nobody is called so.
    assert hook(quiz, theirs, body, shop=MALLORY).status_code in (404, 422)
    shop = quiz.shop(ALICE)
    with quiz.db.write(shop.shop_id) as tx:
        key_flow.revoke(tx, shop, made.key.key_id, "staff:501", quiz.times.now())
    assert fault(hook(quiz, made, body))[:2] == (401, "invalid_signature")
    assert quiz.entries(ALICE, ANNA) == [("signup", 50)]


def test_a_hook_that_does_not_fit_says_what_to_change(quiz: Scene) -> None:
    quiz.member(ALICE, BEN)
    for customer_id in (ANNA, BEN):
        named(quiz, customer_id, "both@example.com")
    made = make_key(quiz, "write_actions")
    for body, code, field in (
        (TOLD, "invalid_body", "member_id"),
        (TOLD | {"member_id": str(ANNA), "email": "a@example.com"}, "invalid_body", "member_id"),
        (TOLD | {"email": "nobody@example.com"}, "no_such_member", "email"),
        (TOLD | {"email": "both@example.com"}, "no_such_member", "email"),
        (TOLD | {"member_id": "4242"}, "no_such_member", "member_id"),
        (b"{", "invalid_json", None),
    ):
        assert fault(hook(quiz, made, body))[1:] == (code, field), body
    assert fault(hook(quiz, make_key(quiz, "read_members"), TOLD))[:2] == (403, "insufficient_scope")
