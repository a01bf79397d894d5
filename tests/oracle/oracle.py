"""An independent judge of the ledger: reads raw event lists and says what every member must hold.

Imports nothing of the product. Written from the rules in docs/ledger.md, with another structure on purpose:
it keeps every raw body it was given, asks each time what is true of the whole pile (whatever the order of
arrival), and counts with exact fractions.

A world is a list of steps, plain JSON values with ISO 8601 times:

    {"do": "publish", "at", "programme": {...}}       a programme version, in force from `at`
    {"do": "deliver", "at", "messages": [[topic, body], …]}   raw webhooks, learned of at `at`, in any order
    {"do": "read", "at", "orders": [body, …]}         orders read back with the shop's own token
    {"do": "join", "at", "customer": id}
    {"do": "redeem", "at", "customer": id, "points", "code"}
    {"do": "refuse", "at", "code"}                     the platform will not make the code: points come back
    {"do": "clock", "at"}                              the daily work: expiry, voids, tier review
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import combinations
from math import ceil, floor, prod
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
PAID = ("paid", "partially_refunded", "refunded")
DEAD = ("cancelled", "error", "failure")
DECIMALS = {"JPY": 0, "KRW": 0, "KWD": 3}
FAR = datetime(9999, 1, 1, tzinfo=UTC)
# A programme that says nothing about orders besides the rate.
PLAIN: Json = {
    "lines": [], "bands": [], "per_order": 0, "minimum": 0, "max_per_order": None, "opens": "delivered",
    "paid_days": 14, "bonuses": [], "max_per_period": None, "period": "month",
}  # fmt: skip


@dataclass(slots=True)
class Figures:
    """What one member holds, in points. `posted` = available + pending + lapsed - owed."""

    posted: int = 0
    available: int = 0
    pending: int = 0
    owed: int = 0
    status: str = "unclaimed"


@dataclass(slots=True)
class Verdict:
    """What must stand: members by the customer id that was kept, and points of each order."""

    members: dict[int, Figures]
    orders: dict[int, int]
    tiers: dict[int, str | None]
    redeemed: set[str]


@dataclass(slots=True)
class Pile:
    """Points of one credit that are still there. `opens` None: not yet known when they may be spent."""

    owner: int
    left: int
    opens: datetime | None
    ends: datetime | None
    order: int | None
    born: datetime
    number: int


@dataclass(slots=True)
class Knowledge:
    """Every raw body that was received about one order."""

    bodies: list[tuple[datetime, bool, Json]] = field(default_factory=list)  # (updated_at, was a read, body)
    refunds: dict[int, Json] = field(default_factory=dict)
    parcels: dict[int, Json] = field(default_factory=dict)
    arrivals: dict[int, datetime] = field(default_factory=dict)
    deleted: bool = False
    confirmed: bool = False
    lapsed: int = (
        0  # points that ended or were void before anybody spent them, less what was made up for since
    )


@dataclass(slots=True)
class Spending:
    """One redemption and what became of it."""

    owner: int
    points: int
    taken: list[tuple[Pile, int]]
    returned: int = 0
    refused: bool = False


def when(text: str) -> datetime:
    """An ISO 8601 time as aware UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def months(moment: datetime, number: int) -> datetime:
    """The same day some months later or earlier; the last day where a month is shorter."""
    count = moment.year * 12 + moment.month - 1 + number
    year, month = divmod(count, 12)
    return moment.replace(
        year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1])
    )


def shop_money(holder: Json, name: str) -> Fraction:
    """A money set's shop amount; where there is no set, the plain field."""
    money = holder.get(f"{name}_set")
    return Fraction(str(money["shop_money"]["amount"] if money else holder.get(name) or 0))


# --- one order, as the pile of bodies tells it -----------------------------------------------------------


def newest(known: Knowledge) -> Json | None:
    """The last word on an order: the latest body, a read before a webhook of the same second."""
    if not known.bodies:
        return None
    return max(known.bodies, key=lambda body: body[:2])[2]


def paid_for(known: Knowledge, body: Json) -> Json | None:
    """The body that says what of the order was paid: the newest, or the last one that was paid in full when an
    edit since asks for more money. None when nothing was ever paid in full, or the payment was voided."""
    if body["financial_status"] in PAID:
        return body
    paid = [one for one in known.bodies if one[2]["financial_status"] in PAID]
    if not paid or body["financial_status"] == "voided":
        return None
    return max(paid, key=lambda one: one[:2])[2]


