"""The webhook queue: headers, signature, delivery in or out of order, twice, late, and again after a failure."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from datetime import datetime

from devshop.records import Attempt, Delivery, PlatformState
from devshop.signing import webhook_signature

API_VERSION = "2026-10"
MAX_ATTEMPTS = 9  # the first and eight retries (webhooks/troubleshooting)
Deliver = Callable[[str, str, dict[str, str], bytes], int]

# topic -> scope that an app needs to receive it; topics of the app itself need none.
SCOPE_OF_TOPIC = {
    **dict.fromkeys(
        (
            "orders/create",
            "orders/paid",
            "orders/updated",
            "orders/edited",
            "orders/cancelled",
            "orders/delete",
            "orders/fulfilled",
            "orders/partially_fulfilled",
            "refunds/create",
        ),
        "read_orders",
    ),
    **dict.fromkeys(
        ("fulfillments/create", "fulfillments/update", "fulfillment_events/create"), "read_fulfillments"
    ),
    **dict.fromkeys(
        (
            "returns/request",
            "returns/approve",
            "returns/decline",
            "returns/close",
            "returns/cancel",
            "returns/reopen",
            "returns/process",
        ),
        "read_returns",
    ),
    **dict.fromkeys(
        (
            "customers/create",
            "customers/update",
            "customers/delete",
            "customers_email_marketing_consent/update",
        ),
        "read_customers",
    ),
    "customers/merge": "read_customer_merge",
}
APP_TOPICS = ("app/uninstalled", "app/scopes_update", "shop/update", "bulk_operations/finish")
COMPLIANCE_TOPICS = ("customers/data_request", "customers/redact", "shop/redact")
TOPICS = (*SCOPE_OF_TOPIC, *APP_TOPICS, *COMPLIANCE_TOPICS)


class Outgoing:
    """Holds what waits (`queue`), what failed (`failed`) and every attempt (`log`).

    `deliver(shop, topic, headers, body)` answers an HTTP status; only 2xx counts as received. It is called
    without any lock held, so the receiver may call the shop back.
    """

    def __init__(
        self,
        state: PlatformState,
        deliver: Deliver,
        secret: Callable[[], str],
        lock: threading.RLock,
        seed: int,
    ) -> None:
        self._state = state
        self._secret = secret
        self._lock = lock
        self._random = random.Random(seed)
        self.deliver = deliver
        self.seen: Callable[[Delivery, Attempt, float], None] | None = None
        self.log: list[Attempt] = []
        self.waiting = threading.Event()

    @property
    def queue(self) -> list[Delivery]:
        return self._state.queue

    @property
    def failed(self) -> list[Delivery]:
        return self._state.failed

    def put(self, delivery: Delivery) -> None:
        self._state.queue.append(delivery)
        self.waiting.set()

    def flush(
        self,
        shuffle: random.Random | None = None,
        duplicate: float = 0.0,
        drop: float = 0.0,
        pool: Executor | None = None,
    ) -> list[Attempt]:
        """Delivers everything that waits, and what arrives meanwhile, in order.

        `shuffle` mixes the order, `duplicate` and `drop` are the shares of messages sent twice or never. With a
        `pool` several are under way at once, as Shopify sends them, and may overtake each other.
        """
        done: list[Attempt] = []
        while batch := self._take(self.queue):
            disturbed = self._disturbed(batch, shuffle, duplicate, drop)
            done += list((pool.map if pool else map)(self._send, disturbed))
        return done

    def retry_failed(self) -> list[Attempt]:
        """Sends what failed once more: same webhook id, same body, a fresh signature over it."""
        return [self._send(delivery) for delivery in self._take(self.failed)]

    def send_again(self, several: Iterable[Delivery]) -> list[Attempt]:
        """Sends what was delivered before once more: the same webhook ids, as Shopify may."""
        return [self._send(delivery) for delivery in several]

    def _take(self, box: list[Delivery]) -> list[Delivery]:
        with self._lock:
            batch = list(box)
            box.clear()
            return batch

    def _disturbed(
        self,
        batch: list[Delivery],
        shuffle: random.Random | None,
        duplicate: float,
        drop: float,
    ) -> Iterable[Delivery]:
        chance = shuffle or self._random
        kept = [delivery for delivery in batch if not drop or chance.random() >= drop]
        kept += [delivery for delivery in kept if duplicate and chance.random() < duplicate]
        if shuffle is not None:
            shuffle.shuffle(kept)
        return kept

    def _send(self, delivery: Delivery) -> Attempt:
        delivery.attempts += 1
        headers, started = headers_of(delivery, self._secret()), time.monotonic()
        try:
            status = self.deliver(delivery.shop, delivery.topic, headers, delivery.body)
        except OSError:  # requests' errors are OSErrors: no connection, no answer in time
            status = 0
        attempt = Attempt(delivery.webhook_id, delivery.topic, delivery.shop, delivery.attempts, status)
        if self.seen is not None:
            self.seen(delivery, attempt, time.monotonic() - started)
        with self._lock:
            self.log.append(attempt)
            if not 200 <= status < 300 and delivery.attempts < MAX_ATTEMPTS:
                self.failed.append(delivery)
        return attempt


def headers_of(delivery: Delivery, secret: str) -> dict[str, str]:
    """The headers of a delivery as Shopify documents them (docs/api/webhooks)."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook (development shop)",
        "X-Shopify-Topic": delivery.topic,
        "X-Shopify-Hmac-Sha256": webhook_signature(secret, delivery.body),
        "X-Shopify-Shop-Domain": delivery.shop,
        "X-Shopify-API-Version": API_VERSION,
        "X-Shopify-Webhook-Id": delivery.webhook_id,
        "X-Shopify-Event-Id": delivery.event_id,
        "X-Shopify-Triggered-At": rfc3339(delivery.triggered_at),
    }


def rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
