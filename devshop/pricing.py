"""What discount codes take off an order: of everything, of some products, of one unit, of the shipping."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from devshop import discounts, tenders
from devshop.desk import Desk
from devshop.errors import CheckoutRefused
from devshop.money import NOTHING, Bag, in_graphql, rounded, split, total
from devshop.order_records import Allocation, Application, Line, Order
from devshop.records import Discount
from devshop.totals import line_net, shipping_net


def in_both(minor: int, rate: str) -> Bag:
    return Bag(minor, rounded(minor * Decimal(rate)))


def apply_codes(desk: Desk, order: Order, codes: Sequence[str]) -> list[Discount]:
    """Takes off what the codes give and returns the discounts used. Raises CheckoutRefused for one that cannot be."""
    goods = [one for one in order.lines if not one.gift_card]
    shipping = total(one.price for one in order.shipping).shop
    used: list[Discount] = []
    for code in codes:
        if discounts.by_code(desk, code) is None and tenders.card_of(desk, code) is not None:
            continue  # money, not a discount
        known = discounts.by_code(desk, code)
        # Shopify counts a minimum over what a code is for (assumed).
        counted = _of(desk, goods, known.products, known.collections) if known else goods
        used.append(discounts.check(desk, code, order.customer_id, _cost(counted), shipping))
    discounts.check_combination(used)
    for discount in used:
        if discount.kind == "free_shipping":
            _waive_shipping(order, discount)
            continue
        entitled = _of(desk, goods, discount.products, discount.collections)
        if not entitled:
            raise CheckoutRefused(
                "code_for_other_products", f"Code {discount.code} is for other products; add one of them."
            )
        if discount.kind == "bxgy":
            _give(desk, order, goods, entitled, discount)
        else:
            _take_off(order, entitled, discount)
    return used


def _cost(lines: Sequence[Line]) -> int:
    return total(one.price.times(one.quantity) for one in lines).shop


def _of(desk: Desk, lines: list[Line], products: list[int], collections: list[int]) -> list[Line]:
    """The lines of these products or collections; all of them when neither is named."""
    if not products and not collections:
        return lines

    def among(one: Line) -> bool:
        product = desk.shop.products.get(one.product_id or 0)
        return one.product_id in products or bool(product and set(product.collections) & set(collections))

    return [one for one in lines if among(one)]


def _give(desk: Desk, order: Order, goods: list[Line], gifts: list[Line], discount: Discount) -> None:
    """Buy X get Y: one unit of the cheapest gift, where enough is bought besides it."""
    gift = min(gifts, key=lambda one: one.price.shop)
    bought = _of(desk, goods, discount.buys_products, discount.buys_collections)
    units = sum(one.quantity for one in bought) - (gift in bought)
    spent = _cost(bought) - (gift.price.shop if gift in bought else 0)
    if units < 1 or spent < (discount.buys_amount or 0):
        raise CheckoutRefused(
            "too_little_bought", f"Code {discount.code} needs more in the basket; add something."
        )
    share = Decimal(str(discount.percentage or 0))
    amount = Bag(rounded(gift.price.shop * share), rounded(gift.price.presentment * share))
    gift.allocations.append(Allocation(amount, len(order.applications)))
    order.applications.append(
        Application(
            code=discount.code,
            kind="percentage",
            value=_one_digit(share * 100),
            value_type="percentage",
            target_type="line_item",
            amount=amount,
            discount_id=discount.id,
        )
    )


def _take_off(order: Order, lines: list[Line], discount: Discount) -> None:
    """An order-level discount, spread over the lines by what they cost, by largest remainder."""
    open_ = [line_net(one) for one in lines]
    ceiling = total(open_)
    if discount.percentage is not None:
        wanted = rounded(ceiling.shop * Decimal(str(discount.percentage)))
        value, kind = _one_digit(Decimal(str(discount.percentage)) * 100), "percentage"
    else:
        wanted, kind = discount.amount or 0, "fixed_amount"
        value = in_graphql(wanted, order.currency)
    amount = _capped(wanted, ceiling, order.rate)
    index = len(order.applications)
    shop_shares = split(amount.shop, [one.shop for one in open_])
    presentment_shares = split(amount.presentment, [one.presentment for one in open_])
    for one, shop_share, presentment_share in zip(lines, shop_shares, presentment_shares, strict=True):
        if shop_share or presentment_share:
            one.allocations.append(Allocation(Bag(shop_share, presentment_share), index))
    order.applications.append(
        Application(
            code=discount.code,
            kind=kind,
            value=value,
            value_type=kind,
            target_type="line_item",
            amount=amount,
            discount_id=discount.id,
        )
    )


def _capped(wanted: int, ceiling: Bag, rate: str) -> Bag:
    if wanted >= ceiling.shop:
        return ceiling
    return Bag(wanted, min(ceiling.presentment, rounded(wanted * Decimal(rate))))


def _one_digit(value: Decimal) -> str:
    """10 -> "10.0", the way discount_applications write a percentage."""
    short = value.quantize(Decimal("0.1"))
    return str(short if short == value else value.normalize())


def _waive_shipping(order: Order, discount: Discount) -> None:
    index, waived = len(order.applications), NOTHING
    for one in order.shipping:
        rest = shipping_net(one)
        one.allocations.append(Allocation(rest, index))
        waived = waived + rest
    order.applications.append(
        Application(
            code=discount.code,
            kind="shipping",
            value="100.0",
            value_type="percentage",
            target_type="shipping_line",
            amount=waived,
            discount_id=discount.id,
        )
    )
