"""Backfill flow: orders of before the programme become history, or earn by its first version if the merchant says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from plugin.domain.facts import OrderSeen
from plugin.domain.pauses import Pause
from plugin.errors import RegularsError
from plugin.flows import corrections
from plugin.flows import orders as order_flow
from plugin.store import backfills, events, orders, programmes, shops
from plugin.store.backfills import Backfill, Policy
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.shops import Shop

_DAWN = datetime(1990, 1, 1, tzinfo=UTC)
BY = "backfill"


class CannotBackfill(RegularsError):
    """The reading of past orders was not begun."""

    code = "cannot_backfill"
    status = 409


def begin(tx: Tx, shop: Shop, policy: Policy, since: datetime | None, actor: str, now: datetime) -> int:
    """Begins to read the orders placed before the programme's first version; the worker carries it out.

    They are pinned to that version. `history`: they earn nothing, also when they change later, but count as orders
    that were placed. `earn`: they earn as if that version had been in force. Chosen again, the last choice counts.
    Raises CannotBackfill (codes: under_way, not_ready).
    """
    if backfills.under_way(tx, shop.shop_id) is not None:
        raise CannotBackfill("Past orders are being read already. Wait until that is done.", code="under_way")
    versions = programmes.versions(tx, shop.shop_id)
    first = versions.numbered(1)
    if first is None or versions.first_at is None:
        raise CannotBackfill("The shop is still being set up. Try again in a minute.", code="not_ready")
    until = versions.first_at
    known = shops.by_id(tx, shop.shop_id) or shop
    pauses = [pause for pause in known.pauses if pause.by != BY]
    if policy == "history":
        pauses.insert(0, Pause("earning", _DAWN, until, BY))
    shops.pause(tx, shop.shop_id, tuple(pauses))
    backfill_id = backfills.start(tx, shop.shop_id, policy, since, until, actor, now)
    # Whatever is heard of an order of that time, now or later, counts by the first version.
    known = replace(known, pauses=tuple(pauses))
    corrections.start(tx, known, _DAWN, until, first.version, actor, now)
    detail: dict[str, object] = {"policy": policy, "until": until.isoformat()}
    events.record(tx, shop.shop_id, [Event(now, actor, "backfill_begun", f"backfill:{backfill_id}", detail)])
    return backfill_id


def take(
    tx: Tx,
    shop: Shop,
    one: Backfill,
    read: Sequence[OrderSeen | None],
    from_byte: int,
    to_byte: int,
    now: datetime,
) -> bool:
    """Takes some orders of the result; False when another process took them, and the caller must not commit."""
    facts = [seen for seen in read if seen is not None]
    numbers = [seen.order_id for seen in facts]
    before = orders.points_of(tx, shop.shop_id, numbers) if one.policy == "earn" else 0
    order_flow.apply(tx, shop, facts, now, confirmed=numbers)
    moved = orders.points_of(tx, shop.shop_id, numbers) - before if one.policy == "earn" else 0
    unread = len(read) - len(facts)
    return backfills.advanced(tx, shop.shop_id, one, from_byte, to_byte, len(facts), moved, unread)


def end(tx: Tx, shop: Shop, one: Backfill, reason: str | None, now: datetime) -> None:
    """The reading is done, or cannot go on."""
    backfills.ended(tx, shop.shop_id, one, reason, now)
    kind = "backfill_failed" if reason else "backfill_done"
    detail: dict[str, object] = {"orders": one.orders, "points": one.points, "skipped": one.skipped}
    if reason:
        detail["reason"] = reason
    events.record(tx, shop.shop_id, [Event(now, "system", kind, f"backfill:{one.backfill_id}", detail)])
