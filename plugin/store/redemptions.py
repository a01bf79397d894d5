"""Redemptions: points spent on a reward, the code that was made for them, and what came back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from plugin.domain.programme import Reward
from plugin.store.db import Row, Tx, from_ms, moment, to_ms

_decode = msgspec.json.Decoder(Reward).decode
_encode = msgspec.json.Encoder().encode
_COLUMNS = (
    "redemption_id, member_id, request_key, reward, programme_version, points, code, state, discount_gid, "
    "created_at, made_at, expires_at, used_order_id, returned, return_count, reason, due_at, spent_minor"
)


@dataclass(frozen=True, slots=True)
class Redemption:
    """One redemption. `state`: debited (being made), made, refused, undone, used or expired; waiting and fulfilled
    for what the merchant hands over; credited for store credit.

    `due_at`: when the clock has to look at its code next. `spent_minor`: what of a gift card was spent, as last read.
    """

    redemption_id: int
    member_id: int
    request_key: str
    reward: Reward
    programme_version: int
    points: int
    code: str
    state: str
    discount_gid: str | None
    created_at: datetime
    made_at: datetime | None
    expires_at: datetime | None
    used_order_id: int | None
    returned: int
    return_count: int
    reason: str | None
    due_at: datetime | None = None
    spent_minor: int = 0


def _redemption(row: Row) -> Redemption:
    return Redemption(
        row[0],
        row[1],
        row[2],
        _decode(row[3]),
        row[4],
        row[5],
        row[6],
        row[7],
        row[8],
        moment(row[9]),
        from_ms(row[10]),
        from_ms(row[11]),
        row[12],
        row[13],
        row[14],
        row[15],
        from_ms(row[16]),
        row[17],
    )


def insert(tx: Tx, shop_id: int, redemption: Redemption) -> None:
    """Stores a new redemption."""
    r = redemption
    tx.run(
        "INSERT INTO redemptions (shop_id, redemption_id, member_id, request_key, reward_key, reward, "
        "programme_version, points, code, state, created_at, expires_at, due_at) VALUES (:s, :id, :m, :request, :key, "
        ":reward, :version, :points, :code, :state, :t, :expires, :due)",
        s=shop_id,
        id=r.redemption_id,
        m=r.member_id,
        request=r.request_key,
        key=r.reward.key,
        reward=_encode(r.reward).decode(),
        version=r.programme_version,
        points=r.points,
        code=r.code,
        state=r.state,
        t=to_ms(r.created_at),
        expires=to_ms(r.expires_at),
        due=to_ms(r.due_at),
    )


def by_id(tx: Tx, shop_id: int, redemption_id: int) -> Redemption | None:
    """One redemption."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM redemptions WHERE shop_id = :s AND redemption_id = :id",
        s=shop_id,
        id=redemption_id,
    )
    return None if row is None else _redemption(row)


def by_ids(tx: Tx, shop_id: int, redemption_ids: Iterable[int]) -> dict[int, Redemption]:
    """Redemptions by their ids."""
    rows = tx.among(
        f"SELECT {_COLUMNS} FROM redemptions WHERE shop_id = :s AND redemption_id IN (:among)",
        redemption_ids,
        s=shop_id,
    )
    return {row[0]: _redemption(row) for row in rows}


def by_request(tx: Tx, shop_id: int, member_id: int, request_key: str) -> Redemption | None:
    """The redemption that this member's request already made: a second tap finds the first."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM redemptions WHERE shop_id = :s AND member_id = :m AND request_key = :r",
        s=shop_id,
        m=member_id,
        r=request_key,
    )
    return None if row is None else _redemption(row)


def by_codes(tx: Tx, shop_id: int, codes: Iterable[str]) -> dict[str, Redemption]:
    """Redemptions by their (upper-case) codes."""
    rows = tx.among(
        f"SELECT {_COLUMNS} FROM redemptions WHERE shop_id = :s AND code IN (:among)", codes, s=shop_id
    )
    return {row[6]: _redemption(row) for row in rows}


def of_member(tx: Tx, shop_id: int, member_id: int, limit: int = 50) -> list[Redemption]:
    """A member's redemptions, newest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM redemptions WHERE shop_id = :s AND member_id = :m ORDER BY redemption_id DESC "
        "LIMIT :n",
        s=shop_id,
        m=member_id,
        n=limit,
    )
    return [_redemption(row) for row in rows]


def made(
    tx: Tx, shop_id: int, redemption_id: int, discount_gid: str, now: datetime, state: str = "made"
) -> bool:
    """The platform has the code, or gave the credit. False when the redemption was settled otherwise meanwhile."""
    return (
        tx.run(
            "UPDATE redemptions SET state = CASE WHEN state = 'debited' THEN :state ELSE state END, "
            "due_at = CASE WHEN state = 'debited' THEN COALESCE(due_at, expires_at) ELSE due_at END, "
            "discount_gid = :gid, made_at = COALESCE(made_at, :t) "
            "WHERE shop_id = :s AND redemption_id = :id AND state IN ('debited', 'made', 'used')",
            s=shop_id,
            id=redemption_id,
            gid=discount_gid,
            t=to_ms(now),
            state=state,
        )
        > 0
    )


def settle(tx: Tx, shop_id: int, redemption_id: int, state: str, reason: str | None = None) -> None:
    """Ends a redemption as refused, undone, expired or fulfilled, or notes why it is about to."""
    tx.run(
        "UPDATE redemptions SET state = :state, reason = :reason, due_at = NULL "
        "WHERE shop_id = :s AND redemption_id = :id",
        s=shop_id,
        id=redemption_id,
        state=state,
        reason=reason,
    )


