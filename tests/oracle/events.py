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
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.oracle import bodies
from tests.oracle.bodies import Json
from tests.oracle.oracle import Judge
from tests.oracle.shopping import Shopping


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


# One ladder for all versions of a world: who stands where after a new ladder is published is the review's affair.
LADDER = [("bronze", 0, [1, 1]), ("silver", 100, [5, 4]), ("gold", 600, [3, 2])]


def programme(rng: random.Random, *, wild: bool, currency: str = "CHF") -> Json:
    """A programme version as plain values; in wild worlds no points end and none are given for joining."""
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
        "tiers": [{"key": k, "threshold": t, "multiplier": m} for k, t, m in LADDER],
        "signup_points": 0 if wild else rng.choice((0, 50)),
        "clawback": "deficit",
        "orders": order_rules(rng),
    }


def order_rules(rng: random.Random) -> Json:
    """What a version says about orders besides the rate: often nothing."""
    if rng.random() < 0.4:
        return {}
    scopes = [
        ("product", [str(7_000_000 + n) for n in range(0, 40, 3)]),
        ("vendor", ["potter"]),
        ("vendor", ["WEAVER"]),
    ]
    effects = ("multiply", "multiply", "fixed", "exclude")
    return {
        "lines": [
            {
                "scope": scope, "values": values, "effect": rng.choice(effects), "points": rng.choice((0, 3, 20)),
                "multiplier": rng.choice(([2, 1], [3, 2], [1, 3])),
            }
            for scope, values in rng.sample(scopes, k=rng.randint(0, 3))
        ],
        "bands": [
            {"from": start, "multiplier": rng.choice(([2, 1], [1, 2], [4, 3]))}
            for start in sorted(rng.sample((0, 2_500, 10_000, 30_000), k=rng.choice((0, 0, 1, 2))))
        ],
        "per_order": rng.choice((0, 0, 5)),
        "minimum": rng.choice((0, 0, 1_000, 5_000)),
        "max_per_order": rng.choice((None, None, 60)),
        "opens": rng.choice(("delivered", "delivered", "paid", "at_once")),
        "paid_days": rng.choice((3, 20)),
    }  # fmt: skip


def across_orders(rng: random.Random) -> Json:
    """Rules over a member's orders, in a world in which nothing opens: a year's window."""
    return {
        "bonuses": rng.choice(
            (
                [],
                [{"key": "first", "nth": 1, "every": False, "points": 25}],
                [
                    {"key": "second", "nth": 2, "every": False, "points": 7},
                    {"key": "third", "nth": 3, "every": True, "points": 4},
                ],
            )
        ),
        "max_per_period": rng.choice((None, 40, 200)),
        "period": rng.choice(("day", "month", "year")),
        "opens": "delivered",
    }


def campaigns(rng: random.Random, now: datetime) -> Json:
    """Up to three campaigns around the present, at a zone's midnights and noons, and how several add up."""
    scopes = [("all", []), ("all", []), ("vendor", ["Weaver", "nobody"])]
    scopes.append(("product", [str(7_000_000 + n) for n in range(0, 40, 2)]))
    made = []
    for number in range(rng.choice((0, 1, 2, 3))):
        scope, values = rng.choice(scopes)
        starts = now.replace(hour=rng.choice((0, 12)), minute=0, second=0, microsecond=0, tzinfo=None)
        starts += timedelta(days=rng.randint(-9, 4))
        made.append(
            {
                "key": f"c{number}", "starts": starts.isoformat(),
                "ends": (starts + timedelta(days=rng.randint(1, 30))).isoformat(),
                "zone": rng.choice(("Europe/Zurich", "America/New_York")), "scope": scope, "values": values,
                "effect": rng.choice(("multiply", "multiply", "points", "rate")),
                "multiplier": rng.choice(([2, 1], [3, 2], [4, 3])), "points": rng.choice((1, 5, 30)),
                "per": rng.choice((100, 700)), "tiers": rng.choice(([], [], ["silver", "gold"])),
                "sources": rng.choice(([], [], ["web", "pos"])),
            }
        )  # fmt: skip
    return {"campaigns": made, "stacking": rng.choice(("multiply", "add", "best"))}


