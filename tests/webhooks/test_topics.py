"""The table of topics is whole: every topic it lists is real, subscribed, documented, and leads to the right flow."""

from __future__ import annotations

import json
import tomllib
import typing
from pathlib import Path

import pytest

from plugin.domain import facts
from webhooks.payloads import PayloadError
from webhooks.topics import TOPICS, Subject, parse

ROOT = Path(__file__).parent.parent.parent
BODIES = Path(__file__).parent / "bodies"
KINDS: dict[Subject, object] = {
    "order": facts.OrderFact,
    "member": facts.MemberFact,
    "merchant": facts.MerchantFact,
}
SAMPLE = {
    "orders/create": "order_paid",
    "orders/paid": "order_paid",
    "orders/updated": "order_taxes_included_refund",
    "orders/edited": "order_edited",
    "orders/cancelled": "order_test_notification",
    "orders/delete": "order_deleted",
    "orders/fulfilled": "order_pos",
    "refunds/create": "refund_lines",
    "disputes/create": "dispute",
    "disputes/update": "dispute",
    "returns/approve": "return_approved",
    "returns/cancel": "return_closed",
    "returns/close": "return_closed",
    "returns/process": "return_closed",
    "returns/reopen": "return_closed",
    "fulfillments/create": "fulfilment",
    "fulfillments/update": "fulfilment",
    "fulfillment_events/create": "fulfilment_event",
    "customers/create": "customer",
    "customers/update": "customer",
    "customers_email_marketing_consent/update": "consent",
    "customers/delete": "customer_deleted",
    "customers/merge": "customers_merged",
    "app/uninstalled": "app_uninstalled",
    "app/scopes_update": "scopes_updated",
    "shop/update": "app_uninstalled",
    "bulk_operations/finish": "bulk_finished",
    "customers/data_request": "data_request",
    "customers/redact": "customer_redact",
    "shop/redact": "shop_redact",
}


def test_every_topic_has_a_sample_here_and_stands_under_its_own_name() -> None:
    assert set(SAMPLE) == set(TOPICS)
    assert all(row.topic == topic for topic, row in TOPICS.items())


@pytest.mark.parametrize("topic", sorted(SAMPLE))
def test_a_topic_leads_to_the_flow_of_its_subject(topic: str) -> None:
    raw = (BODIES / f"{SAMPLE[topic]}.json").read_bytes()
    fact = TOPICS[topic].parse(raw)
    assert isinstance(fact, typing.get_args(KINDS[TOPICS[topic].subject]))
    assert parse(topic, raw) == fact


def test_every_fact_has_a_topic() -> None:
    stated = {type(parse(topic, (BODIES / f"{name}.json").read_bytes())) for topic, name in SAMPLE.items()}
    assert stated == set(typing.get_args(facts.Fact))


def test_the_app_subscribes_to_exactly_these_topics() -> None:
    webhooks = tomllib.loads((ROOT / "app.toml").read_text(encoding="utf-8"))["webhooks"]["subscriptions"]
    subscribed = [
        topic for entry in webhooks for key in ("topics", "compliance_topics") for topic in entry.get(key, ())
    ]
    assert sorted(subscribed) == sorted(topic for topic, row in TOPICS.items() if not row.optional)


def test_every_topic_is_documented() -> None:
    text = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    assert [topic for topic in TOPICS if f"`{topic}`" not in text] == []


@pytest.mark.parametrize("topic", ["orders/link_requested", "", "orders/paid ", "x" * 5000])
def test_an_unknown_topic_is_named_and_refused(topic: str) -> None:
    with pytest.raises(PayloadError) as caught:
        parse(topic, json.dumps({"id": 1}).encode())
    assert caught.value.code == "unknown_topic"
    assert len(caught.value.message) < 400
