"""Privacy: requests to hand over or to forget, the search for old webhook bodies, the removal of a whole shop."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from plugin.store import tidying
from plugin.store.db import Tx, to_ms
from plugin.store.schema import metadata

# Children before parents, so that foreign keys hold at every step.
_OF_A_SHOP = [
    table.name for table in reversed(metadata.sorted_tables) if "shop_id" in table.c and table.name != "shops"
]

# Requests that are searched for in one pass, however many come at once.
_PASS = 50
_NUMBER = re.compile(rb"\d+")


@dataclass(frozen=True, slots=True)
class Search:
    """A pass over a shop's webhook bodies for numbers to forget, as far as it has come.

    `requests` are (key, received at in epoch ms).
    """

    requests: tuple[tuple[str, int], ...]
    numbers: frozenset[int]
    searched_to: str


def key_of(kind: str, subject: object) -> str:
    """The name of a request: the same one asked again is the same request."""
    return f"{kind}:{subject}"


def known(tx: Tx, shop_id: int, key: str) -> bool:
    """Whether such a request was made."""
    row = tx.one(
        "SELECT 1 FROM privacy_requests WHERE shop_id = :s AND request_key = :key", s=shop_id, key=key
    )
    return row is not None


def requested(tx: Tx, shop_id: int, key: str, kind: str, member_id: int | None, now: datetime) -> bool:
    """Notes a request; False when the same one was noted before."""
    return (
        tx.run(
            "INSERT INTO privacy_requests (shop_id, request_key, kind, member_id, received_at) "
            "VALUES (:s, :key, :kind, :m, :t) ON CONFLICT (shop_id, request_key) DO NOTHING",
            s=shop_id,
            key=key,
            kind=kind,
            m=member_id,
            t=to_ms(now),
        )
        > 0
    )


def fulfilled(tx: Tx, shop_id: int, key: str, result: str | None, now: datetime) -> None:
    """Notes that a request was met; `result` is the answer to a data request, as JSON."""
    tx.run(
        "UPDATE privacy_requests SET done_at = :t, result = :r WHERE shop_id = :s AND request_key = :key",
        s=shop_id,
        key=key,
        r=result,
        t=to_ms(now),
    )


def data_requests(tx: Tx, shop_id: int, limit: int = 100) -> list[tuple[str, int | None, str | None]]:
    """Data requests as (key, member, answer), newest first: the merchant hands the answer to the customer."""
    rows = tx.all(
        "SELECT request_key, member_id, result FROM privacy_requests WHERE shop_id = :s AND kind = 'data_request' "
        "ORDER BY received_at DESC LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [(row[0], row[1], row[2]) for row in rows]


def forget_requests_of(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> None:
    """Empties the answers to a forgotten member's data requests, made under any of their ids."""
    tx.run_among(
        "UPDATE privacy_requests SET result = NULL WHERE shop_id = :s AND member_id IN (:among)",
        member_ids,
        s=shop_id,
    )


