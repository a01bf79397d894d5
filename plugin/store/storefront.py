"""Storefront reads: everything a shopper's panel or a history page shows, in one statement each.

One statement is one consistent view on both engines, and one round trip on PostgreSQL. The connections are
apart from those that write, and can only read.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from plugin.domain import rewards, tiers
from plugin.domain.pauses import paused
from plugin.domain.programme import Programme
from plugin.errors import StorageBusy
from plugin.store import offers, programmes, progress, shops
from plugin.store.connections import connect, storage_failed
from plugin.store.db import Row, Tx, to_ms
from plugin.store.history import ORDER_NAME
from plugin.store.offers import NOTHING, Counted
from plugin.store.programmes import Versions


def _statements(engine: str) -> tuple[dict[str, str], str]:
    """The panel's statement by what counts for tiers, and the history's.

    Rows of several tables share a tag, seven numbers and five texts.
    """
    # PostgreSQL must be told what an empty column is; SQLite would only lose time over it.
    number, text = ("NULL", "NULL") if engine == "sqlite" else ("CAST(NULL AS BIGINT)", "CAST(NULL AS TEXT)")
    programme = programmes.stamp_of("s.shop_id")
    owed = (
        "(SELECT CAST(COALESCE(SUM(d.remaining), 0) AS BIGINT) FROM deficits d WHERE d.shop_id = :s "
        "AND d.member_id = :m AND d.remaining > 0)"
    )
    counted = {
        basis: f"(SELECT CAST(COALESCE(SUM({progress.amount_of(basis)}), 0) AS BIGINT) FROM orders o "
        "WHERE o.shop_id = :s AND o.member_id = :m AND o.processed_at >= :since AND o.processed_at <= :now)"
        for basis in ("points", "money", "orders")
    }
    counted["referrals"] = f"(SELECT COUNT(*) FROM {progress.REFERRALS.format(members=_NAMES)})"
    shop_and_member = (
        "FROM shops s LEFT JOIN members m ON m.shop_id = s.shop_id AND m.member_id = :m "
        "LEFT JOIN aliases a ON a.shop_id = s.shop_id AND a.old_id = :m "
        "WHERE s.shop_id = :s AND s.domain = :d AND s.state = 'installed'"
    )
    nothing, wordless = ", ".join([number] * 4), ", ".join([text] * 5)
    panel = {
        basis: f"SELECT 0 AS tag, {programme} AS n1, a.member_id AS n2, m.joined_at AS n3, {owed} AS n4, "
        f"{amount} AS n5, m.tier_until AS n6, m.warned_at AS n7, m.status AS t1, m.tier AS t2, s.pauses AS t3, "
        f"m.tier_by AS t4, s.timezone AS t5 {shop_and_member} "
        f"UNION ALL SELECT 1, remaining, available_at, expires_at, {nothing}, {wordless} "
        "FROM lots WHERE shop_id = :s AND member_id = :m AND remaining > 0 "
        f"UNION ALL SELECT * FROM (SELECT 2, redemption_id, points, expires_at, {number} AS n4, {number} AS n5, "
        f"{number} AS n6, {number} AS n7, code, state, reward, {text} AS t4, {text} AS t5 "
        "FROM redemptions WHERE shop_id = :s AND member_id = :m AND state IN ('debited', 'made') "
        f"LIMIT {MAX_CODES}) codes "
        f"UNION ALL SELECT 3, i.order_id, i.due_at, {number}, {nothing}, o.name, {text}, {text}, {text}, {text} "
        "FROM invitations i LEFT JOIN orders o ON o.shop_id = i.shop_id AND o.order_id = i.order_id "
        "WHERE i.shop_id = :s AND i.member_id = :m AND i.state = 'asked'"
        for basis, amount in counted.items()
    }
    page = (
        f"SELECT 1, e.entry_id, e.points, e.occurred_at, e.kind, e.why, {ORDER_NAME} FROM entries e "
        "WHERE e.shop_id = :s AND e.member_id = :m "
        "AND e.entry_id < :before ORDER BY e.entry_id DESC LIMIT :n"
    )
    history = (
        f"SELECT 0 AS tag, a.member_id AS n1, {number} AS n2, {number} AS n3, m.status AS t1, {text} AS t2, "
        f"{text} AS t3 {shop_and_member} UNION ALL SELECT * FROM ({page}) page"
    )
    return panel, history


# A member under every name they had: referrals stay with the name that made them.
_NAMES = "(SELECT :m UNION SELECT n.old_id FROM aliases n WHERE n.shop_id = :s AND n.member_id = :m)"

# Nobody holds so many unused codes at once; the limit is against a mistake of ours.
MAX_CODES = 200
_NEWEST = 1 << 62


# What a lot still holds: (points, opens at, ends at), times in epoch milliseconds.
OpenLot = tuple[int, int | None, int | None]


class Code(NamedTuple):
    """A redemption whose code is made or being made. `reward` is the JSON it was pinned with."""

    redemption_id: int
    points: int
    expires_at: int | None
    code: str
    state: str
    reward: str


class Question(NamedTuple):
    """The survey question on show."""

    order_id: int
    due_at: int
    order_name: str | None


@dataclass(slots=True)
class Shopper:
    """One shopper of one installed shop, as stored. `member_id` None: a guest. `status` None: never seen."""

    shop_id: int
    programme: Programme | None
    member_id: int | None
    status: str | None = None
    joined_at: int | None = None
    tier: str | None = None
    lots: list[OpenLot] | None = None
    owed: int = 0
    codes: list[Code] | None = None
    question: Question | None = None
    progress: int = 0
    redeeming: bool = True
    tier_until: int | None = None
    tier_by: str | None = None
    warned: bool = False
    held_before: frozenset[str] = frozenset()
    counted: Counted = NOTHING

    @property
    def currency(self) -> str:
        """The programme's currency, empty while there is no programme."""
        return self.programme.currency if self.programme else ""


