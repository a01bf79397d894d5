"""Clock flow: what falls due by time alone, in slices small enough not to hold up a webhook."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugin.domain import tiers
from plugin.domain.ledger import Lot
from plugin.domain.pauses import paused
from plugin.domain.programme import Programme
from plugin.domain.values import months_later
from plugin.flows import corrections
from plugin.flows import imports as import_flow
from plugin.flows.members import tags_of
from plugin.flows.spending import mirror_of
from plugin.store import (
    events,
    imports,
    ledger,
    members,
    orders,
    privacy,
    programmes,
    queues,
    surveys,
    tidying,
)
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.members import Member
from plugin.store.shops import Shop

SLICE = 200
TIDY_SLICE = 500
UNCLAIMED_MONTHS = 12
BODY_DAYS = 30
DONE_EFFECT_DAYS = 14
STRANGER_DAYS = 7
LIST_DAYS = 14


def tick(tx: Tx, shop: Shop, now: datetime) -> bool:
    """Does one slice of everything that is due in a shop; True when a slice was full and more may wait."""
    full = [
        _expire(tx, shop, now),
        _void(tx, shop, now),
        _review(tx, shop, now),
        _open_lots(tx, shop, now),
        _ask(tx, shop, now),
        corrections.carry_on(tx, shop, now, SLICE),
        import_flow.carry_on(tx, shop, now),
    ]
    return any(full)


def tidy(tx: Tx, shop: Shop, now: datetime) -> bool:
    """Forgets old webhook bodies, effects done long ago and lines of old lists: one slice; True when more may wait."""
    full = [
        tidying.empty_bodies(tx, shop.shop_id, now - timedelta(days=BODY_DAYS), TIDY_SLICE),
        tidying.forget_effects(tx, shop.shop_id, now - timedelta(days=DONE_EFFECT_DAYS), TIDY_SLICE),
        imports.forget_rows(tx, shop.shop_id, now - timedelta(days=LIST_DAYS), TIDY_SLICE) == TIDY_SLICE,
    ]
    return any(full)


def purge_strangers(tx: Tx, now: datetime) -> int:
    """Removes webhooks of shops that did not install within 7 days; returns how many."""
    return privacy.purge_strangers(tx, now - timedelta(days=STRANGER_DAYS))


def _empty(tx: Tx, shop: Shop, lots: list[Lot], kind: str, now: datetime) -> None:
    accounts = ledger.accounts(tx, shop.shop_id, {lot.member_id for lot in lots})
    for lot in lots:
        if kind == "expire":
            occurred_at = lot.expires_at or now
            accounts[lot.member_id].empty_lot(
                "expire",
                lot.lot_id,
                source_key=f"expire:lot:{lot.lot_id}",
                why={"rule": "expiry"},
                occurred_at=occurred_at,
            )
        else:
            accounts[lot.member_id].empty_lot(
                "void",
                lot.lot_id,
                source_key=f"void:lot:{lot.lot_id}",
                why={"rule": "never_joined", "months": UNCLAIMED_MONTHS},
                occurred_at=now,
            )
    ledger.write(tx, shop.shop_id, [account.moves for account in accounts.values()], now)
    queues.enqueue(tx, shop.shop_id, [mirror_of(member_id) for member_id in sorted(accounts)], now)


def _expire(tx: Tx, shop: Shop, now: datetime) -> bool:
    lots = ledger.expired_lots(tx, shop.shop_id, now, SLICE)
    if lots:
        _empty(tx, shop, lots, "expire", now)
    return len(lots) == SLICE


def _void(tx: Tx, shop: Shop, now: datetime) -> bool:
    lots = ledger.stale_unclaimed_lots(tx, shop.shop_id, months_later(now, -UNCLAIMED_MONTHS), SLICE)
    if lots:
        _empty(tx, shop, lots, "void", now)
    return len(lots) == SLICE


def _open_lots(tx: Tx, shop: Shop, now: datetime) -> bool:
    opened = ledger.newly_available(tx, shop.shop_id, now, SLICE)
    queues.enqueue(tx, shop.shop_id, [mirror_of(member_id) for member_id in opened], now)
    return len(opened) >= SLICE


def _review(tx: Tx, shop: Shop, now: datetime) -> bool:
    due = members.due_for_review(tx, shop.shop_id, now, SLICE)
    programme = programmes.versions(tx, shop.shop_id).latest
    histories = members.tier_histories(tx, shop.shop_id, [member.member_id for member in due])
    for member in due:
        if member.status != "active":
            members.reviewed(tx, shop.shop_id, member.member_id, member.tier, None)
        elif programme is None or not programme.tiers:
            _leave_ladder(tx, shop, member, now)
        else:
            _review_one(tx, shop, programme, member, histories.get(member.member_id, []), now)
    return len(due) == SLICE


def _leave_ladder(tx: Tx, shop: Shop, member: Member, now: datetime) -> None:
    """The programme has no tiers (any more): neither has the member."""
    members.reviewed(tx, shop.shop_id, member.member_id, None, None)
    if member.tier is not None:
        wishes = [mirror_of(member.member_id), tags_of(member.member_id)]
        queues.enqueue(tx, shop.shop_id, wishes, now)


def _review_one(
    tx: Tx,
    shop: Shop,
    programme: Programme,
    member: Member,
    history: list[tuple[datetime, str]],
    now: datetime,
) -> None:
    """Up at once; down only when the period of the tier is over (design 10.14)."""
    since = tiers.window_start(programme, now)
    progress = orders.tier_progress(tx, shop.shop_id, member.member_id, since, now)
    earned = tiers.tier_for(programme, progress)
    held = programme.tier(member.tier)
    held_until = months_later(history[-1][0], programme.tier_months) if history else now
    tier = earned
    if held is not None and earned is not None and earned.threshold < held.threshold and now < held_until:
        tier = held
    key = tier.key if tier else None
    if key is not None and key != member.tier:
        members.tier_from(tx, shop.shop_id, member.member_id, key, f"progress {progress}", now)
        held_until = months_later(now, programme.tier_months)
        events.record(
            tx,
            shop.shop_id,
            [
                Event(
                    now,
                    "system",
                    "tier_changed",
                    f"member:{member.member_id}",
                    {"from": member.tier, "to": key, "progress": progress},
                )
            ],
        )
        queues.enqueue(
            tx,
            shop.shop_id,
            [mirror_of(member.member_id), tags_of(member.member_id)],
            now,
        )
    next_review = None
    if tier is not None and tier.threshold > 0:
        oldest = orders.oldest_in_window(tx, shop.shop_id, member.member_id, since)
        lapses = months_later(oldest, programme.tier_months) if oldest else now + timedelta(days=1)
        if earned is None or earned.threshold < tier.threshold:
            lapses = now  # it is only held: the end of its period is the next moment that matters
        next_review = max(held_until, lapses, now + timedelta(hours=1))
    members.reviewed(tx, shop.shop_id, member.member_id, key, next_review)


def _ask(tx: Tx, shop: Shop, now: datetime) -> bool:
    """Puts due questions on show, and closes those that were on show long enough."""
    programme = programmes.versions(tx, shop.shop_id).latest
    if programme is None or not programme.survey.enabled or paused(shop.pauses, "messages", now):
        return False
    due = surveys.falling_due(tx, shop.shop_id, now, SLICE)
    for invitation in due:
        surveys.asked(tx, shop.shop_id, invitation.order_id, now)
    closed = surveys.missed(tx, shop.shop_id, now - timedelta(days=programme.survey.valid_days))
    touched = sorted({invitation.member_id for invitation in due} | set(closed))
    queues.enqueue(tx, shop.shop_id, [mirror_of(member_id) for member_id in touched], now)
    return len(due) == SLICE
