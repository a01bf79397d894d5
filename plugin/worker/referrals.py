"""Performs what referrals ask of the platform: the code in a member's link, made once and ended again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.domain import reward_names
from plugin.domain.programme import combines_with
from plugin.flows import sharing
from plugin.shopify import perform as platform
from plugin.shopify.admin import AdminClient
from plugin.store import queues, referral_codes
from plugin.store.queues import Effect
from plugin.store.shops import Shop

if TYPE_CHECKING:
    from plugin.worker.effects import Bench


def make_code(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Makes the code that everybody but its owner's own orders may use, once each."""
    with bench.db.read() as tx:
        wanted = referral_codes.by_code(tx, shop.shop_id, str(effect.payload["code"]))
    if wanted is None or wanted.state != "wanted" or wanted.reward is None or wanted.currency is None:
        with bench.db.write(shop.shop_id) as tx:
            queues.effects_done(tx, shop.shop_id, [effect], bench.now(), "settled_before")
        return
    reward, kind = wanted.reward, wanted.reward.kind
    assert kind in ("amount_off", "percent_off", "free_shipping")  # what a programme may give a friend
    outcome = platform.make_code(
        client,
        platform.CodeOrder(
            code=wanted.code,
            kind=kind,
            value_minor=reward.value_minor,
            currency=wanted.currency,
            minimum_minor=reward.minimum_minor,
            customer_id=None,
            title=f"For a friend: {reward_names.name_of(reward, wanted.currency)}",
            starts_at=wanted.created_at,
            ends_at=None,
            tag=tag_of(wanted.code),
            percent=reward.percent,
            combines=combines_with(reward),
            purchases=reward.purchases,
        ),
        first_attempt=effect.attempts == 1,
    )
    with bench.db.write(shop.shop_id) as tx:
        if isinstance(outcome, platform.Made):
            sharing.made(tx, shop, wanted.code, outcome.gid)
        else:
            sharing.refused(tx, shop, wanted.code)
        queues.effects_done(tx, shop.shop_id, [effect], bench.now())


def end_code(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    """Switches a member's code off. Nothing depends on who used it before."""
    code, gid = str(effect.payload["code"]), effect.payload.get("gid")
    platform.withdraw_code(client, str(gid) if gid else None, code, tag=tag_of(code))
    with bench.db.write(shop.shop_id) as tx:
        queues.effects_done(tx, shop.shop_id, [effect], bench.now())


def tag_of(code: str) -> str:
    """What tells our discount from anybody else's of that name."""
    return f"regulars-referral-{code}"
