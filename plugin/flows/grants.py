"""Grants flow: bought memberships follow their orders, tags follow the customer; each asks for a review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from plugin.domain.grants import Grant, chained, units_of
from plugin.domain.programme import PaidMembership, Programme
from plugin.flows.settling import Work, is_confirmed
from plugin.store import grants, members
from plugin.store.db import Tx
from plugin.store.shops import Shop


def bought(tx: Tx, shop: Shop, works: Sequence[Work], now: datetime) -> None:
    """Orders of a batch that hold a membership product, at the programme pinned to them.

    Paid and confirmed grants its tier; given back, cancelled or moved to another customer, it ends. A renewal begins
    where the one before it ends.
    """
    told = [
        (work, one, units)
        for work in works
        if work.programme is not None and work.programme.memberships
        for one in work.programme.memberships
        if (units := units_of(work.order, one)) is not None
    ]
    if not told:
        return
    concerned = {m for work, _, _ in told for m in (work.member_id, work.before.member_id) if m is not None}
    held = {
        one.grant_key: one
        for found in grants.of_members(tx, shop.shop_id, concerned).values()
        for one in found
    }
    changed = set()
    for work, membership, units in told:
        assert work.target is not None
        key = f"order:{work.order.order_id}:{membership.key}"
        stands = work.target.counted and is_confirmed(work) and units > 0 and work.member_id is not None
        if stands or key in held:
            changed |= {one for one in (work.member_id, work.before.member_id) if one is not None}
            held[key] = _told(work, membership, units, held.get(key), key, now, stands=stands)
    chains: dict[tuple[int, str], list[Grant]] = {}
    for one in held.values():
        if one.kind == "order" and one.member_id in changed:
            chains.setdefault((one.member_id, one.grant_key.split(":")[2]), []).append(one)
    grants.put(tx, shop.shop_id, [one for chain in chains.values() for one in chained(chain)])
    members.wants_review(tx, shop.shop_id, changed, now)


def _told(
    work: Work,
    membership: PaidMembership,
    units: int,
    before: Grant | None,
    key: str,
    now: datetime,
    *,
    stands: bool,
) -> Grant:
    head = work.order.head
    assert head is not None
    if not stands:
        assert before is not None
        return replace(before, ended_at=before.ended_at or now)
    assert work.member_id is not None
    return Grant(
        key,
        work.member_id,
        membership.tier,
        "order",
        head.processed_at,
        order_id=work.order.order_id,
        bought_at=head.processed_at,
        months=membership.months * units,
        until_at=before.until_at if before is not None else None,
        warned_at=before.warned_at if before is not None else None,
    )


def tagged(
    tx: Tx, shop: Shop, programme: Programme, member_id: int, tags: frozenset[str], now: datetime
) -> None:
    """The customer's tags were read (in lower case): each that grants a tier grants it while it is there."""
    held = {one.grant_key: one for one in grants.of_members(tx, shop.shop_id, [member_id]).get(member_id, ())}
    changes = []
    for one in programme.tag_tiers:
        key = f"tag:{one.key}:{member_id}"
        before = held.get(key)
        stands = before is not None and before.ended_at is None
        if one.tag.casefold() in tags and not stands:
            changes.append(Grant(key, member_id, one.tier, "tag", now, actor="shopify"))
        elif one.tag.casefold() not in tags and before is not None and stands:
            changes.append(replace(before, ended_at=now))
    if changes:
        grants.put(tx, shop.shop_id, changes)
        members.wants_review(tx, shop.shop_id, [member_id], now)
