"""What the platform told us, in our own words. Doors make facts; domain merges and decides on them.

Money is in minor units of the shop's currency. Statuses are open text: an unknown value survives and counts
as nothing special. Personal fields may be None: shops without protected-data approval send null.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Origin = Literal["webhook", "read"]
# What a parcel is called once it is in the shopper's hands: brought, or fetched.
IN_HAND = ("delivered", "picked_up")


@dataclass(frozen=True, slots=True)
class CustomerFact:
    """A customer as last seen. `updated_at` decides which of two wins; None loses against any.

    Inside an order that does not date its customer, it is the order's own: the customer was so at that time.
    `subscribed`: whether they take the newsletter, which only a read tells.
    """

    customer_id: int
    updated_at: datetime | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    locale: str | None = None
    subscribed: bool | None = field(default=None, compare=False)


def newer(first: CustomerFact, second: CustomerFact) -> CustomerFact:
    """Which of two facts about a customer wins: the later one, of equal times the one that came second."""
    if first.updated_at is None or (second.updated_at is not None and second.updated_at >= first.updated_at):
        return second
    return first


@dataclass(frozen=True, slots=True)
class Line:
    """One order line. `net_minor` is unit price times `quantity` less all discounts allocated to it.

    It contains tax exactly when the order's `taxes_included` is true; `tax_minor` is the tax of the whole line.
    `removed` counts units taken out by an edit, not by a refund.
    """

    line_id: int
    quantity: int
    removed: int
    net_minor: int
    tax_minor: int
    gift_card: bool
    requires_shipping: bool
    product_id: int | None = None
    variant_id: int | None = None
    title: str | None = None
    vendor: str | None = None


@dataclass(frozen=True, slots=True)
class OrderHead:
    """Everything of an order that one snapshot states as a whole; the newest `updated_at` wins."""

    updated_at: datetime
    origin: Origin
    name: str | None
    customer_id: int | None
    currency: str
    processed_at: datetime
    taxes_included: bool
    financial_status: str | None
    source_name: str | None
    test: bool
    cancelled_at: datetime | None
    lines: tuple[Line, ...]
    shipping_minor: int = 0
    shipping_tax_minor: int = 0
    tip_minor: int = 0
    duties_minor: int = 0
    gateways: tuple[str, ...] = ()
    discount_codes: tuple[str, ...] = ()
    country: str | None = None
    referral: str | None = None  # the code of whoever sent the buyer, as the cart carried it
    shipping_names: tuple[
        str, ...
    ] = ()  # what the shopper chose among: "Standard", the name of a shop to fetch it at


@dataclass(frozen=True, slots=True)
class RefundLine:
    """Units of one line taken back. `subtotal_minor` follows the order's `taxes_included`, as line money does."""

    line_id: int
    quantity: int
    subtotal_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund. `paid_minor`: successful refund transactions, store credit included, less duties given back.

    `shipping_minor` is with tax.
    """

    refund_id: int
    created_at: datetime
    lines: tuple[RefundLine, ...]
    paid_minor: int
    shipping_minor: int


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """One parcel. `delivered_at` is set when the platform calls the parcel itself delivered."""

    fulfilment_id: int
    updated_at: datetime
    created_at: datetime
    status: str
    lines: tuple[tuple[int, int], ...]  # (line id, quantity)
    delivered_at: datetime | None = None
    carrier: str | None = None


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who bought, as only a read tells: for a company or not, and the tags that the customer had."""

    company: bool
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineProduct:
    """What one line's product was when it was read: its type, tags and collections. All empty once it is deleted."""

    line_id: int
    type: str = ""
    tags: tuple[str, ...] = ()
    collections: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Payments:
    """What was paid for an order until `updated_at`, in all and of it by gift card or store credit."""

    updated_at: datetime
    paid_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class Dispute:
    """The shopper's bank questions a payment. `kind`: chargeback, or inquiry, which moves no money yet."""

    dispute_id: int
    kind: str
    status: str
    finalised_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Traces:
    """From where an order was placed and where it goes. Never kept: a flow turns it into keyed hashes or drops it.

    A read knows no `device` (the browser's own description); shops without protected-data approval send nothing.
    """

    phone: str | None = None
    street: str | None = None
    zip: str | None = None
    country: str | None = None
    ip: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """A whole order: orders/create, paid, updated, cancelled, fulfilled, or a read through the Admin API.

    `buyer` is None in a webhook; `products` and `payments` in a read that did not ask for them, too.
    """

    order_id: int
    head: OrderHead
    refunds: tuple[Refund, ...] = ()
    fulfilments: tuple[Fulfilment, ...] = ()
    deliveries: tuple[tuple[int, datetime], ...] = ()  # (fulfilment id, delivered event's time)
    customer: CustomerFact | None = None
    buyer: Buyer | None = None
    products: tuple[LineProduct, ...] = ()
    payments: Payments | None = None
    traces: Traces | None = None


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """Something changed that only a read of the order can tell (an edit, a return)."""

    order_id: int
    cause: str


