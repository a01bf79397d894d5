"""Invitations: which order is asked about, and when; what withdraws or postpones the question."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from plugin.domain import asking, earning
from plugin.domain.asking import FINAL, Came, Transits
from plugin.domain.programme import Survey
from plugin.flows.settling import Work, is_confirmed
from plugin.store import asking as asking_store
from plugin.store import surveys
from plugin.store.db import Tx
from plugin.store.shops import Shop
from plugin.store.surveys import Invitation

# Reasons that a merchant may wonder about, shown also for an order that would have been asked about.
TOLD = ("cancelled", "refunded", "returned", "test")


def invite(tx: Tx, shop: Shop, works: list[Work], now: datetime) -> None:
    """Plans, withdraws or postpones the question about each order of a batch, after its target is set."""
    _learn(tx, shop, works)
    asked_about = [(work, work.programme.survey) for work in works if work.programme and work.order.head]
    asked_about = [(work, survey) for work, survey in asked_about if survey.enabled]
    if not asked_about:
        return
    transits = _transits(tx, shop, asked_about)
    known = surveys.of_orders(tx, shop.shop_id, [work.order.order_id for work, _ in asked_about])
    planned: list[Invitation] = []
    withdrawn: dict[int, str] = {}
    for work, survey in asked_about:
        order_id = work.order.order_id
        before = known.get(order_id)
        came = asking.came(work.order, survey, transits)
        reason = _why_not(shop, work)
        if reason is not None:
            if before is not None:
                withdrawn[order_id] = reason
            elif reason in TOLD and work.member_id is not None and is_confirmed(work):
                planned += _skipped(work, survey, came, reason, now)
        elif came is None:
            if before is not None and before.state == "waiting":
                withdrawn[order_id] = "more_to_come"
        elif work.member_id is not None:
            wanted = _invitation(order_id, work.member_id, came, survey)
            heard_late = wanted.due_at + timedelta(days=survey.valid_days) < now
            if not heard_late and _moves(before, wanted):
                planned.append(wanted)
    if planned:
        surveys.invite(tx, shop.shop_id, planned, now)
    if withdrawn:
        surveys.withdraw(tx, shop.shop_id, withdrawn)


def _why_not(shop: Shop, work: Work) -> str | None:
    target = work.target
    assert target is not None
    counted_out = earning.why_nothing_counts(work.order, count_test_orders=shop.counts_test_orders)
    if work.confirmed == "refuted":
        counted_out = "deleted"
    if counted_out is None and not target.counted:
        counted_out = target.why_not
    if work.member_id is None:
        counted_out = counted_out or "no_customer"
    return asking.why_not(work.order, counted_out, target.basis_minor)


def _invitation(order_id: int, member_id: int, came: Came, survey: Survey) -> Invitation:
    due_at = asking.due_at(survey, came.at, came.way)
    return Invitation(
        order_id, member_id, "waiting", came.basis, came.at, due_at, None, None, came.way, came.country, came.carrier,
        came.fulfilled_at, due_at,
    )  # fmt: skip


def _moves(before: Invitation | None, wanted: Invitation) -> bool:
    """Whether what we know now differs from what was planned, or undoes what had withdrawn the question."""
    if before is None:
        return True
    same = replace(
        before,
        state=wanted.state,
        due_at=wanted.due_at,
        asked_at=None,
        reason=None,
        channel="",
    )
    return same != wanted or (before.state == "withdrawn" and before.reason not in FINAL)


def _skipped(work: Work, survey: Survey, came: Came | None, reason: str, now: datetime) -> list[Invitation]:
    """A question that is not asked, kept so that the merchant sees why; none about what is long over."""
    head, member_id = work.order.head, work.member_id
    assert head is not None
    assert member_id is not None
    if came is None:
        came = Came(head.processed_at, "", asking.way_of(work.order, survey), head.country, None, None)
    made = _invitation(work.order.order_id, member_id, came, survey)
    over = made.due_at + timedelta(days=survey.valid_days) < now
    return [] if over else [replace(made, state="withdrawn", reason=reason)]


def _learn(tx: Tx, shop: Shop, works: list[Work]) -> None:
    """What these orders tell of transit times beyond what they told before: doubled and late news change nothing."""
    changes: Counter[tuple[str, str, int]] = Counter()
    for work in works:
        if is_confirmed(work):
            changes.update(asking.transits_of(work.order))
        if work.before.confirmed == "yes":
            changes.subtract(asking.transits_of(work.before.order))
    asking_store.learn(tx, shop.shop_id, changes)


def _transits(tx: Tx, shop: Shop, asked_about: list[tuple[Work, Survey]]) -> Transits:
    countries = {
        work.order.head.country
        for work, survey in asked_about
        if survey.unreported == "estimate" and work.order.head is not None and work.order.fulfilments
    }
    wanted = [country for country in countries if country is not None]
    return asking_store.transits(tx, shop.shop_id, wanted) if wanted else {}