class Maker(Shopping):
    """Makes one world. All luck comes from one seed."""

    def __init__(self, seed: int, *, customers: int, wild: bool) -> None:
        super().__init__(seed, customers)
        self.seed, self.wild = seed, wild
        self.gone: list[int] = []
        self.steps: list[Json] = []
        self.sent: list[list[Any]] = []
        self.held: list[list[Any]] = []
        self.merging: dict[int, int] = {}  # both customers of the epoch's merges -> the kept one
        self.busy: set[int] = set()  # customers whose messages were held back: nothing new for them
        self.spent_up: list[int] = []  # orders worth more than their customer has
        self.judge = Judge()
        self.fixed: Json = {}
        self.across: Json = {}

    def world(self, *, epochs: int, events: int) -> World:
        """A whole world: `events` things happen in each epoch."""
        # One policy for all versions: two of them mixed would make the order of two clawbacks matter.
        # And who counts as a member is one for all, so that nobody's day of joining hangs on a stale copy.
        self.fixed = {
            "clawback": "deficit" if self.wild else self.rng.choice(("deficit", "deficit", "floor")),
            "membership": self.rng.choice(("joined", "joined", "all")),
        }
        if self.wild and self.rng.random() < 0.4:
            self.across = across_orders(self.rng)
            self.fixed["return_window_days"] = 365
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
        to_read = [
            case
            for case in self.cases.values()
            if case.readable and not case.confirmed and case.body["customer"]
        ]
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
        made = programme(self.rng, wild=self.wild) | self.fixed
        made["orders"] = made["orders"] | self.across
        made |= campaigns(self.rng, self.now)
        self.step({"do": "publish", "programme": made})

    def step(self, step: Json) -> None:
        """Adds a step at the present moment; the judge plays along, so that the maker knows who owes."""
        # A second apart; but messages and reads come a millisecond after the clock, so that nothing ends in between.
        if step["do"] in ("deliver", "read"):
            self.now += timedelta(milliseconds=1)
        else:
            self.now = self.now.replace(microsecond=0) + timedelta(seconds=1)
        step = {**step, "at": self.now.isoformat(timespec="milliseconds")}
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
        self.busy = {
            self.merging.get(owner, owner) for owner in map(self.owner, self.held) if owner is not None
        }
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
        number: int = (
            body["order_edit"]["order_id"]
            if topic == "orders/edited"
            else body.get("order_id") or body.get("id", 0)
        )
        return number

    def happenings(self, begin: datetime, days: int, events: int) -> list[list[Any]]:
        """What happens in an epoch, in the order in which it happens."""
        mood: dict[int, str] = {}
        for customer in self.customers:
            mood[customer] = (
                "quiet" if customer in self.busy else self.rng.choice(("grow", "grow", "shrink", "ship"))
            )
        messages: list[list[Any]] = []
        moments = sorted(
            begin + timedelta(days=self.rng.randrange(days), seconds=self.second()) for _ in range(events)
        )
        debtors = {who for who, owed in self.judge.owed.items() if owed}
        # Whose points are mostly spent: a refund of such an order makes its customer owe.
        self.spent_up = [
            number
            for number, case in self.cases.items()
            if case.customer is not None
            and self.judge.posted.get(case.customer, 0) < self.judge.stands.get(number, 0)
        ]
        for at in moments:
            messages += self.happening(at, mood, debtors)
        return messages

    def happening(self, at: datetime, mood: dict[int, str], debtors: set[int]) -> list[list[Any]]:
        """One thing that happens, or nothing where the chosen one cannot."""
        rng = self.rng
        if rng.random() < 0.012:
            return self.marry(at, mood)
        if rng.random() < 0.35 or not self.cases:
            often = self.customers[: 1 + len(self.customers) // 2]  # the others order once or twice
            buyer = rng.choice(often if rng.random() < 0.8 else self.customers)
            customer = buyer if rng.random() < 0.92 else None
            return self.place(at, customer) if self.may_order(customer, mood, debtors) else []
        with_code = [number for number, case in self.cases.items() if case.body["discount_codes"]]
        if rng.random() < 0.5:
            with_code = [number for number in with_code if self.cases[number].body["refunds"]] or with_code
        chosen = with_code if with_code and rng.random() < 0.3 else list(self.cases)
        case = self.cases[rng.choice(self.spent_up if self.spent_up and rng.random() < 0.2 else chosen)]
        at = max(at, self.after(case))
        doing = rng.choice(("grow", "shrink", "ship", "ship", "stray"))
        if not self.wild and case.customer is None:
            return [] if doing == "stray" else self.attach(case, at, mood, debtors)
        if not self.wild:
            doing = "stray" if doing == "stray" else mood[case.customer or 0]
            if (
                case.touched_at == self.now
                or doing == "quiet"
                or (doing == "grow" and case.customer in debtors)
            ):
                return []
        result: list[list[Any]] = getattr(self, doing)(case, at)
        if result:
            case.touched_at = self.now
            if doing == "shrink" and case.customer is not None:
                mood[case.customer] = "quiet"  # which lots two clawbacks take depends on which comes first
        return result

    def may_order(self, customer: int | None, mood: dict[int, str], debtors: set[int]) -> bool:
        """Whether a customer may place an order now. Who owes places one a time: which of two absorbs the debt
        would depend on which comes first."""
        if self.wild or customer is None:
            return True
        allowed = mood[customer] == "grow"
        if customer in debtors:
            mood[customer] = "quiet"
        return allowed

    def marry(self, at: datetime, mood: dict[int, str]) -> list[list[Any]]:
        """Two customers become one; whoever is merged does nothing else in the epoch."""
        free = [c for c in self.customers if self.wild or mood[c] == "ship" or c in self.busy]
        free = [c for c in free if c not in self.merging]
        if len(free) < 2 or len(self.customers) < 3 + len(self.gone):
            return []
        kept, gone = self.rng.sample(free, 2)
        if not self.wild and any(
            c.touched_at == self.now and c.customer in (kept, gone) for c in self.cases.values()
        ):
            return []
        mood[kept] = mood[gone] = "quiet"
        self.customers.remove(gone)
        self.gone.append(gone)
        self.merging |= {kept: kept, gone: kept}
        for case in self.cases.values():
            if case.customer == gone:
                case.rehome = kept
        self.codes = [(kept if owner == gone else owner, code) for owner, code in self.codes]
        told = [["customers/merge", bodies.merge(kept, gone, self.rng.choice(("success", "completed")))]]
        if (
            self.wild
        ):  # the platform renames orders at once, and says so before or after it tells of the merge
            for case in self.cases.values():
                if case.rehome == kept and self.rng.random() < 0.5:
                    case.customer, case.rehome = kept, None
                    told += self.tell(case, max(at, self.after(case)), "orders/updated")
        return told

    def people(self) -> None:
        """Shoppers act: they join, they redeem; now and then the platform refuses a code."""
        rng = self.rng
        for customer in rng.sample(self.customers, k=min(len(self.customers), 1 + len(self.customers) // 6)):
            self.step({"do": "join", "customer": customer})
            # Many spend all they can, so that a refund makes them owe.
            costs = rng.choice(((), (10,), (40,), (100,), 3 * (400,) + 4 * (100,) + 2 * (40,) + 4 * (10,)))
            for cost in () if self.wild else costs:
                if len(costs) > 1 and self.judge.verdict(self.now).members[customer].available < cost:
                    continue
                code = f"CODE-{self.number()}"
                self.step({"do": "redeem", "customer": customer, "points": cost, "code": code})
                if rng.random() < 0.2:
                    self.step({"do": "refuse", "code": code})
                else:
                    self.codes.append((customer, code))


def world(seed: int, *, customers: int, epochs: int, events: int, wild: bool = False) -> World:
    """The world of a seed: the same every time."""
    return Maker(seed, customers=customers, wild=wild).world(epochs=epochs, events=events)


def raw(body: Json) -> bytes:
    """A body as it travels."""
    return json.dumps(body, separators=(",", ":")).encode()
