"""Orders and who and what is in them. Money in minor units, times aware and UTC, ids like Shopify's."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from devshop.money import NOTHING, Bag


class Address(Struct):
    id: int
    first_name: str = "Robin"
    last_name: str = "Example"
    company: str = ""
    address1: str = "Example Street 1"
    address2: str = ""
    city: str = "Zurich"
    zip: str = "8001"
    province: str = "Zurich"
    province_code: str = "ZH"
    country: str = "Switzerland"
    country_code: str = "CH"
    phone: str = "+41445550100"


class Customer(Struct):
    id: int
    created_at: datetime
    updated_at: datetime
    first_name: str
    last_name: str
    email: str
    phone: str | None = None
    state: str = "enabled"
    note: str = ""
    locale: str = "en"
    verified_email: bool = True
    tax_exempt: bool = False
    accepts_marketing: bool = False
    tags: list[str] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)


class Variant(Struct):
    """One way to buy a product, such as 100 g or size M. Price in minor units of shop money."""

    id: int
    title: str
    price: int
    sku: str = ""
    grams: int = 200


class Product(Struct):
    id: int
    variant_id: int
    title: str
    price: int
    created_at: datetime
    updated_at: datetime
    handle: str = ""
    vendor: str = "Development shop"
    product_type: str = ""
    sku: str = ""
    grams: int = 200
    gift_card: bool = False
    requires_shipping: bool = True
    taxable: bool = True
    tags: list[str] = field(default_factory=list)
    collections: list[int] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)  # none: the product itself is the only one


class TaxLine(Struct):
    title: str
    rate: str
    amount: Bag


class Application(Struct):
    """One discount as it was applied to one order."""

    code: str
    kind: str  # fixed_amount | percentage | shipping, as in discount_codes[].type
    value: str
    value_type: str  # fixed_amount | percentage
    target_type: str  # line_item | shipping_line
    amount: Bag = NOTHING
    discount_id: int | None = None


class Allocation(Struct):
    amount: Bag
    application: int


class Line(Struct):
    id: int
    title: str
    quantity: int
    price: Bag  # of one unit, before discounts
    product_id: int | None = None
    variant_id: int | None = None
    variant_title: str | None = None
    vendor: str | None = None
    sku: str = ""
    grams: int = 0
    gift_card: bool = False
    requires_shipping: bool = True
    taxable: bool = True
    taxes: list[TaxLine] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    original_quantity: int = 0  # 0: added by an edit
    removed: int = 0  # units taken out by an edit
    refunded: int = 0
    fulfilled: int = 0


class ShippingLine(Struct):
    id: int
    title: str
    price: Bag
    code: str = "standard"
    taxes: list[TaxLine] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    refunded: Bag = NOTHING
    refunded_tax: Bag = NOTHING


class Transaction(Struct):
    id: int
    kind: str  # sale | authorization | capture | refund | void
    gateway: str
    amount: Bag
    created_at: datetime
    status: str = "success"
    parent_id: int | None = None


class RefundLine(Struct):
    id: int
    line_id: int
    quantity: int
    subtotal: Bag
    tax: Bag
    restock_type: str = "no_restock"


class RefundShipping(Struct):
    id: int
    shipping_line_id: int
    subtotal: Bag
    tax: Bag


class Adjustment(Struct):
    id: int
    amount: Bag
    tax: Bag
    kind: str = "refund_discrepancy"
    reason: str = "Refund discrepancy"


class Refund(Struct):
    id: int
    created_at: datetime
    note: str = ""
    restock: bool = False
    lines: list[RefundLine] = field(default_factory=list)
    shipping: list[RefundShipping] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    transactions: list[int] = field(default_factory=list)
    return_id: int | None = None


class FulfilmentEvent(Struct):
    id: int
    status: str
    happened_at: datetime
    created_at: datetime
    message: str = ""


class FulfilmentLine(Struct):
    id: int
    line_id: int
    quantity: int


class Fulfilment(Struct):
    id: int
    order_id: int
    name: str
    created_at: datetime
    updated_at: datetime
    lines: list[FulfilmentLine]
    status: str = "success"
    carrier: str | None = None
    tracking_number: str | None = None
    shipment_status: str | None = None
    delivered_at: datetime | None = None
    in_transit_at: datetime | None = None
    events: list[FulfilmentEvent] = field(default_factory=list)


class ReturnLine(Struct):
    id: int
    line_id: int
    quantity: int


class Return(Struct):
    id: int
    order_id: int
    name: str
    created_at: datetime
    lines: list[ReturnLine]
    status: str = "open"  # requested | open | closed | canceled | declined
    approved_at: datetime | None = None
    closed_at: datetime | None = None


class Order(Struct):
    id: int
    number: int
    name: str
    token: str
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    currency: str
    presentment_currency: str
    rate: str  # presentment money for one unit of shop money, fixed for the order
    taxes_included: bool
    source_name: str
    lines: list[Line]
    shipping: list[ShippingLine]
    customer_id: int | None = None
    email: str = ""
    gateways: list[str] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    fulfilments: list[Fulfilment] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    tip: Bag = NOTHING
    duties: Bag | None = None
    test: bool = False
    edited: bool = False
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    closed_at: datetime | None = None
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    address: Address | None = None
    company: str | None = None  # the name of the company it was bought for
    attributes: dict[str, str] = field(default_factory=dict)
    client_ip: str | None = None
    user_agent: str | None = None
