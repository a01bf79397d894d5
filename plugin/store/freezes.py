"""Freezes: members who may not redeem for the moment, since when, by whom and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from plugin.store.db import Tx, moment, to_ms


@dataclass(frozen=True, slots=True)
class Freeze:
    """One member's freeze. The reason is the merchant's own words, and goes when the member is forgotten."""

    since: datetime
    actor: str
    reason: str


def of_member(tx: Tx, shop_id: int, member_id: int) -> Freeze | None:
    """The freeze of a member, or None."""
    row = tx.one(
        "SELECT since, actor, reason FROM freezes WHERE shop_id = :s AND member_id = :m",
        s=shop_id,
        m=member_id,
    )
    return None if row is None else Freeze(moment(row[0]), row[1], row[2])


def put(tx: Tx, shop_id: int, member_id: int, actor: str, reason: str, now: datetime) -> bool:
    """Freezes a member; False when they are frozen already."""
    return (
        tx.run(
            "INSERT INTO freezes (shop_id, member_id, since, actor, reason) VALUES (:s, :m, :t, :actor, :reason) "
            "ON CONFLICT (shop_id, member_id) DO NOTHING",
            s=shop_id,
            m=member_id,
            t=to_ms(now),
            actor=actor,
            reason=reason,
        )
        > 0
    )


def lift(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> bool:
    """Lifts the freezes of these members; False when there were none."""
    return (
        tx.run_among(
            "DELETE FROM freezes WHERE shop_id = :s AND member_id IN (:among)", member_ids, s=shop_id
        )
        > 0
    )


def forget_reasons(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> None:
    """Empties the reasons of these members' freezes."""
    tx.run_among(
        "UPDATE freezes SET reason = '' WHERE shop_id = :s AND member_id IN (:among)", member_ids, s=shop_id
    )


def rehome(tx: Tx, shop_id: int, gone_id: int, kept_id: int) -> None:
    """After a merge, who was frozen under one of two names is frozen under the kept one."""
    tx.run(
        "INSERT INTO freezes (shop_id, member_id, since, actor, reason) SELECT shop_id, :kept, since, actor, reason "
        "FROM freezes WHERE shop_id = :s AND member_id = :gone ON CONFLICT (shop_id, member_id) DO NOTHING",
        s=shop_id,
        gone=gone_id,
        kept=kept_id,
    )
    lift(tx, shop_id, [gone_id])
