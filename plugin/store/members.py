"""Members: customers of a shop as the programme knows them, their aliases after merges, their tiers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from plugin.domain.facts import CustomerFact
from plugin.store.db import Row, Tx, from_ms, moment, to_ms

_COLUMNS = (
    "member_id, status, created_at, joined_at, locale, posted, earned, spent, tier, holdout, email, first_name, "
    "last_name"
)

# Shopify's own limit of a name, and the longest address that mail allows.
MAX_NAME, MAX_EMAIL, MAX_LOCALE = 255, 320, 35


@dataclass(frozen=True, slots=True)
class Member:
    """One member. `status`: unclaimed, active, left, merged or redacted. Points are whole numbers."""

    member_id: int
    status: str
    created_at: datetime
    joined_at: datetime | None
    locale: str | None
    posted: int
    earned: int
    spent: int
    tier: str | None
    holdout: bool
    email: str | None
    first_name: str | None
    last_name: str | None


def _member(row: Row) -> Member:
    return Member(
        row[0],
        row[1],
        moment(row[2]),
        from_ms(row[3]),
        row[4],
        row[5],
        row[6],
        row[7],
        row[8],
        bool(row[9]),
        row[10],
        row[11],
        row[12],
    )


def load(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> dict[int, Member]:
    """The members of these ids that exist. Ids must be resolved already (see `resolve`)."""
    rows = tx.among(
        f"SELECT {_COLUMNS} FROM members WHERE shop_id = :s AND member_id IN (:among)", member_ids, s=shop_id
    )
    return {row[0]: _member(row) for row in rows}


def by_id(tx: Tx, shop_id: int, member_id: int) -> Member | None:
    """One member, or None."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM members WHERE shop_id = :s AND member_id = :m", s=shop_id, m=member_id
    )
    return None if row is None else _member(row)


def resolve(tx: Tx, shop_id: int, customer_ids: Iterable[int]) -> dict[int, tuple[int, datetime]]:
    """For customer ids that were merged away: the kept member's id, and when the merge happened."""
    rows = tx.among(
        "SELECT old_id, member_id, merged_at FROM aliases WHERE shop_id = :s AND old_id IN (:among)",
        customer_ids,
        s=shop_id,
    )
    return {row[0]: (row[1], moment(row[2])) for row in rows}


def resolved(tx: Tx, shop_id: int, customer_id: int) -> int:
    """The member id behind a customer id: itself, or the one it was merged into."""
    return resolve(tx, shop_id, [customer_id]).get(customer_id, (customer_id, None))[0]


def old_ids(tx: Tx, shop_id: int, member_id: int) -> list[int]:
    """The customer ids that were merged into this member, oldest merge first."""
    rows = tx.all(
        "SELECT old_id FROM aliases WHERE shop_id = :s AND member_id = :m ORDER BY merged_at, old_id",
        s=shop_id,
        m=member_id,
    )
    return [row[0] for row in rows]


def seen(tx: Tx, shop_id: int, customers: Iterable[CustomerFact], now: datetime, *, status: str) -> None:
    """Makes rows for new customers and refreshes what we may know of old ones; None never erases a value.

    What is older than what we have only fills gaps.
    """
    columns = ("email", "first_name", "last_name", "locale")
    news = " OR ".join(
        f"COALESCE(excluded.{name}, '') NOT IN ('', COALESCE(members.{name}, ''))" for name in columns
    )
    tx.many(
        "INSERT INTO members (shop_id, member_id, status, created_at, joined_at, email, first_name, last_name, locale, "
        "seen_at) VALUES (:s, :m, :status, :t, :joined, :email, :first, :last, :locale, :seen) "
        f"ON CONFLICT (shop_id, member_id) DO UPDATE SET {_newer('excluded')} "
        "WHERE members.status NOT IN ('redacted', 'merged') "
        # Nothing new to say is the rule: then neither the row nor its four indexes are written.
        f"AND ({news} OR excluded.seen_at > COALESCE(members.seen_at, -1))",
        [
            {
                "s": shop_id,
                "m": c.customer_id,
                "status": status,
                "t": to_ms(now),
                "joined": to_ms(now) if status == "active" else None,
                **_personal(c),
            }
            for c in sorted(customers, key=lambda c: c.customer_id)
        ],
    )