def placed_by(known: Knowledge) -> int:
    """The customer whom the earliest body names; of one second a webhook is earlier than a read."""
    named = [(*one[:2], one[2]["customer"]["id"]) for one in known.bodies if one[2].get("customer")]
    return int(min(named)[2])


def kept(known: Knowledge, body: Json) -> dict[int, int]:
    """Units the shopper keeps of each line: what the body says, less refunds the body did not know."""
    told = {refund["id"] for refund in body.get("refunds") or []}
    units = {line["id"]: line.get("current_quantity", line["quantity"]) for line in body["line_items"]}
    for refund in known.refunds.values():
        if refund["id"] not in told:
            for part in refund["refund_line_items"]:
                units[part["line_item_id"]] = units.get(part["line_item_id"], 0) - part["quantity"]
    return {line: max(0, count) for line, count in units.items()}


def basis(known: Knowledge, body: Json, rule: Json, *, whole: bool = False) -> int:
    """Minor units of shop money that earn; `whole`: as if nothing had been refunded."""
    scale = 10 ** DECIMALS.get(body["currency"], 2)
    included = bool(body["taxes_included"])
    units = kept(known, body)
    if whole:
        for refund in known.refunds.values():
            for part in refund["refund_line_items"]:
                units[part["line_item_id"]] = units.get(part["line_item_id"], 0) + part["quantity"]
    value = ordered = taxed = edited = Fraction(0)
    for line in body["line_items"]:
        if line.get("gift_card"):
            continue
        count = line["quantity"]
        net = shop_money(line, "price") * count
        net -= sum((shop_money(cut, "amount") for cut in line.get("discount_allocations") or []), Fraction(0))
        tax = sum((shop_money(part, "price") for part in line.get("tax_lines") or []), Fraction(0))
        net, tax = net * scale, tax * scale
        gross = net if included else net + tax
        worth = {"as_priced": net, "with": gross, "without": gross - tax}[rule["tax"]]
        gone = count - units[line["id"]]
        value += worth - floor(worth * gone / count) if count else 0
        ordered += worth
        taxed += gross
        sent_back = sum(
            part["quantity"]
            for refund in (() if whole else known.refunds.values())
            for part in refund["refund_line_items"]
            if part["line_item_id"] == line["id"]
        )
        # Units that are gone though no refund names them were edited out; their money comes back without lines.
        edited += floor(gross * max(0, gone - sent_back) / count) if count else 0
    shipped_back = Fraction(0)
    loose = Fraction(0)
    for refund in () if whole else known.refunds.values():
        paid, shipping, lines = refund_money(refund, body)
        shipped_back += shipping * scale
        loose += max(Fraction(0), (paid - shipping - lines) * scale)
    loose = max(Fraction(0), loose - edited)
    if taxed > 0:
        value -= floor(loose * ordered / taxed)
    value = max(Fraction(0), value)
    return int(value + extras(body, rule, scale, shipped_back))


def refund_money(refund: Json, body: Json) -> tuple[Fraction, Fraction, Fraction]:
    """(paid back, shipping in it, lines in it) of one refund, all with tax, in units of money."""
    home, other = Fraction(0), Fraction(0)
    for payment in refund["transactions"]:
        if (payment["kind"], payment["status"]) == ("refund", "success"):
            if payment["currency"] == body["currency"]:
                home += Fraction(str(payment["amount"]))
            else:
                other += Fraction(str(payment["amount"]))
    shipping, lines = named_money(refund, body, "shop_money")
    if other:
        # Paid in the shopper's currency: lines and shipping count at their own shop money, only what they do
        # not explain is converted, at the order's own rate, rounded half up once.
        whole = body["total_price_set"]
        rate = Fraction(whole["shop_money"]["amount"]) / Fraction(whole["presentment_money"]["amount"])
        scale = 10 ** DECIMALS.get(body["currency"], 2)
        rest = other - sum(named_money(refund, body, "presentment_money"))
        home += shipping + lines + Fraction(floor(rest * rate * scale + Fraction(1, 2)), scale)
    return max(Fraction(0), home), max(Fraction(0), shipping), lines


def named_money(refund: Json, body: Json, half: str) -> tuple[Fraction, Fraction]:
    """(shipping, lines) that a refund names, with tax, in the shop's or the shopper's currency."""

    def amount(part: Json, name: str) -> Fraction:
        return Fraction(str(part[f"{name}_set"][half]["amount"]))

    included = body["taxes_included"]
    shipping = lines = Fraction(0)
    for part in refund["refund_shipping_lines"]:
        shipping += amount(part, "subtotal_amount") + (0 if included else amount(part, "tax_amount"))
    for part in refund["order_adjustments"]:
        if part["kind"] == "shipping_refund":
            shipping -= amount(part, "amount") + amount(part, "tax_amount")
    for part in refund["refund_line_items"]:
        lines += amount(part, "subtotal") + (0 if included else amount(part, "total_tax"))
    return shipping, lines


