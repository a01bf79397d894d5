"""What the buttons of an order do: each reads its form, acts through the shop, and says what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from devshop.errors import DevshopError
from devshop.faces.figures import money
from devshop.money import to_minor
from devshop.order_records import Order
from devshop.totals import current_quantity

if TYPE_CHECKING:
    from devshop.shop import DevShop

Form = Mapping[str, str]
Act = Callable[["DevShop", Order, Form], str]
CARRIERS = ("Swiss Post", "DHL", "DPD", "La Poste", "None, handed over")
EVENTS = ("in_transit", "out_for_delivery", "delayed", "attempted_delivery", "failure")
MAX_TEXT = 300


def _counts(order: Order, form: Form) -> list[tuple[int, int]]:
    """The lines with a number above zero in their field."""
    found = [(line.id, int(form.get(f"line-{line.id}") or 0)) for line in order.lines]
    return [(number, count) for number, count in found if count > 0]


def _minor(form: Form, name: str, order: Order) -> int | None:
    text = form.get(name, "").strip().replace("'", "").replace(",", ".")
    if not text:
        return None
    amount = to_minor(text, order.currency)
    if amount < 0:
        raise DevshopError("amount_negative", "An amount cannot be below zero; write what to give back.")
    return amount


def _pay(shop: DevShop, order: Order, form: Form) -> str:
    paid = shop.pay(order, amount=_minor(form, "amount", order))
    return f"{money(paid.amount.shop, order.currency)} received."


def _fulfil(shop: DevShop, order: Order, form: Form) -> str:
    carrier = form.get("carrier", CARRIERS[0])
    chosen = _counts(order, form)
    if not chosen and any(name.startswith("line-") for name in form):
        raise DevshopError("fulfil_empty", "Say how many units of which line go into the parcel.")
    parcel = shop.fulfil(order, chosen or None, carrier=None if carrier.startswith("None") else carrier)
    return f"Parcel {parcel.name} is on its way with {parcel.carrier or 'nobody: it was handed over'}."


def _deliver(shop: DevShop, order: Order, form: Form) -> str:
    chosen = form.get("parcel", "")
    waiting = [one for one in order.fulfilments if one.status == "success" and one.delivered_at is None]
    parcels = [one for one in waiting if not chosen or str(one.id) == chosen]
    if not parcels:
        raise DevshopError(
            "nothing_on_the_way", f"No parcel of order {order.name} is on its way; send one first."
        )
    for parcel in parcels:
        shop.deliver_parcel(parcel)
    return f"{len(parcels)} parcel{'s' * (len(parcels) != 1)} delivered."


def _carrier_event(shop: DevShop, order: Order, form: Form) -> str:
    parcel, status = int(form.get("parcel") or 0), form.get("status", "")
    shop.shipment_event(parcel, status)
    return f"The carrier reported: {status.replace('_', ' ')}."


def _refund(shop: DevShop, order: Order, form: Form) -> str:
    kept = shop.refund(
        order,
        lines=_counts(order, form),
        amount=_minor(form, "amount", order),
        shipping=_minor(form, "shipping", order),
        to_store_credit="store_credit" in form,
        note=form.get("note", "")[:MAX_TEXT],
    )
    given = sum(one.amount.shop for one in order.transactions if one.id in kept.transactions)
    return f"{money(given, order.currency)} given back."


def _return(shop: DevShop, order: Order, form: Form) -> str:
    kept = shop.return_(order, _counts(order, form), requested="requested" in form)
    return f"Return {kept.name} is {kept.status}."


def _step_return(shop: DevShop, order: Order, form: Form) -> str:
    kept = shop.step_return(int(form.get("return") or 0), form.get("step", ""))
    return f"Return {kept.name} is {kept.status}."


def _cancel(shop: DevShop, order: Order, form: Form) -> str:
    shop.cancel(order, reason=form.get("reason", "customer"), refund="refund" in form)
    return f"Order {order.name} is cancelled."


def _edit(shop: DevShop, order: Order, form: Form) -> str:
    """The form holds the quantities that shall stand; what differs is raised or removed."""
    increase, remove = [], []
    for line in order.lines:
        here = current_quantity(line)
        wanted = int(form.get(f"line-{line.id}") or here)
        if wanted > here:
            increase.append((line.id, wanted - here))
        elif wanted < here:
            remove.append((line.id, here - wanted))
    product = int(form.get("product") or 0)
    add = [{"product": product, "quantity": 1}] if product else []
    if not (increase or remove or add):
        raise DevshopError("edit_empty", "Change a quantity or add a product first.")
    shop.edit(order, add=add, increase=increase, remove=remove)
    return "The order was edited. Money moves only by paying or refunding."


def _delete(shop: DevShop, order: Order, form: Form) -> str:
    shop.delete_order(order)
    return f"Order {order.name} is deleted."


ACTIONS: dict[str, Act] = {
    "pay": _pay,
    "fulfil": _fulfil,
    "deliver": _deliver,
    "event": _carrier_event,
    "refund": _refund,
    "return": _return,
    "step_return": _step_return,
    "cancel": _cancel,
    "edit": _edit,
    "delete": _delete,
}
