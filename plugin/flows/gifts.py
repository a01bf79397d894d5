"""Gifts flow: what entering a tier brings, once for each member and tier, and what of it a reversed order takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from plugin.domain.ledger import Account
from plugin.domain.programme import Programme, Reward, Tier
from plugin.domain.values import months_later
from plugin.flows import spending
from plugin.flows.settling import Work
from plugin.store import grants, ledger, queues, redemptions
from plugin.store.db import Tx
from plugin.store.grants import Gift
from plugin.store.shops import Shop


def give(
    tx: Tx,
    shop: Shop,
    programme: Programme,
    entered: Sequence[tuple[int, Tier]],
    causes: Mapping[int, int | None],
    now: datetime,
) -> None:
    """Gives (member, tier) what the tier gives at its entry, unless they had it. `causes`: the order behind it."""
    due = [(member_id, tier) for member_id, tier in entered if tier.gift_points or tier.gift_reward]
    if not due:
        return
    had = grants.gifts_of(tx, shop.shop_id, {member_id for member_id, _ in due})
    due = [(m, t) for m, t in due if (m, t.key) not in had or had[m, t.key].withdrawn_at is not None]
    accounts = ledger.accounts(tx, shop.shop_id, {member_id for member_id, tier in due if tier.gift_points})
    expires_at = months_later(now, programme.expiry_months) if programme.expiry_months is not None else None
    given = []
    for member_id, tier in due:
        before = had.get((member_id, tier.key))
        gift = Gift(
            member_id,
            tier.key,
            before.count + 1 if before else 1,
            causes.get(member_id),
            None,
            None,
            now,
            None,
        )
        if tier.gift_points:
            entry = accounts[member_id].credit(
                "gift",
                tier.gift_points,
                source_key=f"gift:tier:{tier.key}:{member_id}:{gift.count}",
                why={"rule": "tier_entry", "tier": tier.key, "programme": programme.version},
                occurred_at=now,
                available_at=now,
                expires_at=expires_at,
            )
            gift = replace(gift, entry_id=entry.entry_id)
        reward = programme.reward(tier.gift_reward)
        if reward is not None:
            made = spending.issue(tx, shop, member_id, reward, f"tier:{tier.key}:{gift.count}", now)
            gift = replace(gift, redemption_id=made.redemption_id if made else None)
        given.append(gift)
    ledger.write(tx, shop.shop_id, [account.moves for account in accounts.values()], now)
    for gift in given:
        grants.put_gift(tx, shop.shop_id, gift)


def ship_free(
    tx: Tx, shop: Shop, member_id: int, tier: Tier, due_at: datetime, ends_at: datetime, now: datetime
) -> None:
    """A free-shipping code that lasts until the tier's next one, once for each time it falls due."""
    reward = Reward(f"{tier.key}_shipping", "free_shipping", "", 0, valid_days=max(1, (ends_at - now).days))
    spending.issue(tx, shop, member_id, reward, f"tier:{tier.key}:shipping:{due_at.isoformat()}", now)


def reversed_orders(tx: Tx, shop: Shop, works: Iterable[Work], now: datetime) -> None:
    """Orders of a batch that were given back whole: what is unused of the gifts they brought goes (design 10.14)."""
    gone = []
    for work in works:
        target, before = work.target, work.before
        assert target is not None
        if before.counted and before.basis_minor > 0 and (not target.counted or target.basis_minor == 0):
            gone.append(work.order.order_id)
    if not gone:
        return
    found = grants.gifts_for(tx, shop.shop_id, gone)
    accounts = ledger.accounts(tx, shop.shop_id, {gift.member_id for gift in found})
    for gift in found:
        _withdraw(tx, shop, gift, accounts[gift.member_id], now)
    ledger.write(tx, shop.shop_id, [account.moves for account in accounts.values()], now)
    touched = sorted({gift.member_id for gift in found})
    queues.enqueue(tx, shop.shop_id, [spending.mirror_of(member_id) for member_id in touched], now)


def merged(tx: Tx, shop: Shop, kept: Account, gone_id: int, moved: Mapping[int, int], now: datetime) -> None:
    """The gone customer's gifts are the kept one's; of one that both had the earlier stands (design 10.3).

    `moved`: the lot that each lot of the gone customer became.
    """
    had = grants.gifts_of(tx, shop.shop_id, [kept.member_id, gone_id])
    grants.drop_gifts(tx, shop.shop_id, gone_id)
    for gift in [one for (member_id, _), one in had.items() if member_id == gone_id]:
        entry_id = None if gift.entry_id is None else moved.get(gift.entry_id, gift.entry_id)
        gift = replace(gift, member_id=kept.member_id, entry_id=entry_id)
        own = had.get((kept.member_id, gift.tier))
        stands = gift
        if own is not None:
            both = own.withdrawn_at is None and gift.withdrawn_at is None
            stands = min(own, gift, key=lambda one: (one.withdrawn_at is not None, one.given_at))
            if both:
                _withdraw(tx, shop, gift if stands is own else own, kept, now)
            stands = replace(stands, count=max(own.count, gift.count))
        grants.put_gift(tx, shop.shop_id, stands)


def _withdraw(tx: Tx, shop: Shop, gift: Gift, account: Account, now: datetime) -> None:
    """Takes what is left of a gift's points, and its code unless an order has used it."""
    lot = account.lots.get(gift.entry_id) if gift.entry_id is not None else None
    if lot is not None:
        account.empty_lot(
            "clawback",
            lot.lot_id,
            source_key=f"gift:withdrawn:{gift.entry_id}",
            why={"rule": "tier_entry", "tier": gift.tier, "because": "gift_withdrawn"},
            occurred_at=now,
        )
    code = redemptions.by_id(tx, shop.shop_id, gift.redemption_id) if gift.redemption_id is not None else None
    if code is not None and code.state in ("debited", "made"):
        queues.enqueue(tx, shop.shop_id, [spending.withdraw_code(code.redemption_id)], now)
    grants.put_gift(tx, shop.shop_id, replace(gift, withdrawn_at=now))
