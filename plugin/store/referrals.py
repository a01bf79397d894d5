"""Referrals: the orders that members' friends placed, and what has become of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from plugin.domain.referrals import Place, State
from plugin.store.db import Row, Tx, from_ms, moment, to_ms

_NAMES = (
    "referral_id", "referrer_id", "friend_id", "order_id", "code", "via", "version", "placed_at", "created_at",
    "state", "why", "score", "reasons", "decision", "decided_by", "decided_at", "note", "release_at", "released_at",
    "posts", "points", "redemption_id", "friend_reward", "friend_redemption_id",
)  # fmt: skip
_COLUMNS = ", ".join(_NAMES)
_TIMES = frozenset({"placed_at", "created_at", "decided_at", "release_at", "released_at"})


@dataclass(frozen=True, slots=True)
class Referred:
    """One order that somebody was sent to, by `code`: in the `link`, or used as a `code`; `version`: of the programme.

    `posts`: entries so far; `points`: what of them stands; `released_at`: when the referrer got the reward that stands.
    `friend_reward`: code (taken off in the order), owed (came by the link alone), given or withdrawn.
    """

    referral_id: int
    referrer_id: int
    friend_id: int
    order_id: int
    code: str
    via: Literal["link", "code"]
    version: int
    placed_at: datetime
    created_at: datetime
    state: State = "waiting"
    why: str | None = None
    score: int = 0
    reasons: tuple[str, ...] = ()
    decision: Literal["approved", "rejected"] | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None
    release_at: datetime | None = None
    released_at: datetime | None = None
    posts: int = 0
    points: int = 0
    redemption_id: int | None = None
    friend_reward: Literal["code", "owed", "given", "withdrawn"] = "code"
    friend_redemption_id: int | None = None


def _referred(row: Row) -> Referred:
    held = dict(zip(_NAMES, row, strict=True))
    for name in _TIMES:
        held[name] = from_ms(held[name])
    held["reasons"] = tuple(held["reasons"].split())
    return Referred(**held)


def save(tx: Tx, shop_id: int, several: Iterable[Referred]) -> None:
    """Writes referrals whole, as one set; new ones are made."""
    kept = ("referral_id", "order_id", "created_at")
    changes = ", ".join(f"{name} = excluded.{name}" for name in _NAMES if name not in kept)
    values = ", ".join(f":{name}" for name in _NAMES)
    tx.many(
        f"INSERT INTO referrals (shop_id, {_COLUMNS}) VALUES (:s, {values}) "
        f"ON CONFLICT (shop_id, referral_id) DO UPDATE SET {changes}",
        [{"s": shop_id, **_plain(one)} for one in several],
    )


def _plain(one: Referred) -> dict[str, object]:
    held = {name: getattr(one, name) for name in _NAMES}
    for name in _TIMES:
        held[name] = to_ms(cast("datetime | None", held[name]))
    held["reasons"] = " ".join(one.reasons)
    return held


def by_ids(tx: Tx, shop_id: int, referral_ids: Iterable[int]) -> list[Referred]:
    """Referrals by their numbers."""
    return _among(tx, shop_id, "referral_id IN (:among)", referral_ids)


def by_orders(tx: Tx, shop_id: int, order_ids: Iterable[int]) -> list[Referred]:
    """The referrals of these orders."""
    return _among(tx, shop_id, "order_id IN (:among)", order_ids)


def of_friends(tx: Tx, shop_id: int, member_ids: Collection[int]) -> list[Referred]:
    """Every referral of these friends."""
    return _among(tx, shop_id, "friend_id IN (:among)", member_ids)


def open_of(tx: Tx, shop_id: int, member_ids: Collection[int]) -> list[Referred]:
    """Referrals by these members that anything around them may still change."""
    return _among(
        tx,
        shop_id,
        "referrer_id IN (:among) AND (state IN ('waiting', 'qualified', 'review') "
        "OR why IN ('cap', 'score', 'member_gone'))",
        member_ids,
    )


def given(tx: Tx, shop_id: int, member_ids: Collection[int]) -> list[tuple[int, Place]]:
    """The places that members' rewarded referrals hold, as (member, place)."""
    rows = tx.among(
        "SELECT referrer_id, referral_id, placed_at, order_id FROM referrals WHERE shop_id = :s "
        "AND released_at IS NOT NULL AND referrer_id IN (:among)",
        member_ids,
        s=shop_id,
    )
    return [(row[0], Place(row[1], moment(row[2]), row[3], released=True)) for row in rows]


def _among(tx: Tx, shop_id: int, where: str, values: Iterable[int]) -> list[Referred]:
    rows = tx.among(f"SELECT {_COLUMNS} FROM referrals WHERE shop_id = :s AND {where}", values, s=shop_id)
    return [_referred(row) for row in rows]


