"""Surveys: one invitation per order, one response to it, and the figures over them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from plugin.store.db import Row, Tx, from_ms, moment, to_ms

_NEVER = 1 << 62
_RESPONSE = "order_id, member_id, score, words, locale, channel, answered_at, changed_at, reasons, contact_ok"
INVITATION = (
    "order_id, member_id, state, basis, delivered_at, due_at, asked_at, reason, way, country, carrier, fulfilled_at, "
    "planned_at, channel"
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """The question about one order. `state`: waiting, asked, answered, withdrawn or missed.

    `basis` and `way`: see asking.Came. `planned_at`: when it first fell due; `due_at`, when it will be asked, moves
    when it is put off, and `reason` says why; of one that is withdrawn, why.
    """

    order_id: int
    member_id: int
    state: str
    basis: str
    delivered_at: datetime
    due_at: datetime
    asked_at: datetime | None
    reason: str | None
    way: str = ""
    country: str | None = None
    carrier: str | None = None
    fulfilled_at: datetime | None = None
    planned_at: datetime | None = None
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to one invitation. `score` is 0 to 10; it is dated at the first answer.

    `reasons` are of nps.REASONS. `contact_ok`: may the shop write back? None as long as nobody said.
    """

    order_id: int
    member_id: int
    score: int
    words: str | None
    locale: str | None
    channel: str
    answered_at: datetime
    changed_at: datetime
    reasons: tuple[str, ...] = ()
    contact_ok: bool | None = None


def invitation(row: Row) -> Invitation:
    """An invitation from a row that begins with the columns of INVITATION."""
    return Invitation(
        row[0], row[1], row[2], row[3], moment(row[4]), moment(row[5]), from_ms(row[6]), row[7], row[8], row[9],
        row[10], from_ms(row[11]), from_ms(row[12]), row[13],
    )  # fmt: skip


def _response(row: Row) -> Response:
    reasons, contact_ok = tuple(json.loads(row[8])), None if row[9] is None else bool(row[9])
    return Response(
        row[0], row[1], row[2], row[3], row[4], row[5], moment(row[6]), moment(row[7]), reasons, contact_ok
    )


def invite(tx: Tx, shop_id: int, invitations: Iterable[Invitation], now: datetime) -> None:
    """Writes invitations as planned, or withdrawn with a reason. What is told later moves one that was not asked yet.

    Nothing moves one that was.
    """
    told = (
        "member_id", "state", "basis", "delivered_at", "due_at", "asked_at", "reason", "way", "country", "carrier",
        "fulfilled_at", "planned_at",
    )  # fmt: skip
    tx.many(
        f"INSERT INTO invitations (shop_id, order_id, created_at, {', '.join(told)}) "
        "VALUES (:s, :o, :t, :m, :state, :basis, :delivered, :due, :asked, :reason, :way, :country, :carrier, "
        ":fulfilled, :planned) ON CONFLICT (shop_id, order_id) DO UPDATE SET "
        f"{', '.join(f'{name} = excluded.{name}' for name in told)} "
        "WHERE invitations.state = 'waiting' OR (invitations.state = 'withdrawn' AND invitations.asked_at IS NULL)",
        [
            {
                "s": shop_id,
                "o": i.order_id,
                "m": i.member_id,
                "state": i.state,
                "basis": i.basis,
                "delivered": to_ms(i.delivered_at),
                "due": to_ms(i.due_at),
                "asked": to_ms(i.asked_at),
                "reason": i.reason,
                "way": i.way,
                "country": i.country,
                "carrier": i.carrier,
                "fulfilled": to_ms(i.fulfilled_at),
                "planned": to_ms(i.planned_at or i.due_at),
                "t": to_ms(now),
            }
            for i in invitations
        ],
    )


def withdraw(tx: Tx, shop_id: int, reasons: Mapping[int, str]) -> None:
    """Takes back invitations (order to reason) that were not answered; an answer stands whatever happens after."""
    tx.many(
        "UPDATE invitations SET state = 'withdrawn', reason = :reason WHERE shop_id = :s AND order_id = :o "
        "AND state IN ('waiting', 'asked')",
        [{"s": shop_id, "o": order_id, "reason": reason} for order_id, reason in reasons.items()],
    )


def of_orders(tx: Tx, shop_id: int, order_ids: Iterable[int]) -> dict[int, Invitation]:
    """The invitations for these orders."""
    rows = tx.among(
        f"SELECT {INVITATION} FROM invitations WHERE shop_id = :s AND order_id IN (:among)",
        order_ids,
        s=shop_id,
    )
    return {row[0]: invitation(row) for row in rows}


def by_order(tx: Tx, shop_id: int, order_id: int) -> Invitation | None:
    """The invitation for an order."""
    return of_orders(tx, shop_id, [order_id]).get(order_id)


