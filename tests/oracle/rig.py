"""Plays a world through the real inbox, drain and flows, and compares every figure with the oracle's verdict."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from plugin.domain.facts import OrderSeen
from plugin.domain.programme import (
    Band,
    Basis,
    Campaign,
    EarningRule,
    LineRule,
    OrderBonus,
    OrderRules,
    Programme,
    Reward,
    Tier,
)
from plugin.domain.values import Rate, Ratio
from plugin.flows import clock, members, merchants, orders, spending
from plugin.flows.offers import CannotRedeem
from plugin.store import audit, ledger, queues
from plugin.store import members as member_store
from plugin.store.db import Database, to_ms
from plugin.store.intake import Delivery, IntakeWriter
from plugin.store.shops import Shop
from tests.oracle.bodies import Json
from tests.oracle.events import World, raw
from tests.oracle.oracle import PLAIN, Figures, Verdict, judge, when
from tests.oracle.shopping import START
from webhooks.drain import Drained, drain
from webhooks.topics import parse

DOMAIN = "alice.myshopify.com"
COSTS = (10, 40, 100, 400)


class Rig:
    """One installed shop on one database. `threads` above 0 sends through the intake's group commit."""

    def __init__(self, db: Database, seed: int = 0, *, threads: int = 0) -> None:
        self.db = db
        self.rng = random.Random(seed)
        self.codes: dict[str, str] = {}  # the world's name of a code -> the real one
        self.redemptions: dict[str, int] = {}
        self.unmade: str | None = None
        self.drained = Drained()
        self._threads = threads
        self._sent: dict[int, int] = {}
        self._copies = 0
        with db.write() as tx:
            self.shop: Shop = merchants.install(tx, DOMAIN, "read_orders", START - timedelta(days=1))

    def play(self, steps: list[Json]) -> Rig:
        """Plays the steps in turn."""
        for step in steps:
            now = when(step["at"])
            if self.unmade is not None and step["do"] != "refuse":
                self._made(self.unmade, now)
            self.unmade = None
            getattr(self, "_" + step["do"])(now, step)
        return self

    # steps

    def _publish(self, now: datetime, step: Json) -> None:
        with self.db.write(self.shop.shop_id) as tx:
            merchants.publish(tx, self.shop, programme_of(step["programme"]), "merchant", now)

    def _deliver(self, now: datetime, step: Json) -> None:
        first = now - timedelta(milliseconds=len(step["messages"]))
        deliveries = [
            self._delivery(message, first + timedelta(milliseconds=number))
            for number, message in enumerate(step["messages"])
        ]
        if self._threads:
            writer = IntakeWriter(self.db.url)
            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(writer.put, deliveries))
            writer.close()
        else:
            self._put(deliveries)
        self.drain(now)

    def _read(self, now: datetime, step: Json) -> None:
        facts = []
        for body in step["orders"]:
            seen = parse("orders/updated", self._raw(body))
            assert isinstance(seen, OrderSeen)
            facts.append(replace(seen, head=replace(seen.head, origin="read")))
        with self.db.write(self.shop.shop_id) as tx:
            orders.apply(tx, self.shop, facts, now, confirmed=[fact.order_id for fact in facts])

    def _join(self, now: datetime, step: Json) -> None:
        with self.db.write(self.shop.shop_id) as tx:
            members.join(tx, self.shop, step["customer"], None, now)

    def _redeem(self, now: datetime, step: Json) -> None:
        name = step["code"]
        with self.db.write(self.shop.shop_id) as tx:
            who = member_store.resolved(tx, self.shop.shop_id, step["customer"])
            try:
                made = spending.redeem(tx, self.shop, who, f"reward_{step['points']}", name, now)
            except CannotRedeem:
                return
            self.codes[name], self.redemptions[name] = made.code, made.redemption_id
        self.unmade = name

    def _made(self, name: str, now: datetime) -> None:
        with self.db.write(self.shop.shop_id) as tx:
            spending.code_made(tx, self.shop, self.redemptions[name], "gid://shopify/DiscountCodeNode/1", now)

    def _refuse(self, now: datetime, step: Json) -> None:
        if step["code"] in self.redemptions:
            with self.db.write(self.shop.shop_id) as tx:
                spending.code_refused(tx, self.shop, self.redemptions[step["code"]], "refused", now)

    def _clock(self, now: datetime, step: Json) -> None:
        more = True
        while more:
            with self.db.write(self.shop.shop_id) as tx:
                more = clock.tick(tx, self.shop, now)

    # the inbox

    def drain(self, now: datetime) -> None:
        """Works the inbox off; a webhook that does not end as done is an error of the test's world or of the code."""
        self.drained.add(drain(self.db, now, batch=self.rng.choice((1, 7, 50, 200))))

    def _delivery(self, message: list[Any], at: datetime) -> Delivery:
        """A copy comes under its first webhook id (a retry) or under one of its own (the platform sent it twice)."""
        topic, body = message
        number = self._sent.setdefault(id(message), len(self._sent))
        webhook_id = f"hook-{number}"
        if self.rng.random() < 0.5:
            self._copies += 1
            webhook_id += f"-{self._copies}"
        return Delivery(
            DOMAIN, webhook_id, topic, None, "2026-10", to_ms(at), to_ms(at) or 0, self._raw(body)
        )

    def _raw(self, body: Json) -> bytes:
        used = [code["code"] for code in body.get("discount_codes") or []]
        sent = raw(body)
        for name in used:
            sent = sent.replace(name.encode(), self.codes.get(name, name).encode())
        return sent

    def _put(self, deliveries: list[Delivery]) -> None:
        with self.db.write() as tx:
            tx.many(
                "INSERT INTO inbox (shop_id, webhook_id, topic, event_id, api_version, triggered_at, received_at, "
                "body, due_at) VALUES (:shop, :webhook_id, :topic, :event_id, :api_version, :triggered_at, "
                ":received_at, :body, :received_at) ON CONFLICT DO NOTHING",
                [{"shop": self.shop.shop_id, **one._asdict()} for one in deliveries],
            )

    # the comparison

    def disagreements(self, world: World, verdict: Verdict) -> list[str]:
        """Every figure of which ledger and oracle think differently. Of a wild world only what is posted counts."""
        with self.db.read() as tx:
            points = {row[0]: row[1] for row in tx.all("SELECT order_id, points FROM orders")}
            rows = tx.all("SELECT member_id, status, posted, tier FROM members WHERE status <> 'merged'")
            accounts = ledger.accounts(tx, self.shop.shop_id, [row[0] for row in rows])
        found = []
        if set(self.codes) - self._refused(world) != verdict.redeemed:
            found.append("other redemptions took place")
        for order in sorted(set(points) | set(verdict.orders)):
            ours, right = points.get(order, 0), verdict.orders.get(order, 0)
            if ours != right:
                found.append(f"order {order}: {ours} points, right are {right}")
        held = {row[0]: (Figures(row[2], status=row[1]), row[3]) for row in rows}
        for who in sorted(set(held) | set(verdict.members)):
            figures, tier = held.get(who, (Figures(status="nobody"), None))
            right_figures = verdict.members.get(who, Figures(status="nobody"))
            if world.wild:
                right_figures = Figures(right_figures.posted, status=right_figures.status)
            elif who in accounts:
                account, at = accounts[who], world.end
                figures.available, figures.pending = account.available(at), account.pending(at)
                figures.owed = account.owed()
            if figures != right_figures:
                found.append(f"member {who}: {figures}, right is {right_figures}")
            if figures.status == "active" and not world.wild and tier != verdict.tiers.get(who):
                found.append(f"member {who}: tier {tier}, right is {verdict.tiers.get(who)}")
        return found

    def troubles(self) -> list[str]:
        """What the audit finds, and webhooks that did not end as done."""
        with self.db.read() as tx:
            counts = queues.inbox_counts(tx, self.shop.shop_id)
            found = list(audit.audit(tx, self.shop.shop_id))
        return found + [
            f"{count} webhooks {state}" for state, count in counts.items() if state != "done" and count
        ]

    def entries(self) -> list[tuple[object, ...]]:
        """Every entry of the shop."""
        with self.db.read() as tx:
            return tx.all("SELECT entry_id, member_id, points, source_key FROM entries ORDER BY entry_id")

    def _refused(self, world: World) -> set[str]:
        return {step["code"] for step in world.steps if step["do"] == "refuse"}


