"""Merges flow: two customers become one at the platform; points, orders, codes and questions follow."""

from __future__ import annotations

from datetime import datetime

from plugin.domain.facts import CustomerFact, CustomersMerged
from plugin.domain.ledger import Account, floor_at_zero
from plugin.domain.programme import Programme
from plugin.flows import actions as action_flow
from plugin.flows import gifts, settling, tiers
from plugin.flows import referrals as referral_flow
from plugin.store import (
    actions,
    birthdays,
    events,
    fingerprints,
    freezes,
    ledger,
    members,
    newcomers,
    orders,
    privacy,
    programmes,
    redemptions,
    referral_codes,
    referrals,
    surveys,
)
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.members import Member
from plugin.store.shops import Shop

MERGED = frozenset({"success", "completed", "succeeded"})


def merge(tx: Tx, shop: Shop, fact: CustomersMerged, now: datetime) -> int | None:
    """Makes the gone customer another name of the kept one and moves what they had.

    Returns the kept member when there was something to move; telling it again moves nothing.
    """
    if fact.status.casefold() not in MERGED:
        detail: dict[str, object] = {"kept": str(fact.kept_id), "status": fact.status[:40]}
        _record(tx, shop, "merge_not_done", fact.gone_id, detail, now)
        return None
    kept_id = members.resolved(tx, shop.shop_id, fact.kept_id)
    gone_id = fact.gone_id
    if kept_id == gone_id or members.resolve(tx, shop.shop_id, [gone_id]):
        return None
    # The alias comes first: whatever arrives late for the old id already finds the kept one.
    members.alias(tx, shop.shop_id, gone_id, kept_id, now)
    gone = members.by_id(tx, shop.shop_id, gone_id)
    if gone is None:
        return None
    members.seen(tx, shop.shop_id, [CustomerFact(kept_id)], now, status="unclaimed")
    kept = members.by_id(tx, shop.shop_id, kept_id)
    assert kept is not None
    accounts = ledger.accounts(tx, shop.shop_id, [gone_id, kept_id])
    moved = _transfer(accounts[gone_id], accounts[kept_id], now)
    versions = programmes.versions(tx, shop.shop_id)
    programme = versions.latest
    _one_signup(tx, shop, accounts[kept_id], gone_id, programme, now)
    action_flow.keep_earliest(tx, shop, accounts[kept_id], gone_id, programme, now)
    gifts.merged(tx, shop, accounts[kept_id], gone_id, dict(moved), now)
    ledger.write(tx, shop.shop_id, [account.moves for account in accounts.values()], now)
    ledger.keep_age(tx, shop.shop_id, moved)
    for table in (orders, redemptions, surveys, actions, birthdays, newcomers, freezes):
        table.rehome(tx, shop.shop_id, gone_id, kept_id)
    for table in (referrals, referral_codes, fingerprints):
        table.rehome(tx, shop.shop_id, gone_id, kept_id)
    settling.resettle(tx, shop, kept_id, versions, now)
    members.absorbed(tx, shop.shop_id, gone_id, kept_id, active=_was_active(tx, shop, gone))
    tiers.merge(tx, shop, kept_id, gone_id, programme, now)
    referral_flow.around(tx, shop, kept_id, now)
    _record(tx, shop, "members_merged", kept_id, {"gone": str(gone_id)}, now)
    return kept_id


def _was_active(tx: Tx, shop: Shop, gone: Member) -> bool:
    """Whether the gone customer was a member until the merge.

    The platform deletes a merged-away customer, and that notice may come first and forget the member: they are still
    the one who joined, unless they had asked to be forgotten.
    """
    if gone.status != "redacted":
        return gone.status == "active"
    asked = privacy.known(tx, shop.shop_id, privacy.key_of("customers_redact", gone.member_id))
    return gone.joined_at is not None and not asked


def _record(tx: Tx, shop: Shop, kind: str, member_id: int, detail: dict[str, object], now: datetime) -> None:
    events.record(tx, shop.shop_id, [Event(now, "shopify", kind, f"member:{member_id}", detail)])


def _transfer(gone: Account, kept: Account, now: datetime) -> list[tuple[int, int]]:
    """Moves every open lot and deficit; lots keep their dates and their order (design 10.3).

    Returns (old lot, new lot) of what moved.
    """
    moved = []
    for lot in sorted(gone.lots.values(), key=lambda lot: lot.lot_id):
        remaining = lot.remaining
        why: dict[str, object] = {"from": str(gone.member_id), "to": str(kept.member_id)}
        key = f"merge:{gone.member_id}:{lot.lot_id}"
        if (
            gone.empty_lot("transfer_out", lot.lot_id, source_key=f"{key}:out", why=why, occurred_at=now)
            is None
        ):
            continue
        entry = kept.credit(
            "transfer_in",
            remaining,
            source_key=f"{key}:in",
            why=why,
            occurred_at=now,
            available_at=lot.available_at,
            expires_at=lot.own_expires_at,
            kept_until=lot.kept_until,
            order_id=lot.order_id,
        )
        moved.append((lot.lot_id, entry.entry_id))
    for deficit in sorted(gone.deficits.values(), key=lambda deficit: deficit.debit_id):
        if deficit.remaining <= 0:
            continue
        why = {"from": str(gone.member_id), "to": str(kept.member_id)}
        key = f"merge:{gone.member_id}:{deficit.debit_id}"
        gone.settle_deficit(
            deficit.debit_id, kind="transfer_in", source_key=f"{key}:in", why=why, occurred_at=now
        )
        kept.take_back(
            "transfer_out", deficit.remaining, source_key=f"{key}:out", why=why, occurred_at=now, now=now
        )
    return moved


def _one_signup(
    tx: Tx, shop: Shop, kept: Account, gone_id: int, programme: Programme | None, now: datetime
) -> None:
    """A sign-up bonus that both had, under whatever name, stands once: the later one is taken back."""
    names = [kept.member_id, *members.old_ids(tx, shop.shop_id, kept.member_id)]
    for entry_id, points in ledger.signups(tx, shop.shop_id, names)[1:]:
        entry = kept.take_back(
            "clawback",
            points,
            source_key=f"merge:{gone_id}:signup:{entry_id}",
            occurred_at=now,
            now=now,
            why={"rule": "signup", "because": "merged"},
            reverses_id=entry_id,
        )
        floor_at_zero(kept, entry, programme)
