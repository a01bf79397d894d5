"""What one development shop and the platform around it remember, besides the orders themselves."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from devshop.order_records import Customer, Order, Product


class Discount(Struct):
    id: int
    redeem_id: int
    kind: str  # basic | free_shipping | bxgy
    code: str
    title: str
    starts_at: datetime
    created_at: datetime
    updated_at: datetime
    ends_at: datetime | None = None
    customers: list[int] | None = None  # None: everyone
    amount: int | None = None  # basic: shop money
    percentage: float | None = None  # basic and bxgy: 0 to 1
    products: list[int] = field(default_factory=list)  # what it takes money off; neither: everything
    collections: list[int] = field(default_factory=list)
    buys_products: list[int] = field(default_factory=list)  # bxgy: what has to be bought
    buys_collections: list[int] = field(default_factory=list)
    buys_amount: int | None = None  # None: one of them
    one_time: bool = True
    subscription: bool = False
    minimum_subtotal: int | None = None
    maximum_shipping: int | None = None
    usage_limit: int | None = None
    once_per_customer: bool = False
    used: int = 0
    used_by: list[int] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    combines_with: list[str] = field(default_factory=list)


class GiftCard(Struct):
    id: int
    code: str
    currency: str
    initial: int
    balance: int
    created_at: datetime
    updated_at: datetime
    customer: int | None = None
    note: str | None = None
    expires_on: str | None = None
    deactivated_at: datetime | None = None


class CreditMove(Struct):
    """One movement of a store credit account: a credit above zero, with what of it is left, or a debit below."""

    id: int
    amount: int
    balance: int  # after it
    created_at: datetime
    expires_at: datetime | None = None
    remaining: int = 0


class CreditAccount(Struct):
    id: int
    customer: int
    currency: str
    moves: list[CreditMove] = field(default_factory=list)


class Metafield(Struct):
    id: int
    owner: str  # gid
    namespace: str
    key: str
    type: str
    value: str
    created_at: datetime
    updated_at: datetime


class Definition(Struct):
    """A metafield definition of the app or the merchant."""

    id: int
    owner_type: str
    namespace: str
    key: str
    name: str
    type: str
    admin: str = "MERCHANT_READ"
    storefront: str = "NONE"
    customer_account: str = "NONE"


class MetaobjectType(Struct):
    id: int
    type: str
    name: str
    fields: dict[str, str]  # key -> type
    required: list[str] = field(default_factory=list)


class Metaobject(Struct):
    id: int
    type: str
    handle: str
    fields: dict[str, str]
    created_at: datetime
    updated_at: datetime


class Grant(Struct):
    """One access token and, for expiring offline tokens, its refresh token. Times are real time."""

    access_token: str
    scopes: list[str]
    mode: str  # offline | online
    expires_at: datetime | None = None
    refresh_token: str | None = None
    refresh_expires_at: datetime | None = None
    first_refreshed_at: datetime | None = None
    parent: str | None = None  # the refresh token this grant came from
    retired: bool = False  # the refresh token no longer works
    user_id: int | None = None


class ThemeBlock(Struct):
    """A block of an app as the merchant placed it in the theme editor."""

    on: bool
    settings: dict[str, str | int | float | bool | None] = field(default_factory=dict)


class BulkOperation(Struct):
    """A query run over everything, and what it found as lines of JSON."""

    id: int
    query: str
    result: str
    created_at: datetime
    roots: int
    objects: int
    error: str | None = None


class Shop(Struct):
    id: int
    domain: str
    name: str
    currency: str
    taxes_included: bool
    timezone: str
    tax_rate: str
    tax_title: str
    owner_id: int
    location_id: int
    created_at: datetime
    points_per_second: int = 100
    plan: str = "Development"
    country_code: str = "CH"
    locale: str = "en"
    email: str = "owner@example.com"
    rates: dict[str, str] = field(default_factory=dict)
    protected_data: list[str] = field(default_factory=lambda: ["name", "email", "phone", "address"])
    installation_id: int | None = None
    installed_at: datetime | None = None
    scopes: list[str] = field(default_factory=list)
    optional_scopes: list[str] = field(default_factory=list)
    required_scopes: list[str] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    codes: dict[str, list[str]] = field(default_factory=dict)  # authorization code -> scopes, "per-user"
    customers: dict[int, Customer] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    collections: dict[int, str] = field(default_factory=dict)  # number -> title
    orders: dict[int, Order] = field(default_factory=dict)
    discounts: dict[int, Discount] = field(default_factory=dict)
    gift_cards: dict[int, GiftCard] = field(default_factory=dict)
    credit_accounts: dict[int, CreditAccount] = field(default_factory=dict)
    metafields: dict[str, Metafield] = field(default_factory=dict)
    definitions: list[Definition] = field(default_factory=list)
    metaobject_types: dict[str, MetaobjectType] = field(default_factory=dict)
    metaobjects: dict[int, Metaobject] = field(default_factory=dict)
    bulk_operations: dict[int, BulkOperation] = field(default_factory=dict)
    theme: dict[str, ThemeBlock] = field(default_factory=dict)  # block file -> as placed


class Delivery(Struct):
    """One webhook on its way. Body and id stay the same on every attempt."""

    webhook_id: str
    event_id: str
    topic: str
    shop: str
    body: bytes
    triggered_at: datetime
    attempts: int = 0


class Attempt(Struct):
    webhook_id: str
    topic: str
    shop: str
    number: int
    status: int  # 0: no answer


class PlatformState(Struct):
    """Everything that a second start finds again."""

    shops: dict[str, Shop] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    queue: list[Delivery] = field(default_factory=list)
    failed: list[Delivery] = field(default_factory=list)
