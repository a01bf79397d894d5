"""The merchant's lists: members found by name, e-mail or number, and the orders that members placed.

Every list is paged by key: the last row of a page says where the next one begins, so no page is slower than the first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from plugin.store.db import Row, Tx, from_ms, moment, to_ms

_COLUMNS = "member_id, status, first_name, last_name, email, joined_at, created_at, posted, tier"
_LAST = "\U0010ffff"
_NEWEST = 1 << 62


@dataclass(frozen=True, slots=True)
class Listed:
    """One member in a list. `posted` is all they hold, available and pending, less what they owe."""

    member_id: int
    status: str
    first_name: str | None
    last_name: str | None
    email: str | None
    joined_at: datetime | None
    created_at: datetime
    posted: int
    tier: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """What a listed member holds at a moment, as the shopper sees it, and when their last order that counts was."""

    available: int = 0
    pending: int = 0
    last_order_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """One order of a member. `earlier`: the member had placed another one that counts before it."""

    order_id: int
    name: str | None
    member_id: int
    first_name: str | None
    last_name: str | None
    processed_at: datetime
    currency: str | None
    basis_minor: int
    points: int
    available_at: datetime | None
    earlier: bool


def _listed(row: Row) -> Listed:
    return Listed(row[0], row[1], row[2], row[3], row[4], from_ms(row[5]), moment(row[6]), row[7], row[8])


def starting_with(tx: Tx, shop_id: int, text: str, before: int | None, limit: int) -> list[Listed]:
    """Members whose e-mail or name begins with the text, newest customer first; `before` is the last one shown.

    Two words are a first and a last name in either order. Upper and lower case are alike, for letters beyond
    ASCII only at the beginning of a word, because SQLite folds no others.
    """
    words = text.split()
    if not words:
        return []
    named = {"w": " ".join(words), "a": words[0], "b": " ".join(words[1:])}
    spelled = {name: _spellings(word) for name, word in named.items()}
    if "@" in text:
        tests = [_begins(tx, "email", f"w{n}") for n in spelled["w"]]
    else:
        columns = ("first_name", "last_name") if len(words) > 1 else ("first_name", "last_name", "email")
        tests = [_begins(tx, column, f"w{n}") for column in columns for n in spelled["w"]]
    if len(words) > 1:
        for one, other in (("a", "b"), ("b", "a")):
            first = " OR ".join(f"({_begins(tx, 'first_name', f'{one}{n}')})" for n in spelled[one])
            tests += [f"({first}) AND {_begins(tx, 'last_name', f'{other}{n}')}" for n in spelled[other]]
    parameters = {
        f"{name}{n}{end}": spelling + (_LAST if end else "")
        for name, spellings in spelled.items()
        for n, spelling in spellings.items()
        for end in ("", "_end")
    }
    # One part for each test, and a plus that hides the number from the planner: it is to use the index of the name.
    parts = " UNION ".join(
        f"SELECT {_COLUMNS} FROM members WHERE shop_id = :s AND {test} AND status <> 'merged' AND +member_id < :before"
        for test in tests
    )
    rows = tx.all(
        f"SELECT * FROM ({parts}) AS found ORDER BY member_id DESC LIMIT :n",
        s=shop_id,
        before=before if before is not None else _NEWEST,
        n=limit,
        **{name: value for name, value in parameters.items() if f":{name} " in f"{parts} "},
    )
    return [_listed(row) for row in rows]


def _begins(tx: Tx, column: str, name: str) -> str:
    """A test for a beginning, as a range of the folded index."""
    # PostgreSQL's byte-wise operators: its ordinary ones follow the database's language.
    at_least, below = ("~>=~", "~<~") if tx.engine == "postgresql" else (">=", "<")
    return f"lower({column}) {at_least} :{name} AND lower({column}) {below} :{name}_end"


def _spellings(word: str) -> dict[int, str]:
    """The word in lower case, and beyond ASCII also with its capital, which an engine may have left as it was."""
    low = word.lower()
    return {0: low} if not low or low[0].isascii() else {0: low, 1: low[0].upper() + low[1:]}


def with_emails(tx: Tx, shop_id: int, emails: Iterable[str]) -> dict[str, list[int]]:
    """The members of each of these e-mail addresses, which are given in small letters."""
    rows = tx.among(
        "SELECT lower(email), member_id FROM members WHERE shop_id = :s AND lower(email) IN (:among) "
        "AND status <> 'merged'",
        emails,
        s=shop_id,
    )
    found: dict[str, list[int]] = {}
    for email, member_id in sorted(rows):
        found.setdefault(email, []).append(member_id)
    return found


def joined(
    tx: Tx, shop_id: int, since: datetime | None, before: tuple[int, int] | None, limit: int
) -> list[Listed]:
    """Active members, the last to join first; `before` is (joined_at in ms, member id) of the last one shown."""
    at, member_id = before or (_NEWEST, _NEWEST)
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM members WHERE shop_id = :s AND status = 'active' AND joined_at >= :since "
        "AND (joined_at, member_id) < (:at, :m) ORDER BY joined_at DESC, member_id DESC LIMIT :n",
        s=shop_id,
        since=to_ms(since) or 0,
        at=at,
        m=member_id,
        n=limit,
    )
    return [_listed(row) for row in rows]


def chosen(tx: Tx, shop_id: int, tier: str | None, at_least: int) -> list[int]:
    """Active members of a tier (None: of any) who hold at least so many points."""
    rows = tx.all(
        "SELECT member_id FROM members WHERE shop_id = :s AND status = 'active' AND posted >= :p "
        + ("" if tier is None else "AND tier = :tier ")
        + "ORDER BY member_id",
        s=shop_id,
        p=at_least,
        **({} if tier is None else {"tier": tier}),
    )
    return [row[0] for row in rows]


def waiting(tx: Tx, shop_id: int, before: int | None, limit: int) -> list[Listed]:
    """Customers who bought and have not joined, the newest customer first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM members WHERE shop_id = :s AND status = 'unclaimed' AND joined_at IS NULL "
        "AND member_id < :m ORDER BY member_id DESC LIMIT :n",
        s=shop_id,
        m=before if before is not None else _NEWEST,
        n=limit,
    )
    return [_listed(row) for row in rows]


