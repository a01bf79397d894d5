"""Birthdays: day and month of members who said so, and when each is awarded next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from plugin.store.db import Row, Tx, moment, to_ms


@dataclass(frozen=True, slots=True)
class Birthday:
    """A member's birthday. `set_at`: when it was last set; `due_at`: when it is awarded next."""

    member_id: int
    month: int
    day: int
    set_at: datetime
    due_at: datetime


def _birthday(row: Row) -> Birthday:
    return Birthday(row[0], row[1], row[2], moment(row[3]), moment(row[4]))


def of_member(tx: Tx, shop_id: int, member_id: int) -> Birthday | None:
    """A member's birthday, if we know it."""
    row = tx.one(
        "SELECT member_id, month, day, set_at, due_at FROM birthdays WHERE shop_id = :s AND member_id = :m",
        s=shop_id,
        m=member_id,
    )
    return None if row is None else _birthday(row)


def put(tx: Tx, shop_id: int, birthday: Birthday) -> None:
    """Sets a member's birthday in place of the one before."""
    b = birthday
    tx.run(
        "INSERT INTO birthdays (shop_id, member_id, month, day, set_at, due_at) "
        "VALUES (:s, :m, :month, :day, :t, :due) ON CONFLICT (shop_id, member_id) DO UPDATE SET "
        "month = excluded.month, day = excluded.day, set_at = excluded.set_at, due_at = excluded.due_at",
        s=shop_id,
        m=b.member_id,
        month=b.month,
        day=b.day,
        t=to_ms(b.set_at),
        due=to_ms(b.due_at),
    )


def due(tx: Tx, shop_id: int, now: datetime, limit: int) -> list[Birthday]:
    """Birthdays whose day has begun, the earliest first."""
    rows = tx.all(
        "SELECT member_id, month, day, set_at, due_at FROM birthdays WHERE shop_id = :s AND due_at <= :t "
        "ORDER BY due_at LIMIT :n",
        s=shop_id,
        t=to_ms(now),
        n=limit,
    )
    return [_birthday(row) for row in rows]


def rehome(tx: Tx, shop_id: int, old_member: int, member_id: int) -> None:
    """Hangs a merged-away member's birthday on the kept one, unless that has one."""
    tx.run(
        "UPDATE birthdays SET member_id = :m WHERE shop_id = :s AND member_id = :old AND NOT EXISTS "
        "(SELECT 1 FROM birthdays AS own WHERE own.shop_id = :s AND own.member_id = :m)",
        s=shop_id,
        m=member_id,
        old=old_member,
    )
    forget(tx, shop_id, [old_member])


def forget(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> None:
    """Deletes the birthdays of these members (redaction)."""
    tx.run_among(
        "DELETE FROM birthdays WHERE shop_id = :s AND member_id IN (:among)", list(member_ids), s=shop_id
    )
