"""Performs what redemptions ask of the platform: codes, gift cards and store credit, each made once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from plugin.domain import reward_names
from plugin.domain.programme import Programme, combines_with
from plugin.flows import cards, code_life, spending
from plugin.shopify import perform as platform
from plugin.shopify.admin import AdminClient
from plugin.shopify.errors import PlatformError, Unavailable
from plugin.store import programmes, queues, redemptions
from plugin.store.queues import Effect
from plugin.store.redemptions import Redemption
from plugin.store.shops import Shop

if TYPE_CHECKING:
    from plugin.worker.effects import Bench


def make_code(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Makes the discount code of a redemption, as what is published now lets it be combined."""
    redemption, programme = _debited(bench, shop, effect)
    if redemption is None or programme is None:
        return
    reward = redemption.reward
    kind, value = reward.kind, reward.value_minor
    if reward.exact_minor is not None:  # a percentage with a most is an amount to Shopify
        kind, value = "amount_off", reward.exact_minor
    outcome = platform.make_code(
        client,
        platform.CodeOrder(
            code=redemption.code,
            kind=_code_kind(kind),
            value_minor=value,
            currency=reward.currency or programme.currency,
            minimum_minor=reward.minimum_minor,
            customer_id=redemption.member_id,
            title=f"Reward: {reward_names.name_of(reward, programme.currency)}",
            starts_at=redemption.created_at,
            ends_at=redemption.expires_at,
            tag=_tag(redemption),
            percent=reward.percent,
            products=reward.products,
            collections=reward.collections,
            buys_products=reward.buys_products,
            buys_collections=reward.buys_collections,
            buys_minor=reward.buys_minor,
            combines=combines_with(reward),
            purchases=reward.purchases,
        ),
        first_attempt=effect.attempts == 1,
    )
    _made(bench, shop, effect, redemption, outcome)


