"""The two queues, inbox and outbox: waiting, done, retried with back-off, parked where the merchant sees them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from plugin.store.db import Row, Tx, from_ms, moment, to_ms

WAITING, DONE, PARKED, SKIPPED = 0, 1, 2, 3
MAX_ATTEMPTS = 10
LEASE_S = 60
# A web request holds an effect for as long as a shopper would wait, and a little more; then the worker takes over.
WAITED_LEASE_S = 15
# Reasons that only a new access token can mend.
_REAUTH = ("needs_reauth", "token_key_missing")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One webhook as it came."""

    webhook_id: str
    topic: str
    body: bytes
    received_at: datetime
    triggered_at: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to tell the world. `effect_key` is its idempotency key; `payload` holds ids, never personal data."""

    effect_key: str
    kind: str
    payload: dict[str, object]
    attempts: int = 0
    revision: int = 1


def backoff(attempts: int) -> timedelta:
    """How long to wait after the n-th failure: 2, 4, 8 … seconds up to an hour, ± a fifth."""
    seconds = min(3600.0, 2.0 ** min(attempts, 12))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))


def inbox_shops(tx: Tx, now: datetime) -> list[int]:
    """Shops with webhooks to drain. Those of a shop that never installed wait."""
    rows = tx.all(
        "SELECT shop_id FROM shops WHERE state <> 'waiting' AND EXISTS (SELECT 1 FROM inbox "
        "WHERE inbox.shop_id = shops.shop_id AND inbox.state = 0 AND inbox.due_at <= :t)",
        t=to_ms(now),
    )
    return [row[0] for row in rows]


def inbox_waiting(tx: Tx, shop_id: int, now: datetime, limit: int) -> list[InboxRow]:
    """The oldest waiting webhooks of a shop that are due."""
    rows = tx.all(
        "SELECT webhook_id, topic, body, received_at, triggered_at, attempts FROM inbox "
        "WHERE shop_id = :s AND state = 0 AND due_at <= :t ORDER BY due_at LIMIT :n",
        s=shop_id,
        t=to_ms(now),
        n=limit,
    )
    return [InboxRow(r[0], r[1], bytes(r[2]), moment(r[3]), from_ms(r[4]), r[5]) for r in rows]


def still_waiting(tx: Tx, shop_id: int, webhook_ids: Iterable[str]) -> set[str]:
    """Which of these webhooks still wait."""
    rows = tx.among(
        "SELECT webhook_id FROM inbox WHERE shop_id = :s AND state = 0 AND webhook_id IN (:among)",
        webhook_ids,
        s=shop_id,
    )
    return {row[0] for row in rows}


def inbox_done(tx: Tx, shop_id: int, done: Iterable[tuple[str, int, str | None]], now: datetime) -> int:
    """Marks webhooks (id, DONE or SKIPPED, reason); returns how many were still waiting."""
    ends: dict[tuple[int, str | None], list[str]] = {}
    for webhook_id, state, reason in done:
        ends.setdefault((state, reason), []).append(webhook_id)
    return sum(
        tx.run_among(
            "UPDATE inbox SET state = :state, due_at = :t, reason = :reason "
            "WHERE shop_id = :s AND state = 0 AND webhook_id IN (:among)",
            webhook_ids,
            s=shop_id,
            state=state,
            reason=reason,
            t=to_ms(now),
        )
        for (state, reason), webhook_ids in ends.items()
    )


def inbox_failed(tx: Tx, shop_id: int, row: InboxRow, reason: str, now: datetime, *, for_good: bool) -> bool:
    """Counts a failure: later again, or parked when it is for good or was tried enough. True when parked."""
    attempts = row.attempts + 1
    parked = for_good or attempts >= MAX_ATTEMPTS
    tx.run(
        "UPDATE inbox SET state = :state, attempts = :a, due_at = :due, reason = :reason "
        "WHERE shop_id = :s AND webhook_id = :id AND state = 0",
        s=shop_id,
        id=row.webhook_id,
        state=PARKED if parked else WAITING,
        a=attempts,
        due=to_ms(now + backoff(attempts)),
        reason=reason[:500],
    )
    return parked


def inbox_retry(tx: Tx, shop_id: int, webhook_id: str | None, now: datetime) -> int:
    """Puts a parked webhook and all that are stuck like it, or all of a shop, back in line; returns how many."""
    if webhook_id is None:
        return _unpark(tx, "inbox", shop_id, now, "true")
    return _unpark(tx, "inbox", shop_id, now, _alike("inbox", "topic", "webhook_id"), key=webhook_id)


def _alike(table: str, kind: str, key: str) -> str:
    """A test for the parked rows that have the kind and the reason of the one that is named by its key."""
    # Where the key is not parked there is nothing to compare with, and nothing comes free.
    return (
        f"({kind}, COALESCE(reason, '')) = (SELECT o.{kind}, COALESCE(o.reason, '') FROM {table} o "
        f"WHERE o.shop_id = :s AND o.{key} = :key AND o.state = 2)"
    )


def _unpark(tx: Tx, table: str, shop_id: int, now: datetime, which: str, **parameters: str) -> int:
    return tx.run(
        f"UPDATE {table} SET state = 0, attempts = 0, due_at = :t, reason = NULL "
        f"WHERE shop_id = :s AND state = 2 AND ({which})",
        s=shop_id, t=to_ms(now), **parameters,
    )  # fmt: skip


def inbox_counts(tx: Tx, shop_id: int) -> dict[str, int]:
    """How many webhooks stand in each state."""
    return _counts(tx, "inbox", shop_id, ("waiting", "done", "parked", "skipped"))


def _counts(tx: Tx, table: str, shop_id: int, names: tuple[str, ...]) -> dict[str, int]:
    rows = tx.all(f"SELECT state, COUNT(*) FROM {table} WHERE shop_id = :s GROUP BY state", s=shop_id)
    return dict.fromkeys(names, 0) | {names[row[0]]: row[1] for row in rows}


def inbox_parked(tx: Tx, shop_id: int, limit: int = 100) -> list[tuple[str, str, str, datetime]]:
    """Parked webhooks as (id, topic, reason, received at)."""
    rows = tx.all(
        "SELECT webhook_id, topic, COALESCE(reason, ''), received_at FROM inbox WHERE shop_id = :s AND state = 2 "
        "ORDER BY received_at LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [(row[0], row[1], row[2], moment(row[3])) for row in rows]


def enqueue(
    tx: Tx, shop_id: int, effects: Sequence[Effect], now: datetime, *, due: datetime | None = None
) -> None:
    """Asks for effects. Asking again for one that waits or ran raises its revision, so it runs once more after."""
    tx.many(
        "INSERT INTO outbox (shop_id, effect_key, kind, payload, due_at, created_at) "
        "VALUES (:s, :key, :kind, :payload, :due, :t) ON CONFLICT (shop_id, effect_key) DO UPDATE SET "
        "revision = outbox.revision + 1, payload = excluded.payload, reason = NULL, done_at = NULL, "
        "attempts = CASE WHEN outbox.state = 0 THEN outbox.attempts ELSE 0 END, "
        "due_at = CASE WHEN outbox.state = 0 THEN outbox.due_at ELSE excluded.due_at END, state = 0",
        [
            {
                "s": shop_id,
                "key": e.effect_key,
                "kind": e.kind,
                "payload": _encode(e.payload).decode(),
                "due": to_ms(due or now),
                "t": to_ms(now),
            }
            for e in {effect.effect_key: effect for effect in effects}.values()
        ],
    )


def outbox_shops(tx: Tx, now: datetime) -> list[int]:
    """Shops with effects to perform. Leases count in real time, due dates in the app's."""
    rows = tx.all(
        "SELECT shop_id FROM shops WHERE state = 'installed' AND EXISTS (SELECT 1 FROM outbox "
        "WHERE outbox.shop_id = shops.shop_id AND outbox.state = 0 AND outbox.due_at <= :t "
        "AND (outbox.lease_until_at IS NULL OR outbox.lease_until_at <= :real))",
        t=to_ms(now), real=to_ms(datetime.now(UTC)),
    )  # fmt: skip
    return [row[0] for row in rows]


