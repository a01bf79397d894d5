"""The queue: headers, order, disturbance, retries with the same body and id, and who receives what."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random

import pytest

from devshop.shop import DevPlatform, DevShop
from devshop.webhooks_out import MAX_ATTEMPTS
from tests.devshop.conftest import DOMAIN, Clock, Received

CUP = [{"title": "Cup", "price": 1000}]


def test_a_delivery_is_signed_over_its_bytes(
    shop: DevShop, platform: DevPlatform, received: Received
) -> None:
    shop.create_customer()
    platform.flush()
    domain, topic, headers, body = received.deliveries[0]
    expected = base64.b64encode(hmac.new(b"secret", body, hashlib.sha256).digest()).decode()
    assert (domain, topic, headers["X-Shopify-Hmac-Sha256"]) == (DOMAIN, "customers/create", expected)
    assert headers["X-Shopify-API-Version"] == "2026-10"
    assert headers["X-Shopify-Shop-Domain"] == DOMAIN
    assert headers["X-Shopify-Triggered-At"] == "2026-11-22T08:00:00.123456Z"


def test_what_fails_comes_again_unchanged(shop: DevShop, platform: DevPlatform, received: Received) -> None:
    received.status = 503
    order = shop.place_order(None, CUP)
    platform.flush()
    first = [(headers["X-Shopify-Webhook-Id"], body) for _, _, headers, body in received.deliveries]
    received.deliveries.clear()
    shop.pay(shop.place_order(None, CUP, paid=False), amount=10)
    platform.queue.clear()
    order.note = "changed meanwhile"
    received.status = 200
    platform.retry_failed()
    assert [(headers["X-Shopify-Webhook-Id"], body) for _, _, headers, body in received.deliveries] == first
    assert platform.failed == []
    assert [(one.number, one.status) for one in platform.log] == [(1, 503)] * 3 + [(2, 200)] * 3


def test_after_eight_retries_a_delivery_is_given_up(
    shop: DevShop, platform: DevPlatform, received: Received
) -> None:
    received.status = 302
    shop.create_customer()
    platform.flush()
    for _ in range(MAX_ATTEMPTS + 3):
        platform.retry_failed()
    assert len(received.deliveries) == MAX_ATTEMPTS == 9
    assert platform.failed == []


def test_no_answer_counts_as_a_failure(shop: DevShop, platform: DevPlatform) -> None:
    def unreachable(shop: str, topic: str, headers: dict[str, str], body: bytes) -> int:
        raise ConnectionRefusedError

    platform.deliver = unreachable
    shop.create_customer()
    assert [attempt.status for attempt in platform.flush()] == [0]
    assert len(platform.failed) == 1


def test_shuffled_doubled_and_dropped(shop: DevShop, platform: DevPlatform, received: Received) -> None:
    for _ in range(40):
        shop.create_customer()
    sent = [delivery.webhook_id for delivery in platform.queue]
    platform.flush(shuffle=random.Random(3), duplicate=0.3, drop=0.1)
    came = [headers["X-Shopify-Webhook-Id"] for _, _, headers, _ in received.deliveries]
    assert len(set(came)) < len(sent)
    assert len(came) > len(set(came))
    assert list(dict.fromkeys(came)) != [one for one in sent if one in set(came)]
    assert set(came) <= set(sent)


def test_what_a_receiver_causes_is_delivered_too(shop: DevShop, platform: DevPlatform) -> None:
    seen: list[str] = []

    def answering(domain: str, topic: str, headers: dict[str, str], body: bytes) -> int:
        seen.append(topic)
        if topic == "customers/create":
            shop.tag_customer(next(iter(shop.customers)), add=["seen"])
        return 200

    platform.deliver = answering
    shop.create_customer()
    platform.flush()
    assert seen == ["customers/create", "customers/update"]


@pytest.mark.parametrize(
    ("scopes", "topics"), [(["read_customers"], ["customers/create"]), (["read_orders"], [])]
)
def test_a_topic_needs_its_scope(
    clock: Clock, received: Received, scopes: list[str], topics: list[str]
) -> None:
    platform = DevPlatform(now=clock)
    platform.deliver = received
    shop = platform.create_shop("b.myshopify.com")
    shop.create_customer()
    shop.install(scopes=scopes)
    shop.create_customer()
    platform.flush()
    assert received.topics == topics


def test_after_an_uninstall_only_the_shop_redaction_comes(
    shop: DevShop, platform: DevPlatform, received: Received
) -> None:
    shop.uninstall()
    shop.create_customer()
    shop.redact()
    platform.flush()
    assert received.topics == ["app/uninstalled", "shop/redact"]


def test_the_old_secret_signs_webhooks_until_it_is_revoked(
    shop: DevShop, platform: DevPlatform, received: Received
) -> None:
    platform.rotate_secret("newer")
    shop.create_customer()
    platform.flush()
    platform.revoke_old_secret()
    shop.create_customer()
    platform.flush()
    for (_, _, headers, body), secret in zip(received.deliveries, (b"secret", b"newer"), strict=True):
        digest = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
        assert headers["X-Shopify-Hmac-Sha256"] == digest
