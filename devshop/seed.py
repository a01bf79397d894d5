"""Ninety days of a shop's life, lived through the real doors: orders, parcels, refunds, codes, answers.

The clock stands in the past and moves forward. The shop acts, sends its webhooks, the app drains them and its
worker finishes, day by day. Nothing is written into the app in any other way.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from werkzeug.test import Client

from devshop.demo import App
from devshop.errors import CheckoutRefused
from devshop.faces.catalogue import stock
from devshop.faces.visitor import variants_of
from devshop.graphql_cost import Bucket
from devshop.order_records import Address, Customer, Fulfilment, Order
from devshop.seed_people import COUNTRIES, CURRENCIES, Person, answer, people
from devshop.shop import DevPlatform, DevShop

DAYS = 90
PEOPLE = 240
SENDERS = 8  # webhooks under way at once
UNLIMITED = 1_000_000  # points a second: the shop does not throttle while it tells its story
REWARD, REWARD_POINTS = "five_off", 100
Act = Callable[[], None]


class StoryTime:
    """The clock of shop and app while the story is told: it stands until it is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@dataclass(slots=True)
class Told:
    """What happened in the story, in figures that are the same for the same seed."""

    customers: int = 0
    members: int = 0
    orders: int = 0
    cancelled: int = 0
    refunds: int = 0
    parcels: int = 0
    late: int = 0
    redemptions: int = 0
    answers: int = 0
    webhooks: int = 0


