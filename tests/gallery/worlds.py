"""Shops in which the states are found: one without the app, a new one, one that lived for 90 days, and a full one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devshop.demo import DOMAIN
from devshop.order_records import Customer, Order
from plugin.domain.facts import CustomerFact, DataRequested
from plugin.domain.programme import Campaign, first_programme
from plugin.domain.referrals import State
from plugin.flows import adjustments, birthdays, merchants, spending
from plugin.flows import members as member_flow
from plugin.flows import surveys as survey_flow
from plugin.store import actions, onboarding, referrals
from plugin.store.actions import Action
from plugin.store.db import Database, Tx
from plugin.store.ids import new_id
from plugin.store.referrals import Referred
from plugin.store.shops import Shop
from tests.faces.served import Demo, serving_demo
from tests.pages.admin_pages import placed
from tests.pages.scene import BOB, Scene, Times, make_scene
from tests.pages.test_admin_activity import park, park_effect

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützen-Gutschein"
LONG_NAMES = (
    ("Maximiliane-Friederike", "Freifrau von Hohenlohe-Waldenburg-Schillingsfürst"),
    ("Karl-Theodor Maria", "Rechtsschutzversicherungsgesellschaften"),
    ("Ayşe", "Öztürk-Grünwald"),
    ("Xi", "Wu"),
)
FIRST = 7001
ROWS = 200
WORDS = (
    "Fast, well packed, and the tea is wonderful.",
    "The box was dented.\nThe mug inside was fine.",
    "Lieferverzögerungsbenachrichtigung kam drei Tage nach dem Paket. " * 6,
    None,
)


@dataclass(slots=True)
class World:
    """A served shop with its app, a hand in its store, and whom the states meet."""

    demo: Demo
    scene: Scene
    people: list[Customer] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    def at(self, days_ago: float) -> datetime:
        """Moves the clock of shop, app and hand to so many days before now."""
        self.demo.time.offset = -timedelta(days=days_ago)
        self.scene.times.now_at = self.demo.time.now()
        return self.scene.times.now_at


@contextmanager
def open_world(name: str) -> Iterator[World]:
    """The world of that name, served until the block ends."""
    build, days_ago = WORLDS[name]
    with ExitStack() as open_things:
        folder = Path(open_things.enter_context(tempfile.TemporaryDirectory(prefix="regulars-world-")))
        demo = open_things.enter_context(serving_demo(folder, days_ago=days_ago, installed=name != "without"))
        database = Database.open(f"sqlite:///{folder}/app.db")
        open_things.callback(database.close)
        scene = make_scene(database, times=Times(demo.time.now(), datetime.now(UTC).timestamp()))
        open_things.callback(scene.web.reader.close)
        world = World(demo, scene)
        build(world)
        world.at(0)
        yield world


def _nothing(_world: World) -> None:
    return


def _lived(world: World) -> None:
    """Through the shop's own doors, so that shop and app agree: people buy, join, redeem, answer."""
    demo, shop = world.demo, world.demo.shop
    wares = list(shop.desk.shop.products.values())
    world.people = list(shop.customers.values()) + [
        shop.create_customer(first_name=first, last_name=last, email=f"{last.lower()}@example.com")
        for first, last in (("Ben", "Rossi"), ("Chiara", "Bianchi"), ("David", "Meier"), ("Eva", "Brunner"))
    ]
    demo.settle()
    for at, person in enumerate(world.people[:4]):
        world.at(84 - at)
        world.scene.member(DOMAIN, person.id)
    for at in range(12):
        world.at(80 - 6 * at)
        basket = [(wares[at % len(wares)], 1 + at % 3), (wares[(at + 3) % len(wares)], 1)]
        order = shop.place_order(world.people[at % 4], basket)
        world.orders.append(order)
        if at < 10:
            parcel = shop.fulfil(order)
            world.at(78 - 6 * at)
            shop.deliver_parcel(parcel)
        demo.settle()
        if 0 < at <= 10:
            _answer(world, at, world.orders[at - 1].id, world.people[(at - 1) % 4].id)
    world.at(7)
    shop.refund(world.orders[8], lines=[(world.orders[8].lines[0], 1)], note="Chipped")
    world.orders.append(shop.place_order(world.people[4], [(wares[2], 3)]))  # she has not joined
    demo.settle()
    here = world.scene.shop(DOMAIN)
    with world.scene.db.write(here.shop_id) as tx:
        adjustments.adjust(
            tx,
            here,
            world.people[0].id,
            150,
            "Sorry for the broken mug",
            "gift-1",
            f"staff:{BOB}",
            world.at(5),
        )
        told = world.at(5)
        for name, outcome, why, points in (("r-1", "earned", None, 20), ("r-2", "refused", "limit_month", 0)):
            deed = Action(
                "review", name, "review", world.people[0].id, told, told, outcome, why, points, None, None, "api"
            )  # fmt: skip
            actions.insert(tx, here.shop_id, deed)
        birthdays.set_birthday(tx, here, world.people[0].id, 2, 29, world.at(5), actor="member")
        _referred(tx, here, world)
        spending.redeem(tx, here, world.people[0].id, "five_off", "tap-00001", world.at(4))
        onboarding.theme_seen(tx, here.shop_id, embed=True, block=True, now=world.at(3))
    world.at(0)
    demo.settle()


