"""The audit: recomputes entries, lots, allocations, deficits, caches and orders against each other."""

from __future__ import annotations

from collections.abc import Iterator

from plugin.domain.ledger import EARNING_KINDS, SPENDING_KINDS
from plugin.store.db import Tx


def audit(tx: Tx, shop_id: int) -> Iterator[str]:
    """Every disagreement between entries, lots, allocations, deficits, caches and orders, as a sentence."""
    yield from _audit_members(tx, shop_id)
    for lot_id, points, remaining, taken in tx.all(
        "SELECT l.lot_id, l.points, l.remaining, COALESCE(SUM(a.points), 0) FROM lots l LEFT JOIN allocations a "
        "ON a.shop_id = l.shop_id AND a.lot_id = l.lot_id WHERE l.shop_id = :s "
        "GROUP BY l.lot_id, l.points, l.remaining "
        "HAVING l.points - l.remaining <> COALESCE(SUM(a.points), 0) OR l.remaining < 0",
        s=shop_id,
    ):
        yield f"lot {lot_id}: {points} points, {remaining} remain, but {taken} were taken"
    for entry_id, points, taken, owed in tx.all(
        "SELECT e.entry_id, e.points, COALESCE((SELECT SUM(a.points) FROM allocations a WHERE a.shop_id = e.shop_id "
        "AND a.debit_id = e.entry_id), 0), COALESCE((SELECT d.remaining FROM deficits d WHERE d.shop_id = e.shop_id "
        "AND d.debit_id = e.entry_id), 0) FROM entries e WHERE e.shop_id = :s AND e.points < 0",
        s=shop_id,
    ):
        if -points != taken + owed:
            yield f"entry {entry_id}: took {-points}, but allocations hold {taken} and the deficit {owed}"
    for (entry_id,) in tx.all(
        "SELECT e.entry_id FROM entries e LEFT JOIN lots l ON l.shop_id = e.shop_id AND l.lot_id = e.entry_id "
        "WHERE e.shop_id = :s AND e.points > 0 AND (l.lot_id IS NULL OR l.points <> e.points "
        "OR l.member_id <> e.member_id)",
        s=shop_id,
    ):
        yield f"entry {entry_id}: a credit without a lot of the same points and member"
    for order_id, points, standing in tx.all(
        # Summed first: no index leads from an order to its entries.
        "SELECT o.order_id, o.points, COALESCE(e.points, 0) FROM orders o LEFT JOIN (SELECT order_id, "
        "SUM(points) AS points FROM entries WHERE shop_id = :s AND kind IN ('earn', 'clawback') GROUP BY order_id) e "
        "ON e.order_id = o.order_id WHERE o.shop_id = :s AND o.points <> COALESCE(e.points, 0)",
        s=shop_id,
    ):
        yield f"order {order_id}: {points} points should stand, {standing} stand"
    for (entry_id,) in tx.all(
        "SELECT e.entry_id FROM entries e LEFT JOIN orders o ON o.shop_id = e.shop_id AND o.order_id = e.order_id "
        "WHERE e.shop_id = :s AND e.order_id IS NOT NULL AND o.order_id IS NULL",
        s=shop_id,
    ):
        yield f"entry {entry_id}: is about an order that is not there"


def _audit_members(tx: Tx, shop_id: int) -> Iterator[str]:
    earning = ", ".join(f"'{kind}'" for kind in sorted(EARNING_KINDS))
    spending = ", ".join(f"'{kind}'" for kind in sorted(SPENDING_KINDS))
    sums = {
        row[0]: row[1:]
        for row in tx.all(
            f"SELECT member_id, SUM(points), SUM(CASE WHEN kind IN ({earning}) THEN points ELSE 0 END), "
            f"-SUM(CASE WHEN kind IN ({spending}) THEN points ELSE 0 END) FROM entries WHERE shop_id = :s "
            "GROUP BY member_id",
            s=shop_id,
        )
    }
    lots = {
        row[0]: row[1]
        for row in tx.all(
            "SELECT member_id, SUM(remaining) FROM lots WHERE shop_id = :s GROUP BY member_id", s=shop_id
        )
    }
    owed = {
        row[0]: row[1]
        for row in tx.all(
            "SELECT member_id, SUM(remaining) FROM deficits WHERE shop_id = :s GROUP BY member_id", s=shop_id
        )
    }
    caches = {
        row[0]: row[1:]
        for row in tx.all(
            "SELECT member_id, posted, earned, spent FROM members WHERE shop_id = :s", s=shop_id
        )
    }
    for member_id in sorted(set(sums) | set(lots) | set(owed) | set(caches)):
        posted, earned, spent = (int(value) for value in sums.get(member_id, (0, 0, 0)))
        standing = int(lots.get(member_id, 0)) - int(owed.get(member_id, 0))
        if posted != standing:
            yield f"member {member_id}: entries say {posted}, lots and deficits say {standing}"
        cache = caches.get(member_id)
        if cache is None:
            yield f"member {member_id}: has entries but no row of its own"
        elif cache != (posted, earned, spent):
            yield f"member {member_id}: cached {cache}, entries say {(posted, earned, spent)}"


def repair_caches(tx: Tx, shop_id: int) -> int:
    """Recomputes members' cached sums from the entries; returns how many were wrong. Deliberate, never automatic."""
    earning = ", ".join(f"'{kind}'" for kind in sorted(EARNING_KINDS))
    spending = ", ".join(f"'{kind}'" for kind in sorted(SPENDING_KINDS))
    wrong = [line for line in _audit_members(tx, shop_id) if ": cached " in line]
    sums = (
        "SELECT COALESCE(SUM({0}), 0) FROM entries e WHERE e.shop_id = members.shop_id "
        "AND e.member_id = members.member_id"
    )
    tx.run(
        f"UPDATE members SET posted = ({sums.format('points')}), "
        f"earned = ({sums.format(f'CASE WHEN kind IN ({earning}) THEN points ELSE 0 END')}), "
        f"spent = -({sums.format(f'CASE WHEN kind IN ({spending}) THEN points ELSE 0 END')}) WHERE shop_id = :s",
        s=shop_id,
    )
    return len(wrong)