def claim(
    tx: Tx,
    shop_id: int,
    holder: str,
    now: datetime,
    limit: int,
    *,
    key: str | None = None,
    lease_s: int = LEASE_S,
) -> list[Effect]:
    """Takes up to `limit` due effects under a lease of real time, oldest first; or one by key."""
    real = datetime.now(UTC)
    which, parameters = ("", {}) if key is None else (" AND effect_key = :key", {"key": key})
    rows = tx.all(
        "SELECT effect_key, kind, payload, attempts, revision FROM outbox WHERE shop_id = :s AND state = 0 "
        f"AND due_at <= :t AND (lease_until_at IS NULL OR lease_until_at <= :real){which} ORDER BY due_at LIMIT :n"
        + (" FOR UPDATE SKIP LOCKED" if tx.engine == "postgresql" else ""),
        s=shop_id, t=to_ms(now), real=to_ms(real), n=limit, **parameters,
    )  # fmt: skip
    until = to_ms(real + timedelta(seconds=lease_s))
    tx.many(
        "UPDATE outbox SET lease_until_at = :until, lease_holder = :holder, attempts = attempts + 1 "
        "WHERE shop_id = :s AND effect_key = :key",
        [{"s": shop_id, "key": row[0], "until": until, "holder": holder} for row in rows],
    )
    return [_effect(row) for row in rows]


def claim_now(tx: Tx, shop_id: int, effect_key: str, now: datetime) -> Effect | None:
    """Takes one effect for a web request that performs it at once; None when another holds it or it is not due.

    In the transaction that asked for the effect: after its commit a worker would be free to take it first.
    """
    held = claim(tx, shop_id, "web", now, 1, key=effect_key, lease_s=WAITED_LEASE_S)
    return held[0] if held else None


def under_way(tx: Tx, shop_id: int, effect_key: str) -> bool:
    """Whether somebody is performing this effect."""
    row = tx.one(
        "SELECT 1 FROM outbox WHERE shop_id = :s AND effect_key = :key AND state = 0 AND lease_until_at > :real",
        s=shop_id, key=effect_key, real=to_ms(datetime.now(UTC)),
    )  # fmt: skip
    return row is not None