@dataclass(slots=True)
class Story:
    """The events that are still to come, by time, and the shop and app they happen in."""

    platform: DevPlatform
    shop: DevShop
    app: App
    time: StoryTime
    start: datetime
    chance: random.Random
    told: Told = field(default_factory=Told)
    _coming: list[tuple[datetime, int, Act]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _web: Client = field(init=False)
    _members: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._web = Client(self.app.wsgi, use_cookies=False)

    def at(self, moment: datetime, act: Act) -> None:
        """Puts something into the future of the story."""
        heapq.heappush(self._coming, (moment, next(self._numbers), act))

    def live(self, until: datetime, now: datetime, progress: Callable[[float], None]) -> None:
        """Lives day by day until a moment; what would come later never happens. Then it is `now`."""
        whole = (until - self.start).total_seconds()
        with ThreadPoolExecutor(SENDERS) as pool:
            evening = self.start
            while evening < until:
                evening = min(evening + timedelta(days=1), until)
                while self._coming and self._coming[0][0] <= evening:
                    moment, _, act = heapq.heappop(self._coming)
                    self.time.at = max(self.time.at, moment)
                    act()
                self.time.at = evening
                self._settle(pool)
                progress((evening - self.start).total_seconds() / whole)
            self.time.at = now
            self._settle(pool)
            while self.platform.queue:
                self._settle(pool)

    def _settle(self, pool: ThreadPoolExecutor) -> None:
        """Sends what waits and lets the worker finish. What its own writes cause goes out the next evening."""
        self.told.webhooks += len(self.platform.flush(pool=pool))
        self.app.settle()

    # -- what people do

    def arrive(self, person: Person) -> None:
        address = Address(id=self.shop.desk.ids.number("MailingAddress"), **person.address)  # type: ignore[arg-type]
        customer = self.shop.create_customer(
            first_name=person.first_name,
            last_name=person.last_name,
            email=person.email,
            locale=person.locale,
            addresses=[address],
        )
        self.told.customers += 1
        self.buy(person, customer)

    def buy(self, person: Person, customer: Customer) -> None:
        """One order, with a code if there are points for one; the next order is planned."""
        if person.joins and customer.id not in self._members and self.chance.random() < 0.8:
            nonce = self.ask("GET", "me", customer)["nonce"]
            self.ask("POST", "join", customer, {"nonce": nonce})
            self._members.add(customer.id)
            self.told.members += 1
        products = {p.handle: p for p in self.shop.desk.shop.products.values()}
        lines: list[dict[str, object]] = []
        for handle in person.likes[: self.chance.choices((1, 2, 3), (60, 30, 10))[0]]:
            product = products[handle]
            variant = self.chance.choice(variants_of(product))
            count = 2 if self.chance.random() < 0.15 else 1
            lines.append({"product": product.id, "variant": variant.id, "quantity": count})
        codes = self._code(customer)
        try:
            order = self._place(person, customer, lines, codes)
        except CheckoutRefused:
            order = self._place(person, customer, lines, [])
        self.told.orders += 1
        self._follow(person, customer, order)
        if person.days_between is not None:
            wait = self.chance.uniform(0.55, 1.5) * person.days_between
            self.at(self._daytime(wait), lambda: self.buy(person, customer))

    def _place(
        self, person: Person, customer: Customer, lines: list[dict[str, object]], codes: list[str]
    ) -> Order:
        on_invoice = self.chance.random() < 0.04
        order = self.shop.place_order(
            customer,
            lines,
            discount_codes=codes,
            paid=not on_invoice,
            gateway="invoice" if on_invoice else "bogus",
            currency=CURRENCIES[person.country],
            processed_at=self.time.at,
        )
        if on_invoice:
            self.at(self._daytime(self.chance.uniform(1, 9)), lambda: self._pay(order))
        return order

    def _pay(self, order: Order) -> None:
        if order.cancelled_at is None:
            self.shop.pay(order)

    def _code(self, customer: Customer) -> list[str]:
        """Spends points for a code, as the panel does; most people who can, do."""
        if customer.id not in self._members or self.chance.random() > 0.6:
            return []
        me = self.ask("GET", "me", customer)
        if me.get("points", {}).get("available", 0) < REWARD_POINTS:
            return []
        key = f"story-{self.chance.getrandbits(60):x}"
        made = self.ask(
            "POST", "redeem", customer, {"reward": REWARD, "request_key": key, "nonce": me["nonce"]}
        )
        if not made.get("code"):
            return []
        self.told.redemptions += 1
        return [str(made["code"])]

    def _follow(self, person: Person, customer: Customer, order: Order) -> None:
        """What comes after an order: cancelled, or sent, delivered, perhaps given back, perhaps answered."""
        if self.chance.random() < 0.025:
            self.at(self._daytime(0.3), lambda: self._cancel(order))
            return
        _, _, carrier, (soon, late) = COUNTRIES[person.country]
        usual = self.chance.randint(soon, late)
        delay = self.chance.randint(7, 14) if self.chance.random() < 0.06 else 0

        def send() -> None:
            parcel = self.shop.fulfil(order, carrier=carrier)
            self.told.parcels += 1
            self.told.late += delay > 0
            if self.chance.random() > 0.03:  # the others are never reported
                self.at(
                    self._daytime(usual + delay),
                    lambda: self._deliver(person, customer, order, parcel, delay),
                )

        self.at(self._daytime(self.chance.uniform(0.4, 1.8)), send)

    def _deliver(
        self, person: Person, customer: Customer, order: Order, parcel: Fulfilment, delay: int
    ) -> None:
        self.shop.deliver_parcel(parcel)
        fate = self.chance.random()
        if fate < 0.045:
            self.at(self._daytime(self.chance.uniform(2, 9)), lambda: self._give_back(order, by_line=True))
        elif fate < 0.065:
            self.at(self._daytime(self.chance.uniform(1, 6)), lambda: self._give_back(order, by_line=False))
        if customer.id in self._members and self.chance.random() < 0.42:
            self.at(
                self._daytime(self.chance.uniform(2.6, 6)),
                lambda: self._answer(person, customer, order, delay),
            )

    def _cancel(self, order: Order) -> None:
        self.shop.cancel(order)
        self.told.cancelled += 1

    def _give_back(self, order: Order, *, by_line: bool) -> None:
        if by_line:
            line = self.chance.choice(order.lines)
            back = self.shop.return_(order, [(line, 1)])
            self.shop.refund(order, lines=[(line, 1)], restock_type="return", note="Sent back", return_=back)
            self.shop.step_return(back, "close")
        else:
            self.shop.refund(order, amount=500, note="Sorry for the dent")
        self.told.refunds += 1

    def _answer(self, person: Person, customer: Customer, order: Order, delay: int) -> None:
        me = self.ask("GET", "me", customer)
        if (me.get("survey") or {}).get("order") != str(order.id):
            return  # another order's question is on show, or none
        score, words = answer(self.chance, person, delay)
        body = {"order": str(order.id), "score": score, "words": words, "nonce": me["nonce"]}
        if self.ask("POST", "survey", customer, body).get("state") == "answered":
            self.told.answers += 1

    def ask(self, method: str, path: str, customer: Customer, body: object = None) -> dict[str, Any]:
        """A shopper's request through the app proxy."""
        request = self.shop.proxy_request(method, path, customer_id=customer.id, json=body)
        answered = self._web.open(
            request.url, method=method, headers=list(request.headers.items()), data=request.body
        )
        found: dict[str, Any] = json.loads(answered.data)
        return found

    def _daytime(self, days: float) -> datetime:
        """So many days from now, at an hour when people are awake."""
        moment = self.time.at + timedelta(days=days)
        hour = self.chance.choices((7, 9, 12, 15, 18, 20, 22), (1, 2, 3, 2, 3, 5, 2))[0]
        return max(
            moment.replace(hour=hour, minute=self.chance.randrange(60), second=self.chance.randrange(60)),
            self.time.at + timedelta(minutes=20),
        )


def tell(
    platform: DevPlatform,
    shop: DevShop,
    app: App,
    time: StoryTime,
    *,
    until: datetime,
    days: int = DAYS,
    count: int = PEOPLE,
    seed: int = 7,
    progress: Callable[[float], None] = lambda _share: None,
) -> Told:
    """Installs the app and lives `days` of the shop's life up to `until`; the same seed gives the same figures.

    The shop must be empty, the platform connected to the app in this process and without a file of its own, which
    would be written after each step.
    """
    # Whole days: the hour of the first start changes nothing about what happened.
    last_night = until.replace(hour=0, minute=0, second=0, microsecond=0)
    start = last_night - timedelta(days=days)
    time.at = start
    shop.bucket = Bucket.full(UNLIMITED)
    wares = list(stock(shop))
    story = Story(platform, shop, app, time, start, random.Random(seed))
    launch = shop.install()
    Client(app.wsgi, use_cookies=False).get(launch.removeprefix(platform.app.app_url))
    app.settle()
    for person in people(story.chance, count, days, wares):
        when = start + timedelta(days=person.arrives_on, minutes=5)
        story.at(when, lambda person=person: story.arrive(person))  # type: ignore[misc]
    story.live(last_night, until, progress)
    platform.journal.clear()
    return story.told