def extras(body: Json, rule: Json, scale: int, shipped_back: Fraction) -> Fraction:
    """Shipping, tips and duties, where the programme counts them."""
    more = Fraction(0)
    if rule["shipping"]:
        price = tax = Fraction(0)
        for line in body.get("shipping_lines") or []:
            price += shop_money(line, "discounted_price") * scale
            tax += (
                sum((shop_money(part, "price") for part in line.get("tax_lines") or []), Fraction(0)) * scale
            )
        charged = price if body["taxes_included"] else price + tax
        if rule["tax"] == "with" and not body["taxes_included"]:
            price += tax
        elif rule["tax"] == "without" and body["taxes_included"]:
            price -= tax
        if charged:
            price -= floor(shipped_back * price / charged)  # tax leaves with its shipping
        more += max(Fraction(0), price)
    if rule["tips"]:
        more += Fraction(str(body.get("total_tip_received") or 0)) * scale
    if rule["duties"] and body.get("current_total_duties_set"):
        more += shop_money(body, "current_total_duties") * scale
    return more


def worth(known: Knowledge, body: Json, programme: Json) -> tuple[Fraction, Fraction, int]:
    """(money that earns, the same after line rules and bands, points by the unit) of one body, exactly.

    A line rule fits by product or vendor. Shipping, tips and duties count once.
    """
    extra, lines = shares_of(known, body, programme)
    money = sum((minor for minor, _, _, _ in lines), extra)
    weighed = sum((minor * times for minor, times, _, _ in lines), extra)
    return money, banded(weighed, programme), sum(points for _, _, points, _ in lines)


Share = tuple[Fraction, Fraction, int, Json]


def shares_of(known: Knowledge, body: Json, programme: Json) -> tuple[Fraction, list[Share]]:
    """(shipping, tips and duties that earn, then of each line that is not left out: its share of the goods' money, how
    often that counts, its points by the unit, and the line). A line's share: its own kept worth over that of all."""
    rules = rules_of(programme)
    switches = programme["basis"]
    nothing_more = {**switches, "shipping": False, "tips": False, "duties": False}
    goods = Fraction(basis(known, body, nothing_more))
    extra = Fraction(basis(known, body, switches)) - goods
    units, held = kept(known, body), []
    for line in body["line_items"]:
        if line.get("gift_card"):
            continue
        alone = {**body, "line_items": [line]}
        calm = Knowledge(refunds={n: {**r, "transactions": []} for n, r in known.refunds.items()})
        held.append((basis(calm, alone, nothing_more), line))
    whole = sum(minor for minor, _ in held)
    found: list[Share] = []
    for minor, line in held if whole else ():
        fitting = [rule for rule in rules["lines"] if fits(rule, line)]
        kinds = {rule["effect"] for rule in fitting}
        if "exclude" in kinds:
            continue
        if "fixed" in kinds:
            each = max(rule["points"] for rule in fitting if rule["effect"] == "fixed")
            found.append((goods * minor / whole, Fraction(0), units[line["id"]] * each, line))
            continue
        times = max([Fraction(*rule["multiplier"]) for rule in fitting] or [Fraction(1)])
        found.append((goods * minor / whole, times, 0, line))
    return extra, found


def banded(weighed: Fraction, programme: Json) -> Fraction:
    """Money cut into parts by the bands, each counting as its band says."""
    steps = [(Fraction(0), Fraction(1))] + [
        (Fraction(b["from"]), Fraction(*b["multiplier"])) for b in rules_of(programme)["bands"]
    ]
    found = Fraction(0)
    for (start, times), end in zip(steps, [start for start, _ in steps[1:]] + [weighed], strict=True):
        found += times * max(Fraction(0), min(weighed, end) - start)
    return found