def due(tx: Tx, shop_id: int, now: datetime, limit: int) -> list[Referred]:
    """Referrals whose reward is due."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM referrals WHERE shop_id = :s AND state = 'qualified' AND release_at <= :t "
        "ORDER BY release_at, referral_id LIMIT :n",
        s=shop_id,
        t=to_ms(now),
        n=limit,
    )
    return [_referred(row) for row in rows]


def page(
    tx: Tx, shop_id: int, state: State | None, before: tuple[int, int] | None, limit: int
) -> list[Referred]:
    """A page of a merchant's list, newest orders first; `before`: (placed at in ms, number) of the last one seen."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM referrals WHERE shop_id = :s {'AND state = :state ' if state else ''}"
        f"{'AND (placed_at, referral_id) < (:at, :id) ' if before else ''}"
        "ORDER BY placed_at DESC, referral_id DESC LIMIT :n",
        s=shop_id,
        n=limit,
        **({"state": state} if state else {}),
        **({"at": before[0], "id": before[1]} if before else {}),
    )
    return [_referred(row) for row in rows]


def of_member(tx: Tx, shop_id: int, member_id: int, limit: int) -> list[Referred]:
    """What a member brought, newest first; orders after a friend's first are left out."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM referrals WHERE shop_id = :s AND referrer_id = :m "
        "AND COALESCE(why, '') <> 'again' ORDER BY placed_at DESC, referral_id DESC LIMIT :n",
        s=shop_id,
        m=member_id,
        n=limit,
    )
    return [_referred(row) for row in rows]


def counts(tx: Tx, shop_id: int, member_id: int | None = None) -> dict[str, int]:
    """How many referrals stand in each state, of one member or of all; a friend's later orders are left out."""
    rows = tx.all(
        "SELECT state, COUNT(*) FROM referrals WHERE shop_id = :s AND COALESCE(why, '') <> 'again' "
        f"{'AND referrer_id = :m ' if member_id is not None else ''}GROUP BY state",
        s=shop_id,
        **({} if member_id is None else {"m": member_id}),
    )
    return {row[0]: row[1] for row in rows}


def given_back(tx: Tx, shop_id: int, member_ids: Collection[int]) -> dict[int, int]:
    """How many of each member's referrals ended because the order was cancelled or sent back."""
    rows = tx.among(
        "SELECT referrer_id, COUNT(*) FROM referrals WHERE shop_id = :s AND state = 'cancelled' "
        "AND why IN ('cancelled', 'refunded') AND referrer_id IN (:among) GROUP BY referrer_id",
        member_ids,
        s=shop_id,
    )
    return {row[0]: row[1] for row in rows}


def purchases(
    tx: Tx, shop_id: int, member_ids: Collection[int]
) -> dict[int, list[tuple[datetime, int, bool]]]:
    """The orders of each member that stand, as (placed at, order id, whether it is a referral), oldest first."""
    rows = tx.among(
        "SELECT o.member_id, o.processed_at, o.order_id, r.referral_id FROM orders o LEFT JOIN referrals r "
        "ON r.shop_id = o.shop_id AND r.order_id = o.order_id WHERE o.shop_id = :s AND o.counted = 1 "
        "AND o.basis_minor > 0 AND o.processed_at IS NOT NULL AND o.member_id IN (:among)",
        member_ids,
        s=shop_id,
    )
    found: dict[int, list[tuple[datetime, int, bool]]] = {}
    for member_id, placed_at, order_id, referral_id in sorted(rows, key=lambda row: row[:3]):
        found.setdefault(member_id, []).append((moment(placed_at), order_id, referral_id is not None))
    return found


def ring(tx: Tx, shop_id: int, member_ids: Collection[int]) -> dict[int, set[int]]:
    """Around each member: themselves and the friends they sent."""
    rows = tx.among(
        "SELECT DISTINCT referrer_id, friend_id FROM referrals WHERE shop_id = :s AND referrer_id IN (:among)",
        member_ids,
        s=shop_id,
    )
    found = {member_id: {member_id} for member_id in member_ids}
    for referrer_id, friend_id in rows:
        found[referrer_id].add(friend_id)
    return found


def rehome(tx: Tx, shop_id: int, old_member: int, member_id: int) -> None:
    """Hangs a merged-away member's referrals on the kept one, on either side."""
    for side in ("referrer_id", "friend_id"):
        tx.run(
            f"UPDATE referrals SET {side} = :m WHERE shop_id = :s AND {side} = :old",
            s=shop_id,
            m=member_id,
            old=old_member,
        )


def forget_notes(tx: Tx, shop_id: int, member_ids: Collection[int]) -> None:
    """Removes what staff wrote beside the referrals of forgotten people."""
    for side in ("referrer_id", "friend_id"):
        tx.run_among(
            f"UPDATE referrals SET note = NULL WHERE shop_id = :s AND note IS NOT NULL AND {side} IN (:among)",
            member_ids,
            s=shop_id,
        )
