"""Clock flow: what falls due by time alone, in slices small enough not to hold up a webhook."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugin.domain.values import months_later
from plugin.flows import (
    asking,
    birthdays,
    code_life,
    corrections,
    expiring,
    merchants,
    outgoing,
    referrals,
    sharing,
    tiers,
)
from plugin.flows import imports as import_flow
from plugin.flows.spending import mirror_of
from plugin.flows.surroundings import PRINT_DAYS
from plugin.store import (
    api_answers,
    fingerprints,
    imports,
    ledger,
    privacy,
    queues,
    tidying,
)
from plugin.store.db import Tx
from plugin.store.shops import Shop

SLICE = 200
ASK_SLICE = 1000  # decided and written as sets
SWEEP_SLICE = 500  # most of them stay where they are, which costs next to nothing
TIDY_SLICE = 500
UNCLAIMED_MONTHS = 12
BODY_DAYS = 30
DONE_EFFECT_DAYS = 14
KEPT_ANSWER_DAYS = 7
STRANGER_DAYS = 7
LIST_DAYS = 14


def tick(tx: Tx, shop: Shop, now: datetime) -> bool:
    """Does one slice of everything that is due in a shop; True when a slice was full and more may wait."""
    full = [
        # First, because a version may keep points that would be over without it.
        merchants.take_effect(tx, shop, now),
        expiring.expire(tx, shop, now, SLICE),
        expiring.remind(tx, shop, now, SLICE),
        _void(tx, shop, now),
        tiers.review_due(tx, shop, now, SLICE),
        tiers.sweep(tx, shop, now, SWEEP_SLICE),
        _open_lots(tx, shop, now),
        asking.ask(tx, shop, now, ASK_SLICE),
        corrections.carry_on(tx, shop, now, SLICE),
        import_flow.carry_on(tx, shop, now),
        outgoing.announce(tx, shop, now),
        birthdays.award(tx, shop, now, SLICE),
        code_life.ends(tx, shop, now),
        referrals.release(tx, shop, now, SLICE),
        sharing.retire(tx, shop, now, SLICE),
    ]
    return any(full)


def tidy(tx: Tx, shop: Shop, now: datetime) -> bool:
    """Forgets bodies, effects, answers and lines of lists of long ago: one slice; True when more may wait."""
    full = [
        tidying.empty_bodies(tx, shop.shop_id, now - timedelta(days=BODY_DAYS), TIDY_SLICE),
        tidying.forget_effects(tx, shop.shop_id, now - timedelta(days=DONE_EFFECT_DAYS), TIDY_SLICE),
        fingerprints.fade(tx, shop.shop_id, now - timedelta(days=PRINT_DAYS), TIDY_SLICE),
        api_answers.forget(tx, shop.shop_id, now - timedelta(days=KEPT_ANSWER_DAYS), TIDY_SLICE),
        imports.forget_rows(tx, shop.shop_id, now - timedelta(days=LIST_DAYS), TIDY_SLICE) == TIDY_SLICE,
    ]
    return any(full)


def purge_strangers(tx: Tx, now: datetime) -> int:
    """Removes webhooks of shops that did not install within 7 days; returns how many."""
    return privacy.purge_strangers(tx, now - timedelta(days=STRANGER_DAYS))


def _void(tx: Tx, shop: Shop, now: datetime) -> bool:
    lots = ledger.stale_unclaimed_lots(tx, shop.shop_id, months_later(now, -UNCLAIMED_MONTHS), SLICE)
    accounts = ledger.accounts(tx, shop.shop_id, {lot.member_id for lot in lots})
    for lot in lots:
        accounts[lot.member_id].empty_lot(
            "void",
            lot.lot_id,
            source_key=f"void:lot:{lot.lot_id}",
            why={"rule": "never_joined", "months": UNCLAIMED_MONTHS},
            occurred_at=now,
        )
    ledger.write(tx, shop.shop_id, [account.moves for account in accounts.values()], now)
    queues.enqueue(tx, shop.shop_id, [mirror_of(member_id) for member_id in sorted(accounts)], now)
    return len(lots) == SLICE


def _open_lots(tx: Tx, shop: Shop, now: datetime) -> bool:
    opened = ledger.newly_available(tx, shop.shop_id, now, SLICE)
    queues.enqueue(tx, shop.shop_id, [mirror_of(member_id) for member_id in opened], now)
    return len(opened) >= SLICE
