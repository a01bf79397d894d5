"""For every kind of effect: how to come by one, what must be true once it was performed, and its calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from devshop.records import GiftCard
from devshop.shop import Customer, Order
from plugin.domain.facts import CustomerRedacted
from plugin.domain.programme import Referral, Reward
from plugin.flows import members as member_flow
from plugin.flows import merchants, sharing, spending, surveys
from plugin.flows.cards import read_card
from plugin.flows.code_life import of_one
from plugin.flows.members import read_customer
from plugin.store import programmes, referral_codes
from plugin.store.queues import Effect
from plugin.store.redemptions import Redemption
from plugin.worker.effects import response_handle
from tests.worker.world import World


@dataclass(frozen=True, slots=True)
class Case:
    """An effect that waits. `check` raises when the world is not as it must be after it was performed."""

    key: str
    check: Callable[[], None]


def order_read(world: World) -> Case:
    order = world.order(world.customer())
    while world.platform.queue:
        world.platform.flush()
    world.worker.drain(world.at)

    def check() -> None:
        assert world.confirmed(order) == "yes"
        assert world.points(world.dev.customers[order.customer_id or 0]) == (0, 100, 0)

    return Case(f"order:{order.id}:read", check)


def code_make(world: World) -> Case:
    customer = world.rich()
    redemption = world.redeem(customer)

    def check() -> None:
        assert world.redemption(redemption.redemption_id).state == "made"
        assert len(codes(world, redemption)) == 1
        assert world.points(customer)[0] == 450

    return Case(f"redemption:{redemption.redemption_id}:make", check)


def code_withdraw(world: World) -> Case:
    customer = world.rich()
    redemption = world.redeem(customer)
    world.worker.settle()
    shop = world.shop
    with world.db.write(shop.shop_id) as tx:
        spending.undo(tx, shop, customer.id, redemption.redemption_id, world.at)

    def check() -> None:
        assert world.redemption(redemption.redemption_id).state == "undone"
        assert [ends is not None and ends <= world.at for ends in codes(world, redemption)] == [True]
        assert world.points(customer)[0] == 550

    return Case(f"redemption:{redemption.redemption_id}:withdraw", check)


CARD = Reward("card", "gift_card", "", 100, value_minor=1_000)
CREDIT = Reward("credit", "store_credit", "", 100, value_minor=1_000)


def combinable(key: str, *classes: str) -> Reward:
    """A reward with a code, and these classes beside it."""
    return Reward(key, "amount_off", "", 100, value_minor=500, combines=classes)


def code_combine(world: World) -> Case:
    customer = world.rich()
    key = f"off_{customer.id}"  # of its own: a change walks every unused code of its reward
    world.offer(combinable(key, "product"))
    redemption = world.redeem(customer, reward=key)
    world.worker.settle()
    world.offer(combinable(key, "order"))
    world.worker.settle()
    [held] = [one for one in world.dev.desk.shop.discounts.values() if one.code == redemption.code]
    held.combines_with = ["PRODUCT"]
    world.enqueue(of_one(redemption.redemption_id))  # what the walk over the reward's codes asks for

    def check() -> None:
        [code] = [one for one in world.dev.desk.shop.discounts.values() if one.code == redemption.code]
        assert code.combines_with == ["ORDER"]
        assert world.redemption(redemption.redemption_id).reward.combines == ("order",)

    return Case(f"redemption:{redemption.redemption_id}:combine", check)


def card_make(world: World) -> Case:
    customer = world.rich()
    world.offer(CARD)
    redemption = world.redeem(customer, reward="card")

    def check() -> None:
        assert world.redemption(redemption.redemption_id).state == "made"
        assert [card.initial for card in cards(world, redemption)] == [1_000]
        assert world.points(customer)[0] == 450

    return Case(f"redemption:{redemption.redemption_id}:make", check)


def cards(world: World, redemption: Redemption) -> list[GiftCard]:
    """The gift cards of a redemption at the platform."""
    note = f"regulars-{redemption.redemption_id}"
    return [one for one in world.dev.desk.shop.gift_cards.values() if one.note == note]


def a_card(world: World, spent: int) -> tuple[Customer, Redemption]:
    """A member's gift card of which something was spent."""
    customer = world.rich()
    world.offer(CARD)
    redemption = world.redeem(customer, reward="card")
    world.worker.settle()
    [card] = cards(world, redemption)
    card.balance -= spent
    return customer, redemption