# One entry of a history page: (entry id, points, occurred at in epoch ms, kind, why as JSON text, order name).
Line = tuple[int, int, int, str, str, str | None]


class StorefrontReader:
    """Reads for shoppers on read-only connections. Safe for any number of threads.

    On SQLite all threads share one connection by turns: its memory is paid once, and threads that read at once would
    only pass Python's own lock around at every row. On PostgreSQL each thread has its own and waits for the server.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._panel, self._history = _statements("sqlite" if url.startswith("sqlite") else "postgresql")
        self._local = threading.local()
        self._opened: list[Any] = []
        self._guard = threading.Lock()
        self.shared = url.startswith("sqlite")
        self._turn = threading.Lock()
        self._shared_tx: Tx | None = None
        # A shop's number never changes while it is installed; every statement checks it again all the same.
        self._shop_ids: dict[str, int] = {}
        # Versions and time zone of a shop, as of a state of both.
        self._programmes: dict[int, tuple[tuple[int | None, str | None], Versions | None, ZoneInfo]] = {}

    def shopper(self, domain: str, customer_id: int | None, now: datetime) -> Shopper | None:
        """The shopper's state at `now`, or None when the shop has not installed the app."""
        shop_id = self.shop_id(domain)
        if shop_id is None:
            return None
        return self._shopper(shop_id, domain, customer_id, now, again=True)

    def _shopper(
        self, shop_id: int, domain: str, customer_id: int | None, now: datetime, *, again: bool
    ) -> Shopper | None:
        known = self._programmes.get(shop_id)
        versions = known[1] if known else None
        programme = versions.latest if versions else None
        since, basis = now, "points"
        if known and versions is not None and programme is not None:
            since, basis = tiers.window_start(programme, now, known[2]), programme.ladder.basis
            if basis == "money":
                since = max(since, versions.in_currency_since(programme.currency))
        # A guest is customer 0, whom the platform never creates: every part of the statement comes back empty.
        rows = self._all(
            self._panel[basis], s=shop_id, d=domain, m=customer_id or 0, since=to_ms(since), now=to_ms(now)
        )
        head: Row | None = next((row for row in rows if row[0] == 0), None)
        if head is None:
            self._shop_ids.pop(domain, None)
            return None
        state = (head[1], head[12])
        if known is None or known[0] != state:
            with self._reading() as tx:
                self._programmes[shop_id] = (state, programmes.versions(tx, shop_id), shops.zone(head[12]))
            if again:
                return self._shopper(shop_id, domain, customer_id, now, again=False)
        if head[2] is not None:  # merged away: the kept customer is meant
            return self._shopper(shop_id, domain, head[2], now, again=again)
        shopper = Shopper(
            shop_id,
            programme,
            customer_id,
            head[8],
            head[3],
            head[9],
            owed=head[4],
            progress=head[5] // tiers.unit(programme) if programme is not None else 0,
            tier_until=head[6],
            redeeming=head[10] == "[]" or not paused(shops.decode_pauses(head[10]), "redeeming", now),
            tier_by=head[11],
            warned=head[7] is not None and head[11] == "earned",
        )
        if programme is not None and any(tier.reenter is not None for tier in programme.tiers):
            rows_of_past = self._all(
                "SELECT DISTINCT tier FROM tier_history WHERE shop_id = :s AND member_id = :m",
                s=shop_id,
                m=customer_id or 0,
            )
            shopper.held_before = frozenset(row[0] for row in rows_of_past)
        if programme is not None and rewards.counts(programme.rewards):
            with self._reading() as tx:
                shopper.counted = offers.count(tx, shop_id, customer_id, programme.rewards, now)
        return _filled(shopper, rows)

    def history(
        self, domain: str, customer_id: int, before: int | None, limit: int
    ) -> tuple[str | None, list[Line]] | None:
        """(the customer's status, a page of entries, newest first); None when the shop has not installed the app."""
        shop_id = self.shop_id(domain)
        if shop_id is None:
            return None
        rows = self._all(self._history, s=shop_id, d=domain, m=customer_id, before=before or _NEWEST, n=limit)
        head: Row | None = next((row for row in rows if row[0] == 0), None)
        if head is None:
            self._shop_ids.pop(domain, None)
            return None
        if head[1] is not None:  # merged away, and an alias never points to another alias
            return self.history(domain, head[1], before, limit)
        lines: list[Line] = [row[1:] for row in rows if row[0] == 1]
        lines.sort(reverse=True)  # a union promises no order
        return head[4], lines

    def shop_id(self, domain: str) -> int | None:
        """The number of an installed shop, or None."""
        found = self._shop_ids.get(domain)
        if found is None:
            rows = self._all("SELECT shop_id FROM shops WHERE domain = :d AND state = 'installed'", d=domain)
            if not rows:
                return None
            found = self._shop_ids[domain] = int(rows[0][0])
        return found

    def close(self) -> None:
        """Closes every connection. Idempotent; the next read connects anew."""
        with self._turn, self._guard:
            opened, self._opened = self._opened, []
            self._local = threading.local()
            self._shared_tx = None
        for connection in opened:
            connection.close()

    def _all(self, sql: str, /, **parameters: Any) -> list[Row]:
        with self._reading() as tx:
            return tx.all(sql, **parameters)

    @contextmanager
    def _reading(self) -> Iterator[Tx]:
        """This thread's turn to read. Raises StorageBusy when the database is away; the next turn connects anew."""
        if self.shared:
            self._turn.acquire()
        try:
            yield self._tx()
        except Exception as error:
            self._shared_tx = None
            self._local.__dict__.pop("tx", None)
            if storage_failed(error):
                raise StorageBusy("The database did not answer. Try again in a moment.") from error
            raise
        finally:
            if self.shared:
                self._turn.release()

    def _tx(self) -> Tx:
        tx: Tx | None = self._shared_tx if self.shared else getattr(self._local, "tx", None)
        if tx is not None:
            return tx
        connection = connect(self.url)
        if self.shared:
            connection.execute("PRAGMA query_only=ON")
            tx = self._shared_tx = Tx(connection, "sqlite")
        else:
            connection.autocommit = True
            connection.execute("SET default_transaction_read_only = on")
            tx = self._local.tx = Tx(connection, "postgresql")
        with self._guard:
            self._opened.append(connection)
        return tx


def _filled(shopper: Shopper, rows: list[Row]) -> Shopper:
    lots: list[OpenLot] = []
    codes: list[Code] = []
    questions: list[Question] = []
    for row in rows:
        tag = row[0]
        if tag == 1:
            lots.append(row[1:4])
        elif tag == 2:
            codes.append(Code(row[1], row[2], row[3], row[8], row[9], row[10]))
        elif tag == 3:
            questions.append(Question(row[1], row[2], row[8]))
    codes.sort(reverse=True)
    shopper.lots, shopper.codes = lots, codes
    shopper.question = max(questions, key=lambda question: question.due_at, default=None)
    return shopper
