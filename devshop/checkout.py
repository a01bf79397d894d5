"""The checkout: from a basket to an order with prices, discounts, tax and payment."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct, convert

from devshop import discounts, tenders
from devshop.bodies_orders import order_body
from devshop.desk import Desk
from devshop.errors import DevshopError
from devshop.money import Bag, rounded
from devshop.order_records import (
    Customer,
    Line,
    Order,
    Product,
    ShippingLine,
    TaxLine,
    Transaction,
    Variant,
)
from devshop.pricing import apply_codes, in_both
from devshop.records import Discount
from devshop.totals import figures, financial_status, line_net, shipping_net


class Item(Struct):
    """One line of a basket: a product, or a custom line with title and price (minor units of shop money)."""

    product: int | None = None
    variant: int | None = None  # None: the first one
    quantity: int = 1
    price: int | None = None
    title: str | None = None
    gift_card: bool | None = None
    requires_shipping: bool | None = None
    taxable: bool | None = None
    vendor: str | None = None


Basket = Sequence[Item | Product | tuple[Product, int] | Mapping[str, object]]


class Basics(Struct):
    """What a checkout was told besides lines and codes."""

    currency: str | None = None
    source_name: str = "web"
    gateway: str = "bogus"
    shipping: int | None = None  # None: the standard rate if something is shipped
    shipping_title: str = "Standard"
    tip: int = 0
    duties: int | None = None
    processed_at: datetime | None = None
    test: bool = False
    email: str | None = None
    note: str | None = None
    tags: list[str] = []
    company: str | None = None
    store_credit: bool = False  # whether the customer pays with their store credit first
    attributes: dict[str, str] = {}
    client_ip: str | None = None
    user_agent: str | None = None


STANDARD_SHIPPING = 700


def items(basket: Basket) -> list[Item]:
    """Reads (product, quantity), Product, Item or a mapping with Item's names."""
    read: list[Item] = []
    for entry in basket:
        if isinstance(entry, Item):
            read.append(entry)
        elif isinstance(entry, Product):
            read.append(Item(product=entry.id))
        elif isinstance(entry, tuple):
            read.append(Item(product=entry[0].id, quantity=entry[1]))
        else:
            product = entry.get("product")
            plain = {**entry, "product": product.id} if isinstance(product, Product) else dict(entry)
            read.append(convert(plain, Item))
    if not read or any(item.quantity < 1 for item in read):
        raise DevshopError(
            "basket_empty", "The basket needs at least one line with a quantity of at least 1."
        )
    return read


def place(
    desk: Desk,
    customer: Customer | None,
    basket: Basket,
    codes: Sequence[str],
    paid: bool,
    basics: Basics,
) -> Order:
    """Places an order; announces orders/create, orders/paid if paid in full, and orders/updated. Gift cards pay first.

    Raises CheckoutRefused when a discount code cannot be used; nothing is placed then.
    """
    order, used = _priced(desk, customer, basket, codes, basics)
    for discount in used:
        discounts.count_use(discount, order.customer_id)
    _pay(desk, order, codes, paid, basics)
    desk.shop.orders[order.id] = order
    body = order_body(desk, order)
    settled = financial_status(order) == "paid"
    desk.announce(
        ("orders/create", body),
        *([("orders/paid", body)] if settled else []),
        ("orders/updated", body),
    )
    return order


def _pay(desk: Desk, order: Order, codes: Sequence[str], paid: bool, basics: Basics) -> None:
    """Takes the money: off gift cards, off store credit, and the rest by the gateway."""
    due = figures(order).total
    given: list[tuple[str, Bag]] = []
    for card in filter(None, (tenders.card_of(desk, code) for code in codes)):
        given.append(
            (tenders.GIFT_CARD, in_both(tenders.pay_by_card(desk, order, card, due.shop), order.rate))
        )
        due = due - given[-1][1]
    account = tenders.account_of(desk, order.customer_id or 0, order.currency)
    if basics.store_credit and account is not None and due.shop and tenders.balance(desk, account):
        given.append((tenders.STORE_CREDIT, in_both(tenders.debit(desk, account, due.shop), order.rate)))
        due = due - given[-1][1]
    order.gateways = list(dict.fromkeys(gateway for gateway, _ in given))
    if due.shop:
        order.gateways.append(basics.gateway)
        if paid:
            given.append((basics.gateway, due))
    for gateway, amount in given:
        order.transactions.append(
            Transaction(
                id=desk.ids.number("OrderTransaction"),
                kind="sale",
                gateway=gateway,
                amount=amount,
                created_at=order.processed_at,
            )
        )


def quote(
    desk: Desk, customer: Customer | None, basket: Basket, codes: Sequence[str], basics: Basics
) -> Order:
    """What place() would charge, for showing it: takes no id, keeps nothing, announces nothing."""
    rehearsal = copy.copy(desk)
    rehearsal.ids = desk.ids.rehearsal()
    return _priced(rehearsal, customer, basket, codes, basics)[0]


