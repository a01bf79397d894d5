"""Asking: what decides which due question is asked, what became of each, and how long parcels take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from plugin.domain.asking import Verdict
from plugin.store.db import Tx, moment, to_ms
from plugin.store.surveys import INVITATION, Invitation, invitation

# What the list of questions shows, and the SQL of each.
SHOWS = {
    "all": "1 = 1",
    "waiting": "i.state = 'waiting'",
    "asked": "i.state = 'asked'",
    "answered": "i.state = 'answered'",
    "missed": "i.state = 'missed'",
    "skipped": "i.state = 'withdrawn'",
}


class Asked(NamedTuple):
    """What decides about a member whether they may be asked."""

    tier: str | None
    opted_out: bool
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One question with the order's and the customer's names. `subscribed`: whether they take the newsletter."""

    invitation: Invitation
    order_name: str | None
    first_name: str | None
    last_name: str | None
    subscribed: bool | None


def members(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> dict[int, Asked]:
    """What decides about these members. Who asked to be forgotten, or for no questions, has opted out."""
    wanted = sorted(set(member_ids))
    last = {
        row[0]: moment(row[1])
        for row in tx.among(
            "SELECT member_id, MAX(asked_at) FROM invitations WHERE shop_id = :s AND member_id IN (:among) "
            "AND asked_at IS NOT NULL GROUP BY member_id",
            wanted,
            s=shop_id,
        )
    }
    rows = tx.among(
        "SELECT member_id, tier, CASE WHEN unasked_at IS NOT NULL OR status = 'redacted' THEN 1 ELSE 0 END "
        "FROM members WHERE shop_id = :s AND member_id IN (:among)",
        wanted,
        s=shop_id,
    )
    return {row[0]: Asked(row[1], bool(row[2]), last.get(row[0])) for row in rows}


def turns(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> dict[int, int]:
    """For every order that counts, of these members: the how many-th of its customer it is, by when it was placed."""
    rows = tx.among(
        "SELECT member_id, order_id, processed_at FROM orders WHERE shop_id = :s AND member_id IN (:among) "
        "AND counted = 1",
        sorted(set(member_ids)),
        s=shop_id,
    )
    found: dict[int, int] = {}
    so_far: dict[int, int] = {}
    for member_id, order_id, _ in sorted(rows, key=lambda row: (row[0], row[2] or 0, row[1])):
        so_far[member_id] = found[order_id] = so_far.get(member_id, 0) + 1
    return found


def asked_since(tx: Tx, shop_id: int, since: datetime) -> int:
    """How many questions were asked from that moment on."""
    row = tx.one(
        "SELECT COUNT(*) FROM invitations WHERE shop_id = :s AND asked_at >= :since",
        s=shop_id,
        since=to_ms(since),
    )
    return 0 if row is None else int(row[0])


def settle(tx: Tx, shop_id: int, verdicts: Iterable[Verdict]) -> None:
    """Writes what becomes of due questions, as sets."""
    rows: dict[str, list[dict[str, object]]] = {"ask": [], "later": [], "skip": []}
    for one in verdicts:
        rows[one.what].append({"s": shop_id, "o": one.order_id, "t": to_ms(one.at), "r": one.reason})
    for what, change in (
        ("ask", "state = 'asked', asked_at = :t, reason = :r"),
        ("later", "due_at = :t, reason = :r"),
        ("skip", "state = 'withdrawn', reason = :r"),
    ):
        tx.many(
            f"UPDATE invitations SET {change} WHERE shop_id = :s AND order_id = :o AND state = 'waiting'",
            rows[what],
        )


def page(
    tx: Tx, shop_id: int, show: str, before: tuple[int, int] | None, limit: int, member_id: int | None = None
) -> list[Listed]:
    """Questions of one of SHOWS, the last due first; `before` is (due at in ms, order id) of the last one shown."""
    due_at, order_id = before or (1 << 62, 0)
    whose = "" if member_id is None else "AND i.member_id = :m "
    columns = ", ".join(f"i.{name}" for name in INVITATION.split(", "))
    rows = tx.all(
        f"SELECT {columns}, o.name, m.first_name, m.last_name, m.subscribed FROM invitations i "
        "LEFT JOIN orders o ON o.shop_id = i.shop_id AND o.order_id = i.order_id "
        "LEFT JOIN members m ON m.shop_id = i.shop_id AND m.member_id = i.member_id "
        f"WHERE i.shop_id = :s AND {SHOWS[show]} {whose}AND (i.due_at < :due OR (i.due_at = :due AND i.order_id < :o)) "
        "ORDER BY i.due_at DESC, i.order_id DESC LIMIT :n",
        s=shop_id,
        due=due_at,
        o=order_id,
        n=limit,
        **({} if member_id is None else {"m": member_id}),
    )
    return [
        Listed(invitation(row), row[14], row[15], row[16], None if row[17] is None else bool(row[17]))
        for row in rows
    ]


def learn(tx: Tx, shop_id: int, changes: Mapping[tuple[str, str, int], int]) -> None:
    """Adds (carrier, country, days) of parcels to the transit times, and takes back what was told otherwise before.

    Never below zero: a parcel that arrived before there were transit times was not counted.
    """
    tx.many(
        "INSERT INTO transit_times (shop_id, country, carrier, days, parcels) VALUES (:s, :country, :carrier, :days, "
        ":first) ON CONFLICT (shop_id, country, carrier, days) DO UPDATE SET parcels = "
        "CASE WHEN transit_times.parcels + :n < 0 THEN 0 ELSE transit_times.parcels + :n END",
        [
            {"s": shop_id, "country": country, "carrier": carrier, "days": days, "n": n, "first": max(0, n)}
            for (carrier, country, days), n in sorted(changes.items())
            if n
        ],
    )


def transits(tx: Tx, shop_id: int, countries: Iterable[str]) -> dict[tuple[str, str], dict[int, int]]:
    """How many parcels took so many days, by (carrier, country)."""
    rows = tx.among(
        "SELECT carrier, country, days, parcels FROM transit_times WHERE shop_id = :s AND country IN (:among)",
        sorted(set(countries)),
        s=shop_id,
    )
    found: dict[tuple[str, str], dict[int, int]] = {}
    for carrier, country, days, parcels in rows:
        found.setdefault((carrier, country), {})[days] = parcels
    return found


def unask(tx: Tx, shop_id: int, member_id: int, since: datetime | None) -> bool:
    """From now on the member is asked nothing, or (None) is asked again; False when it is so already."""
    change, now_so = (":t", "IS NULL") if since is not None else ("NULL", "IS NOT NULL")
    given = {} if since is None else {"t": to_ms(since)}
    return (
        tx.run(
            f"UPDATE members SET unasked_at = {change} WHERE shop_id = :s AND member_id = :m AND unasked_at {now_so}",
            s=shop_id,
            m=member_id,
            **given,
        )
        > 0
    )


def consented(tx: Tx, shop_id: int, told: Iterable[tuple[int, bool, datetime | None]]) -> None:
    """Keeps (member, whether they take the newsletter, as of when); what is older than what we have changes nothing."""
    tx.many(
        "UPDATE members SET subscribed = :yes, subscribed_at = :t WHERE shop_id = :s AND member_id = :m "
        "AND status NOT IN ('redacted', 'merged') AND COALESCE(subscribed_at, -1) <= :t",
        [{"s": shop_id, "m": member_id, "yes": int(yes), "t": to_ms(at) or 0} for member_id, yes, at in told],
    )


def subscribed(tx: Tx, shop_id: int, member_id: int) -> bool | None:
    """Whether the member takes the newsletter; None: nobody told us."""
    row = tx.one(
        "SELECT subscribed FROM members WHERE shop_id = :s AND member_id = :m", s=shop_id, m=member_id
    )
    return None if row is None or row[0] is None else bool(row[0])