def card_read(world: World) -> Case:
    _, redemption = a_card(world, spent=1_000)
    world.enqueue(read_card(redemption.redemption_id))

    def check() -> None:
        found = world.redemption(redemption.redemption_id)
        assert (found.state, found.spent_minor) == ("used", 1_000)

    return Case(f"redemption:{redemption.redemption_id}:card", check)


def card_withdraw(world: World) -> Case:
    customer, redemption = a_card(world, spent=250)
    shop = world.shop
    with world.db.write(shop.shop_id) as tx:
        spending.undo(tx, shop, customer.id, redemption.redemption_id, world.at)

    def check() -> None:
        assert world.redemption(redemption.redemption_id).state == "undone"
        assert [card.deactivated_at is not None for card in cards(world, redemption)] == [True]
        assert world.points(customer)[0] == 450 + 75

    return Case(f"redemption:{redemption.redemption_id}:withdraw", check)


def credit_make(world: World) -> Case:
    customer = world.rich()
    world.offer(CREDIT)
    redemption = world.redeem(customer, reward="credit")

    def check() -> None:
        assert world.redemption(redemption.redemption_id).state == "credited"
        assert credits(world, customer) == [1_000]
        assert world.points(customer)[0] == 450

    return Case(f"redemption:{redemption.redemption_id}:make", check)


def credits(world: World, customer: Customer) -> list[int]:
    """What a customer's store credit moved by."""
    accounts = world.dev.desk.shop.credit_accounts.values()
    return [move.amount for one in accounts if one.customer == customer.id for move in one.moves]


def codes(world: World, redemption: Redemption) -> list[datetime | None]:
    """When each code of a redemption ends, at the platform."""
    return [one.ends_at for one in world.dev.desk.shop.discounts.values() if one.code == redemption.code]


def sharing_code(world: World) -> str:
    """A member's code, asked for and not made yet."""
    customer, shop = world.rich(), world.shop
    friend = Reward("friend", "amount_off", "", 0, value_minor=1000)
    with world.db.write(shop.shop_id) as tx:
        latest = programmes.versions(tx, shop.shop_id).latest
        assert latest is not None
        rules = replace(latest, referral=Referral(enabled=True, friend=friend, points=200))
        merchants.publish(tx, shop, rules, "staff:1", world.at)
    world.deliver()
    world.forward(minutes=1)
    with world.db.write(shop.shop_id) as tx:
        return sharing.share(tx, shop, customer.id, world.at).code


def referral_make(world: World) -> Case:
    code = sharing_code(world)

    def check() -> None:
        [made] = [one for one in world.dev.desk.shop.discounts.values() if one.code == code]
        assert (made.customers, made.once_per_customer, made.usage_limit, made.ends_at) == (
            None,
            True,
            None,
            None,
        )
        sql = "SELECT state FROM referral_codes WHERE shop_id = :s AND code = :c"
        assert world.rows(sql, c=code) == [("made",)]

    return Case(f"referral:{code}:make", check)


def referral_end(world: World) -> Case:
    code = sharing_code(world)
    world.worker.settle()
    shop = world.shop
    with world.db.write(shop.shop_id) as tx:
        owner = referral_codes.owners(tx, shop.shop_id, [code])[code]
        sharing.forget(tx, shop, owner, [owner], world.at)

    def check() -> None:
        [ended] = [one for one in world.dev.desk.shop.discounts.values() if one.code == code]
        assert ended.ends_at is not None
        assert ended.ends_at <= world.at

    return Case(f"referral:{code}:end", check)


def member_mirror(world: World) -> Case:
    customer = world.rich()
    world.enqueue(spending.mirror_of(customer.id))
    world.dev.desk.shop.metafields.clear()

    def check() -> None:
        shown = json.loads(world.metafields(gid(customer))["loyalty"])
        assert (shown["available"], shown["balance"], shown["joined"]) == (550, 550, True)

    return Case(f"member:{customer.id}:mirror", check)


def gid(customer: Customer) -> str:
    return f"gid://shopify/Customer/{customer.id}"


