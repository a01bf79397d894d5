"""The Admin API client: what it retries, what it never retries, and what it says when it gives up."""

from __future__ import annotations

import httpx
import pytest

from plugin.shopify.admin import MAX_ANSWER_BYTES, AdminClient
from plugin.shopify.errors import (
    AccessDenied,
    NeedsReauth,
    PlatformError,
    Refused,
    Throttled,
    Unavailable,
)
from tests.shopify.scripted import TOKEN, Answer, Time, cost, data, errors, scripted

GID = "gid://shopify/Customer/1"
TAGGED = data(tagsAdd={"node": {"id": GID}, "userErrors": []})
READ_TIMEOUT = httpx.ReadTimeout("slow")


def test_sends_the_document_and_the_token_to_the_shop_itself() -> None:
    client, script = scripted(data(customer=None))
    assert client.run("customer", {"id": GID}) == {"customer": None}
    [call] = script.calls
    assert str(call.url) == "https://dev-one.myshopify.com/admin/api/2026-10/graphql.json"
    assert call.headers["x-shopify-access-token"] == TOKEN
    assert script.sent()[0]["variables"] == {"id": GID}
    assert script.sent()[0]["query"].startswith("query Customer(")


@pytest.mark.parametrize(
    "trouble",
    [
        READ_TIMEOUT,
        httpx.RemoteProtocolError("closed"),
        httpx.Response(500),
        httpx.Response(503),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, text="[" * 100_000),
        httpx.Response(200, json={"data": None}),
        httpx.Response(200, json={"data": {"tagsAdd": None}}),
        httpx.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1)),
        errors("INTERNAL_SERVER_ERROR"),
    ],
)
def test_mutation_without_an_answer_is_never_repeated_and_its_outcome_unknown(trouble: Answer) -> None:
    client, script = scripted(trouble)
    with pytest.raises(Unavailable) as caught:
        client.run("tags_add", {"id": GID, "tags": ["a"]})
    assert caught.value.outcome_unknown
    assert len(script.calls) == 1


@pytest.mark.parametrize(
    "trouble", [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.Response(423)]
)
def test_mutation_that_never_reached_the_platform_has_a_known_outcome(trouble: Answer) -> None:
    client, script = scripted(trouble)
    with pytest.raises(Unavailable) as caught:
        client.run("tags_add", {"id": GID, "tags": ["a"]})
    assert not caught.value.outcome_unknown
    assert len(script.calls) == 1


def test_query_is_tried_again_a_little() -> None:
    client, script = scripted(READ_TIMEOUT, httpx.Response(502), data(customer=None))
    assert client.run("customer", {"id": GID}) == {"customer": None}
    assert len(script.calls) == 3


def test_query_gives_up_after_three_tries_and_is_never_of_unknown_outcome() -> None:
    client, script = scripted(*[httpx.Response(500)] * 3)
    with pytest.raises(Unavailable) as caught:
        client.run("customer", {"id": GID})
    assert not caught.value.outcome_unknown
    assert len(script.calls) == 3


def test_throttled_mutation_waits_for_the_budget_and_is_sent_again() -> None:
    time = Time()
    throttled = errors("THROTTLED", extensions={"cost": cost(requested=210, available=10)})
    client, script = scripted(throttled, TAGGED, time=time)
    client.run("tags_add", {"id": GID, "tags": ["a"]})
    # (210 - 10) points at 100 a second
    assert time.slept == [pytest.approx(2.0)]
    assert len(script.calls) == 2


def test_long_throttling_is_handed_to_the_outbox_with_the_time_to_wait() -> None:
    throttled = errors("THROTTLED", extensions={"cost": cost(requested=1000, available=0)})
    client, script = scripted(throttled)
    with pytest.raises(Throttled) as caught:
        client.run("tags_add", {"id": GID, "tags": ["a"]})
    assert caught.value.after_s == pytest.approx(10.0)
    assert len(script.calls) == 1
    # and the next call of that shop does not even ask
    with pytest.raises(Throttled):
        client.run("tags_add", {"id": GID, "tags": ["a"]})
    assert len(script.calls) == 1


def test_throttling_without_end_stops() -> None:
    client, script = scripted(*[errors("THROTTLED")] * 3)
    with pytest.raises(Throttled):
        client.run("tags_add", {"id": GID, "tags": ["a"]})
    assert len(script.calls) == 3


def test_too_many_requests_says_how_long_to_wait() -> None:
    client, _ = scripted(httpx.Response(429, headers={"Retry-After": "45"}))
    with pytest.raises(Throttled) as caught:
        client.run("tags_add", {"id": GID, "tags": ["a"]})
    assert caught.value.after_s == 45