def _referred(tx: Tx, shop: Shop, world: World) -> None:
    """Friends of the first member in every state, one with a decision and many signs."""
    signs = ("same_phone", "same_address", "device")
    states: tuple[tuple[State, str | None, tuple[str, ...]], ...] = (
        ("review", "score", signs[:2]),
        ("qualified", None, ()),
        ("approved", None, ()),
        ("rejected", "score", signs),
        ("cancelled", "refunded", ()),
        ("rejected", "staff", signs[:1]),
    )
    for at, (state, why, reasons) in enumerate(states):
        now = world.at(6 - at / 2)
        one = Referred(
            new_id(), world.people[0].id, world.people[1 + at % 4].id, world.orders[at].id, "REG-7K2MWQ4Z", "link", 1,
            now, now, state, why, 60 * len(reasons), reasons, release_at=now if state == "qualified" else None,
            points=200 if state == "approved" else 0,
        )  # fmt: skip
        if why == "staff":
            one = replace(
                one, decision="rejected", decided_by=f"staff:{BOB}", decided_at=now, note="Wrote to both"
            )
        referrals.save(tx, shop.shop_id, [one])


def _answer(world: World, at: int, order_id: int, member_id: int) -> None:
    """One answer, most of them good, with and without words."""
    shop = world.scene.shop(DOMAIN)
    with world.scene.db.write(shop.shop_id) as tx:
        survey_flow.answer(
            tx, shop, member_id, order_id, (9, 10, 8, 10, 3, 9, 7, 6)[at % 8],
            words=WORDS[at % len(WORDS)], locale="de", channel="panel", now=world.scene.times.now(),
        )  # fmt: skip


def _full(world: World) -> None:
    """Written through the flows and left unsent: two hundred of everything, long names, and much that is stuck."""
    scene, now = world.scene, world.at(60)
    shop = scene.shop(DOMAIN)
    programme = first_programme("CHF", 100)
    with scene.db.write(shop.shop_id) as tx:
        named = replace(
            programme,
            tiers=tuple(replace(one, name=f"{LONG} {one.name}") for one in programme.tiers),
            rewards=tuple(replace(one, name=f"{LONG} {one.name}") for one in programme.rewards),
            campaigns=(Campaign("rush", LONG, f"{world.at(61):%F}", f"{world.at(40):%F}", "Europe/Zurich"),),
        )
        merchants.publish(tx, shop, named, f"staff:{BOB}", now)
    for at in range(ROWS):
        now = world.at(59 - at / 4)
        first, last = LONG_NAMES[at % len(LONG_NAMES)]
        fact = CustomerFact(FIRST + at, email=f"{at}.{last.lower()}@beispielunternehmen.example",
                            first_name=first, last_name=last)  # fmt: skip
        if at % 10:
            scene.member(DOMAIN, FIRST + at)
        placed(
            scene, 81_000 + at, fact, 4_250 + 7_919 * at % 90_000, 1_000 if at % 7 == 0 else 0, shop=DOMAIN
        )
    world.at(8)
    for at in range(ROWS):
        if at % 10:
            scene.asked(DOMAIN, FIRST + at, 81_000 + at)
            _answer(world, at, 81_000 + at, FIRST + at)
    _busy_member(world)
    for at in range(40):
        park(scene, DOMAIN, f"w-{at}", "msgspec.ValidationError: Expected `int`, got `str` - at `$.total`")
    park_effect(scene, DOMAIN)
    with scene.db.write(shop.shop_id) as tx:
        for at in range(3):
            member_flow.apply(tx, shop, [DataRequested(FIRST + 1 + at, str(70 + at), ())], world.at(3 - at))


def _busy_member(world: World) -> None:
    """One member with a long history, codes in every state, and a debt."""
    scene, member_id, points = world.scene, FIRST + 1, 0
    shop = scene.shop(DOMAIN)
    for at in range(70):
        with scene.db.write(shop.shop_id) as tx:
            points = 40 + 13 * at
            adjustments.adjust(
                tx, shop, member_id, points, WORDS[2] if at == 60 else f"Reason number {at}", f"form-{at}",
                f"staff:{BOB}", world.at(40 - at / 2),
            )  # fmt: skip
    for at, end in enumerate(("made", "undone", "refused", "debited", "made")):
        with scene.db.write(shop.shop_id) as tx:
            now = world.at(4)
            wish = spending.redeem(tx, shop, member_id, "twenty_off", f"tap-0000{at}", now)
            if end in ("made", "undone"):
                spending.code_made(tx, shop, wish.redemption_id, f"gid://shopify/DiscountCodeNode/{at}", now)
            if end == "undone":
                spending.undo(tx, shop, member_id, wish.redemption_id, now)
                spending.code_withdrawn(tx, shop, wish.redemption_id, False, now)
            if end == "refused":
                spending.code_refused(tx, shop, wish.redemption_id, "not_allowed", now)
    with scene.db.write(shop.shop_id) as tx:
        adjustments.adjust(
            tx, shop, FIRST + 2, -90_000, "Paid back by bank transfer", "debt", f"staff:{BOB}", world.at(2)
        )


WORLDS: dict[str, tuple[Callable[[World], None], int]] = {
    "without": (_nothing, 0),
    "new": (_nothing, 0),
    "lived": (_lived, 90),
    "full": (_full, 61),
}
