"""Progress: what counts towards members' tiers, of many members in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from plugin.domain.programme import Programme
from plugin.store.db import Tx, moment, to_ms

# What an order counts, by basis. One that was given back whole, or cost nothing, is no order.
_OF_ORDER = {
    "points": ("points", "points > 0"),
    "money": ("basis_minor", "basis_minor > 0 AND counted = 1"),
    "orders": ("1", "basis_minor > 0 AND counted = 1"),
}
# A referral counts from when its points were given, unless they were taken back.
REFERRALS = (
    "entries e WHERE e.shop_id = :s AND e.member_id IN {members} AND e.kind = 'referral' AND e.points > 0 "
    "AND e.occurred_at >= :since AND e.occurred_at <= :now AND NOT EXISTS (SELECT 1 FROM entries r "
    "WHERE r.shop_id = e.shop_id AND r.member_id = e.member_id AND r.reverses_id = e.entry_id)"
)


@dataclass(frozen=True, slots=True)
class Counted:
    """One order that counts towards a tier, for whom asks how it was reached."""

    order_id: int
    name: str | None
    at: datetime
    amount: int


def amount_of(basis: str) -> str:
    """How much an order counts on that basis, as an expression that is 0 where it does not count."""
    value, counts = _OF_ORDER[basis]
    return value if basis == "points" else f"CASE WHEN {counts} THEN {value} ELSE 0 END"


def sums(
    tx: Tx, shop_id: int, member_ids: Iterable[int], programme: Programme, since: datetime, until: datetime
) -> dict[int, int]:
    """What counts of each of these members between two moments; who is left out has nothing."""
    if programme.ladder.basis == "referrals":
        found: dict[int, int] = {}
        for member_id, at in _referrals(tx, shop_id, member_ids, since, until):
            found[member_id] = found.get(member_id, 0) + (1 if at else 0)
        return found
    rows = tx.among(
        f"SELECT member_id, SUM({amount_of(programme.ladder.basis)}) FROM orders WHERE shop_id = :s "
        "AND member_id IN (:among) AND processed_at >= :since AND processed_at <= :until GROUP BY member_id",
        member_ids,
        s=shop_id,
        since=to_ms(since),
        until=to_ms(until),
    )
    return {row[0]: int(row[1]) for row in rows}


def credits(
    tx: Tx, shop_id: int, member_ids: Iterable[int], programme: Programme, since: datetime, until: datetime
) -> dict[int, list[tuple[datetime, int]]]:
    """What counts of each of these members, one by one, dated to its order (design 10.14)."""
    found: dict[int, list[tuple[datetime, int]]] = {}
    if programme.ladder.basis == "referrals":
        for member_id, at in _referrals(tx, shop_id, member_ids, since, until):
            found.setdefault(member_id, []).append((moment(at), 1))
        return found
    value, counts = _OF_ORDER[programme.ladder.basis]
    for member_id, at, amount in tx.among(
        f"SELECT member_id, processed_at, {value} FROM orders WHERE shop_id = :s AND member_id IN (:among) "
        f"AND processed_at >= :since AND processed_at <= :until AND {counts}",
        member_ids,
        s=shop_id,
        since=to_ms(since),
        until=to_ms(until),
    ):
        found.setdefault(member_id, []).append((moment(at), amount))
    return found


def _referrals(
    tx: Tx, shop_id: int, member_ids: Iterable[int], since: datetime, until: datetime
) -> list[tuple[int, int]]:
    """(member, when) of each referral that counts. Entries stay with a name that was merged away, so both count."""
    kept = list(member_ids)
    names = dict.fromkeys(kept)
    owner = {name: name for name in names}
    for old_id, member_id in tx.among(
        "SELECT old_id, member_id FROM aliases WHERE shop_id = :s AND member_id IN (:among)", kept, s=shop_id
    ):
        owner[old_id] = member_id
    rows = tx.among(
        f"SELECT e.member_id, e.occurred_at FROM {REFERRALS.format(members='(:among)')}",
        owner,
        s=shop_id,
        since=to_ms(since),
        now=to_ms(until),
    )
    return [(owner[row[0]], row[1]) for row in rows]


def newest_order(tx: Tx, shop_id: int, member_id: int, until: datetime) -> int | None:
    """The member's newest order that counts: the one that brought them where they are."""
    row = tx.one(
        "SELECT order_id FROM orders WHERE shop_id = :s AND member_id = :m AND processed_at <= :until "
        "AND counted = 1 AND basis_minor > 0 ORDER BY processed_at DESC, order_id DESC LIMIT 1",
        s=shop_id,
        m=member_id,
        until=to_ms(until),
    )
    return None if row is None else int(row[0])


def orders_behind(
    tx: Tx, shop_id: int, member_id: int, programme: Programme, since: datetime, until: datetime, limit: int
) -> list[Counted]:
    """The orders that count towards a member's tier, newest first; none where referrals count."""
    if programme.ladder.basis == "referrals":
        return []
    value, counts = _OF_ORDER[programme.ladder.basis]
    rows = tx.all(
        f"SELECT order_id, name, processed_at, {value} FROM orders WHERE shop_id = :s AND member_id = :m "
        f"AND processed_at >= :since AND processed_at <= :until AND {counts} "
        "ORDER BY processed_at DESC, order_id DESC LIMIT :n",
        s=shop_id,
        m=member_id,
        since=to_ms(since),
        until=to_ms(until),
        n=limit,
    )
    return [Counted(row[0], row[1], moment(row[2]), row[3]) for row in rows]


def steps(
    tx: Tx,
    shop_id: int,
    programme: Programme,
    bounds: Iterable[int],
    spans: Sequence[tuple[datetime, datetime]],
) -> list[tuple[str | None, int, int]]:
    """(earned tier, number of bounds that are reached, members) over all active members, counted by the database.

    What counts is that of the better of the spans.
    """
    cases = " + ".join(f"CASE WHEN p.amount >= {int(bound)} THEN 1 ELSE 0 END" for bound in bounds) or "0"
    if programme.ladder.basis == "referrals":
        amount = f"(SELECT COUNT(*) FROM {REFERRALS.format(members='(m.member_id)')})"
    else:
        amount = (
            f"(SELECT CAST(COALESCE(SUM({amount_of(programme.ladder.basis)}), 0) AS BIGINT) FROM orders o "
            "WHERE o.shop_id = :s AND o.member_id = m.member_id AND o.processed_at >= :since "
            "AND o.processed_at <= :now)"
        )
    each = [amount.replace(":since", f":since_{n}").replace(":now", f":now_{n}") for n in range(len(spans))]
    columns = ", ".join(f"{one} AS a{n}" for n, one in enumerate(each))
    better = "CASE WHEN a1 > a0 THEN a1 ELSE a0 END" if len(spans) > 1 else "a0"
    moments = {
        f"{name}_{n}": to_ms(at)
        for n, span in enumerate(spans)
        for name, at in zip(("since", "now"), span, strict=True)
    }
    rows = tx.all(
        f"SELECT p.tier, {cases} AS step, COUNT(*) FROM (SELECT tier, {better} AS amount FROM "
        f"(SELECT m.earned_tier AS tier, {columns} FROM members m WHERE m.shop_id = :s AND m.status = 'active') c) p "
        "GROUP BY 1, 2",
        s=shop_id,
        **moments,
    )
    return [(row[0], int(row[1]), int(row[2])) for row in rows]