def falling_due(tx: Tx, shop_id: int, now: datetime, limit: int) -> list[Invitation]:
    """Invitations whose moment has come and that were not asked yet."""
    rows = tx.all(
        f"SELECT {INVITATION} FROM invitations WHERE shop_id = :s AND state = 'waiting' AND due_at <= :t "
        "ORDER BY due_at LIMIT :n",
        s=shop_id,
        t=to_ms(now),
        n=limit,
    )
    return [invitation(row) for row in rows]


def missed(tx: Tx, shop_id: int, asked_before: datetime) -> list[int]:
    """Closes questions that were shown for long enough; returns the members they were shown to."""
    rows = tx.all(
        "SELECT order_id, member_id FROM invitations WHERE shop_id = :s AND state = 'asked' "
        "AND asked_at < :t",
        s=shop_id,
        t=to_ms(asked_before),
    )
    tx.many(
        "UPDATE invitations SET state = 'missed' WHERE shop_id = :s AND order_id = :o",
        [{"s": shop_id, "o": row[0]} for row in rows],
    )
    return [row[1] for row in rows]


def open_of_member(tx: Tx, shop_id: int, member_id: int) -> Invitation | None:
    """The one question that is on show to this member: the newest."""
    row = tx.one(
        f"SELECT {INVITATION} FROM invitations WHERE shop_id = :s AND member_id = :m AND state = 'asked' "
        "ORDER BY due_at DESC LIMIT 1",
        s=shop_id,
        m=member_id,
    )
    return None if row is None else invitation(row)


def response(tx: Tx, shop_id: int, order_id: int) -> Response | None:
    """The answer for an order."""
    row = tx.one(
        f"SELECT {_RESPONSE} FROM responses WHERE shop_id = :s AND order_id = :o",
        s=shop_id,
        o=order_id,
    )
    return None if row is None else _response(row)


def answer(tx: Tx, shop_id: int, given: Response) -> None:
    """Stores an answer, or changes it; the date stays that of the first, and what was left open now stays too."""
    r = given
    tx.run(
        f"INSERT INTO responses (shop_id, {_RESPONSE}) "
        "VALUES (:s, :o, :m, :score, :words, :locale, :channel, :t, :changed, :reasons, :contact) "
        "ON CONFLICT (shop_id, order_id) DO UPDATE SET score = excluded.score, "
        "words = COALESCE(excluded.words, responses.words), changed_at = excluded.changed_at, "
        "reasons = CASE excluded.reasons WHEN '[]' THEN responses.reasons ELSE excluded.reasons END, "
        "contact_ok = COALESCE(excluded.contact_ok, responses.contact_ok)",
        s=shop_id,
        o=r.order_id,
        m=r.member_id,
        score=r.score,
        words=r.words,
        locale=r.locale,
        channel=r.channel,
        t=to_ms(r.answered_at),
        changed=to_ms(r.changed_at),
        reasons=json.dumps(r.reasons),
        contact=None if r.contact_ok is None else int(r.contact_ok),
    )
    tx.run(
        "UPDATE invitations SET state = 'answered' WHERE shop_id = :s AND order_id = :o",
        s=shop_id,
        o=r.order_id,
    )


def distribution(
    tx: Tx, shop_id: int, since: datetime | None = None, until: datetime | None = None
) -> dict[int, int]:
    """How many answers gave each score, by the date of the first answer: from `since` on, before `until`."""
    rows = tx.all(
        "SELECT score, COUNT(*) FROM responses WHERE shop_id = :s AND answered_at >= :since AND answered_at < :until "
        "GROUP BY score",
        s=shop_id,
        since=to_ms(since) or 0,
        until=to_ms(until) or _NEVER,
    )
    return {row[0]: row[1] for row in rows}


def of_member(tx: Tx, shop_id: int, member_id: int) -> list[Response]:
    """A member's answers."""
    rows = tx.all(
        f"SELECT {_RESPONSE} FROM responses WHERE shop_id = :s AND member_id = :m ORDER BY answered_at",
        s=shop_id,
        m=member_id,
    )
    return [_response(row) for row in rows]


def rehome(tx: Tx, shop_id: int, old_member: int, member_id: int) -> None:
    """Hangs a merged-away member's invitations and answers on the kept one."""
    for table in ("invitations", "responses"):
        tx.run(
            f"UPDATE {table} SET member_id = :m WHERE shop_id = :s AND member_id = :old",
            s=shop_id,
            m=member_id,
            old=old_member,
        )


def forget_words(tx: Tx, shop_id: int, order_ids: Iterable[int]) -> None:
    """Empties the free text of the answers about these orders (redaction); the scores stay."""
    tx.run_among(
        "UPDATE responses SET words = NULL, locale = NULL WHERE shop_id = :s AND order_id IN (:among)",
        order_ids,
        s=shop_id,
    )
