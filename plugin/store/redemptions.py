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
    "created_at, made_at, expires_at, used_order_id, returned, return_count, reason"
)


@dataclass(frozen=True, slots=True)
class Redemption:
    """One redemption. `state`: debited (code being made), made, refused, undone or used."""

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
    )


def insert(tx: Tx, shop_id: int, redemption: Redemption) -> None:
    """Stores a new redemption."""
    r = redemption
    tx.run(
        "INSERT INTO redemptions (shop_id, redemption_id, member_id, request_key, reward_key, reward, "
        "programme_version, points, code, state, created_at, expires_at) VALUES (:s, :id, :m, :request, :key, "
        ":reward, :version, :points, :code, :state, :t, :expires)",
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


def made(tx: Tx, shop_id: int, redemption_id: int, discount_gid: str, now: datetime) -> bool:
    """The platform has the code. False when the redemption was settled otherwise meanwhile."""
    return (
        tx.run(
            "UPDATE redemptions SET state = CASE WHEN state = 'debited' THEN 'made' ELSE state END, "
            "discount_gid = :gid, made_at = COALESCE(made_at, :t) "
            "WHERE shop_id = :s AND redemption_id = :id AND state IN ('debited', 'made', 'used')",
            s=shop_id,
            id=redemption_id,
            gid=discount_gid,
            t=to_ms(now),
        )
        > 0
    )


def settle(tx: Tx, shop_id: int, redemption_id: int, state: str, reason: str | None = None) -> None:
    """Ends a redemption as refused or undone, or notes why it is about to."""
    tx.run(
        "UPDATE redemptions SET state = :state, reason = :reason WHERE shop_id = :s AND redemption_id = :id",
        s=shop_id,
        id=redemption_id,
        state=state,
        reason=reason,
    )


def used(tx: Tx, shop_id: int, redemption_id: int, order_id: int) -> None:
    """An order carries the code."""
    tx.run(
        "UPDATE redemptions SET state = 'used', used_order_id = :o WHERE shop_id = :s AND redemption_id = :id",
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
