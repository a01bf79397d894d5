"""Adjustments flow: staff give or take points by hand, with a reason, once per form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.domain.ledger import floor_at_zero
from plugin.domain.programme import Programme
from plugin.domain.values import months_later
from plugin.errors import RegularsError
from plugin.flows.spending import mirror_of
from plugin.store import events, ledger, members, notes, programmes, queues
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.shops import Shop

MAX_POINTS = 100_000
MAX_REASON = 500


class CannotAdjust(RegularsError):
    """The adjustment was not made; `field` names the field of the form that has to change, if one has."""

    code = "cannot_adjust"
    status = 422

    def __init__(self, message: str, *, code: str, field: str = "", status: int = 422) -> None:
        super().__init__(message, code=code, status=status)
        self.field = field


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an adjustment would do: points to spend before and after, and what would be owed after."""

    points: int
    available: int
    available_after: int
    pending_after: int
    owed_after: int
    expires_at: datetime | None


def foresee(tx: Tx, shop: Shop, member_id: int, points: int, reason: str, now: datetime) -> Outcome:
    """What the adjustment would do, without doing it. Raises CannotAdjust."""
    programme = _check(tx, shop, member_id, points, reason)
    account = ledger.accounts(tx, shop.shop_id, [member_id])[member_id]
    available = account.available(now)
    expires_at = _expiry(programme, now)
    if points > 0:
        account.credit(
            "adjust",
            points,
            source_key="foresee",
            why={},
            occurred_at=now,
            available_at=now,
            expires_at=expires_at,
        )
    else:
        account.take_back("adjust", -points, source_key="foresee", why={}, occurred_at=now, now=now)
    forgiven = programme is not None and programme.clawback == "floor" and points < 0
    return Outcome(
        points,
        available,
        account.available(now),
        account.pending(now),
        0 if forgiven else account.owed(),
        expires_at if points > 0 else None,
    )


def adjust(
    tx: Tx, shop: Shop, member_id: int, points: int, reason: str, form_key: str, actor: str, now: datetime
) -> bool:
    """Gives (positive) or takes (negative) points; the reason goes beside the ledger, where it can be forgotten.

    A gift can be spent at once and expires as earned points do. What is taken comes from the points that expire
    soonest, pending ones included; what is not there becomes a debt that the next points pay, or is forgiven when
    the programme floors balances at zero. The same form key acts once: False when it had acted before.
    Raises CannotAdjust (codes: no_points, too_many_points, no_reason, long_reason, no_such_member, not_a_member).
    """
    programme = _check(tx, shop, member_id, points, reason)
    source_key = f"adjust:{form_key}"
    if ledger.entry_by_source(tx, shop.shop_id, source_key) is not None:
        return False
    account = ledger.accounts(tx, shop.shop_id, [member_id])[member_id]
    why: dict[str, object] = {"rule": "adjust", "programme": programme.version if programme else None}
    if points > 0:
        entry = account.credit(
            "adjust",
            points,
            source_key=source_key,
            why=why,
            occurred_at=now,
            available_at=now,
            expires_at=_expiry(programme, now),
            actor=actor,
        )
    else:
        entry = account.take_back(
            "adjust", -points, source_key=source_key, why=why, occurred_at=now, now=now, actor=actor
        )
        floor_at_zero(account, entry, programme)
    ledger.write(tx, shop.shop_id, [account.moves], now)
    notes.put(tx, shop.shop_id, entry.entry_id, reason.strip())
    events.record(
        tx,
        shop.shop_id,
        [
            Event(
                now,
                actor,
                "points_adjusted",
                f"member:{member_id}",
                {"points": points, "entry": str(entry.entry_id)},
            )
        ],
    )
    queues.enqueue(tx, shop.shop_id, [mirror_of(member_id)], now)
    return True


def _check(tx: Tx, shop: Shop, member_id: int, points: int, reason: str) -> Programme | None:
    if points == 0:
        raise CannotAdjust("Give a number of points other than 0.", code="no_points", field="points")
    if abs(points) > MAX_POINTS:
        raise CannotAdjust(
            f"At most {MAX_POINTS:,} points at a time.", code="too_many_points", field="points"
        )
    if not reason.strip():
        raise CannotAdjust("Say why, in a few words.", code="no_reason", field="reason")
    if len(reason.strip()) > MAX_REASON:
        raise CannotAdjust(f"Say it in {MAX_REASON} characters or fewer.", code="long_reason", field="reason")
    member = members.by_id(tx, shop.shop_id, member_id)
    if member is None:
        raise CannotAdjust(
            "There is no member with this number. Check it in Shopify's list of customers.",
            code="no_such_member",
            status=404,
        )
    if member.status != "active":
        raise CannotAdjust(
            "Only members' points can be adjusted, and this customer is none at the moment.",
            code="not_a_member",
            status=409,
        )
    return programmes.versions(tx, shop.shop_id).latest


def _expiry(programme: Programme | None, now: datetime) -> datetime | None:
    if programme is None or programme.expiry_months is None:
        return None
    return months_later(now, programme.expiry_months)