def richest(tx: Tx, shop_id: int, before: tuple[int, int] | None, limit: int) -> list[Listed]:
    """Active members who hold points, the most first; `before` is (points, member id) of the last one shown."""
    points, member_id = before or (_NEWEST, _NEWEST)
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM members WHERE shop_id = :s AND status = 'active' AND posted > 0 "
        "AND (posted, member_id) < (:p, :m) ORDER BY posted DESC, member_id DESC LIMIT :n",
        s=shop_id,
        p=points,
        m=member_id,
        n=limit,
    )
    return [_listed(row) for row in rows]


def held(tx: Tx, shop_id: int, member_ids: list[int], now: datetime) -> dict[int, Held]:
    """What each of these members holds; two questions for a whole page of a list."""
    lots = tx.among(
        "SELECT member_id, SUM(CASE WHEN available_at <= :now THEN remaining ELSE 0 END), "
        "SUM(CASE WHEN available_at <= :now THEN 0 ELSE remaining END) FROM lots WHERE shop_id = :s "
        "AND member_id IN (:among) AND remaining > 0 AND (expires_at IS NULL OR expires_at > :now) GROUP BY member_id",
        member_ids,
        s=shop_id,
        now=to_ms(now),
    )
    points = {row[0]: (int(row[1]), int(row[2])) for row in lots}
    last = tx.among(
        "SELECT member_id, MAX(processed_at) FROM orders WHERE shop_id = :s AND member_id IN (:among) AND counted = 1 "
        "GROUP BY member_id",
        member_ids,
        s=shop_id,
    )
    ordered = {row[0]: from_ms(row[1]) for row in last}
    return {one: Held(*points.get(one, (0, 0)), ordered.get(one)) for one in member_ids}


def names(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> dict[int, tuple[str | None, str | None]]:
    """First and last name of these members, where we hold them."""
    rows = tx.among(
        "SELECT member_id, first_name, last_name FROM members WHERE shop_id = :s AND member_id IN (:among)",
        member_ids,
        s=shop_id,
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def orders_of_members(
    tx: Tx, shop_id: int, before: tuple[int, int] | None, limit: int, *, repeat: bool = False
) -> list[ListedOrder]:
    """Orders of active members that count, newest first; `before` is (processed_at in ms, order id).

    `repeat` leaves out each member's first.
    """
    at, order_id = before or (_NEWEST, _NEWEST)
    earlier = (
        "EXISTS (SELECT 1 FROM orders e WHERE e.shop_id = o.shop_id AND e.member_id = o.member_id "
        "AND e.counted = 1 AND (e.processed_at, e.order_id) < (o.processed_at, o.order_id))"
    )
    rows = tx.all(
        "SELECT o.order_id, o.name, o.member_id, m.first_name, m.last_name, o.processed_at, o.currency, "
        f"o.basis_minor, o.points, o.available_at, CASE WHEN {earlier} THEN 1 ELSE 0 END FROM orders o "
        "JOIN members m ON m.shop_id = o.shop_id AND m.member_id = o.member_id AND m.status = 'active' "
        "WHERE o.shop_id = :s AND o.counted = 1 AND (o.processed_at, o.order_id) < (:at, :o) "
        + (f"AND {earlier} " if repeat else "")
        + "ORDER BY o.processed_at DESC, o.order_id DESC LIMIT :n",
        s=shop_id,
        at=at,
        o=order_id,
        n=limit,
    )
    return [
        ListedOrder(r[0], r[1], r[2], r[3], r[4], moment(r[5]), r[6], r[7], r[8], from_ms(r[9]), bool(r[10]))
        for r in rows
    ]


@dataclass(frozen=True, slots=True)
class ListedLot:
    """Points of one credit that are not used up, with what they were given for."""

    lot_id: int
    points: int
    remaining: int
    available_at: datetime | None
    expires_at: datetime | None
    kind: str
    order_id: int | None
    order_name: str | None


def open_lots(tx: Tx, shop_id: int, member_id: int, limit: int) -> list[ListedLot]:
    """A member's open lots in the order in which they will be spent: the soonest to expire first."""
    rows = tx.all(
        "SELECT l.lot_id, l.points, l.remaining, l.available_at, l.expires_at, e.kind, l.order_id, o.name FROM lots l "
        "JOIN entries e ON e.shop_id = l.shop_id AND e.entry_id = l.lot_id LEFT JOIN orders o "
        "ON o.shop_id = l.shop_id AND o.order_id = l.order_id WHERE l.shop_id = :s AND l.member_id = :m "
        "AND l.remaining > 0 ORDER BY COALESCE(l.expires_at, :never), COALESCE(l.available_at, :never), l.lot_id "
        "LIMIT :n",
        s=shop_id,
        m=member_id,
        never=_NEWEST,
        n=limit,
    )
    return [ListedLot(r[0], r[1], r[2], from_ms(r[3]), from_ms(r[4]), r[5], r[6], r[7]) for r in rows]
