"""Granted tiers and entry gifts: who was given what, by which cause, and whether it still stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from plugin.domain.grants import Grant
from plugin.store.db import Row, Tx, from_ms, moment, to_ms

_COLUMNS = (
    "grant_key, member_id, tier, kind, order_id, bought_at, months, from_at, until_at, ended_at, actor, note, "
    "warned_at"
)


@dataclass(frozen=True, slots=True)
class Gift:
    """What a member was given for entering a tier; `order_id` is the order that brought them there."""

    member_id: int
    tier: str
    count: int
    order_id: int | None
    entry_id: int | None
    redemption_id: int | None
    given_at: datetime
    withdrawn_at: datetime | None


def _grant(row: Row) -> Grant:
    return Grant(
        grant_key=row[0],
        member_id=row[1],
        tier=row[2],
        kind=row[3],
        order_id=row[4],
        bought_at=from_ms(row[5]),
        months=row[6],
        from_at=moment(row[7]),
        until_at=from_ms(row[8]),
        ended_at=from_ms(row[9]),
        actor=row[10],
        note=row[11],
        warned_at=from_ms(row[12]),
    )


def of_members(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> dict[int, list[Grant]]:
    """Every grant of these members, the earliest first, ended ones included."""
    found: dict[int, list[Grant]] = {}
    for row in tx.among(
        f"SELECT {_COLUMNS} FROM tier_grants WHERE shop_id = :s AND member_id IN (:among)",
        member_ids,
        s=shop_id,
    ):
        found.setdefault(row[1], []).append(_grant(row))
    for grants in found.values():
        grants.sort(key=lambda one: (one.from_at, one.grant_key))
    return found


def by_key(tx: Tx, shop_id: int, grant_key: str) -> Grant | None:
    """The grant of that cause, or None."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM tier_grants WHERE shop_id = :s AND grant_key = :k", s=shop_id, k=grant_key
    )
    return None if row is None else _grant(row)


def put(tx: Tx, shop_id: int, grants: Iterable[Grant]) -> None:
    """Stores grants, each over what stood for its cause."""
    tx.many(
        "INSERT INTO tier_grants (shop_id, grant_key, member_id, tier, kind, order_id, bought_at, months, from_at, "
        "until_at, ended_at, actor, note, warned_at) VALUES (:s, :key, :m, :tier, :kind, :order_id, :bought, :months, "
        ":from_at, :until_at, :ended, :actor, :note, :warned) ON CONFLICT (shop_id, grant_key) DO UPDATE SET "
        "member_id = excluded.member_id, tier = excluded.tier, months = excluded.months, "
        "bought_at = excluded.bought_at, from_at = excluded.from_at, until_at = excluded.until_at, "
        "ended_at = excluded.ended_at, warned_at = excluded.warned_at",
        [
            {
                "s": shop_id,
                "key": one.grant_key,
                "m": one.member_id,
                "tier": one.tier,
                "kind": one.kind,
                "order_id": one.order_id,
                "bought": to_ms(one.bought_at),
                "months": one.months,
                "from_at": to_ms(one.from_at),
                "until_at": to_ms(one.until_at),
                "ended": to_ms(one.ended_at),
                "actor": one.actor,
                "note": one.note,
                "warned": to_ms(one.warned_at),
            }
            for one in grants
        ],
    )


def rehome(tx: Tx, shop_id: int, old_member: int, member_id: int) -> None:
    """Hangs a merged-away member's grants on the kept one."""
    tx.run(
        "UPDATE tier_grants SET member_id = :m WHERE shop_id = :s AND member_id = :old",
        s=shop_id,
        m=member_id,
        old=old_member,
    )


def forget_notes(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> None:
    """Removes what staff typed beside grants to these members."""
    tx.run_among(
        "UPDATE tier_grants SET note = NULL WHERE shop_id = :s AND member_id IN (:among)",
        member_ids,
        s=shop_id,
    )


_GIFT = "member_id, tier, count, order_id, entry_id, redemption_id, given_at, withdrawn_at"


def _gift(row: Row) -> Gift:
    return Gift(row[0], row[1], row[2], row[3], row[4], row[5], moment(row[6]), from_ms(row[7]))


def gifts_of(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> dict[tuple[int, str], Gift]:
    """The gifts of these members, by (member, tier)."""
    rows = tx.among(
        f"SELECT {_GIFT} FROM tier_gifts WHERE shop_id = :s AND member_id IN (:among)", member_ids, s=shop_id
    )
    return {(row[0], row[1]): _gift(row) for row in rows}


def gifts_for(tx: Tx, shop_id: int, order_ids: Iterable[int]) -> list[Gift]:
    """The gifts that these orders brought and that were not withdrawn."""
    rows = tx.among(
        f"SELECT {_GIFT} FROM tier_gifts WHERE shop_id = :s AND order_id IN (:among) AND withdrawn_at IS NULL",
        order_ids,
        s=shop_id,
    )
    return [_gift(row) for row in rows]


def put_gift(tx: Tx, shop_id: int, gift: Gift) -> None:
    """Stores a gift, over an earlier one that was withdrawn."""
    tx.run(
        "INSERT INTO tier_gifts (shop_id, member_id, tier, count, order_id, entry_id, redemption_id, given_at, "
        "withdrawn_at) VALUES (:s, :m, :tier, :n, :order_id, :entry, :redemption, :given, :withdrawn) "
        "ON CONFLICT (shop_id, member_id, tier) DO UPDATE SET count = excluded.count, order_id = excluded.order_id, "
        "entry_id = excluded.entry_id, redemption_id = excluded.redemption_id, given_at = excluded.given_at, "
        "withdrawn_at = excluded.withdrawn_at",
        s=shop_id,
        m=gift.member_id,
        tier=gift.tier,
        n=gift.count,
        order_id=gift.order_id,
        entry=gift.entry_id,
        redemption=gift.redemption_id,
        given=to_ms(gift.given_at),
        withdrawn=to_ms(gift.withdrawn_at),
    )


def drop_gifts(tx: Tx, shop_id: int, member_id: int) -> None:
    """Removes the rows of a merged-away member, whose gifts are another one's now."""
    tx.run("DELETE FROM tier_gifts WHERE shop_id = :s AND member_id = :m", s=shop_id, m=member_id)