def member_tags(world: World) -> Case:
    customer = world.rich()
    world.dev.tag_customer(
        customer, remove=["regulars:bronze"], add=["regulars:gold", "regulars:retired", "vip"]
    )
    world.deliver()
    world.enqueue(spending.tags_of(customer.id))

    def check() -> None:
        assert sorted(world.dev.customers[customer.id].tags) == ["regulars:bronze", "vip"]

    return Case(f"member:{customer.id}:tags", check)


def member_read(world: World) -> Case:
    customer = world.rich()
    world.enqueue(read_customer(customer.id))

    def check() -> None:
        assert world.points(customer)[0] == 550

    return Case(f"member:{customer.id}:read", check)


def member_erase(world: World) -> Case:
    customer = world.rich()
    order = answered(world, customer)
    world.worker.settle()
    shop = world.shop
    with world.db.write(shop.shop_id) as tx:
        member_flow.apply(tx, shop, [CustomerRedacted(customer.id, (order.id,))], world.at)

    def check() -> None:
        assert "loyalty" not in world.metafields(gid(customer))
        assert not [tag for tag in world.dev.customers[customer.id].tags if tag.startswith("regulars:")]
        assert answers(world, order) == []

    return Case(f"member:{customer.id}:erase", check)


def answered(world: World, customer: Customer) -> Order:
    """An order of which the question was answered."""
    order = world.order(customer)
    world.deliver()
    world.dev.deliver_parcel(world.dev.fulfil(order))
    world.deliver()
    world.forward(days=3)
    world.worker.settle()
    shop = world.shop
    with world.db.write(shop.shop_id) as tx:
        surveys.answer(
            tx, shop, customer.id, order.id, 9, words="warm", locale=None, channel="panel", now=world.at
        )
    return order


def answers(world: World, order: Order) -> list[dict[str, str]]:
    """The answers about an order in the merchant's own admin."""
    return [
        one.fields
        for one in world.dev.desk.shop.metaobjects.values()
        if one.handle == response_handle(order.id)
    ]


def response_mirror(world: World) -> Case:
    order = answered(world, world.rich())

    def check() -> None:
        [written] = answers(world, order)
        assert (written["score"], written["comment"]) == ("9", "warm")

    return Case(f"response:{order.id}:mirror", check)


def version(world: World) -> int:
    """The newest version of the programme."""
    shop_id = world.shop_id
    with world.db.read() as tx:
        latest = programmes.versions(tx, shop_id).latest
    assert latest is not None
    return latest.version


def shop_setup(world: World) -> Case:
    world.enqueue(Effect("shop:setup", "shop.setup", {}))
    before = version(world)

    def check() -> None:
        assert (world.shop.currency, world.shop.name, version(world)) == ("CHF", "Dev One", before)

    return Case("shop:setup", check)


def shop_digest(world: World) -> Case:
    world.enqueue(merchants.digest())
    world.dev.desk.shop.metafields.clear()

    def check() -> None:
        assert world.shop.installation_gid is not None
        shown = json.loads(world.metafields(world.shop.installation_gid)["digest"])
        assert (shown["version"], shown["currency"]) == (version(world), "CHF")

    return Case("shop:digest", check)


def shop_redact(world: World) -> Case:
    world.enqueue(Effect("shop:redact", "shop.redact", {}))

    def check() -> None:
        assert world.shop.state == "installed"
        assert world.rows("SELECT 1 FROM events WHERE shop_id = :s AND kind = 'redact_ignored'") != []

    return Case("shop:redact", check)


PREPARED: dict[str, Callable[[World], Case]] = {
    "order.read": order_read,
    "code.make": code_make,
    "code.withdraw": code_withdraw,
    "code.combine": code_combine,
    "card.make": card_make,
    "card.read": card_read,
    "card.withdraw": card_withdraw,
    "credit.make": credit_make,
    "referral.make": referral_make,
    "referral.end": referral_end,
    "member.mirror": member_mirror,
    "member.tags": member_tags,
    "member.read": member_read,
    "member.erase": member_erase,
    "response.mirror": response_mirror,
    "shop.setup": shop_setup,
    "shop.digest": shop_digest,
    "shop.redact": shop_redact,
}