def programme_of(plain: Json) -> Programme:
    """A plain programme as the product's own."""
    return Programme(
        version=1,
        currency=plain["currency"],
        earning=(EarningRule(Rate(*plain["rate"])),),
        membership=plain["membership"],
        signup_points=plain["signup_points"],
        basis=Basis(**plain["basis"]),
        rounding=plain["rounding"],
        return_window_days=plain["return_window_days"],
        no_delivery_days=plain["no_delivery_days"],
        expiry_months=plain["expiry_months"],
        tier_months=plain["tier_months"],
        tiers=tuple(
            Tier(t["key"], t["key"].title(), t["threshold"], Ratio(*t["multiplier"])) for t in plain["tiers"]
        ),
        rewards=tuple(Reward(f"reward_{cost}", "amount_off", "Off", cost, value_minor=500) for cost in COSTS),
        clawback=plain["clawback"],
        orders=_orders_of(PLAIN | plain.get("orders", {})),
        campaigns=tuple(_campaign_of(one) for one in plain.get("campaigns", [])),
        campaign_stacking=plain.get("stacking", "best"),
    )


def _campaign_of(one: Json) -> Campaign:
    return Campaign(
        one["key"], one["key"].title(), one["starts"], one["ends"], one["zone"], one["effect"],
        Ratio(*one["multiplier"]), one["points"], one["per"], tiers=tuple(one["tiers"]),
        sources=tuple(one["sources"]), scope=one["scope"], values=tuple(one["values"]),
    )  # fmt: skip


def _orders_of(rules: Json) -> OrderRules:
    return OrderRules(
        lines=tuple(
            LineRule(
                f"line{n}", "", rule["scope"], tuple(rule["values"]), rule["effect"], Ratio(*rule["multiplier"]),
                rule["points"],
            )
            for n, rule in enumerate(rules["lines"])
        ),
        bands=tuple(
            Band(f"band{n}", "", band["from"], Ratio(*band["multiplier"])) for n, band in enumerate(rules["bands"])
        ),
        per_order=rules["per_order"], minimum_minor=rules["minimum"], max_per_order=rules["max_per_order"],
        bonuses=tuple(
            OrderBonus(one["key"], "", one["nth"], one["points"], one["every"]) for one in rules["bonuses"]
        ),
        max_per_period=rules["max_per_period"], period=rules["period"], opens=rules["opens"],
        paid_days=rules["paid_days"],
    )  # fmt: skip


def check(db: Database, world: World, *, threads: int = 0) -> list[str]:
    """Plays a world and lists what is wrong: figures the oracle disputes, findings of the audit; none when right."""
    rig = Rig(db, world.seed, threads=threads).play(world.steps)
    return rig.disagreements(world, judge(world.steps, world.end.isoformat())) + rig.troubles()
