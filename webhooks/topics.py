"""The one table of webhook topics: who reads the body, whom the fact concerns. app.toml lists the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from plugin.domain.facts import Fact
from webhooks.payloads import PayloadError, customers, disputes, fulfilments, orders, refunds, returns, shop

# Which flow takes the fact: an OrderFact, a MemberFact or a MerchantFact.
Subject = Literal["order", "member", "merchant"]


@dataclass(frozen=True, slots=True)
class Topic:
    """`parse` turns a raw body into a fact or raises PayloadError, and nothing else.

    `optional`: understood, but app.toml does not subscribe to it, because its scope is not asked of every merchant.
    """

    topic: str
    parse: Callable[[bytes], Fact]
    subject: Subject
    optional: bool = False


# Not here, because nothing of ours depends on them: returns/request and decline (no goods or money move), and
# returns/update (its body names the return but no order; what it brings about comes by refunds/create too).
TOPICS: dict[str, Topic] = {
    row.topic: row
    for row in (
        Topic("orders/create", orders.order_seen, "order"),
        Topic("orders/paid", orders.order_seen, "order"),
        Topic("orders/updated", orders.order_seen, "order"),
        Topic("orders/edited", orders.order_edited, "order"),
        Topic("orders/cancelled", orders.order_seen, "order"),
        Topic("orders/delete", orders.order_deleted, "order"),
        Topic("orders/fulfilled", orders.order_seen, "order"),
        Topic("refunds/create", refunds.refund_made, "order"),
        Topic("disputes/create", disputes.order_disputed, "order", optional=True),
        Topic("disputes/update", disputes.order_disputed, "order", optional=True),
        Topic("returns/approve", returns.order_returned, "order"),
        Topic("returns/cancel", returns.order_returned, "order"),
        Topic("returns/close", returns.order_returned, "order"),
        Topic("returns/process", returns.order_returned, "order"),
        Topic("returns/reopen", returns.order_returned, "order"),
        Topic("fulfillments/create", fulfilments.fulfilment_seen, "order"),
        Topic("fulfillments/update", fulfilments.fulfilment_seen, "order"),
        Topic("fulfillment_events/create", fulfilments.parcel_event, "order"),
        Topic("customers/create", customers.customer_seen, "member"),
        Topic("customers/update", customers.customer_seen, "member"),
        Topic("customers_email_marketing_consent/update", customers.consent_seen, "member"),
        Topic("customers/delete", customers.customer_deleted, "member"),
        Topic("customers/merge", customers.customers_merged, "member"),
        Topic("app/uninstalled", shop.app_uninstalled, "merchant"),
        Topic("app/scopes_update", shop.scopes_updated, "merchant"),
        Topic("shop/update", shop.shop_changed, "merchant"),
        Topic("bulk_operations/finish", shop.bulk_finished, "merchant"),
        Topic("customers/data_request", customers.data_requested, "member"),
        Topic("customers/redact", customers.customer_redacted, "member"),
        Topic("shop/redact", shop.shop_redacted, "merchant"),
    )
}


def parse(topic: str, body: bytes) -> Fact:
    """The fact that a body of this topic states. PayloadError; code `unknown_topic` for one not listed."""
    row = TOPICS.get(topic)
    if row is None:
        raise PayloadError(f"`{topic[:100]}` is no topic we know", code="unknown_topic")
    return row.parse(body)