def refresh(tx: Tx, shop_id: int, customer: CustomerFact) -> bool:
    """Refreshes a known member; False when the customer is none of ours (a stranger stays a stranger)."""
    return (
        tx.run(
            f"UPDATE members SET {_newer('told')} FROM (SELECT CAST(:email AS TEXT) AS email, "
            "CAST(:first AS TEXT) AS first_name, CAST(:last AS TEXT) AS last_name, CAST(:locale AS TEXT) AS locale, "
            "CAST(:seen AS BIGINT) AS seen_at) AS told WHERE shop_id = :s AND member_id = :m "
            "AND status NOT IN ('redacted', 'merged')",
            s=shop_id,
            m=customer.customer_id,
            **_personal(customer),
        )
        > 0
    )


def _newer(told: str) -> str:
    """Assignments that take what is told, unless what we have is of a later moment; of equal ones, what came last."""
    later = f"COALESCE({told}.seen_at, -1) >= COALESCE(members.seen_at, -1)"
    taken = [
        f"{name} = CASE WHEN {later} THEN COALESCE({told}.{name}, members.{name}) "
        f"ELSE COALESCE(members.{name}, {told}.{name}) END"
        for name in ("email", "first_name", "last_name", "locale")
    ]
    return ", ".join(
        [
            *taken,
            f"seen_at = CASE WHEN {later} THEN COALESCE({told}.seen_at, members.seen_at) ELSE members.seen_at END",
        ]
    )


def _personal(customer: CustomerFact) -> dict[str, object]:
    """A customer's own words, no longer than an index can hold. A cut e-mail address would be somebody else's."""
    email = customer.email if len(customer.email or "") <= MAX_EMAIL else None
    return {
        "email": email,
        "first": customer.first_name[:MAX_NAME] if customer.first_name else None,
        "last": customer.last_name[:MAX_NAME] if customer.last_name else None,
        "locale": customer.locale[:MAX_LOCALE] if customer.locale else None,
        "seen": to_ms(customer.updated_at),
    }


def activate(tx: Tx, shop_id: int, member_id: int, holdout: bool, locale: str | None, now: datetime) -> None:
    """Makes a customer an active member; what waited for them is theirs from this moment."""
    tx.run(
        "INSERT INTO members (shop_id, member_id, status, created_at, joined_at, holdout, locale) "
        "VALUES (:s, :m, 'active', :t, :t, :h, :locale) ON CONFLICT (shop_id, member_id) DO UPDATE SET "
        "status = 'active', joined_at = COALESCE(members.joined_at, :t), locale = COALESCE(:locale, members.locale), "
        "holdout = CASE WHEN members.joined_at IS NULL THEN :h ELSE members.holdout END",
        s=shop_id,
        m=member_id,
        t=to_ms(now),
        h=int(holdout),
        locale=locale,
    )


def alias(tx: Tx, shop_id: int, old_id: int, member_id: int, now: datetime) -> None:
    """Makes `old_id` another name of `member_id`, and moves names that pointed to it along."""
    tx.run(
        "UPDATE aliases SET member_id = :m WHERE shop_id = :s AND member_id = :old",
        s=shop_id,
        m=member_id,
        old=old_id,
    )
    tx.run(
        "INSERT INTO aliases (shop_id, old_id, member_id, merged_at) VALUES (:s, :old, :m, :t) "
        "ON CONFLICT (shop_id, old_id) DO NOTHING",
        s=shop_id,
        old=old_id,
        m=member_id,
        t=to_ms(now),
    )