def forget_notes_of(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> None:
    """Removes free-text reasons that staff typed beside a member's entries, under any of their ids."""
    tx.run_among(
        "DELETE FROM entry_notes WHERE shop_id = :s AND entry_id IN "
        "(SELECT entry_id FROM entries WHERE shop_id = :s AND member_id IN (:among))",
        member_ids,
        s=shop_id,
    )


def forget_bodies(
    tx: Tx, shop_id: int, key: str, kind: str, member_id: int | None, numbers: Iterable[int], now: datetime
) -> None:
    """Asks that every webhook body that holds one of these numbers be emptied; asked again, it begins anew.

    Bodies are not indexed by customer, and a shop has many: the worker searches them in slices.
    """
    wanted = set(numbers)
    before = tx.one(
        "SELECT numbers FROM privacy_requests WHERE shop_id = :s AND request_key = :key AND numbers IS NOT NULL",
        s=shop_id,
        key=key,
    )
    if before is not None:
        wanted |= set(msgspec.json.decode(before[0]))
    tx.run(
        "INSERT INTO privacy_requests (shop_id, request_key, kind, member_id, received_at, numbers, searched_to) "
        "VALUES (:s, :key, :kind, :m, :t, :numbers, '') ON CONFLICT (shop_id, request_key) DO UPDATE SET "
        "received_at = excluded.received_at, numbers = excluded.numbers, searched_to = '', done_at = NULL",
        s=shop_id,
        key=key,
        kind=kind,
        m=member_id,
        t=to_ms(now),
        numbers=msgspec.json.encode(sorted(wanted)).decode(),
    )


def shops_searching(tx: Tx) -> list[int]:
    """Shops with bodies to search, installed or not."""
    return [
        row[0] for row in tx.all("SELECT DISTINCT shop_id FROM privacy_requests WHERE numbers IS NOT NULL")
    ]


def search(tx: Tx, shop_id: int) -> Search | None:
    """What is to be searched for next, or None. Requests that stand at the same place go on together."""
    rows = tx.all(
        "SELECT request_key, received_at, numbers, searched_to FROM privacy_requests "
        "WHERE shop_id = :s AND numbers IS NOT NULL ORDER BY searched_to DESC, received_at LIMIT :n",
        s=shop_id,
        n=_PASS,
    )
    if not rows:
        return None
    together = [row for row in rows if row[3] == rows[0][3]]
    return Search(
        tuple((row[0], row[1]) for row in together),
        frozenset(number for row in together for number in msgspec.json.decode(row[2])),
        rows[0][3],
    )


def bodies_with(tx: Tx, shop_id: int, wanted: Search, limit: int) -> tuple[list[str], str | None]:
    """Of the next `limit` webhooks those whose body holds one of the numbers, and the last one looked at.

    None for the last one: the end was reached. What waits is not looked at, for it still has to serve.
    """
    needles = {str(number).encode() for number in wanted.numbers}
    rows = tx.all(
        "SELECT webhook_id, CASE WHEN state = 0 THEN :empty ELSE body END FROM inbox "
        "WHERE shop_id = :s AND webhook_id > :after ORDER BY webhook_id LIMIT :n",
        s=shop_id,
        after=wanted.searched_to,
        n=limit,
        empty=b"",
    )
    found = [row[0] for row in rows if not needles.isdisjoint(_NUMBER.findall(row[1]))]
    return found, rows[-1][0] if len(rows) == limit else None


def searched(
    tx: Tx, shop_id: int, wanted: Search, found: Iterable[str], last: str | None, now: datetime
) -> None:
    """Empties the bodies that were found and notes how far the search has come; without a last one it is done."""
    tidying.empty(tx, shop_id, found)
    # Not one that was asked for again meanwhile, which begins anew.
    tx.many(
        "UPDATE privacy_requests SET searched_to = :to, done_at = :done, "
        "numbers = CASE WHEN :ended = 1 THEN NULL ELSE numbers END "
        "WHERE shop_id = :s AND request_key = :key AND received_at = :received AND searched_to = :from",
        [
            {
                "s": shop_id,
                "key": key,
                "received": received_at,
                "from": wanted.searched_to,
                "to": last,
                "done": to_ms(now) if last is None else None,
                "ended": int(last is None),
            }
            for key, received_at in wanted.requests
        ],
    )


def purge_strangers(tx: Tx, before: datetime) -> int:
    """Removes webhooks of shops that never installed within 7 days; returns how many.

    The shop's row stays: its number is never given to another shop, because processes remember whose it is.
    """
    return tx.run(
        "DELETE FROM inbox WHERE received_at < :t AND shop_id IN (SELECT shop_id FROM shops WHERE state = 'waiting')",
        t=to_ms(before),
    )


def remove_shop(tx: Tx, shop_id: int, *, keep_inbox_row: str | None) -> None:
    """Deletes everything of a redacted shop but its row, so that a later install starts anew.

    `keep_inbox_row` is the webhook that asked for it, which the caller still marks as done.
    """
    for table in _OF_A_SHOP:
        if table == "inbox":
            tx.run(
                "DELETE FROM inbox WHERE shop_id = :s AND webhook_id <> :keep",
                s=shop_id,
                keep=keep_inbox_row or "",
            )
        else:
            tx.run(f"DELETE FROM {table} WHERE shop_id = :s", s=shop_id)