def make_card(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Makes the gift card of a redemption."""
    redemption, programme = _debited(bench, shop, effect)
    if redemption is None or programme is None:
        return
    outcome = platform.make_card(
        client,
        platform.CardOrder(
            code=redemption.code.lower(),
            value_minor=redemption.reward.value_minor or 0,
            currency=redemption.reward.currency or programme.currency,
            customer_id=redemption.member_id,
            expires_at=redemption.expires_at,
            note=_tag(redemption),
        ),
        first_attempt=effect.attempts == 1,
    )
    _made(bench, shop, effect, redemption, outcome)


def give_credit(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Gives the store credit of a redemption."""
    redemption, programme = _debited(bench, shop, effect)
    if redemption is None or programme is None:
        return
    assert redemption.expires_at is not None
    order = platform.CreditOrder(
        customer_id=redemption.member_id,
        value_minor=redemption.reward.value_minor or 0,
        currency=redemption.reward.currency or programme.currency,
        ordered_at=redemption.created_at,
        expires_at=redemption.expires_at,
    )
    now, before = bench.now(), effect.payload.get("sent_at")
    ago = None if before is None else now - datetime.fromisoformat(str(before))
    if ago is None or ago >= platform.SLOW:
        # Before it is sent: whatever happens then, the next try knows that this one may have acted.
        _note_sent(bench, shop, effect, now.isoformat())
    try:
        outcome = platform.give_credit(client, order, sent_ago=ago)
    except PlatformError as error:
        if not (isinstance(error, Unavailable) and error.outcome_unknown):
            _note_sent(bench, shop, effect, before)
        raise
    _made(bench, shop, effect, redemption, outcome, state="credited")


def _note_sent(bench: Bench, shop: Shop, effect: Effect, at: object) -> None:
    with bench.db.write(shop.shop_id) as tx:
        queues.note(tx, shop.shop_id, effect, {**effect.payload, "sent_at": at})


def withdraw_code(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Switches an unused code off, at its owner's wish or because it ended."""
    redemption = _redemption(bench, shop, effect)
    outcome = platform.withdraw_code(client, redemption.discount_gid, redemption.code, tag=_tag(redemption))
    expired = effect.payload.get("cause") == "expired"
    with bench.db.write(shop.shop_id) as tx:
        now = bench.now()
        spending.code_withdrawn(tx, shop, redemption.redemption_id, outcome.used, now, expired=expired)
        queues.effects_done(tx, shop.shop_id, [effect], now)


def withdraw_card(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Switches a gift card off and returns what was not spent."""
    redemption = _redemption(bench, shop, effect)
    left = platform.withdraw_card(client, redemption.discount_gid or "")
    expired = effect.payload.get("cause") == "expired"
    with bench.db.write(shop.shop_id) as tx:
        now = bench.now()
        cards.card_withdrawn(tx, shop, redemption.redemption_id, left, now, expired=expired)
        queues.effects_done(tx, shop.shop_id, [effect], now)


def read_card(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Learns what is left on a gift card."""
    redemption = _redemption(bench, shop, effect)
    left = platform.left_on_card(client, redemption.discount_gid or "")
    with bench.db.write(shop.shop_id) as tx:
        if left is not None:
            cards.card_read(tx, shop, redemption.redemption_id, left)
        queues.effects_done(tx, shop.shop_id, [effect], bench.now())


def combine_code(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Makes unused codes follow their reward: a slice of wishes, or the change of one code."""
    if "reward" in effect.payload:
        with bench.db.write(shop.shop_id) as tx:
            now = bench.now()
            code_life.next_slice(tx, shop, effect, now)
            queues.effects_done(tx, shop.shop_id, [effect], now)
        return
    redemption = _redemption(bench, shop, effect)
    with bench.db.read() as tx:
        programme = programmes.versions(tx, shop.shop_id).latest
    offered = programme.reward(redemption.reward.key) if programme else None
    if redemption.state == "debited":
        raise Unavailable("The code is still being made.", outcome_unknown=False)
    reward = redemption.reward
    if redemption.state == "made" and offered is not None and redemption.discount_gid is not None:
        reward = replace(reward, combines=tuple(sorted(combines_with(offered))) or ("none",))
        kind = "amount_off" if reward.exact_minor is not None else reward.kind
        if kind in ("amount_off", "percent_off", "free_shipping", "product"):
            platform.combine_code(
                client, redemption.discount_gid, redemption.code, _code_kind(kind), combines_with(reward)
            )
    with bench.db.write(shop.shop_id) as tx:
        redemptions.recombine(tx, shop.shop_id, redemption.redemption_id, reward)
        queues.effects_done(tx, shop.shop_id, [effect], bench.now())


def _made(
    bench: Bench,
    shop: Shop,
    effect: Effect,
    redemption: Redemption,
    outcome: platform.Made | platform.RefusedForGood,
    state: str = "made",
) -> None:
    with bench.db.write(shop.shop_id) as tx:
        now = bench.now()
        if isinstance(outcome, platform.Made):
            spending.code_made(tx, shop, redemption.redemption_id, outcome.gid, now, state=state)
        else:
            spending.code_refused(tx, shop, redemption.redemption_id, outcome.reason, now)
        queues.effects_done(tx, shop.shop_id, [effect], now)


def _debited(bench: Bench, shop: Shop, effect: Effect) -> tuple[Redemption | None, Programme | None]:
    """The redemption and its programme while there is something to make; else the effect is done."""
    redemption_id = int(str(effect.payload["redemption_id"]))
    with bench.db.read() as tx:
        found = redemptions.by_id(tx, shop.shop_id, redemption_id)
        programme = programmes.versions(tx, shop.shop_id).numbered(found.programme_version if found else None)
    if found is None or found.state != "debited" or programme is None:
        with bench.db.write(shop.shop_id) as tx:
            queues.effects_done(tx, shop.shop_id, [effect], bench.now(), "settled_before")
        return None, None
    return found, programme


def _redemption(bench: Bench, shop: Shop, effect: Effect) -> Redemption:
    with bench.db.read() as tx:
        found = redemptions.by_id(tx, shop.shop_id, int(str(effect.payload["redemption_id"])))
    assert found is not None
    return found


def _tag(redemption: Redemption) -> str:
    return f"regulars-{redemption.redemption_id}"


def _code_kind(kind: str) -> platform.CodeKind:
    assert kind in ("amount_off", "percent_off", "free_shipping", "product")
    return kind  # type: ignore[return-value]  # just compared with each