def campaigned(known: Knowledge, body: Json, programme: Json, held: str | None, multiplier: Fraction) -> int:
    """What campaigns add to an order that earns: all of them by the programme's stacking, or the best one alone."""
    placed = when(body["processed_at"])
    valid = [
        one
        for one in programme.get("campaigns", [])
        if wall(one["starts"], one["zone"]) <= placed < wall(one["ends"], one["zone"])
        and (not one["tiers"] or held in one["tiers"])
        and (not one["sources"] or body["source_name"] in one["sources"])
    ]
    extra, lines = shares_of(known, body, programme)

    def money(several: tuple[Json, ...], *, plain: bool = False) -> Fraction:
        """What of the order all these campaigns are about, weighed by line rules or (plain) as it is."""
        sum_ = extra if all(one["scope"] == "all" for one in several) else Fraction(0)
        for minor, times, _, line in lines:
            if all(one["scope"] == "all" or fits(one, line) for one in several):
                sum_ += minor * (min(1, ceil(times)) if plain else times)
        return sum_

    def points(weighed: Fraction) -> int:
        return in_whole_points(weighed * Fraction(*programme["rate"]) * multiplier, programme["rounding"])

    def together(several: list[Json]) -> int:
        times = [one for one in several if one["effect"] == "multiply"]
        most = len(times) if programme["stacking"] == "multiply" else 1
        # (1 + a)(1 + b) = 1 + a + b + ab: what two multiply is the money that both are about.
        more = Fraction(0)
        for size in range(1, most + 1):
            for group in combinations(times, size):
                factor = prod(Fraction(*one["multiplier"]) - 1 for one in group)
                more += factor * banded(money(group), programme)
        plain = banded(money(()), programme)
        sum_ = points(plain + more) - points(plain)
        for one in several:
            if one["effect"] == "rate":
                sum_ += in_whole_points(
                    money((one,), plain=True) * one["points"] / one["per"], programme["rounding"]
                )
            elif one["effect"] == "points":
                there = money((one,), plain=True) > 0 or any(
                    kept(known, body)[line["id"]] and (one["scope"] == "all" or fits(one, line))
                    for _, _, _, line in lines
                )
                sum_ += one["points"] if there else 0
        return sum_

    if programme.get("stacking") == "best":
        return max([together([one]) for one in valid], default=0)
    return together(valid) if valid else 0


