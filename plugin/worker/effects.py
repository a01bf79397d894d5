"""Performs effects: reads what is needed, speaks to the platform, then writes the outcome and the mark together.

Every kind of effect that a flow can wish for has its performer in PERFORMERS. No network inside a transaction.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from plugin.channels.outgoing import Sender
from plugin.channels.sealed import Sealer
from plugin.domain.programme import shown_balance
from plugin.errors import trace
from plugin.flows import imports as import_flow
from plugin.flows import members as member_flow
from plugin.flows import orders as order_flow
from plugin.flows import standing
from plugin.shopify import order_details
from plugin.shopify import orders as platform_orders
from plugin.shopify import perform as platform
from plugin.shopify.admin import AdminClient
from plugin.shopify.errors import (
    AccessDenied,
    NeedsReauth,
    PlatformError,
    Refused,
    Throttled,
    TokenUnavailable,
    Unavailable,
)
from plugin.store import members, newcomers, orders, queues, shops, surveys
from plugin.store.db import Database
from plugin.store.outgoing import DELIVER
from plugin.store.queues import Effect
from plugin.store.shops import Shop
from plugin.worker import codes, merchants, outgoing, referrals

log = logging.getLogger(__name__)
# How long one shop's effects may keep the worker from everything else. Well below an effect's lease of 60 s.
SLICE_S = 5.0


class Clients(Protocol):
    """Makes the platform client of a shop."""

    def of(
        self, shop_id: int, domain: str, *, timeout_s: float = 10.0, max_wait_s: float = 5.0
    ) -> AdminClient: ...


@dataclass(frozen=True, slots=True)
class Bench:
    """What every performer works with. `sealer` opens the secrets of outgoing webhooks."""

    db: Database
    clients: Clients
    now: Callable[[], datetime]
    holder: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    elapsed: Callable[[], float] = time.monotonic
    real_s: Callable[[], float] = time.time
    sender: Sender = field(default_factory=Sender)
    sealer: Sealer | None = None


def perform_due(bench: Bench, shop_id: int, limit: int = 20) -> int:
    """Claims due effects of a shop and performs them for a slice of time; returns how many were tried.

    What the slice does not reach, and all that is left once the platform is away, is given back untried.
    """
    with bench.db.write(shop_id) as tx:
        shop = shops.by_id(tx, shop_id)
        effects = queues.claim(tx, shop_id, bench.holder, bench.now(), limit)
    if shop is None:
        return 0
    ends, at_hand = bench.elapsed() + SLICE_S, True
    mirrors = [effect for effect in effects if effect.kind == "member.mirror"]
    deliveries = [effect for effect in effects if effect.kind == DELIVER]
    left = [effect for effect in effects if effect.kind not in ("member.mirror", DELIVER)]
    while left and at_hand and bench.elapsed() < ends:
        at_hand = _perform(bench, shop, left.pop(0))
    if mirrors and at_hand:
        _guarded(bench, shop, mirrors, lambda client: _mirror_members(bench, client, shop, mirrors))
        mirrors = []
    # Other programs come last: none of them is to keep the shop's own work waiting, nor does the platform keep them.
    untried = left + mirrors + outgoing.deliver(bench, shop, deliveries, lambda: bench.elapsed() < ends)
    if untried:
        with bench.db.write(shop_id) as tx:
            queues.release(tx, shop_id, bench.holder, untried)
    return len(effects) - len(untried)


def perform_now(bench: Bench, shop_id: int, effect: Effect, timeout_s: float = 2.5) -> None:
    """Performs a claimed effect for a person who waits; whatever fails stays queued for the worker. Never raises."""
    try:
        with bench.db.read() as tx:
            shop = shops.by_id(tx, shop_id)
        if shop is not None:
            _perform(bench, shop, effect, timeout_s)
    except Exception as error:  # noqa: BLE001 (a person waits; the effect stays queued)
        log.warning(
            "effect %s of shop %s was left to the worker: %s", effect.effect_key, shop_id, trace(error)
        )


def _perform(bench: Bench, shop: Shop, effect: Effect, timeout_s: float = 10.0) -> bool:
    return _guarded(
        bench, shop, [effect], lambda client: PERFORMERS[effect.kind](bench, client, shop, effect), timeout_s
    )


def _guarded(
    bench: Bench,
    shop: Shop,
    effects: list[Effect],
    act: Callable[[AdminClient], None],
    timeout_s: float = 10.0,
) -> bool:
    """Runs a performer and gives its effects back when the platform (or we) failed.

    False when the platform is away for this shop, so that its next effect would only wait in vain too.
    """
    wait: timedelta | None = None
    for_good, at_hand = False, True
    try:
        act(bench.clients.of(shop.shop_id, shop.domain, timeout_s=timeout_s, max_wait_s=min(5.0, timeout_s)))
        return True
    except (Throttled, TokenUnavailable) as error:
        reason, wait = f"{error.code}: {error.message}", timedelta(seconds=error.after_s)
        at_hand = False
    except (NeedsReauth, AccessDenied, Refused) as error:
        # The merchant has to act (or the platform said no): parked where it is seen, with a retry button.
        reason, for_good = f"{error.code}: {error.message}", True
    except Unavailable as error:
        reason, at_hand = f"{error.code}: {error.message}", False
    except PlatformError as error:
        reason = f"{error.code}: {error.message}"
    except Exception as error:  # noqa: BLE001 (one odd effect must not stop the others)
        log.error("effect %s of shop %s failed: %s", effects[0].effect_key, shop.shop_id, trace(error))
        reason = type(error).__name__
    with bench.db.write(shop.shop_id) as tx:
        for effect in effects:
            queues.effect_failed(tx, shop.shop_id, effect, reason, bench.now(), wait=wait, for_good=for_good)
    return at_hand


def _read_order(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    order_id = int(str(effect.payload["order_id"]))
    seen = platform_orders.order_seen(client, order_id)
    if seen is not None:
        with bench.db.read() as tx:
            more = order_flow.wants_details(tx, shop, seen)
        seen = order_details.with_details(client, seen) if more else seen
    with bench.db.write(shop.shop_id) as tx:
        now = bench.now()
        if seen is None:
            order_flow.apply(tx, shop, [], now, refuted=[order_id])
        else:
            order_flow.apply(tx, shop, [seen], now, confirmed=[order_id])
        queues.effects_done(tx, shop.shop_id, [effect], now, "not_found" if seen is None else None)


def _mirror_members(bench: Bench, client: AdminClient, shop: Shop, effects: list[Effect]) -> None:
    now = bench.now()
    states = []
    with bench.db.read() as tx:
        for effect in effects:
            state = standing.of_member(tx, shop, int(str(effect.payload["member_id"])), now)
            if state is not None and state.member.status in ("active", "unclaimed", "left"):
                states.append(_shown(state))
    outcome = platform.mirror_members(client, states)
    for customer_id, code in outcome.skipped:
        log.info("metafield of customer %s in shop %s was not taken: %s", customer_id, shop.shop_id, code)
    with bench.db.write(shop.shop_id) as tx:
        queues.effects_done(tx, shop.shop_id, effects, bench.now())


def _shown(state: standing.Standing) -> platform.MemberState:
    rank = state.rank
    above = rank.next if rank is not None else None
    return platform.MemberState(
        customer_id=state.member.member_id,
        joined=state.member.status == "active",
        available=state.available,
        pending=state.pending,
        next_at=state.next_at,
        next_delta=state.next_delta,
        tier=state.member.tier,
        due_survey=str(state.due_survey) if state.due_survey is not None else None,
        programme_version=state.programme.version if state.programme else 0,
        balance=shown_balance(state.programme, state.available, state.owed),
        tier_until=rank.placed.tier_until if rank is not None else None,
        tier_notice=rank.notice.key if rank is not None and rank.notice is not None else None,
        tier_progress=state.tier_progress,
        tier_next=above[0].key if above is not None else None,
        tier_needs=above[1] if above is not None else None,
    )


def _mirror_one(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    _mirror_members(bench, client, shop, [effect])


def _tag_member(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    member_id = int(str(effect.payload["member_id"]))
    with bench.db.read() as tx:
        member = members.by_id(tx, shop.shop_id, member_id)
    tier = member.tier if member is not None and member.status == "active" else None
    platform.set_tier_tag(client, member_id, f"{platform.TAG_PREFIX}{tier}" if tier else None)
    with bench.db.write(shop.shop_id) as tx:
        queues.effects_done(tx, shop.shop_id, [effect], bench.now())


def _read_member(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    member_id = int(str(effect.payload["member_id"]))
    with bench.db.read() as tx:
        awaited = newcomers.anyone_awaited(tx, shop.shop_id)
    tags = platform.customer_tags(client, member_id)
    email = platform.customer_email(client, member_id) if awaited else None
    with bench.db.write(shop.shop_id) as tx:
        if tags is not None:
            member_flow.tags_seen(tx, shop, member_id, tags, bench.now())
        if email is not None:
            import_flow.claim(tx, shop, member_id, email, bench.now())
        queues.effects_done(tx, shop.shop_id, [effect], bench.now())


def _erase_member(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    order_ids = effect.payload.get("orders")
    handles = (
        [response_handle(int(str(order_id))) for order_id in order_ids] if isinstance(order_ids, list) else []
    )
    platform.erase_customer(client, int(str(effect.payload["member_id"])), handles)
    with bench.db.write(shop.shop_id) as tx:
        queues.effects_done(tx, shop.shop_id, [effect], bench.now())


def response_handle(order_id: int) -> str:
    """The metaobject handle of the answer about one order."""
    return f"order-{order_id}"


def _mirror_response(bench: Bench, client: AdminClient, shop: Shop, effect: Effect) -> None:
    order_id = int(str(effect.payload["order_id"]))
    with bench.db.read() as tx:
        response = surveys.response(tx, shop.shop_id, order_id)
        stored = orders.by_id(tx, shop.shop_id, order_id)
        member = members.by_id(tx, shop.shop_id, response.member_id) if response else None
    if response is not None and member is not None and member.status != "redacted":
        name = stored.order.head.name if stored and stored.order.head else None
        platform.mirror_response(
            client,
            platform.SurveyAnswer(
                response_handle(order_id),
                name or str(order_id),
                response.score,
                response.words,
                response.answered_at,
            ),
        )
    with bench.db.write(shop.shop_id) as tx:
        queues.effects_done(tx, shop.shop_id, [effect], bench.now())


Performer = Callable[[Bench, AdminClient, Shop, Effect], None]
PERFORMERS: dict[str, Performer] = {
    "order.read": _read_order,
    "code.make": codes.make_code,
    "code.withdraw": codes.withdraw_code,
    "code.combine": codes.combine_code,
    "card.make": codes.make_card,
    "card.read": codes.read_card,
    "card.withdraw": codes.withdraw_card,
    "credit.make": codes.give_credit,
    "referral.make": referrals.make_code,
    "referral.end": referrals.end_code,
    "member.mirror": _mirror_one,
    "member.tags": _tag_member,
    "member.read": _read_member,
    "member.erase": _erase_member,
    "response.mirror": _mirror_response,
    "shop.setup": merchants.set_up_shop,
    "shop.digest": merchants.mirror_digest,
    "shop.redact": merchants.check_redaction,
}
