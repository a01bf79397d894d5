"""Expiring flow: points run out, members are reminded before, the merchant lets them last longer."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugin.domain import expiry
from plugin.domain.ledger import Lot
from plugin.errors import RegularsError
from plugin.flows.spending import mirror_of
from plugin.store import events, expiries, ledger, lots, members, programmes, queues
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.expiries import Run
from plugin.store.shops import Shop

LONGEST = timedelta(days=3653)


class CannotExtend(RegularsError):
    """No points were extended; `field` names the field of the form that has to change, if one has."""

    code = "cannot_extend"
    status = 422

    def __init__(self, message: str, *, code: str, field: str = "", status: int = 422) -> None:
        super().__init__(message, code=code, status=status)
        self.field = field


def expire(tx: Tx, shop: Shop, now: datetime, size: int) -> bool:
    """Empties one slice of lots that ran out, each by a debit of its own; True when more may wait.

    While a run dates lots anew, nothing is emptied: what it has not reached yet may be meant to last longer.
    """
    if carry_on(tx, shop, now, size):
        return True
    found = ledger.expired_lots(tx, shop.shop_id, now, size)
    if not found:
        return False
    rule = expiries.rule(tx, shop.shop_id)
    accounts = ledger.accounts(tx, shop.shop_id, {lot.member_id for lot in found})
    for lot in found:
        accounts[lot.member_id].empty_lot(
            "expire",
            lot.lot_id,
            source_key=f"expire:lot:{lot.lot_id}",
            why=expiry.why(lot, rule),
            occurred_at=lot.expires_at or now,
        )
    ledger.write(tx, shop.shop_id, [account.moves for account in accounts.values()], now)
    _show(tx, shop, found, now)
    return len(found) == size


def remind(tx: Tx, shop: Shop, now: datetime, size: int) -> bool:
    """Notes the reminders that fell due, each once, and tells them to whoever listens: one slice; True for more."""
    programme = programmes.versions(tx, shop.shop_id).latest
    full = False
    for reminder, after, until in expiry.window(now, programme.expiry) if programme else ():
        found, mark = expiries.ending(tx, shop.shop_id, reminder, after, until, size)
        if mark is None:
            continue
        expiries.looked_at(tx, shop.shop_id, reminder, mark)
        accounts = ledger.accounts(tx, shop.shop_id, {member_id for member_id, _ in found})
        for member_id, ends_at in found:
            points = sum(
                lot.remaining
                for lot in accounts[member_id].lots.values()
                if lot.expires_at is not None
                and lot.expires_at > now
                and lot.expires_at.date() == ends_at.date()
            )
            if expiries.notice(tx, shop.shop_id, member_id, reminder, ends_at, points, now):
                _tell(tx, shop, member_id, reminder, ends_at, points, now)
        full = full or bool(found)
    return full


def _tell(
    tx: Tx, shop: Shop, member_id: int, reminder: str, ends_at: datetime, points: int, now: datetime
) -> None:
    """The one place where `points.expiring` leaves for the trail and for who subscribes to it."""
    detail: dict[str, object] = {"reminder": reminder, "points": points, "ends_at": ends_at.isoformat()}
    events.record(tx, shop.shop_id, [Event(now, "system", "points_expiring", f"member:{member_id}", detail)])


def extend(tx: Tx, shop: Shop, member_id: int, ends_at: datetime, actor: str, now: datetime) -> int:
    """No open lot of the member ends before that moment; returns how many points it makes last longer.

    What ends later stays as it is, and what has run out stays out. Raises CannotExtend (codes: not_future, too_far,
    no_such_member).
    """
    _check(ends_at, now)
    if members.by_id(tx, shop.shop_id, member_id) is None:
        raise CannotExtend(
            "There is no member with this number. Check it in Shopify's list of customers.",
            code="no_such_member",
            status=404,
        )
    alive = [
        lot
        for lot in lots.of_members(tx, shop.shop_id, [member_id])
        if lot.expires_at is None or lot.expires_at > now
    ]
    longer = _keep(tx, shop, alive, ends_at, now)
    points = sum(lot.remaining for lot in longer)
    detail: dict[str, object] = {"points": points, "ends_at": ends_at.isoformat()}
    events.record(tx, shop.shop_id, [Event(now, actor, "points_extended", f"member:{member_id}", detail)])
    return points


def extend_all(tx: Tx, shop: Shop, tier: str | None, ends_at: datetime, actor: str, now: datetime) -> int:
    """As `extend` for every member, or for those of one tier; the clock carries it out. Returns the run's id.

    Raises CannotExtend (codes: not_future, too_far, no_such_tier).
    """
    _check(ends_at, now)
    programme = programmes.versions(tx, shop.shop_id).latest
    if tier is not None and (programme is None or programme.tier(tier) is None):
        raise CannotExtend("Choose one of the tiers of the programme.", code="no_such_tier", field="tier")
    run_id = expiries.begin(tx, shop.shop_id, "extend", now, actor, now, ends_at=ends_at, tier=tier)
    detail: dict[str, object] = {"ends_at": ends_at.isoformat(), "tier": tier}
    events.record(tx, shop.shop_id, [Event(now, actor, "extension_begun", f"run:{run_id}", detail)])
    return run_id


def carry_on(tx: Tx, shop: Shop, now: datetime, size: int) -> bool:
    """One slice of the run under way, if there is one; True when more may wait."""
    run = expiries.unfinished(tx, shop.shop_id)
    if run is None:
        return False
    found = expiries.next_lots(tx, shop.shop_id, run, size)
    if not found:
        expiries.finish(tx, shop.shop_id, run.run_id, now)
        if run.kind == "extend":
            detail: dict[str, object] = {"lots": run.lots, "points": run.points}
            event = Event(now, "system", "extension_done", f"run:{run.run_id}", detail)
            events.record(tx, shop.shop_id, [event])
        return True
    if run.ends_at is not None:
        changed = _keep(tx, shop, found, run.ends_at, now)
    else:
        changed = _follow(tx, shop, run, found, now)
    expiries.reached(tx, shop.shop_id, run, found[-1].lot_id, changed)
    return True


def _follow(tx: Tx, shop: Shop, run: Run, found: list[Lot], now: datetime) -> list[Lot]:
    """All lots of the members of a slice are dated at once: a later lot of theirs then finds nothing to change."""
    rule = expiries.rule(tx, shop.shop_id)
    whose = sorted({lot.member_id for lot in found})
    changed = expiries.redate(tx, shop.shop_id, rule, whose, run.alive_after)
    _show(tx, shop, changed, now)
    return changed


def _keep(tx: Tx, shop: Shop, found: list[Lot], ends_at: datetime, now: datetime) -> list[Lot]:
    kept = [expiry.kept(lot, ends_at) for lot in found]
    lots.redate(tx, shop.shop_id, kept)
    longer = [new for old, new in zip(found, kept, strict=True) if new.expires_at != old.expires_at]
    _show(tx, shop, longer, now)
    return longer


def _show(tx: Tx, shop: Shop, changed: list[Lot], now: datetime) -> None:
    wishes = [mirror_of(member_id) for member_id in sorted({lot.member_id for lot in changed})]
    queues.enqueue(tx, shop.shop_id, wishes, now)


def _check(ends_at: datetime, now: datetime) -> None:
    if ends_at <= now:
        raise CannotExtend("Choose a day in the future.", code="not_future", field="ends_at")
    if ends_at > now + LONGEST:
        raise CannotExtend("Choose a day within the next ten years.", code="too_far", field="ends_at")
