"""Invitations: which order is asked about, and when; what withdraws or postpones the question."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugin.domain import nps
from plugin.flows.settling import Work
from plugin.store import surveys
from plugin.store.db import Tx
from plugin.store.shops import Shop


def invite(tx: Tx, shop: Shop, works: list[Work], now: datetime) -> None:
    """Plans, withdraws or postpones the question about each order of a batch, after its target is set."""
    invitations, withdrawn, postponed = [], [], []
    for work in works:
        target, programme, before = work.target, work.programme, work.before
        assert target is not None
        if programme is None or not programme.survey.enabled:
            continue
        emptied = target.basis_minor == 0 and bool(work.order.refunds)
        if work.member_id is None or not target.counted or emptied:
            if before.delivered_at is not None:
                withdrawn.append(work.order.order_id)
        elif target.delivered_at is None:
            if before.delivered_at is not None:
                postponed.append(work.order.order_id)
        elif nps.due_at(programme.survey, target.delivered_at) + timedelta(programme.survey.valid_days) < now:
            continue  # heard of long after: nobody is asked about a parcel of last year
        elif target.delivered_at != before.delivered_at or work.member_id != before.member_id:
            invitations.append(
                surveys.Invitation(
                    work.order.order_id,
                    work.member_id,
                    "waiting",
                    "delivered",
                    target.delivered_at,
                    nps.due_at(programme.survey, target.delivered_at),
                    None,
                    None,
                )
            )
    if invitations:
        surveys.invite(tx, shop.shop_id, invitations, now)
    if withdrawn:
        surveys.withdraw(tx, shop.shop_id, withdrawn, "cancelled_or_refunded")
    if postponed:
        surveys.withdraw(tx, shop.shop_id, postponed, "more_to_come", also_asked=False)