def release(tx: Tx, shop_id: int, holder: str, effects: Iterable[Effect]) -> None:
    """Gives back effects that were claimed and not tried, as they were."""
    tx.many(
        "UPDATE outbox SET lease_until_at = NULL, lease_holder = NULL, attempts = attempts - 1 "
        "WHERE shop_id = :s AND effect_key = :key AND state = 0 AND lease_holder = :holder AND attempts = :attempts",
        [{"s": shop_id, "key": e.effect_key, "holder": holder, "attempts": e.attempts} for e in effects],
    )


def _effect(row: Row) -> Effect:
    return Effect(row[0], row[1], msgspec.json.decode(row[2]), row[3] + 1, row[4])


def note(tx: Tx, shop_id: int, effect: Effect, payload: dict[str, object]) -> None:
    """Keeps what the next try of an effect has to know of this one."""
    tx.run(
        "UPDATE outbox SET payload = :p WHERE shop_id = :s AND effect_key = :key AND revision = :revision",
        s=shop_id, key=effect.effect_key, revision=effect.revision, p=_encode(payload).decode(),
    )  # fmt: skip


def effects_done(
    tx: Tx, shop_id: int, effects: Iterable[Effect], now: datetime, reason: str | None = None
) -> None:
    """Marks effects done, unless they were asked for again meanwhile: then they wait once more."""
    tx.many(
        "UPDATE outbox SET state = CASE WHEN revision = :revision THEN 1 ELSE 0 END, done_at = :t, attempts = "
        "CASE WHEN revision = :revision THEN attempts ELSE 0 END, lease_until_at = NULL, lease_holder = NULL, "
        "reason = :reason WHERE shop_id = :s AND effect_key = :key",
        [
            {"s": shop_id, "key": e.effect_key, "revision": e.revision, "t": to_ms(now), "reason": reason}
            for e in effects
        ],
    )


def effect_failed(
    tx: Tx,
    shop_id: int,
    effect: Effect,
    reason: str,
    now: datetime,
    *,
    wait: timedelta | None = None,
    pause: timedelta | None = None,
    for_good: bool = False,
) -> bool:
    """Gives an effect back to be tried later, or parks it. True when parked. A throttled wait is no failure.

    `pause` takes the place of the back-off after a failure that counts.
    """
    parked = for_good or (wait is None and effect.attempts >= MAX_ATTEMPTS)
    # Only while it waits: a holder whose lease ran out must not bring back what another one has done meanwhile.
    # And what was asked for again meanwhile is tried again, whatever became of the earlier wish.
    touched = tx.run(
        "UPDATE outbox SET state = CASE WHEN revision = :revision THEN CAST(:state AS SMALLINT) ELSE 0 END, "
        "due_at = :due, lease_until_at = NULL, lease_holder = NULL, reason = :reason, attempts = :attempts "
        "WHERE shop_id = :s AND effect_key = :key AND state = 0",
        s=shop_id,
        key=effect.effect_key,
        revision=effect.revision,
        state=PARKED if parked else WAITING,
        reason=reason[:500],
        due=to_ms(
            now + (wait if wait is not None else pause if pause is not None else backoff(effect.attempts))
        ),
        attempts=effect.attempts if wait is None else max(0, effect.attempts - 1),
    )
    return parked and touched > 0


def effect_retry(tx: Tx, shop_id: int, effect_key: str | None, now: datetime) -> int:
    """Puts a parked effect and all that are stuck like it, or all of a shop, back in line; returns how many."""
    if effect_key is None:
        return _unpark(tx, "outbox", shop_id, now, "true")
    return _unpark(tx, "outbox", shop_id, now, _alike("outbox", "kind", "effect_key"), key=effect_key)


def retry_reauth(tx: Tx, shop_id: int, now: datetime) -> int:
    """Puts effects that were parked for want of an access token back in line; returns how many."""
    return _unpark(tx, "outbox", shop_id, now, " OR ".join(f"reason LIKE '{code}:%'" for code in _REAUTH))


def open_effect(tx: Tx, shop_id: int, effect_key: str) -> bool:
    """Whether an effect waits or is parked."""
    sql = "SELECT 1 FROM outbox WHERE shop_id = :s AND effect_key = :key AND state <> 1"
    return tx.one(sql, s=shop_id, key=effect_key) is not None


def outbox_counts(tx: Tx, shop_id: int) -> dict[str, int]:
    """How many effects stand in each state."""
    return _counts(tx, "outbox", shop_id, ("waiting", "done", "parked"))


def outbox_parked(tx: Tx, shop_id: int, limit: int = 100) -> list[tuple[str, str, str, datetime]]:
    """Parked effects as (key, kind, reason, created at)."""
    rows = tx.all(
        "SELECT effect_key, kind, COALESCE(reason, ''), created_at FROM outbox WHERE shop_id = :s AND state = 2 "
        "ORDER BY created_at LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [(row[0], row[1], row[2], moment(row[3])) for row in rows]
