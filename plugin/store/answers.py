"""Survey answers as the merchant reads them: newest first, page by page, by band or with words only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from plugin.store.db import Row, Tx, moment

_NEWEST = 1 << 62
BANDS = {"promoter": (9, 10), "passive": (7, 8), "detractor": (0, 6)}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer with the names it needs on a page."""

    order_id: int
    order_name: str | None
    member_id: int
    first_name: str | None
    last_name: str | None
    score: int
    words: str | None
    channel: str
    answered_at: datetime


_SELECT = (
    "SELECT r.order_id, o.name, r.member_id, m.first_name, m.last_name, r.score, r.words, r.channel, r.answered_at "
    "FROM responses r LEFT JOIN orders o ON o.shop_id = r.shop_id AND o.order_id = r.order_id "
    "LEFT JOIN members m ON m.shop_id = r.shop_id AND m.member_id = r.member_id WHERE r.shop_id = :s "
)


def _answer(row: Row) -> Answer:
    return Answer(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], moment(row[8]))


def page(
    tx: Tx, shop_id: int, band: str | None, before: tuple[int, int] | None, limit: int, *, words: bool = False
) -> list[Answer]:
    """Answers newest first; `before` is (answered_at in ms, order id) of the last one shown."""
    low, high = BANDS.get(band or "", (0, 10))
    at, order_id = before or (_NEWEST, _NEWEST)
    rows = tx.all(
        _SELECT
        + "AND r.score >= :low AND r.score <= :high AND (r.answered_at, r.order_id) < (:at, :o) "
        + ("AND r.words IS NOT NULL " if words else "")
        + "ORDER BY r.answered_at DESC, r.order_id DESC LIMIT :n",
        s=shop_id,
        low=low,
        high=high,
        at=at,
        o=order_id,
        n=limit,
    )
    return [_answer(row) for row in rows]


def of_member(tx: Tx, shop_id: int, member_id: int) -> list[Answer]:
    """One member's answers, the newest first."""
    rows = tx.all(
        _SELECT + "AND r.member_id = :m ORDER BY r.answered_at DESC, r.order_id DESC", s=shop_id, m=member_id
    )
    return [_answer(row) for row in rows]


def every(tx: Tx, shop_id: int) -> Iterator[Answer]:
    """Every answer, oldest first, one by one."""
    for row in tx.each(_SELECT + "ORDER BY r.answered_at, r.order_id", s=shop_id):
        yield _answer(row)


def with_words(tx: Tx, shop_id: int) -> int:
    """How many answers have words."""
    row = tx.one("SELECT COUNT(*) FROM responses WHERE shop_id = :s AND words IS NOT NULL", s=shop_id)
    return int(row[0]) if row else 0