def _priced(
    desk: Desk, customer: Customer | None, basket: Basket, codes: Sequence[str], basics: Basics
) -> tuple[Order, list[Discount]]:
    order = _draft(desk, customer, items(basket), basics)
    used = apply_codes(desk, order, codes)
    add_taxes(desk, order)
    return order, used


def _draft(desk: Desk, customer: Customer | None, basket: list[Item], basics: Basics) -> Order:
    shop, now = desk.shop, desk.now()
    presentment = basics.currency or shop.currency
    rate = "1" if presentment == shop.currency else shop.rates.get(presentment)
    if rate is None:
        raise DevshopError(
            "currency_unknown", f"The shop has no rate for {presentment}; give create_shop one in rates."
        )
    number = 1000 + desk.ids.count(f"order number {shop.id}")
    lines = [line(desk, item, rate) for item in basket]
    order = Order(
        id=desk.ids.number("Order"),
        number=number,
        name=f"#{number}",
        token=desk.ids.text("order_token"),
        created_at=now,
        processed_at=(basics.processed_at or now).replace(microsecond=0),
        updated_at=now,
        currency=shop.currency,
        presentment_currency=presentment,
        rate=rate,
        taxes_included=shop.taxes_included,
        source_name=basics.source_name,
        lines=lines,
        shipping=[],
        customer_id=None if customer is None else customer.id,
        email=basics.email if basics.email is not None else (customer.email if customer else ""),
        test=basics.test,
        note=basics.note,
        tags=list(basics.tags),
        tip=in_both(basics.tip, rate),
        duties=None if basics.duties is None else in_both(basics.duties, rate),
        address=customer.addresses[0] if customer and customer.addresses else None,
        company=basics.company,
        attributes=dict(basics.attributes),
        client_ip=basics.client_ip,
        user_agent=basics.user_agent,
    )
    shipped = any(one.requires_shipping for one in lines) and basics.source_name != "pos"
    price = basics.shipping if basics.shipping is not None else (STANDARD_SHIPPING if shipped else None)
    if price is not None:
        order.shipping.append(
            ShippingLine(
                id=desk.ids.number("ShippingLine"),
                title=basics.shipping_title,
                price=in_both(price, rate),
            )
        )
    return order


def line(desk: Desk, item: Item, rate: str) -> Line:
    """A new order line. Raises DevshopError for an unknown product or a custom line without a price."""
    product = None if item.product is None else desk.shop.products.get(item.product)
    if product is None and (item.product is not None or item.price is None):
        raise DevshopError("line_incomplete", "A line needs a product of this shop, or a title and a price.")
    variant = _variant(product, item)
    gift_card = item.gift_card if item.gift_card is not None else bool(product and product.gift_card)
    shipped = product.requires_shipping if product else True
    price = item.price if item.price is not None else variant.price
    taxable = (product.taxable if product else True) if item.taxable is None else item.taxable
    return Line(
        id=desk.ids.number("LineItem"),
        title=item.title or (product.title if product else "Custom line"),
        quantity=item.quantity,
        original_quantity=item.quantity,
        price=in_both(price, rate),
        product_id=product.id if product else None,
        variant_id=variant.id or None,
        variant_title=variant.title or None,
        vendor=item.vendor or (product.vendor if product else None),
        sku=variant.sku,
        grams=variant.grams,
        gift_card=gift_card,
        requires_shipping=not gift_card
        and (shipped if item.requires_shipping is None else item.requires_shipping),
        taxable=taxable and not gift_card,
    )


def _variant(product: Product | None, item: Item) -> Variant:
    """What is bought of a product; for a product without variants it has no title, for a custom line no id."""
    if product is None:
        return Variant(0, "", 0, grams=0)
    if not product.variants:
        if item.variant not in (None, product.variant_id):
            raise DevshopError("variant_unknown", f"{product.title} has no such variant; choose one it has.")
        return Variant(product.variant_id, "", product.price, product.sku, product.grams)
    for variant in product.variants:
        if item.variant in (None, variant.id):
            return variant
    raise DevshopError("variant_unknown", f"{product.title} has no such variant; choose one it has.")


def tax_on(desk: Desk, net: Bag) -> list[TaxLine]:
    """One tax line of the shop's rate; contained in `net` if prices include tax, else on top of it."""
    rate = Decimal(desk.shop.tax_rate)
    if not rate:
        return []
    share = rate / (1 + rate) if desk.shop.taxes_included else rate
    amount = Bag(rounded(net.shop * share), rounded(net.presentment * share))
    return [TaxLine(desk.shop.tax_title, desk.shop.tax_rate, amount)]


def add_taxes(desk: Desk, order: Order) -> None:
    """Sets the taxes of every line and of shipping from what is left after discounts."""
    for one in order.lines:
        one.taxes = tax_on(desk, line_net(one)) if one.taxable else []
    for shipping in order.shipping:
        shipping.taxes = tax_on(desk, shipping_net(shipping))