def wall(text: str, zone: str) -> datetime:
    """A wall clock's time, of those that come once a day."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def rules_of(programme: Json) -> Json:
    """What a programme says about orders."""
    return PLAIN | dict(programme.get("orders", {}))


def fits(rule: Json, line: Json) -> bool:
    """Whether a line rule is about a line."""
    if rule["scope"] == "product":
        return str(line["product_id"]) in rule["values"]
    return (line["vendor"] or "").lower() in [value.lower() for value in rule["values"]]


def paid_since(known: Knowledge) -> datetime | None:
    """When the order was paid: the earliest body that says so."""
    moments = [at for at, _, body in known.bodies if body["financial_status"] in PAID]
    return min(moments) if moments else None


def arrived(known: Knowledge, body: Json, programme: Json) -> datetime | None:
    """When the last parcel with something to ship that is kept was there; None while something is on its way."""
    units = kept(known, body)
    open_units = {line["id"]: units[line["id"]] for line in body["line_items"]
                  if line["requires_shipping"] and units[line["id"]] > 0}  # fmt: skip
    if not open_units:
        return paid_since(known)
    if body.get("source_name") == "pos" and not body.get("shipping_lines"):
        return when(body["processed_at"])
    waited_for, moments = open_units.keys() & units.keys(), []
    for number, parcel in known.parcels.items():
        if parcel["status"] in DEAD:
            continue
        inside = {line["id"]: line["quantity"] for line in parcel["line_items"]}
        if not inside.keys() & waited_for:
            continue
        for line, count in inside.items():
            if line in open_units:
                open_units[line] -= count
        fallback = when(parcel["created_at"]) + timedelta(days=programme["no_delivery_days"])
        moments.append(known.arrivals.get(number, fallback))
    return None if any(count > 0 for count in open_units.values()) else max(moments)


def in_whole_points(amount: Fraction, how: str) -> int:
    """The one rounding of an order."""
    if how == "floor":
        return floor(amount)
    return ceil(amount) if how == "ceil" else floor(amount + Fraction(1, 2))


# --- the judge -------------------------------------------------------------------------------------------


class Judge:
    """Plays a world step by step and keeps what must stand."""

    def __init__(self) -> None:
        self.programmes: list[tuple[datetime, Json]] = []
        self.known: dict[int, Knowledge] = {}
        self.kept_as: dict[int, int] = {}
        self.merged_at: dict[int, datetime] = {}
        self.status: dict[int, str] = {}
        self.posted: dict[int, int] = {}
        self.owed: dict[int, int] = {}
        self.piles: list[Pile] = []
        self.stands: dict[int, int] = {}
        self.home: dict[int, int] = {}  # order -> the member its points were given to
        self.tiers: dict[int, list[tuple[datetime, str]]] = {}
        self.bonus: dict[int, tuple[datetime, int]] = {}
        self.spent: dict[str, Spending] = {}
        self.orders_of: dict[int, list[int]] = {}
        self.counter = 0

    def play(self, steps: list[Json]) -> Judge:
        """Plays steps in turn."""
        for step in steps:
            getattr(self, "_" + step["do"])(when(step["at"]), step)
        return self

    def verdict(self, at: datetime) -> Verdict:
        """What every member must hold at a moment."""
        members = {
            who: Figures(status=status) for who, status in self.status.items() if who not in self.kept_as
        }
        for who, figures in members.items():
            figures.posted, figures.owed = self.posted.get(who, 0), self.owed.get(who, 0)
        for pile in (pile for pile in self.piles if pile.left):
            if pile.opens is None or pile.opens > at:
                members[pile.owner].pending += pile.left
            elif pile.ends is None or pile.ends > at:
                members[pile.owner].available += pile.left
        tiers = {who: self.tier_at(who, at) for who in members}
        return Verdict(members, dict(self.stands), tiers, {c for c, s in self.spent.items() if not s.refused})

    # steps

    def _publish(self, at: datetime, step: Json) -> None:
        self.programmes.append((at, step["programme"]))

    def _deliver(self, at: datetime, step: Json) -> None:
        touched: set[int] = set()
        merges: list[tuple[int, int]] = []
        for topic, body in step["messages"]:
            if topic == "customers/merge":
                if body["status"] in ("success", "completed"):
                    kept_id = int(body["admin_graphql_api_customer_kept_id"].rsplit("/", 1)[1])
                    gone_id = int(body["admin_graphql_api_customer_deleted_id"].rsplit("/", 1)[1])
                    merges.append((kept_id, gone_id))
            elif topic.startswith("customers/"):
                self.meet(body["id"], at)
            elif (order := self.learn(topic, body)) is not None:
                touched.add(order)
        for kept_id, gone_id in sorted(set(merges)):
            self.merge(kept_id, gone_id, at)
        self.settle(touched, at)

    def _read(self, at: datetime, step: Json) -> None:
        for body in step["orders"]:
            self.learn("read", body)
            self.known[body["id"]].confirmed = True
        self.settle({body["id"] for body in step["orders"]}, at)

    def _join(self, at: datetime, step: Json) -> None:
        self.join(self.member(step["customer"]), at)

    def _redeem(self, at: datetime, step: Json) -> None:
        who, rest = self.member(step["customer"]), step["points"]
        usable = [p for p in self.piles if p.owner == who and p.left and p.opens is not None and p.opens <= at
                  and (p.ends is None or p.ends > at)]  # fmt: skip
        if self.status.get(who) != "active" or sum(pile.left for pile in usable) < rest:
            return
        self.posted[who] = self.posted.get(who, 0) - rest
        self.spent[step["code"]] = Spending(who, rest, self.take(usable, rest))

    def _refuse(self, at: datetime, step: Json) -> None:
        spending = self.spent.get(step["code"])
        if spending is None or spending.refused:
            return
        spending.refused = True
        self.credit(self.member(spending.owner), spending.points, at, self.latest_end(spending, at), None, at)

    def _clock(self, at: datetime, step: Json) -> None:
        for pile in (pile for pile in self.piles if pile.left):
            over = pile.ends is not None and pile.ends <= at
            if over or (self.status[pile.owner] == "unclaimed" and months(at, -12) > pile.born):
                self.posted[pile.owner] -= pile.left
                if pile.order is not None:
                    self.known[pile.order].lapsed += pile.left
                pile.left = 0
        self.piles = [pile for pile in self.piles if pile.left]
        programme = self.programme_at(at)
        if programme is None or not programme["tiers"]:
            return
        self.orders_of = {}
        for number, known in self.known.items():
            body = newest(known)
            if body is not None and body.get("customer"):
                self.orders_of.setdefault(self.member(body["customer"]["id"]), []).append(number)
        for who, status in sorted(self.status.items()):
            if who not in self.kept_as and status == "active":
                self.review(who, programme, at)

    # what the steps need

    def join(self, who: int, at: datetime) -> None:
        """Makes a customer a member; the first time with the sign-up points."""
        first = self.status.get(who) != "active"
        self.status[who] = "active"
        programme = self.programme_at(at)
        if first and who not in self.bonus and programme is not None and programme["signup_points"]:
            self.bonus[who] = (at, programme["signup_points"])
            self.credit(who, programme["signup_points"], at, self.ending(at, programme), None, at)

    def meet(self, customer: int, at: datetime) -> None:
        """A customer is seen: where everyone is a member, so is this one."""
        programme = self.programme_at(at)
        if customer not in self.kept_as and programme is not None and programme["membership"] == "all":
            self.join(customer, at)

    def learn(self, topic: str, body: Json) -> int | None:
        """Puts a body on the pile; returns the order it is about."""
        number: int | None = body.get("order_id")
        if topic.startswith("orders/") or topic == "read":
            number = body["order_edit"]["order_id"] if topic == "orders/edited" else body["id"]
        if number is None:
            return None
        known = self.known.setdefault(number, Knowledge())
        if topic == "orders/delete":
            known.deleted = True
        elif topic == "refunds/create":
            known.refunds[body["id"]] = body
        elif topic.startswith("fulfillments/"):
            self.parcel(known, body)
        elif topic == "fulfillment_events/create":
            if body["status"] == "delivered":
                self.arrival(known, body["fulfillment_id"], when(body["happened_at"]))
        elif topic != "orders/edited":
            known.bodies.append((when(body["updated_at"]), topic == "read", body))
            known.refunds.update({refund["id"]: refund for refund in body.get("refunds") or []})
            for parcel in body.get("fulfillments") or []:
                self.parcel(known, parcel)
        return number

    def parcel(self, known: Knowledge, body: Json) -> None:
        """The newest word on a parcel; an arrival, once reported, is the earliest report."""
        old = known.parcels.get(body["id"])
        if old is None or when(body["updated_at"]) >= when(old["updated_at"]):
            known.parcels[body["id"]] = body
        if body.get("shipment_status") == "delivered":
            self.arrival(known, body["id"], when(body["updated_at"]))

    def arrival(self, known: Knowledge, parcel: int, at: datetime) -> None:
        """Notes the earliest report that a parcel arrived."""
        known.arrivals[parcel] = min(at, known.arrivals.get(parcel, at))

    def member(self, customer: int, at: datetime = FAR) -> int:
        """The id a customer is known by after all merges, or after those until a moment."""
        while customer in self.kept_as and self.merged_at[customer] <= at:
            customer = self.kept_as[customer]
        return customer

    def programme_at(self, at: datetime) -> Json | None:
        """The version in force at a moment."""
        found = None
        for published, programme in self.programmes:
            if published <= at:
                found = programme
        return found

    def tier_at(self, who: int, at: datetime) -> str | None:
        """The tier a member had at a moment."""
        found = None
        for since, tier in self.tiers.get(who, []):
            if since <= at:
                found = tier
        return found

    def ending(self, opens: datetime | None, programme: Json) -> datetime | None:
        """When points end that may be spent from `opens` on."""
        return (
            None
            if opens is None or programme["expiry_months"] is None
            else months(opens, programme["expiry_months"])
        )

    def settle(self, touched: set[int], at: datetime) -> None:
        """Makes the points of these orders what the piles of bodies say they must be."""
        dealt = self.dealt()
        for number in sorted(touched | dealt.keys()):
            known = self.known[number]
            body = newest(known)
            if body is None or not body.get("customer"):
                continue
            who = self.member(body["customer"]["id"])
            if number in touched:
                self.status.setdefault(who, "unclaimed")
                self.meet(who, at)
            programme = self.programme_at(when(body["processed_at"]))
            points = dealt[number] if number in dealt else self.own(number)
            opens = None
            if programme is not None and known.confirmed and points is not None:
                opens = self.opening(known, body, programme)
            ends = self.ending(opens, programme) if programme is not None else None
            change = (points or 0) - self.stands.get(number, 0)
            self.stands[number] = points or 0
            if change < 0:  # before the dates move: what is refunded was there until now
                self.claw_back(who, -change, number, programme, at)
            for pile in self.piles:
                if pile.order == number and (pile.opens is None or pile.opens > at):
                    pile.opens, pile.ends = opens, ends
            if change > 0:
                self.credit(who, change, opens, ends, number, at)
            self.give_back(known, body, programme, at)

    def opening(self, known: Knowledge, body: Json, programme: Json) -> datetime | None:
        """When points of an order open: after delivery and window, some days after payment, or when it was paid."""
        there, paid, rules = arrived(known, body, programme), paid_since(known), rules_of(programme)
        if paid is None or rules["opens"] == "at_once":
            return paid
        if rules["opens"] == "paid":
            return paid + timedelta(days=rules["paid_days"])
        return None if there is None else max(there, paid) + timedelta(days=programme["return_window_days"])

    def own(self, number: int) -> int | None:
        """What an order is worth by itself."""
        known = self.known[number]
        body = newest(known)
        assert body is not None
        placed = when(body["processed_at"])
        tier = self.tier_at(self.member(placed_by(known), placed), placed)
        return self.points_of(known, body, self.programme_at(placed), tier)

    def dealt(self) -> dict[int, int | None]:
        """What orders are worth where a programme looks across them: each member's row from the earliest on, while
        a period has room; and bonuses by the number of the order among those that earn money. For worlds in which
        nothing opens before their end: of what is open, other rules hold."""
        if not any(rules_of(p)["bonuses"] or rules_of(p)["max_per_period"] for _, p in self.programmes):
            return {}
        rows: dict[int, list[tuple[datetime, int]]] = {}
        for number, known in self.known.items():
            body = newest(known)
            if body is not None and body.get("customer"):
                who = self.member(body["customer"]["id"])
                rows.setdefault(who, []).append((when(body["processed_at"]), number))
        found: dict[int, int | None] = {}
        for row in rows.values():
            used: dict[object, int] = {}
            earning = 0
            for placed, number in sorted(row):
                points, programme = self.own(number), self.programme_at(placed)
                found[number] = points
                if points is None or programme is None:
                    continue
                rules = rules_of(programme)
                period = (
                    rules["period"],
                    placed.strftime({"day": "%F", "month": "%Y-%m", "year": "%Y"}[rules["period"]]),
                )
                if rules["max_per_period"] is not None:
                    points = min(points, rules["max_per_period"] - used.get(period, 0))
                used[period] = used.get(period, 0) + points
                if self.earns(number, programme):
                    earning += 1
                    for bonus in rules["bonuses"]:
                        place = earning % bonus["nth"] if bonus["every"] else earning - bonus["nth"]
                        points += bonus["points"] if place == 0 else 0
                found[number] = points
        return found

    def earns(self, number: int, programme: Json) -> bool:
        """Whether an order that counts holds money that earns, and enough of it."""
        known = self.known[number]
        body = newest(known)
        assert body is not None
        paid = paid_for(known, body)
        assert paid is not None
        money = min(worth(known, one, programme)[0] for one in (body, paid))
        return money > 0 and money >= rules_of(programme)["minimum"]

    def points_of(self, known: Knowledge, body: Json, programme: Json | None, held: str | None) -> int | None:
        """What the order must stand for; None when it does not count at all."""
        paid = paid_for(known, body)
        if known.deleted or body["test"] or body["cancelled_at"] or paid is None:
            return None
        if programme is None or body["currency"] != programme["currency"]:
            return None
        multiplier = Fraction(1)
        for tier in programme["tiers"]:
            if tier["key"] == held:
                multiplier = Fraction(*tier["multiplier"])
        rules = rules_of(programme)
        money, weighed, points = (
            min(each) for each in zip(*(worth(known, one, programme) for one in (body, paid)), strict=True)
        )
        if money < rules["minimum"]:
            return 0
        total = in_whole_points(weighed * Fraction(*programme["rate"]) * multiplier, programme["rounding"])
        if money > 0:
            total += points + rules["per_order"]
            total += min(campaigned(known, one, programme, held, multiplier) for one in (body, paid))
        return total if rules["max_per_order"] is None else min(total, rules["max_per_order"])

    def credit(
        self,
        who: int,
        points: int,
        opens: datetime | None,
        ends: datetime | None,
        order: int | None,
        at: datetime,
    ) -> None:
        """Gives points; what the member owes is settled first."""
        self.posted[who] = self.posted.get(who, 0) + points
        settled = min(points, self.owed.get(who, 0))
        self.owed[who] = self.owed.get(who, 0) - settled
        self.counter += 1
        if points > settled:
            self.piles.append(Pile(who, points - settled, opens, ends, order, at, self.counter))

    def claw_back(
        self, who: int, points: int, order: int | None, programme: Json | None, at: datetime
    ) -> None:
        """Takes points whether or not they are there: the order's own, then the soonest to end, then a debt.

        What has ended is not there, whether or not a clock has run since. And of the order's own points, those
        that ran out unused are not taken a second time.
        """
        self.posted[who] = self.posted.get(who, 0) - points
        there = [p for p in self.piles if p.owner == who and (p.ends is None or p.ends > at)]
        own = [pile for pile in there if order is not None and pile.order == order]
        rest = points - sum(part for _, part in self.take(own, points))
        if order is not None:
            known = self.known[order]
            over = [p for p in self.piles if p.order == order and p.ends is not None and p.ends <= at]
            made_up = min(rest, known.lapsed + sum(pile.left for pile in over))
            known.lapsed -= made_up
            self.posted[who] += made_up
            rest -= made_up
        rest -= sum(part for _, part in self.take(there, rest))
        if programme is not None and programme["clawback"] == "floor":
            self.posted[who] += rest
        else:
            self.owed[who] = self.owed.get(who, 0) + rest

    def take(self, piles: list[Pile], points: int) -> list[tuple[Pile, int]]:
        """Takes up to `points`, the soonest to end first; says what came from where."""
        taken = []
        for pile in sorted(piles, key=lambda p: (p.ends or FAR, p.opens or FAR, p.number)):
            part = min(points, pile.left)
            if part:
                pile.left -= part
                points -= part
                taken.append((pile, part))
        return taken

    def give_back(self, known: Knowledge, body: Json, programme: Json | None, at: datetime) -> None:
        """A used code on a refunded order returns its points in proportion, once the order was read; when less of
        the order is refunded than before, points are taken again."""
        for used in body.get("discount_codes") or []:
            spending = self.spent.get(used["code"])
            if spending is None or spending.refused or not known.confirmed:
                continue
            rule = {"tax": programme["basis"]["tax"] if programme else "as_priced",
                    "shipping": False, "tips": False, "duties": False}  # fmt: skip
            paid = paid_for(known, body) or body
            ordered = basis(known, paid, rule, whole=True)
            share = Fraction(ordered - basis(known, paid, rule), ordered) if ordered else Fraction(0)
            if known.deleted or body["cancelled_at"]:
                share = Fraction(1)
            due = floor(spending.points * min(share, Fraction(1))) - spending.returned
            spending.returned += due
            who = self.member(spending.owner)
            if due > 0:
                self.credit(who, due, at, self.latest_end(spending, at), None, at)
            elif due < 0:
                self.claw_back(who, -due, None, programme, at)

    def latest_end(self, spending: Spending, at: datetime) -> datetime | None:
        """The end of returned points: the latest of the credits they came from, but 30 days off at least."""
        ends = [pile.ends for pile, _ in spending.taken]
        return None if None in ends else max([end for end in ends if end] + [at + timedelta(days=30)])

    def merge(self, kept_id: int, gone_id: int, at: datetime) -> None:
        """Two customers become one: what the gone one holds, owes and is moves to the kept one."""
        who, gone = self.member(kept_id), gone_id
        if who == gone or gone in self.kept_as:
            return
        higher = self.higher(self.tier_at(who, at), self.tier_at(gone, at), at)
        self.kept_as[gone], self.merged_at[gone] = who, at
        if gone not in self.status:
            return
        self.status[who] = "active" if "active" in (self.status.get(who), self.status[gone]) else "unclaimed"
        self.posted[gone] = 0
        for pile in sorted((p for p in self.piles if p.owner == gone and p.left), key=lambda p: p.number):
            left, pile.left = pile.left, 0
            self.credit(who, left, pile.opens, pile.ends, pile.order, pile.born)
        self.claw_back(who, self.owed.pop(gone, 0), None, None, at)
        both = [self.bonus[one] for one in (who, gone) if one in self.bonus]
        if len(both) == 2:
            self.claw_back(who, max(both)[1], None, self.programme_at(at), at)
        if both:
            self.bonus[who] = min(both)
        if higher is not None and higher != self.tier_at(who, at):
            self.tiers.setdefault(who, []).append((at, higher))

    def higher(self, a: str | None, b: str | None, at: datetime) -> str | None:
        """The higher of two tiers on today's ladder."""
        programme = self.programme_at(at)
        ladder = [tier["key"] for tier in programme["tiers"]] if programme else []
        ranked = [tier for tier in (a, b) if tier in ladder]
        return max(ranked, key=ladder.index, default=None)

    def review(self, who: int, programme: Json, at: datetime) -> None:
        """Up at once to the step that the window's orders reach; down only when the held tier's period is over."""
        since, progress = months(at, -programme["tier_months"]), 0
        for number in self.orders_of.get(who, ()):
            body = newest(self.known[number])
            if body is not None and since <= when(body["processed_at"]) <= at:
                progress += self.stands.get(number, 0)
        ladder = [tier["key"] for tier in programme["tiers"]]
        reached = [tier["key"] for tier in programme["tiers"] if progress >= tier["threshold"]][-1]
        held = self.tier_at(who, at)
        if held in ladder and ladder.index(reached) < ladder.index(held):
            if at < months(self.tiers[who][-1][0], programme["tier_months"]):
                return
        if reached != held:
            self.tiers.setdefault(who, []).append((at, reached))


def judge(steps: list[Json], at: str) -> Verdict:
    """What every member must hold at a moment, after all these steps."""
    return Judge().play(steps).verdict(when(at))
