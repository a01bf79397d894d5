"""The ladder's rows: who is to be reviewed, what a review left, and the sweep that a new ladder begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from plugin.domain.tiers import Earned
from plugin.store.db import Row, Tx, from_ms, to_ms

_COLUMNS = (
    "member_id, status, tier, earned_tier, earned_at, earned_until, warned_at, tier_by, tier_until, benefit_at, "
    "review_at"
)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a member stands on the ladder. `tier` holds, by `tier_by` and until `tier_until` (None: no end is known).

    `earned` is what stands without any grant; `benefit_at` when the tier's next code falls due.
    """

    member_id: int
    status: str
    tier: str | None
    earned: Earned
    tier_by: str | None
    tier_until: datetime | None
    benefit_at: datetime | None
    review_at: datetime | None


def _placed(row: Row) -> Placed:
    earned = Earned(row[3], from_ms(row[4]), from_ms(row[5]), from_ms(row[6]))
    return Placed(row[0], row[1], row[2], earned, row[7], from_ms(row[8]), from_ms(row[9]), from_ms(row[10]))


def of_member(tx: Tx, shop_id: int, member_id: int) -> Placed | None:
    """Where one member stands, or None for a stranger."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM members WHERE shop_id = :s AND member_id = :m", s=shop_id, m=member_id
    )
    return None if row is None else _placed(row)


def due(tx: Tx, shop_id: int, now: datetime, limit: int) -> list[Placed]:
    """Members whose review is due, the longest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM members WHERE shop_id = :s AND review_at IS NOT NULL AND review_at <= :t "
        "ORDER BY review_at LIMIT :n",
        s=shop_id,
        t=to_ms(now),
        n=limit,
    )
    return [_placed(row) for row in rows]


def save(tx: Tx, shop_id: int, placed: Sequence[Placed]) -> None:
    """Writes what reviews left, as one set."""
    tx.many(
        "UPDATE members SET tier = :tier, earned_tier = :earned, earned_at = :since, earned_until = :earned_until, "
        "warned_at = :warned, tier_by = :by, tier_until = :until, benefit_at = :benefit, review_at = :review "
        "WHERE shop_id = :s AND member_id = :m",
        [
            {
                "s": shop_id,
                "m": one.member_id,
                "tier": one.tier,
                "earned": one.earned.tier,
                "since": to_ms(one.earned.since),
                "earned_until": to_ms(one.earned.until),
                "warned": to_ms(one.earned.warned_at),
                "by": one.tier_by,
                "until": to_ms(one.tier_until),
                "benefit": to_ms(one.benefit_at),
                "review": to_ms(one.review_at),
            }
            for one in placed
        ],
    )


def sweep(tx: Tx, shop_id: int, now: datetime) -> None:
    """Asks the clock to review every member in turn, from the beginning."""
    tx.run(
        "INSERT INTO tier_sweeps (shop_id, after_member_id, since_at) VALUES (:s, -1, :t) "
        "ON CONFLICT (shop_id) DO UPDATE SET after_member_id = -1, since_at = excluded.since_at",
        s=shop_id,
        t=to_ms(now),
    )


def swept_to(tx: Tx, shop_id: int) -> int | None:
    """The member up to whom a sweep has come, or None when there is none."""
    row = tx.one("SELECT after_member_id FROM tier_sweeps WHERE shop_id = :s", s=shop_id)
    return None if row is None else int(row[0])


def next_of_sweep(tx: Tx, shop_id: int, after: int, limit: int) -> list[Placed]:
    """The next members of a sweep, whether or not they are members now."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM members WHERE shop_id = :s AND member_id > :after ORDER BY member_id LIMIT :n",
        s=shop_id,
        after=after,
        n=limit,
    )
    return [_placed(row) for row in rows]


def sweep_goes_on(tx: Tx, shop_id: int, after: int | None) -> None:
    """Notes how far a sweep has come; None ends it."""
    if after is None:
        tx.run("DELETE FROM tier_sweeps WHERE shop_id = :s", s=shop_id)
    else:
        tx.run("UPDATE tier_sweeps SET after_member_id = :m WHERE shop_id = :s", s=shop_id, m=after)


def history_from(tx: Tx, shop_id: int, changes: Iterable[tuple[int, str, str]], now: datetime) -> None:
    """Appends (member, tier, why) to the histories: from `now` on. Two changes of one moment follow by 1 ms."""
    wanted = list(changes)
    rows = tx.among(
        "SELECT member_id, MAX(from_at) FROM tier_history WHERE shop_id = :s AND member_id IN (:among) "
        "GROUP BY member_id",
        [member_id for member_id, _, _ in wanted],
        s=shop_id,
    )
    last = {row[0]: row[1] for row in rows}
    tx.many(
        "INSERT INTO tier_history (shop_id, member_id, from_at, tier, why) VALUES (:s, :m, :t, :tier, :why)",
        [
            {
                "s": shop_id,
                "m": member_id,
                "t": max(to_ms(now) or 0, last.get(member_id, -1) + 1),
                "tier": tier,
                "why": why,
            }
            for member_id, tier, why in wanted
        ],
    )