def test_an_expensive_document_waits_before_it_is_sent() -> None:
    time = Time()
    poor = httpx.Response(
        200, json={"data": {"customer": None}, "extensions": {"cost": cost(500, available=100)}}
    )
    client, script = scripted(poor, data(customer=None), time=time)
    client.run("customer", {"id": GID})
    client.run("customer", {"id": GID})
    assert time.slept == [pytest.approx(4.0)]
    assert len(script.calls) == 2


def test_refused_token_is_replaced_once() -> None:
    refused: list[str] = []

    def another(token: str) -> str:
        refused.append(token)
        return "shpat_new"

    client, script = scripted(httpx.Response(401), TAGGED, on_unauthorized=another)
    client.run("tags_add", {"id": GID, "tags": ["a"]})
    assert refused == [TOKEN]
    assert [call.headers["x-shopify-access-token"] for call in script.calls] == [TOKEN, "shpat_new"]


def test_token_refused_twice_needs_the_merchant() -> None:
    client, script = scripted(httpx.Response(401), httpx.Response(401), on_unauthorized=lambda _: "shpat_new")
    with pytest.raises(NeedsReauth):
        client.run("customer", {"id": GID})
    assert len(script.calls) == 2


def test_user_errors_refuse_and_keep_what_the_platform_said() -> None:
    complaint = {
        "code": "TAKEN",
        "field": ["input", "code"],
        "message": "Jane Roe is secret",
        "elementIndex": 3,
    }
    client, _ = scripted(data(metafieldsSet={"metafields": None, "userErrors": [complaint]}))
    with pytest.raises(Refused) as caught:
        client.run("metafields_set", {"metafields": []})
    [error] = caught.value.errors
    assert (error.code, error.field, error.element) == ("TAKEN", ("input", "code"), 3)
    assert not caught.value.top_level
    assert caught.value.codes() == {"TAKEN"}


def test_document_the_platform_does_not_accept_is_refused_at_top_level() -> None:
    client, script = scripted(errors("undefinedField"))
    with pytest.raises(Refused) as caught:
        client.run("customer", {"id": GID})
    assert caught.value.top_level
    assert len(script.calls) == 1


def test_missing_scope_is_access_denied() -> None:
    client, _ = scripted(errors("ACCESS_DENIED", path=["customer"], roots={"customer": None}))
    with pytest.raises(AccessDenied):
        client.run("customer", {"id": GID})
    client, _ = scripted(httpx.Response(403))
    with pytest.raises(AccessDenied):
        client.run("customer", {"id": GID})


def test_missing_customer_of_an_order_is_not_taken_for_a_guest() -> None:
    client, _ = scripted(
        errors("ACCESS_DENIED", path=["order", "customer"], roots={"order": {"customer": None}})
    )
    with pytest.raises(AccessDenied):
        client.run("order", {"id": "gid://shopify/Order/1"})


def test_personal_data_without_approval_is_null_and_no_error() -> None:
    roots = {"customer": {"id": GID, "firstName": None}}
    client, _ = scripted(errors("ACCESS_DENIED", path=["customer", "firstName"], roots=roots))
    assert client.run("customer", {"id": GID}) == roots


def test_denied_mutation_is_never_half_accepted() -> None:
    roots: dict[str, object] = {"tagsAdd": {"node": None, "userErrors": []}}
    client, _ = scripted(errors("ACCESS_DENIED", path=["tagsAdd", "node", "firstName"], roots=roots))
    with pytest.raises(AccessDenied):
        client.run("tags_add", {"id": GID, "tags": []})


@pytest.mark.parametrize(
    "trouble",
    [
        READ_TIMEOUT,
        httpx.Response(500, text="Jane Roe is secret"),
        httpx.Response(401),
        httpx.Response(402, text="Jane Roe is secret"),
        errors("undefinedField"),
        errors("ACCESS_DENIED", path=["tagsAdd"]),
        data(tagsAdd={"node": None, "userErrors": [{"field": ["id"], "message": "Jane Roe is secret"}]}),
    ],
)
def test_no_secret_and_no_personal_data_in_an_error_or_a_log(
    trouble: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    client, _ = scripted(trouble)
    with pytest.raises(PlatformError) as caught:
        client.run("tags_add", {"id": GID, "tags": ["Jane Roe"]})
    everything = f"{caught.value!s} {caught.value!r} {caught.value.__cause__!r} {caplog.text} {client!r}"
    assert TOKEN not in everything
    assert "Jane" not in everything


def test_clients_of_two_shops_do_not_share_a_budget() -> None:
    poor, script = scripted(errors("THROTTLED", extensions={"cost": cost(requested=1000, available=0)}))
    with pytest.raises(Throttled):
        poor.run("customer", {"id": GID})
    script.answers.append(data(customer=None))
    rich = AdminClient(
        "dev-two.myshopify.com", lambda: TOKEN, poor.http_client, sleep=poor.sleep, pace=poor.pace
    )
    assert rich.run("customer", {"id": GID}) == {"customer": None}
