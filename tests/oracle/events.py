"""Makes random worlds: shoppers, orders and everything that happens to them, as the raw messages of the platform.

A world is a list of steps in the words of oracle.py. Time passes in epochs of some days; what happened within
an epoch is delivered at its end, shuffled, doubled, with stale copies from before and some messages held back.

Two sorts of worlds. In a *calm* one a member's orders either grow, shrink, or are shipped within one epoch, so
that the order of arrival cannot matter for dates and lots and every figure has one right value. In a *wild* one
anything goes; there the rules promise one right value only for what is posted, and that alone is compared.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.oracle import bodies
from tests.oracle.bodies import Json, iso
from tests.oracle.oracle import Judge

START = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(slots=True)
class World:
    """The steps of a world, and how many messages they deliver."""

    seed: int
    wild: bool
    steps: list[Json]
    end: datetime

    @property
    def deliveries(self) -> int:
        """How many webhooks the world sends, copies included."""
        return sum(len(step["messages"]) for step in self.steps if step["do"] == "deliver")


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


# One ladder for all versions of a world: who stands where after a new ladder is published is the review's affair.
LADDER = [("bronze", 0, [1, 1]), ("silver", 100, [5, 4]), ("gold", 600, [3, 2])]


def programme(rng: random.Random, *, wild: bool, currency: str = "CHF") -> Json:
    """A programme version as plain values; wild worlds have nothing in it that time or luck decides."""
    return {
        "currency": currency,
        "rate": rng.choice(([1, 100], [1, 1], [3, 100], [7, 300])) if currency != "JPY" else [1, 10],
        "rounding": rng.choice(("floor", "floor", "half_up", "ceil")),
        "membership": "joined",
        "basis": {
            "tax": rng.choice(("as_priced", "as_priced", "with", "without")),
            "shipping": rng.random() < 0.2,
            "tips": rng.random() < 0.2,
            "duties": rng.random() < 0.2,
        },
        "return_window_days": rng.choice((3, 10, 14)),
        "no_delivery_days": rng.choice((12, 21)),
        "expiry_months": None if wild else rng.choice((None, 1, 2, 24)),
        "tier_months": 12,
        "tiers": [] if wild else [{"key": k, "threshold": t, "multiplier": m} for k, t, m in LADDER],
        "signup_points": 0 if wild else rng.choice((0, 50)),
        "clawback": "deficit",
    }


class Maker:
    """Makes one world. All luck comes from one seed."""

    def __init__(self, seed: int, *, customers: int, wild: bool) -> None:
        self.rng = random.Random(seed)
        self.seed, self.wild = seed, wild
        self.now = START
        self.customers = [9_007_199_254_741_000 + n for n in range(customers)]  # beyond 2**53, as ids may be
        self.gone: list[int] = []
        self.cases: dict[int, Case] = {}
        self.steps: list[Json] = []
        self.sent: list[list[Any]] = []
        self.held: list[list[Any]] = []
        self.merging: dict[int, int] = {}  # both customers of the epoch's merges -> the kept one
        self.busy: set[int] = set()  # customers whose messages were held back: nothing new for them
        self.codes: list[tuple[int, str]] = []
        self.judge = Judge()
        self.fixed: Json = {}
        self._number = 5_000_000_000_000
        self._seconds = list(range(86_400))
        self.rng.shuffle(self._seconds)

    def world(self, *, epochs: int, events: int) -> World:
        """A whole world: `events` things happen in each epoch."""
        # One policy for all versions: two of them mixed would make the order of two clawbacks matter.
        # And who counts as a member is one for all, so that nobody's day of joining hangs on a stale copy.
        self.fixed = {
            "clawback": "deficit" if self.wild else self.rng.choice(("deficit", "deficit", "floor")),
            "membership": self.rng.choice(("joined", "joined", "all")),
        }
        self.publish()
        for number in range(epochs):
            self.epoch(events, number)
        self.now += timedelta(days=1)
        self.step({"do": "clock"})
        return World(self.seed, self.wild, self.steps, self.now)

    # the frame of an epoch

    def epoch(self, events: int, number: int) -> None:
        """Some days pass; what happened is delivered at their end, then people act."""
        rng, begin = self.rng, self.now
        days = rng.choice((1, 2, 4, 7)) if rng.random() < 0.9 or self.wild else rng.choice((40, 370))
        self.now = begin + timedelta(days=days)
        messages = self.happenings(begin + timedelta(days=days - min(days, 7)), min(days, 7), events)
        if number and rng.random() < (0.3 if events < 50 else 0.15):
            self.publish()
        self.step({"do": "clock"})
        self.step({"do": "deliver", "messages": self.plan(messages)})
        to_read = [case for case in self.cases.values() if case.readable and not case.confirmed and case.body["customer"]]
        reads = [case for case in to_read if rng.random() < 0.9]
        for case in reads:
            case.confirmed = True
        if reads:
            self.step({"do": "read", "orders": [self.snapshot(case) for case in reads]})
        self.people()
        for case in self.cases.values():
            if case.rehome is not None:
                case.customer, case.rehome = case.rehome, None

    def publish(self) -> None:
        """The merchant publishes another version."""
        self.step({"do": "publish", "programme": programme(self.rng, wild=self.wild) | self.fixed})

    def step(self, step: Json) -> None:
        """Adds a step at the present moment; the judge plays along, so that the maker knows who owes."""
        # A second apart, so that no two steps share a moment.
        self.now += timedelta(seconds=1)
        step = {**step, "at": iso(self.now)}
        self.steps.append(step)
        self.judge.play([step])

    def plan(self, messages: list[list[Any]]) -> list[list[Any]]:
        """The messages of an epoch as they arrive: some held back, some doubled, stale copies, all shuffled."""
        rng = self.rng
        # What is late for customers who are just being merged stays late: it then names a customer who is gone.
        late = [message for message in self.held if self.owner(message) in self.merging]
        arriving = [message for message in self.held if message not in late]
        self.held = late
        whole = {number for number in self.cases if rng.random() < 0.02}
        for message in messages:
            hold = rng.random() < 0.04 or self.order_of(message) in whole
            if hold and self.owner(message) is not None and self.may_wait(message):
                self.held.append(message)
            else:
                arriving.append(message)
        self.busy = {self.merging.get(owner, owner) for owner in map(self.owner, self.held) if owner is not None}
        self.merging = {}
        self.sent += arriving
        arriving += [message for message in list(arriving) if rng.random() < 0.3]
        stale = len(arriving) // 5
        arriving += rng.choices(self.sent, k=stale) if self.sent else []
        rng.shuffle(arriving)
        return arriving

    def may_wait(self, message: list[Any]) -> bool:
        """Whether a message may come an epoch late. Not where it alone can price a refund told by another one."""
        topic, body = message
        return topic != "customers/merge" and not body.get("refunds")

    def owner(self, message: list[Any]) -> int | None:
        """The customer a message is about, if it is about an order of one."""
        case = self.cases.get(self.order_of(message))
        return None if case is None else case.customer

    def order_of(self, message: list[Any]) -> int:
        """The order a message is about; a number that is no order's for other messages."""
        topic, body = message
        number: int = body["order_edit"]["order_id"] if topic == "orders/edited" else body.get("order_id") or body.get("id", 0)
        return number

    def happenings(self, begin: datetime, days: int, events: int) -> list[list[Any]]:
        """What happens in an epoch, in the order in which it happens."""
        mood: dict[int, str] = {}
        for customer in self.customers:
            mood[customer] = "quiet" if customer in self.busy else self.rng.choice(("grow", "grow", "shrink", "ship"))
        messages: list[list[Any]] = []
        moments = sorted(begin + timedelta(days=self.rng.randrange(days), seconds=self.second()) for _ in range(events))
        debtors = {who for who, owed in self.judge.owed.items() if owed}
        for at in moments:
            messages += self.happening(at, mood, debtors)
        return messages

    def happening(self, at: datetime, mood: dict[int, str], debtors: set[int]) -> list[list[Any]]:
        """One thing that happens, or nothing where the chosen one cannot."""
        rng = self.rng
        if rng.random() < 0.012:
            return self.marry(at, mood)
        if rng.random() < 0.35 or not self.cases:
            customer = rng.choice(self.customers) if rng.random() < 0.92 else None
            if not self.wild and customer is not None:
                if mood[customer] != "grow":
                    return []
                if customer in debtors:  # which of two credits a debt absorbs would depend on luck
                    mood[customer] = "quiet"
            return self.place(at, customer)
        with_code = [number for number, case in self.cases.items() if case.body["discount_codes"]]
        case = self.cases[rng.choice(with_code if with_code and rng.random() < 0.15 else list(self.cases))]
        doing = rng.choice(("grow", "shrink", "ship", "ship", "stray"))
        if not self.wild:
            if doing != "stray" and case.customer is not None:
                doing = mood[case.customer]
            if doing == "quiet":
                return []
            if case.customer is None:
                return self.attach(case, max(at, self.after(case)), mood, debtors)
            if case.touched_at == self.now or (doing == "grow" and case.customer in debtors):
                return []
        result: list[list[Any]] = getattr(self, doing)(case, max(at, self.after(case)))
        if result:
            case.touched_at = self.now
            if doing == "shrink" and case.customer is not None:
                mood[case.customer] = "quiet"  # which lots two clawbacks take depends on which comes first
        return result

    # what can happen

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
        case = Case(body, customer, touched_at=self.now, readable=rng.random() < 0.94)
        self.cases[number] = case
        told = [["orders/create", self.snapshot(case)]]
        if paid:
            told.append(["orders/paid", self.snapshot(case)])
        if rng.random() < 0.3:
            told += self.ship(case, self.after(case))
        return told

    def grow(self, case: Case, at: datetime) -> list[list[Any]]:
        """An order is paid, gets a customer, or gains a line."""
        rng, body = self.rng, case.body
        if body["cancelled_at"] or body["refunds"]:
            return []
        if case.customer is None:
            case.customer = rng.choice(self.customers)
            return self.tell(case, at, "orders/updated")
        if body["financial_status"] not in ("paid", "partially_refunded"):
            return self.tell(case, at, "orders/paid", financial_status="paid")
        foreign = body["currency"] != body["presentment_currency"]
        extra = bodies.line(rng, self.number(), body["currency"], included=body["taxes_included"], foreign=foreign)
        told = self.tell(case, at, "orders/updated", line_items=[*body["line_items"], extra])
        return [*told, ["orders/edited", bodies.edit(self.number(), body["id"], at)]]

    def attach(self, case: Case, at: datetime, mood: dict[int, str], debtors: set[int]) -> list[list[Any]]:
        """A guest's order gets a customer, where that customer may gain just now."""
        case.customer = self.rng.choice(self.customers)
        if mood[case.customer] != "grow" or case.customer in debtors or case.touched_at == self.now:
            case.customer = None
            return []
        case.touched_at = self.now
        return self.tell(case, at, "orders/updated")

    def shrink(self, case: Case, at: datetime) -> list[list[Any]]:
        """A refund by line, a refund of an amount, a removal by edit, a cancellation, rarely a deletion."""
        doing = self.rng.choice(("by_line", "by_line", "by_amount", "by_amount", "removal", "cancel", "delete"))
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
        if not lines or body["financial_status"] not in ("paid", "partially_refunded"):
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
            {**other, "current_quantity": other["current_quantity"] - units} if other["id"] == item["id"] else other
            for other in body["line_items"]
        ]
        return self.refunded(case, at, one, lines)

    def by_amount(self, case: Case, at: datetime) -> list[list[Any]]:
        """Money comes back without a line: goodwill, or store credit."""
        rng, body = self.rng, case.body
        if body["financial_status"] not in ("paid", "partially_refunded"):
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
        refunds = [*case.body["refunds"], one]
        told = self.tell(case, at, "orders/updated", refunds=refunds, line_items=lines, financial_status=status)
        plain = not one["refund_shipping_lines"] and case.body["currency"] == case.body["presentment_currency"]
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
        status = "refunded" if case.body["financial_status"] in ("paid", "partially_refunded") else "voided"
        return self.tell(case, at, "orders/cancelled", cancelled_at=iso(at), financial_status=status)

    def ship(self, case: Case, at: datetime) -> list[list[Any]]:
        """A parcel leaves, arrives, or is cancelled and packed again later."""
        rng, body = self.rng, case.body
        open_lines = [
            (item["id"], item["current_quantity"] - case.shipped.get(item["id"], 0)) for item in body["line_items"]
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
            return [["fulfillment_events/create", bodies.parcel_event(self.number(), number, body["id"], "delivered", at)]]
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

    def parcel_change(self, case: Case, at: datetime, number: int, topic: str, **changes: Any) -> list[list[Any]]:
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
            return [["fulfillment_events/create",
                     bodies.parcel_event(self.number(), case.undelivered[0], case.body["id"], "in_transit", at)]]
        if sort == "customer" and case.customer is not None:
            return [["customers/update", bodies.customer_body(case.customer, at)]]
        if sort == "failed_merge":
            return [["customers/merge", bodies.merge(*self.rng.sample(self.customers, 2), "failed")]]
        return self.tell(case, at, "orders/updated", note="please ring")

    def marry(self, at: datetime, mood: dict[int, str]) -> list[list[Any]]:
        """Two customers become one; whoever is merged does nothing else in the epoch."""
        free = [c for c in self.customers if self.wild or mood[c] == "ship" or c in self.busy]
        free = [c for c in free if c not in self.merging]
        if len(free) < 2 or len(self.customers) < 3 + len(self.gone):
            return []
        kept, gone = self.rng.sample(free, 2)
        if not self.wild and any(c.touched_at == self.now and c.customer in (kept, gone) for c in self.cases.values()):
            return []
        mood[kept] = mood[gone] = "quiet"
        self.customers.remove(gone)
        self.gone.append(gone)
        self.merging |= {kept: kept, gone: kept}
        for case in self.cases.values():
            if case.customer == gone:
                case.rehome = kept
        self.codes = [(kept if owner == gone else owner, code) for owner, code in self.codes]
        return [["customers/merge", bodies.merge(kept, gone, self.rng.choice(("success", "completed")))]]

    def people(self) -> None:
        """Shoppers act: they join, they redeem; now and then the platform refuses a code."""
        rng = self.rng
        for customer in rng.sample(self.customers, k=min(len(self.customers), 1 + len(self.customers) // 6)):
            self.step({"do": "join", "customer": customer})
            if not self.wild and rng.random() < 0.6:
                code = f"CODE-{self.number()}"
                self.step({"do": "redeem", "customer": customer, "points": rng.choice((10, 40, 100)), "code": code})
                if rng.random() < 0.2:
                    self.step({"do": "refuse", "code": code})
                else:
                    self.codes.append((customer, code))

    # small things

    def tell(self, case: Case, at: datetime, topic: str, **changes: Any) -> list[list[Any]]:
        """Changes an order and tells of it, with a second message of the same content now and then."""
        case.body = {**case.body, **changes, "updated_at": iso(at)}
        told = [[topic, self.snapshot(case)]]
        if topic != "orders/updated" and self.rng.random() < 0.7:
            told.append(["orders/updated", self.snapshot(case)])
        return told

    def snapshot(self, case: Case) -> Json:
        """The order as the platform states it now. Values inside are never changed, only replaced."""
        body = case.body
        if case.customer is not None and (body["customer"] is None or body["customer"]["id"] != case.customer):
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


def world(seed: int, *, customers: int, epochs: int, events: int, wild: bool = False) -> World:
    """The world of a seed: the same every time."""
    return Maker(seed, customers=customers, wild=wild).world(epochs=epochs, events=events)


def raw(body: Json) -> bytes:
    """A body as it travels."""
    return json.dumps(body, separators=(",", ":")).encode()
