"""Everything a shop can do, once: the source of one webhook body of every kind."""

from __future__ import annotations

from collections.abc import Mapping

from devshop.shop import DevPlatform, DevShop
from tests.devshop.conftest import Admin, Clock


def live_through(platform: DevPlatform, shop: DevShop, admin: Admin, clock: Clock) -> None:
    """Sells, sends, refunds, returns, edits, cancels, merges and leaves, so that every topic is sent."""
    ada, bela, cleo = (shop.create_customer(phone="+41445550111", note="likes oolong") for _ in range(3))
    tea = shop.create_product("Green tea", 2550)
    card = shop.create_product("Gift card", 5000, gift_card=True, requires_shipping=False)
    for code, gets in (("FIVE", {"discountAmount": {"amount": "5.00"}}), ("TENTH", {"percentage": 0.1})):
        make_code(admin, code, gets)
    one = shop.place_order(
        ada, [(tea, 3), (card, 1)], discount_codes=["FIVE"], currency="EUR", tip=200, duties=310, tags=["vip"]
    )
    clock.ahead(minutes=5)
    first = shop.fulfil(one, lines=[(one.lines[0], 1)])
    second = shop.fulfil(one)
    shop.shipment_event(first, "in_transit")
    shop.deliver_parcel(first)
    shop.deliver_parcel(second)
    back = shop.return_(one, [(one.lines[0], 1)], requested=True)
    for step in ("approve", "process", "close", "reopen", "close"):
        shop.step_return(back, step)
    shop.refund(
        one, lines=[(one.lines[0], 1)], shipping=300, restock_type="return", note="Damaged", return_=back
    )
    shop.refund(one, amount=500, note="Sorry")
    shop.step_return(shop.return_(one, [(one.lines[0], 1)], requested=True), "decline")
    shop.step_return(shop.return_(one, [(one.lines[0], 1)]), "cancel")

    two = shop.place_order(None, [(tea, 1)], paid=False)
    shop.attach_customer(two, bela)
    shop.edit(two, add=[{"title": "Cup", "price": 990}], remove=[(two.lines[0], 1)])
    shop.pay(two)
    shop.cancel(two)
    three = shop.place_order(cleo, [(tea, 1)], discount_codes=["TENTH"])
    shop.cancel_fulfilment(shop.fulfil(three))
    shop.delete_order(shop.place_order(ada, [(tea, 1)], test=True))
    shop.update_customer(ada, first_name="Adele", accepts_marketing=True)
    shop.merge_customers(ada, cleo, failed=True)
    shop.merge_customers(ada, cleo)
    shop.delete_customer(shop.create_customer(phone="+41445550112", note="brief"))
    shop.finish_bulk_operation()
    shop.request_data(ada)
    shop.redact_customer(bela)
    shop.approve_scopes("read_all_orders")
    shop.move_to("Europe/Lisbon")
    shop.uninstall()
    shop.redact()


def make_code(admin: Admin, code: str, gets: Mapping[str, object], **more: object) -> dict[str, object]:
    """Creates a basic discount code; answers the payload."""
    answer = admin.ask(
        "mutation($input: DiscountCodeBasicInput!) { discountCodeBasicCreate(basicCodeDiscount: $input) {"
        " codeDiscountNode { id } userErrors { code field message } } }",
        input={
            "title": code,
            "code": code,
            "startsAt": "2026-11-01T00:00:00Z",
            "context": {"all": "ALL"},
            "customerGets": {"value": gets, "items": {"all": True}},
            **more,
        },
    )
    payload: dict[str, object] = answer["discountCodeBasicCreate"]
    return payload