def absorbed(tx: Tx, shop_id: int, gone_id: int, kept_id: int, *, active: bool) -> None:
    """After a merge: the gone row is only a name, the kept one as old as the older of the two.

    `active`: the gone customer was a member, so the kept one is.
    """
    tx.run(
        "UPDATE members SET status = CASE WHEN members.status <> 'redacted' AND :active = 1 THEN 'active' "
        "ELSE members.status END, "
        "joined_at = CASE WHEN members.joined_at IS NULL OR gone.joined_at < members.joined_at "
        "THEN COALESCE(gone.joined_at, members.joined_at) ELSE members.joined_at END, "
        "holdout = CASE WHEN members.joined_at IS NULL THEN gone.holdout ELSE members.holdout END, "
        "created_at = CASE WHEN gone.created_at < members.created_at THEN gone.created_at ELSE members.created_at END, "
        # Whoever asked for no questions under one name gets none under the other.
        "unasked_at = COALESCE(members.unasked_at, gone.unasked_at), "
        "subscribed = COALESCE(members.subscribed, gone.subscribed), "
        "subscribed_at = COALESCE(members.subscribed_at, gone.subscribed_at) "
        "FROM (SELECT created_at, joined_at, holdout, unasked_at, subscribed, subscribed_at FROM members "
        "WHERE shop_id = :s AND member_id = :gone) AS gone "
        "WHERE shop_id = :s AND member_id = :kept",
        s=shop_id,
        gone=gone_id,
        kept=kept_id,
        active=int(active),
    )
    tx.run(
        "UPDATE members SET status = 'merged', email = NULL, first_name = NULL, last_name = NULL, locale = NULL, "
        "review_at = NULL "
        "WHERE shop_id = :s AND member_id = :gone",
        s=shop_id,
        gone=gone_id,
    )


def set_status(tx: Tx, shop_id: int, member_id: int, status: str) -> None:
    """Changes a member's status; nothing else."""
    tx.run(
        "UPDATE members SET status = :st WHERE shop_id = :s AND member_id = :m",
        s=shop_id,
        m=member_id,
        st=status,
    )


def redact(tx: Tx, shop_id: int, member_id: int) -> None:
    """Empties a member's personal data; the ledger keeps adding up."""
    tx.run(
        "UPDATE members SET status = 'redacted', email = NULL, first_name = NULL, last_name = NULL, locale = NULL, "
        "subscribed = NULL "
        "WHERE shop_id = :s AND member_id = :m",
        s=shop_id,
        m=member_id,
    )


def wants_review(tx: Tx, shop_id: int, member_ids: Iterable[int], now: datetime) -> None:
    """Asks the clock to review these members' tiers."""
    tx.run_among(
        "UPDATE members SET review_at = :t WHERE shop_id = :s AND member_id IN (:among)",
        sorted(set(member_ids)),
        s=shop_id,
        t=to_ms(now),
    )


def tier_histories(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> dict[int, list[tuple[datetime, str]]]:
    """Each member's tiers as (from, tier), oldest first."""
    rows = tx.among(
        "SELECT member_id, from_at, tier FROM tier_history WHERE shop_id = :s AND member_id IN (:among) "
        "ORDER BY from_at",
        member_ids,
        s=shop_id,
    )
    found: dict[int, list[tuple[datetime, str]]] = {}
    for member_id, from_at, tier in sorted(rows, key=lambda row: (row[0], row[1])):
        found.setdefault(member_id, []).append((moment(from_at), tier))
    return found


def tier_at(history: list[tuple[datetime, str]] | None, at: datetime) -> str | None:
    """The tier in force at a moment."""
    tier = None
    for from_at, key in history or ():
        if from_at > at:
            break
        tier = key
    return tier


def totals(tx: Tx, shop_id: int) -> dict[str, int]:
    """How many members stand in each status."""
    return {
        row[0]: row[1]
        for row in tx.all(
            "SELECT status, COUNT(*) FROM members WHERE shop_id = :s GROUP BY status", s=shop_id
        )
    }
