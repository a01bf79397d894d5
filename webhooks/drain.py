"""Drains the inbox: decodes a batch before taking the lock, decides in memory, writes sets, marks the rows done.

Marking a row done commits with the ledger rows it caused, so a crash at any point repeats the whole batch or none
of it. A batch that fails is run again row by row, and the culprit waits or is parked with its reason.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from plugin.domain.facts import DataRequested, MemberFact, MerchantFact, OrderFact
from plugin.errors import RegularsError, StorageBusy, trace
from plugin.flows import members as member_flow
from plugin.flows import merchants as merchant_flow
from plugin.flows import orders as order_flow
from plugin.store import queues, shops, tidying
from plugin.store.db import Database, Tx
from plugin.store.queues import DONE, SKIPPED, InboxRow
from plugin.store.shops import Shop
from webhooks.payloads import PayloadError
from webhooks.topics import TOPICS

log = logging.getLogger(__name__)
BATCH = 200
CROWDED_BATCH = 60  # while others want SQLite's lock too
# So many webhooks, then the worker sees to everything else, however long the backlog is.
SLICE = 10 * BATCH


@dataclass(slots=True)
class Drained:
    """How many webhooks ended how. `failed` ones wait for another try."""

    done: int = 0
    skipped: int = 0
    parked: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """Every webhook that was looked at."""
        return self.done + self.skipped + self.parked + self.failed

    def add(self, other: Drained) -> None:
        """Adds another count to this one."""
        self.done += other.done
        self.skipped += other.skipped
        self.parked += other.parked
        self.failed += other.failed


@dataclass(slots=True)
class _Batch:
    """One batch, decoded: rows to finish, and facts by the flow they belong to."""

    rows: list[InboxRow] = field(default_factory=list)
    finished: list[tuple[str, int, str | None]] = field(default_factory=list)
    orders: list[OrderFact] = field(default_factory=list)
    members: list[MemberFact] = field(default_factory=list)
    merchants: list[tuple[InboxRow, MerchantFact]] = field(default_factory=list)
    broken: list[tuple[InboxRow, PayloadError]] = field(default_factory=list)


def drain(db: Database, now: datetime, *, batch: int = BATCH, limit: int | None = None) -> Drained:
    """Works off what is due in every shop's inbox, or up to `limit` rows; returns how they ended."""
    total = Drained()
    with db.read() as tx:
        waiting = queues.inbox_shops(tx, now)
    # With a limit, no shop's backlog may always come first.
    random.shuffle(waiting)
    for shop_id in waiting:
        while limit is None or total.total < limit:
            size = min(batch, CROWDED_BATCH) if db.crowded else batch
            if limit is not None:
                size = min(size, limit - total.total)
            drained = drain_shop(db, shop_id, now, size)
            if drained is None or drained.total == 0:
                break
            total.add(drained)
    return total


def drain_shop(db: Database, shop_id: int, now: datetime, size: int = BATCH) -> Drained | None:
    """One batch of one shop; None when another worker holds the shop."""
    with db.read() as tx:
        rows = queues.inbox_waiting(tx, shop_id, now, size)
    if not rows:
        return Drained()
    try:
        return _run(db, shop_id, rows, now)
    except StorageBusy:
        raise  # the database's trouble, not a row's: nothing was written, the worker tries again
    except Exception as error:  # noqa: BLE001 (one bad row must not stop the others)
        if len(rows) == 1:
            return _fail(db, shop_id, rows[0], error, now)
    total = Drained()
    for row in rows:
        try:
            drained = _run(db, shop_id, [row], now)
        except StorageBusy:
            raise
        except Exception as error:  # noqa: BLE001 (the culprit waits or is parked with its reason)
            drained = _fail(db, shop_id, row, error, now)
        if drained is None:
            return None
        total.add(drained)
    return total


def _run(db: Database, shop_id: int, rows: list[InboxRow], now: datetime) -> Drained | None:
    batch = _decode(rows)
    with db.try_write(shop_id) as tx:
        if tx is None:
            return None
        shop = shops.by_id(tx, shop_id)
        if shop is None:
            return Drained()
        return _apply(tx, shop, _still_waiting(tx, shop_id, batch), now)


def _decode(rows: list[InboxRow]) -> _Batch:
    batch = _Batch(rows)
    for row in rows:
        topic = TOPICS.get(row.topic)
        if topic is None:
            batch.finished.append((row.webhook_id, SKIPPED, "unknown_topic"))
            continue
        try:
            fact = topic.parse(row.body)
        except PayloadError as error:
            batch.broken.append((row, error))
            continue
        if isinstance(fact, DataRequested) and not fact.request_id:
            # Without a number of its own, the request is the one that this webhook brought.
            fact = replace(fact, request_id=f"webhook:{row.webhook_id}")
        if topic.subject == "order":
            batch.orders.append(cast(OrderFact, fact))
        elif topic.subject == "member":
            batch.members.append(cast(MemberFact, fact))
        else:
            batch.merchants.append((row, cast(MerchantFact, fact)))
        batch.finished.append((row.webhook_id, DONE, None))
    return batch


def _still_waiting(tx: Tx, shop_id: int, batch: _Batch) -> _Batch:
    # Another drain may have finished some of these rows between our read and our lock: on PostgreSQL any worker,
    # on SQLite one whose lease ended while it was held up. Under the lock nobody else can.
    waiting = queues.still_waiting(tx, shop_id, [row.webhook_id for row in batch.rows])
    if len(waiting) == len(batch.rows):
        return batch
    return _decode([row for row in batch.rows if row.webhook_id in waiting])


def _apply(tx: Tx, shop: Shop, batch: _Batch, now: datetime) -> Drained:
    if shop.state == "redacted":
        # The shop's data was wiped on request; nothing may make it come back.
        queues.inbox_done(
            tx, shop.shop_id, [(row.webhook_id, SKIPPED, "shop_redacted") for row in batch.rows], now
        )
        tidying.empty(tx, shop.shop_id, [row.webhook_id for row in batch.rows])
        return Drained(skipped=len(batch.rows))
    queues.inbox_done(tx, shop.shop_id, batch.finished, now)
    for row, error in batch.broken:
        queues.inbox_failed(tx, shop.shop_id, row, f"{error.code}: {error.message}", now, for_good=True)
    if batch.orders:
        order_flow.apply(tx, shop, batch.orders, now)
    member_flow.apply(tx, shop, batch.members, now)
    for row, fact in batch.merchants:
        merchant_flow.apply(tx, shop, fact, row.webhook_id, row.triggered_at or row.received_at, now)
    skipped = sum(1 for _, state, _ in batch.finished if state == SKIPPED)
    return Drained(done=len(batch.finished) - skipped, skipped=skipped, parked=len(batch.broken))


def _fail(db: Database, shop_id: int, row: InboxRow, error: Exception, now: datetime) -> Drained:
    # The text of an unexpected error may hold data of the payload; its type is enough to find it by replaying.
    expected = isinstance(error, RegularsError)
    reason = f"{error.code}: {error.message}" if isinstance(error, RegularsError) else type(error).__name__
    log.warning(
        "webhook %s of shop %s (%s) failed: %s",
        row.webhook_id, shop_id, row.topic, reason if expected else trace(error),
    )  # fmt: skip
    with db.write(shop_id) as tx:
        parked = queues.inbox_failed(tx, shop_id, row, reason, now, for_good=False)
    return Drained(parked=1) if parked else Drained(failed=1)