def used(tx: Tx, shop_id: int, redemption_id: int, order_id: int) -> None:
    """An order carries the code."""
    tx.run(
        "UPDATE redemptions SET state = 'used', used_order_id = :o, due_at = NULL "
        "WHERE shop_id = :s AND redemption_id = :id",
        s=shop_id,
        id=redemption_id,
        o=order_id,
    )


def returned(tx: Tx, shop_id: int, redemption_id: int, points: int, count: int) -> None:
    """How many points of a used code have come back, after how many movements."""
    tx.run(
        "UPDATE redemptions SET returned = :p, return_count = :n WHERE shop_id = :s AND redemption_id = :id",
        s=shop_id,
        id=redemption_id,
        p=points,
        n=count,
    )


def due(tx: Tx, shop_id: int, now: datetime, limit: int) -> list[Redemption]:
    """Redemptions at whose code the clock has to look."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM redemptions WHERE shop_id = :s AND due_at <= :t ORDER BY due_at LIMIT :n",
        s=shop_id,
        t=to_ms(now),
        n=limit,
    )
    return [_redemption(row) for row in rows]


def look_again(tx: Tx, shop_id: int, redemption_id: int, at: datetime | None) -> None:
    """When the clock has to look at the code next; None for never."""
    tx.run(
        "UPDATE redemptions SET due_at = :t WHERE shop_id = :s AND redemption_id = :id",
        s=shop_id,
        id=redemption_id,
        t=to_ms(at),
    )


def spent(tx: Tx, shop_id: int, redemption_id: int, spent_minor: int) -> None:
    """What of a gift card was spent, as the platform says."""
    tx.run(
        "UPDATE redemptions SET spent_minor = :spent WHERE shop_id = :s AND redemption_id = :id",
        s=shop_id,
        id=redemption_id,
        spent=spent_minor,
    )


def recombine(tx: Tx, shop_id: int, redemption_id: int, reward: Reward) -> None:
    """The reward as its code stands now, with other classes beside it."""
    tx.run(
        "UPDATE redemptions SET reward = :reward WHERE shop_id = :s AND redemption_id = :id",
        s=shop_id,
        id=redemption_id,
        reward=_encode(reward).decode(),
    )


def given_out(tx: Tx, shop_id: int, reward_keys: Iterable[str]) -> dict[str, int]:
    """How many of each reward are out, those given back not counted."""
    rows = tx.among(
        "SELECT reward_key, COUNT(*) FROM redemptions WHERE shop_id = :s AND reward_key IN (:among) "
        "AND state NOT IN ('refused', 'undone') GROUP BY reward_key",
        reward_keys,
        s=shop_id,
    )
    return {row[0]: row[1] for row in rows}


def had(tx: Tx, shop_id: int, member_id: int, since: dict[str, datetime | None]) -> dict[str, int]:
    """How many of each reward a member bought since a moment (None: ever), those given back not counted."""
    found = dict.fromkeys(since, 0)
    rows = tx.all(
        "SELECT reward_key, created_at FROM redemptions WHERE shop_id = :s AND member_id = :m AND points > 0 "
        "AND state NOT IN ('refused', 'undone')",
        s=shop_id,
        m=member_id,
    )
    for key, at in rows:
        start = since.get(key, moment(at))
        if key in found and (start is None or moment(at) > start):
            found[key] += 1
    return found


def unused_of(tx: Tx, shop_id: int, reward_key: str, after: int, limit: int) -> list[int]:
    """Redemptions of a reward whose code is made or being made, by number, above `after`."""
    rows = tx.all(
        "SELECT redemption_id FROM redemptions WHERE shop_id = :s AND reward_key = :key "
        "AND redemption_id > :after AND state IN ('debited', 'made') ORDER BY redemption_id LIMIT :n",
        s=shop_id,
        key=reward_key,
        after=after,
        n=limit,
    )
    return [row[0] for row in rows]


def waiting(tx: Tx, shop_id: int, limit: int) -> list[Redemption]:
    """What the merchant has to hand over, oldest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM redemptions WHERE shop_id = :s AND state = 'waiting' "
        "ORDER BY redemption_id LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [_redemption(row) for row in rows]


def cards_of(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> list[int]:
    """Gift cards of these members that may still hold money."""
    rows = tx.among(
        "SELECT redemption_id, reward FROM redemptions WHERE shop_id = :s AND state = 'made' AND member_id IN (:among)",
        member_ids,
        s=shop_id,
    )
    return [row[0] for row in rows if _decode(row[1]).kind == "gift_card"]


def ends_taken(tx: Tx, shop_id: int, member_id: int) -> set[datetime]:
    """The moments at which a member's redemptions end."""
    rows = tx.all(
        "SELECT expires_at FROM redemptions WHERE shop_id = :s AND member_id = :m AND expires_at IS NOT NULL",
        s=shop_id,
        m=member_id,
    )
    return {moment(row[0]) for row in rows}


def rehome(tx: Tx, shop_id: int, old_member: int, member_id: int) -> None:
    """Hangs a merged-away member's redemptions on the kept one, request keys and all: a retry finds the first tap.

    A key that both used is renamed, for it can name only one.
    """
    tx.run(
        "UPDATE redemptions SET member_id = :m, request_key = CASE WHEN EXISTS (SELECT 1 FROM redemptions AS own "
        "WHERE own.shop_id = :s AND own.member_id = :m AND own.request_key = redemptions.request_key) "
        "THEN request_key || ':' || :tag ELSE request_key END WHERE shop_id = :s AND member_id = :old",
        s=shop_id,
        m=member_id,
        old=old_member,
        tag=str(old_member),
    )
