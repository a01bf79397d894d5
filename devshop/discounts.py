"""Discount codes: making, stopping, and whether a checkout may use one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from devshop.desk import Desk
from devshop.errors import CheckoutRefused
from devshop.records import Discount

UserError = dict[str, object]


def by_code(desk: Desk, code: str) -> Discount | None:
    """Codes are found without regard to case."""
    wanted = code.casefold()
    return next((one for one in desk.shop.discounts.values() if one.code.casefold() == wanted), None)


def status(discount: Discount, now: datetime) -> str:
    """SCHEDULED, ACTIVE or EXPIRED (DiscountStatus)."""
    if now < discount.starts_at:
        return "SCHEDULED"
    return "EXPIRED" if discount.ends_at is not None and discount.ends_at <= now else "ACTIVE"


def problem(argument: str, field: str, code: str, message: str) -> UserError:
    return {"field": [argument, *field.split(".")], "code": code, "message": message, "extraInfo": None}


def problems(desk: Desk, argument: str, draft: Discount, customers: Sequence[int]) -> list[UserError]:
    """What Shopify answers in userErrors for a draft; none means it may be kept."""
    found: list[UserError] = []
    if not draft.code.strip():
        found.append(problem(argument, "code", "BLANK", "Code can't be blank"))
    elif len(draft.code) > 255:
        found.append(problem(argument, "code", "TOO_LONG", "Code is too long (maximum is 255 characters)"))
    elif by_code(desk, draft.code) is not None:
        found.append(problem(argument, "code", "TAKEN", "Code must be unique. Please try a different code."))
    if not draft.title.strip():
        found.append(problem(argument, "title", "BLANK", "Title can't be blank"))
    if draft.ends_at is not None and draft.ends_at <= draft.starts_at:
        found.append(
            problem(argument, "endsAt", "END_DATE_BEFORE_START_DATE", "Ends at needs to be after starts_at")
        )
    if draft.amount is not None and draft.amount <= 0:
        found.append(
            problem(
                argument,
                "customerGets.value.discountAmount.amount",
                "GREATER_THAN",
                "Value must be greater than 0",
            )
        )
    if draft.percentage is not None and not 0 < draft.percentage <= 1:
        found.append(
            problem(
                argument,
                "customerGets.value.percentage",
                "VALUE_OUTSIDE_RANGE",
                "Value must be between 0.0 and 1.0",
            )
        )
    unknown = [one for one in [*draft.products, *draft.buys_products] if one not in desk.shop.products]
    if unknown:
        said = f"Product with id: {unknown[0]} is invalid"
        found.append(problem(argument, "customerGets.items.products", "INVALID", said))
    if draft.usage_limit is not None and draft.usage_limit < 1:
        found.append(problem(argument, "usageLimit", "GREATER_THAN", "Usage limit must be greater than 0"))
    if any(customer not in desk.shop.customers for customer in customers):
        found.append(problem(argument, "context.customers.add", "INVALID", "Customer does not exist"))
    return found


def keep(desk: Desk, draft: Discount) -> Discount:
    desk.shop.discounts[draft.id] = draft
    return draft


def deactivate(desk: Desk, discount: Discount) -> None:
    """discountCodeDeactivate: it ends now."""
    now = desk.now()
    discount.ends_at = now if discount.ends_at is None else min(now, discount.ends_at)
    discount.updated_at = now


def delete(desk: Desk, discount: Discount) -> None:
    del desk.shop.discounts[discount.id]


def check(desk: Desk, code: str, customer_id: int | None, subtotal: int, shipping: int) -> Discount:
    """The discount behind a code at the checkout. Raises CheckoutRefused saying why it cannot be used."""
    found = by_code(desk, code)
    if found is None:
        raise CheckoutRefused("code_unknown", f"Code {code} does not exist; enter another one.")
    if status(found, desk.now()) != "ACTIVE":
        raise CheckoutRefused("code_not_active", f"Code {code} is not active now; use one that is.")
    if found.customers is not None and customer_id not in found.customers:
        raise CheckoutRefused(
            "code_of_another_customer", f"Code {code} belongs to another customer; sign in as them."
        )
    if found.usage_limit is not None and found.used >= found.usage_limit:
        raise CheckoutRefused("code_used_up", f"Code {code} has reached its usage limit; use another one.")
    if found.once_per_customer and customer_id in found.used_by:
        raise CheckoutRefused(
            "code_used_before", f"This customer has used code {code} before; use another one."
        )
    if not found.one_time:
        raise CheckoutRefused("code_for_subscriptions", f"Code {code} is for subscriptions only.")
    if found.minimum_subtotal is not None and subtotal < found.minimum_subtotal:
        raise CheckoutRefused("subtotal_too_low", f"Code {code} needs a higher subtotal; add something.")
    if found.maximum_shipping is not None and shipping > found.maximum_shipping:
        raise CheckoutRefused(
            "shipping_too_high", f"Code {code} does not cover this shipping rate; choose a cheaper one."
        )
    return found


def check_combination(several: Sequence[Discount]) -> None:
    """Two discounts combine only if each allows the class of the other."""
    if len({one.id for one in several}) != len(several):
        raise CheckoutRefused("code_twice", "The same code was entered twice; enter it once.")
    for one in several:
        for other in several:
            if one is not other and class_of(other) not in one.combines_with:
                raise CheckoutRefused(
                    "codes_do_not_combine",
                    f"Code {one.code} can't be combined with {other.code}; use one of them.",
                )


def class_of(discount: Discount) -> str:
    if discount.kind == "free_shipping":
        return "SHIPPING"
    return "PRODUCT" if discount.products or discount.collections else "ORDER"


def count_use(discount: Discount, customer_id: int | None) -> None:
    discount.used += 1
    if customer_id is not None:
        discount.used_by.append(customer_id)
