"""What can happen in a random world: orders are placed, paid, edited, shipped, refunded; and what is told of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.oracle import bodies
from tests.oracle.bodies import Json, iso

START = datetime(2026, 1, 5, tzinfo=UTC)
PAID = ("paid", "partially_refunded", "refunded")


@dataclass(slots=True)
class Case:
    """One order and what may still happen to it."""

    body: Json
    customer: int | None
    shipped: dict[int, int] = field(default_factory=dict)  # line -> units in live parcels
    undelivered: list[int] = field(default_factory=list)
    confirmed: bool = False
    touched_at: datetime = START  # the last epoch in which something changed
    returned: int = 0  # minor units refunded
    readable: bool = True  # whether the shop's own token ever finds it
    rehome: int | None = None  # the customer it belongs to from the next epoch on
    was_paid: bool = False  # whether it ever was paid in full


class Shopping:
    """Orders and what happens to them; every happening returns the messages that the platform sends, in order."""

    def __init__(self, seed: int, customers: int) -> None:
        self.rng = random.Random(seed)
        self.now = START
        self.customers = [9_007_199_254_741_000 + n for n in range(customers)]  # beyond 2**53, as ids may be
        self.cases: dict[int, Case] = {}
        self.codes: list[tuple[int, str]] = []  # (customer, the name of a code not used yet)
        self._number = 5_000_000_000_000
        self._seconds = list(range(86_400))
        self.rng.shuffle(self._seconds)

    def place(self, at: datetime, customer: int | None) -> list[list[Any]]:
        """Somebody orders; most pay at once."""
        rng = self.rng
        currency = "CHF" if rng.random() < 0.96 else "EUR"
        included, foreign = rng.random() < 0.5, currency == "CHF" and rng.random() < 0.15
        lines = [
            bodies.line(rng, self.number(), currency, included=included, foreign=foreign)
            for _ in range(rng.choice((1, 1, 2, 3)))
        ]
        mine = [code for owner, code in self.codes if owner == customer]
        code = rng.choice(mine) if mine and rng.random() < 0.7 else None
        self.codes = [pair for pair in self.codes if pair[1] != code]
        paid = rng.random() < 0.8
        number = self.number()
        body = bodies.order(rng, number, customer, at, currency, lines, paid=paid, included=included,
                            foreign=foreign, code=code)  # fmt: skip
        case = Case(
            body,
            customer,
            touched_at=self.now,
            readable=rng.random() < (0.94 if code is None else 0.7),
            was_paid=paid,
        )
        self.cases[number] = case
        told = [["orders/create", self.snapshot(case)]]
        if paid:
            told.append(["orders/paid", self.snapshot(case)])
        if rng.random() < 0.3:
            told += self.ship(case, self.after(case))
        return told

    def grow(self, case: Case, at: datetime) -> list[list[Any]]:
        """An order is paid, gets a customer, or gains a line, which is often paid for later."""
        rng, body = self.rng, case.body
        if body["cancelled_at"] or body["refunds"]:
            return []
        if case.customer is None:
            case.customer = rng.choice(self.customers)
            return self.tell(case, at, "orders/updated")
        if body["financial_status"] not in PAID:
            return self.tell(case, at, "orders/paid", financial_status="paid")
        return self.extend(case, at, "paid")

    def extend(self, case: Case, at: datetime, paid: str) -> list[list[Any]]:
        """An edit adds a line. `paid` is the status when it is paid for at once."""
        rng, body = self.rng, case.body
        foreign = body["currency"] != body["presentment_currency"]
        extra = bodies.line(
            rng, self.number(), body["currency"], included=body["taxes_included"], foreign=foreign
        )
        status = paid if rng.random() < 0.5 else rng.choice(("partially_paid", "partially_paid", "pending"))
        told = self.tell(
            case, at, "orders/updated", line_items=[*body["line_items"], extra], financial_status=status
        )
        return [*told, ["orders/edited", bodies.edit(self.number(), body["id"], at)]]

    def swell(self, case: Case, at: datetime) -> list[list[Any]]:
        """An order that was refunded in part gains a line or is paid for it: less of it is refunded than before."""
        body = case.body
        if not body["refunds"] or body["cancelled_at"] or body["financial_status"] == "refunded":
            return []
        if body["financial_status"] not in PAID:
            return self.tell(case, at, "orders/updated", financial_status="partially_refunded")
        return self.extend(case, at, "partially_refunded")

    def attach(self, case: Case, at: datetime, mood: dict[int, str], debtors: set[int]) -> list[list[Any]]:
        """A guest's order gets a customer, where that customer may gain just now."""
        case.customer = self.rng.choice(self.customers)
        if mood[case.customer] != "grow" or case.customer in debtors or case.touched_at == self.now:
            case.customer = None
            return []
        case.touched_at = self.now
        return self.tell(case, at, "orders/updated")

    def shrink(self, case: Case, at: datetime) -> list[list[Any]]:
        """A refund by line or of an amount, a removal or a late addition by edit, a cancellation, rarely a deletion."""
        doing = self.rng.choice(
            ("by_line", "by_line", "by_amount", "by_amount", "removal", "swell", "cancel", "delete")
        )
        if case.body["discount_codes"] and case.body["refunds"] and self.rng.random() < 0.6:
            doing = "swell"  # then points that came back for the code are taken again
        if case.body["cancelled_at"]:
            return [["orders/delete", {"id": case.body["id"]}]] if self.rng.random() < 0.2 else []
        if doing == "delete":
            return [["orders/delete", {"id": case.body["id"]}]] if self.rng.random() < 0.2 else []
        result: list[list[Any]] = getattr(self, doing)(case, at)
        return result

    def by_line(self, case: Case, at: datetime) -> list[list[Any]]:
        """Units come back, with or without a fee kept, sometimes with their shipping."""
        rng, body = self.rng, case.body
        lines = [item for item in body["line_items"] if item["current_quantity"]]
        if not lines or not case.was_paid:
            return []
        item = rng.choice(lines)
        units = rng.randint(1, item["current_quantity"])
        subtotal = bodies.net_of(item) * units // item["quantity"]
        tax = bodies.tax_of(item) * units // item["quantity"]
        paid = subtotal + (0 if body["taxes_included"] else tax)
        shipping = rng.choice((0, 0, 300)) if body["shipping_lines"] else 0
        paid = max(0, paid + shipping + rng.choice((0, 0, 0, -paid // 10, 77)))
        one = bodies.refund(self.number(), body, at, [(item, units, subtotal, tax)], paid=paid, shipping=shipping,
                            gateway=rng.choice(("bogus", "shopify_store_credit", "gift_card")))  # fmt: skip
        lines = [
            {**other, "current_quantity": other["current_quantity"] - units}
            if other["id"] == item["id"]
            else other
            for other in body["line_items"]
        ]
        return self.refunded(case, at, one, lines)

    def by_amount(self, case: Case, at: datetime) -> list[list[Any]]:
        """Money comes back without a line: goodwill, or store credit."""
        rng, body = self.rng, case.body
        if not case.was_paid:
            return []
        worth = sum(bodies.net_of(item) for item in body["line_items"])
        amount = rng.randint(1, max(1, worth // 3))
        shipping = min(amount, rng.choice((0, 0, 200))) if body["shipping_lines"] else 0
        one = bodies.refund(self.number(), body, at, [], paid=amount, shipping=shipping,
                            gateway=rng.choice(("bogus", "shopify_store_credit")))  # fmt: skip
        return self.refunded(case, at, one, body["line_items"])

    def refunded(self, case: Case, at: datetime, one: Json, lines: list[Json]) -> list[list[Any]]:
        """Tells of a refund: by itself and inside the order."""
        whole = all(item["current_quantity"] == 0 for item in lines)
        status = "refunded" if whole else "partially_refunded"
        if case.body["financial_status"] not in PAID and not whole:
            status = case.body["financial_status"]  # what an edit added is still to be paid
        refunds = [*case.body["refunds"], one]
        told = self.tell(
            case, at, "orders/updated", refunds=refunds, line_items=lines, financial_status=status
        )
        plain = (
            not one["refund_shipping_lines"] and case.body["currency"] == case.body["presentment_currency"]
        )
        if plain and self.rng.random() < 0.2:
            told = []  # the order's own message never comes: the refund's must do
        return [*told, ["refunds/create", one]]

    def removal(self, case: Case, at: datetime) -> list[list[Any]]:
        """An edit takes a unit out."""
        body = case.body
        lines = [i for i in body["line_items"] if i["current_quantity"] > case.shipped.get(i["id"], 0)]
        if not lines:
            return []
        gone = self.rng.choice(lines)["id"]
        changed = [
            {**item, "current_quantity": item["current_quantity"] - (1 if item["id"] == gone else 0)}
            for item in body["line_items"]
        ]
        told = self.tell(case, at, "orders/updated", line_items=changed)
        return [*told, ["orders/edited", bodies.edit(self.number(), body["id"], at)]]

    def cancel(self, case: Case, at: datetime) -> list[list[Any]]:
        """The order is cancelled."""
        status = "refunded" if case.was_paid else "voided"
        return self.tell(case, at, "orders/cancelled", cancelled_at=iso(at), financial_status=status)

    def ship(self, case: Case, at: datetime) -> list[list[Any]]:
        """A parcel leaves, arrives, or is cancelled and packed again later."""
        rng, body = self.rng, case.body
        open_lines = [
            (item["id"], item["current_quantity"] - case.shipped.get(item["id"], 0))
            for item in body["line_items"]
        ]
        open_lines = [(line, units) for line, units in open_lines if units > 0]
        if body["cancelled_at"]:
            return []
        if open_lines and (not case.undelivered or rng.random() < 0.5):
            return self.pack(case, at, open_lines)
        if not case.undelivered:
            return []
        number = rng.choice(case.undelivered)
        case.undelivered.remove(number)
        if rng.random() < 0.15:
            return self.unpack(case, at, number)
        if rng.random() < 0.7:
            return [
                [
                    "fulfillment_events/create",
                    bodies.parcel_event(self.number(), number, body["id"], "delivered", at),
                ]
            ]
        return self.parcel_change(case, at, number, "fulfillments/update", shipment_status="delivered")

    def pack(self, case: Case, at: datetime, open_lines: list[tuple[int, int]]) -> list[list[Any]]:
        """A parcel with all that is open, or a part of it."""
        part = open_lines if self.rng.random() < 0.6 else open_lines[:1]
        one = bodies.parcel(self.number(), case.body["id"], at, part)
        for line, units in part:
            case.shipped[line] = case.shipped.get(line, 0) + units
        case.undelivered.append(one["id"])
        all_told = self.tell(case, at, self.rng.choice(("orders/fulfilled", "orders/updated")),
                             fulfillments=[*case.body["fulfillments"], one])  # fmt: skip
        return [["fulfillments/create", one], *all_told]

    def unpack(self, case: Case, at: datetime, number: int) -> list[list[Any]]:
        """A parcel is cancelled; its units are open again."""
        for one in case.body["fulfillments"]:
            if one["id"] == number:
                for item in one["line_items"]:
                    case.shipped[item["id"]] -= item["quantity"]
        return self.parcel_change(case, at, number, "fulfillments/update", status="cancelled")

    def parcel_change(
        self, case: Case, at: datetime, number: int, topic: str, **changes: Any
    ) -> list[list[Any]]:
        """Tells of a change of a parcel: by itself, and usually inside the order."""
        parcels = [
            {**one, **changes, "updated_at": iso(at)} if one["id"] == number else one
            for one in case.body["fulfillments"]
        ]
        told = self.tell(case, at, "orders/updated", fulfillments=parcels)
        return [*told, *([topic, one] for one in parcels if one["id"] == number)]

    def stray(self, case: Case, at: datetime) -> list[list[Any]]:
        """Something that must change nothing: a parcel on its way, a return opened, a note, a customer's change."""
        sort = self.rng.choice(("event", "note", "customer", "failed_merge"))
        if sort == "event" and case.undelivered:
            return [
                [
                    "fulfillment_events/create",
                    bodies.parcel_event(
                        self.number(), case.undelivered[0], case.body["id"], "in_transit", at
                    ),
                ]
            ]
        if sort == "customer" and case.customer is not None:
            return [["customers/update", bodies.customer_body(case.customer, at)]]
        if sort == "failed_merge" and len(self.customers) > 1:
            kept, gone = self.rng.sample(self.customers, 2)
            return [["customers/merge", bodies.merge(kept, gone, "failed")]]
        return self.tell(case, at, "orders/updated", note="please ring")

    # small things

    def tell(self, case: Case, at: datetime, topic: str, **changes: Any) -> list[list[Any]]:
        """Changes an order and tells of it, with a second message of the same content now and then."""
        case.body = {**case.body, **changes, "updated_at": iso(at)}
        case.was_paid |= case.body["financial_status"] in PAID
        told = [[topic, self.snapshot(case)]]
        if topic != "orders/updated" and self.rng.random() < 0.7:
            told.append(["orders/updated", self.snapshot(case)])
        return told

    def snapshot(self, case: Case) -> Json:
        """The order as the platform states it now. Values inside are never changed, only replaced."""
        body = case.body
        if case.customer is not None and (
            body["customer"] is None or body["customer"]["id"] != case.customer
        ):
            body = case.body = {**body, "customer": bodies.customer_body(case.customer, self.now)}
        return body

    def after(self, case: Case) -> datetime:
        """A moment after the order's last change."""
        return datetime.fromisoformat(case.body["updated_at"]) + timedelta(seconds=61)

    def number(self) -> int:
        """A fresh id."""
        self._number += 1
        return self._number

    def second(self) -> int:
        """A second of the day that was not used before, so that two dates of one member rarely agree."""
        return self._seconds.pop() if self._seconds else self.rng.randrange(86_400)
