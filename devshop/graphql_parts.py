"""Lines, taxes, discounts, shipping and transactions of an order in the Admin API."""

from __future__ import annotations

from devshop.graphql_call import Call, Resolver, View, bag, utc
from devshop.graphql_paging import connection
from devshop.ids import gid
from devshop.money import NOTHING, Bag, in_graphql
from devshop.order_records import Allocation, Line, Order, Product, ShippingLine, TaxLine, Transaction
from devshop.totals import current_quantity, fulfillable, line_net, shipping_net


def line_view(call: Call, order: Order, line: Line) -> View:
    net = line_net(line)
    each = Bag(net.shop // line.quantity, net.presentment // line.quantity)
    product = call.desk.shop.products.get(line.product_id) if line.product_id is not None else None
    full = line.price.times(line.quantity)

    def discounted(_info: object, withCodeDiscounts: bool | None = None) -> View:
        return bag(order, net if withCodeDiscounts else full)

    return {
        "__typename": "LineItem",
        "id": gid("LineItem", line.id),
        "name": f"{line.title} - {line.variant_title}" if line.variant_title else line.title,
        "title": line.title,
        "variantTitle": line.variant_title,
        "vendor": line.vendor,
        "sku": line.sku,
        "quantity": line.quantity,
        "currentQuantity": current_quantity(line),
        "refundableQuantity": current_quantity(line),
        "unfulfilledQuantity": fulfillable(line),
        "isGiftCard": line.gift_card,
        "requiresShipping": line.requires_shipping,
        "taxable": line.taxable,
        "product": _catalogue(call, None if product is None else product_view(call, product)),
        "variant": _catalogue(
            call, None if product is None else variant_view(call, product, order.currency, line.variant_id)
        ),
        "originalUnitPriceSet": bag(order, line.price),
        "originalTotalSet": bag(order, full),
        "discountedTotalSet": discounted,
        "discountedUnitPriceSet": bag(order, line.price),
        "discountedUnitPriceAfterAllDiscountsSet": bag(order, each),
        "totalDiscountSet": bag(order, NOTHING),
        "discountAllocations": [allocation_view(order, one) for one in line.allocations],
        "taxLines": _taxes(order, line),
        "contract": None,
        "sellingPlan": None,
    }


def _catalogue(call: Call, view: View | None) -> Resolver:
    def resolve(_info: object) -> View | None:
        call.need("read_products", "product")
        return view

    return resolve


def _taxes(order: Order, line: Line) -> Resolver:
    def resolve(_info: object, first: int | None = None) -> list[View]:
        return [tax_view(order, tax) for tax in (line.taxes if first is None else line.taxes[:first])]

    return resolve


def product_view(call: Call, product: Product) -> View:
    titles = call.desk.shop.collections
    return {
        "__typename": "Product",
        "id": gid("Product", product.id),
        "legacyResourceId": str(product.id),
        "title": product.title,
        "handle": product.handle,
        "vendor": product.vendor,
        "productType": product.product_type,
        "tags": sorted(product.tags),
        "collections": connection(
            lambda: sorted(product.collections),
            lambda one: {"__typename": "Collection", "id": gid("Collection", one), "title": titles[one]},
        ),
        "isGiftCard": product.gift_card,
        "createdAt": utc(product.created_at),
        "updatedAt": utc(product.updated_at),
    }


def variant_view(call: Call, product: Product, currency: str, variant_id: int | None) -> View:
    found = next((one for one in product.variants if one.id == variant_id), None)
    number = found.id if found else product.variant_id
    return {
        "__typename": "ProductVariant",
        "id": gid("ProductVariant", number),
        "legacyResourceId": str(number),
        "title": found.title if found else "Default Title",
        "sku": found.sku if found else product.sku,
        "price": in_graphql(found.price if found else product.price, currency),
        "product": product_view(call, product),
    }


def tax_view(order: Order, tax: TaxLine) -> View:
    return {
        "title": tax.title,
        "rate": float(tax.rate),
        "ratePercentage": float(tax.rate) * 100,
        "priceSet": bag(order, tax.amount),
        "channelLiable": False,
        "source": "shopify",
    }


def allocation_view(order: Order, one: Allocation) -> View:
    return {
        "allocatedAmountSet": bag(order, one.amount),
        "discountApplication": application_view(order, one.application),
    }


def application_view(order: Order, index: int) -> View:
    one = order.applications[index]
    value: View = {"__typename": "PricingPercentageValue", "percentage": float(one.value)}
    if one.value_type == "fixed_amount":
        value = {"__typename": "MoneyV2", "amount": one.value, "currencyCode": order.currency}
    return {
        "__typename": "DiscountCodeApplication",
        "index": index,
        "code": one.code,
        "value": value,
        "allocationMethod": "EACH" if one.target_type == "shipping_line" else "ACROSS",
        "targetSelection": "ALL",
        "targetType": one.target_type.upper(),
    }


def shipping_view(order: Order, line: ShippingLine) -> View:
    net = shipping_net(line)
    return {
        "id": gid("ShippingLine", line.id),
        "title": line.title,
        "code": line.code,
        "carrierIdentifier": None,
        "source": "shopify",
        "isRemoved": False,
        "originalPriceSet": bag(order, line.price),
        "discountedPriceSet": bag(order, net),
        "currentDiscountedPriceSet": bag(order, net - line.refunded),
        "discountAllocations": [allocation_view(order, one) for one in line.allocations],
        "taxLines": [tax_view(order, tax) for tax in line.taxes],
    }


def transaction_view(order: Order, one: Transaction) -> View:
    parent = next((t for t in order.transactions if t.id == one.parent_id), None)
    return {
        "__typename": "OrderTransaction",
        "id": gid("OrderTransaction", one.id),
        "kind": one.kind.upper(),
        "status": one.status.upper(),
        "gateway": one.gateway,
        "formattedGateway": one.gateway.replace("_", " ").title(),
        "test": order.test,
        "createdAt": utc(one.created_at),
        "processedAt": utc(one.created_at),
        "amountSet": bag(order, one.amount),
        "parentTransaction": None if parent is None else transaction_view(order, parent),
        "manualPaymentGateway": one.gateway == "manual",
    }
