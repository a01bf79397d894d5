"""Customers and products: made, changed, merged, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from devshop.bodies_shop import consent_body, customer_body, customer_deleted, merge_body
from devshop.desk import Desk
from devshop.errors import DevshopError
from devshop.ids import gid
from devshop.order_records import Address, Customer, Product

_FIRST = ("Ada", "Bela", "Cleo", "Dora", "Emil", "Fenna", "Gil", "Hanna", "Ivo", "Juna")
_LAST = ("Aebi", "Brun", "Costa", "Danz", "Egli", "Frey", "Gasser", "Huber", "Iten", "Jost")


def create(desk: Desk, fields: Mapping[str, object]) -> Customer:
    """A new customer; what is not given is made up. Announces customers/create."""
    count = len(desk.shop.customers) + len(desk.shop.merged)
    first, last = _FIRST[count % 10], _LAST[count // 10 % 10]
    now = desk.now()
    made: dict[str, object] = {
        "id": desk.ids.number("Customer"),
        "created_at": now,
        "updated_at": now,
        "first_name": first,
        "last_name": last,
        "email": f"{first}.{last}.{count}@example.com".lower(),
        **fields,
    }
    if "addresses" not in made:
        made["addresses"] = [
            Address(
                id=desk.ids.number("MailingAddress"),
                first_name=str(made["first_name"]),
                last_name=str(made["last_name"]),
            )
        ]
    customer = msgspec.convert(msgspec.to_builtins(made, builtin_types=(type(now),)), Customer)
    desk.shop.customers[customer.id] = customer
    desk.announce(("customers/create", customer_body(desk, customer)))
    return customer


def update(desk: Desk, customer: Customer, fields: Mapping[str, object]) -> Customer:
    """Changes named fields; announces customers/update, and a changed consent to mail by its own topic."""
    allowed = set(Customer.__struct_fields__) - {"id", "created_at", "updated_at"}
    consent = customer.accepts_marketing
    for name, value in fields.items():
        if name not in allowed:
            raise DevshopError(
                "field_unknown", f"A customer has no field {name}; use one of {', '.join(sorted(allowed))}."
            )
        setattr(customer, name, value)
    touch(desk, customer)
    if customer.accepts_marketing != consent:
        desk.announce(("customers_email_marketing_consent/update", consent_body(desk, customer)))
    return customer


def touch(desk: Desk, customer: Customer) -> None:
    customer.updated_at = desk.now()
    desk.announce(("customers/update", customer_body(desk, customer)))


def tag(desk: Desk, customer: Customer, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
    """Tags compare without regard to case; announces customers/update if something changed."""
    unwanted = {one.casefold() for one in remove}
    have = [one for one in customer.tags if one.casefold() not in unwanted]
    for one in add:
        if one.casefold() not in {other.casefold() for other in have}:
            have.append(one)
    if have != customer.tags:
        customer.tags = have
        touch(desk, customer)


def merge(desk: Desk, kept: Customer, gone: Customer, failed: bool) -> Customer:
    """Merges `gone` into `kept`: orders and tags move. Announces customers/merge and customers/update.

    With `failed` nothing moves and customers/merge says so.
    """
    if kept.id == gone.id:
        raise DevshopError("same_customer", "A customer cannot be merged with itself; name two.")
    if failed:
        desk.announce(("customers/merge", merge_body(desk, kept, gone, "failed")))
        return kept
    for order in desk.shop.orders.values():
        if order.customer_id == gone.id:
            order.customer_id = kept.id
    kept.tags = list(dict.fromkeys([*kept.tags, *gone.tags]))
    kept.updated_at = desk.now()
    _forget(desk, gone)
    desk.shop.merged[gone.id] = kept.id
    desk.announce(
        ("customers/merge", merge_body(desk, kept, gone, "completed")),
        ("customers/update", customer_body(desk, kept)),
    )
    return kept


def delete(desk: Desk, customer: Customer) -> None:
    """Deletes a customer without orders; announces customers/delete."""
    if any(order.customer_id == customer.id for order in desk.shop.orders.values()):
        raise DevshopError(
            "customer_has_orders", "A customer with orders cannot be deleted; merge or redact instead."
        )
    _forget(desk, customer)
    desk.announce(("customers/delete", customer_deleted(customer)))


def _forget(desk: Desk, customer: Customer) -> None:
    del desk.shop.customers[customer.id]
    owner = gid("Customer", customer.id)
    for key in [key for key, field in desk.shop.metafields.items() if field.owner == owner]:
        del desk.shop.metafields[key]


def create_product(desk: Desk, title: str, price: int, fields: Mapping[str, object]) -> Product:
    """A new product with one variant; `price` in minor units of shop money."""
    now = desk.now()
    product = msgspec.convert(
        {
            "id": desk.ids.number("Product"),
            "variant_id": desk.ids.number("ProductVariant"),
            "title": title,
            "price": price,
            "created_at": now,
            "updated_at": now,
            "handle": "-".join(title.lower().split()),
            "sku": f"SKU-{len(desk.shop.products) + 1:03d}",
            **fields,
        },
        Product,
    )
    desk.shop.products[product.id] = product
    return product