@dataclass(frozen=True, slots=True)
class OrderDeleted:
    """The order was deleted at the platform."""

    order_id: int


@dataclass(frozen=True, slots=True)
class RefundMade:
    """refunds/create."""

    order_id: int
    refund: Refund


@dataclass(frozen=True, slots=True)
class OrderDisputed:
    """disputes/create or update."""

    order_id: int
    dispute: Dispute


@dataclass(frozen=True, slots=True)
class FulfilmentSeen:
    """fulfillments/create or update."""

    order_id: int
    fulfilment: Fulfilment


@dataclass(frozen=True, slots=True)
class ParcelEvent:
    """fulfillment_events/create: status in lower case, such as "delivered", "picked_up" or "in_transit"."""

    order_id: int
    fulfilment_id: int
    status: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class CustomerSeen:
    """customers/create or update."""

    customer: CustomerFact


@dataclass(frozen=True, slots=True)
class ConsentSeen:
    """customers_email_marketing_consent/update: whether the customer takes the newsletter, and since when."""

    customer_id: int
    subscribed: bool
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerDeleted:
    """customers/delete."""

    customer_id: int


@dataclass(frozen=True, slots=True)
class CustomersMerged:
    """customers/merge. Only `status` "success" or "completed" moves anything; a failed job does nothing."""

    kept_id: int
    gone_id: int
    status: str


@dataclass(frozen=True, slots=True)
class AppUninstalled:
    """app/uninstalled."""


@dataclass(frozen=True, slots=True)
class ScopesUpdated:
    """app/scopes_update."""

    current: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShopChanged:
    """shop/update: name, currency or time zone may be others now."""


@dataclass(frozen=True, slots=True)
class BulkFinished:
    """bulk_operations/finish."""

    operation_gid: str
    status: str


@dataclass(frozen=True, slots=True)
class DataRequested:
    """customers/data_request."""

    customer_id: int | None
    request_id: str
    orders: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CustomerRedacted:
    """customers/redact."""

    customer_id: int | None
    orders: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ShopRedacted:
    """shop/redact, 48 hours after an uninstall."""


OrderFact = (
    OrderSeen | OrderChanged | OrderDeleted | RefundMade | OrderDisputed | FulfilmentSeen | ParcelEvent
)
MemberFact = CustomerSeen | ConsentSeen | CustomerDeleted | CustomersMerged | DataRequested | CustomerRedacted
MerchantFact = AppUninstalled | ScopesUpdated | ShopChanged | BulkFinished | ShopRedacted
Fact = OrderFact | MemberFact | MerchantFact


def removed_by_edit(quantity: int, current: int | None, refunded: int) -> int:
    """Units an edit took out: what is gone from the line beyond what the snapshot's own refunds explain.

    Storing this instead of the current quantity lets refunds that arrive before or after the snapshot
    be counted once each, whatever the order of arrival.
    """
    return 0 if current is None else max(0, quantity - current - refunded)
