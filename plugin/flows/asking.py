"""Asking flow: puts due questions on show, puts off or skips the others, and closes what was on show long enough."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from plugin.domain import asking
from plugin.domain.asking import Due
from plugin.domain.pauses import paused
from plugin.domain.programme import Survey
from plugin.flows.orders import read_order
from plugin.flows.spending import mirror_of
from plugin.store import asking as asking_store
from plugin.store import programmes, queues, surveys
from plugin.store.db import Tx
from plugin.store.shops import Shop, zone
from plugin.store.surveys import Invitation


def ask(tx: Tx, shop: Shop, now: datetime, size: int) -> bool:
    """Decides on one slice of the questions that fell due; True when more may wait."""
    programme = programmes.versions(tx, shop.shop_id).latest
    if programme is None or not programme.survey.enabled or paused(shop.pauses, "messages", now):
        return False
    due = surveys.falling_due(tx, shop.shop_id, now, size)
    verdicts = _verdicts(tx, shop, due, programme.survey, now) if due else []
    asking_store.settle(tx, shop.shop_id, verdicts)
    closed = surveys.missed(tx, shop.shop_id, now - timedelta(days=programme.survey.valid_days))
    touched = {one.member_id for one in verdicts if one.what == "ask"} | set(closed)
    wishes = [mirror_of(member_id) for member_id in sorted(touched)]
    wishes += [read_order(one.order_id) for one in verdicts if one.reason == "looking_up"]
    queues.enqueue(tx, shop.shop_id, wishes, now)
    return len(due) == size


def may_mail(tx: Tx, shop: Shop, invitation: Invitation) -> bool:
    """Whether this question may go out by e-mail, by the rule of the customer's market as it is now."""
    programme = programmes.versions(tx, shop.shop_id).latest
    return programme is not None and asking.may_mail(
        programme.survey,
        invitation.country,
        asking_store.subscribed(tx, shop.shop_id, invitation.member_id),
    )


def _verdicts(
    tx: Tx, shop: Shop, due: list[Invitation], survey: Survey, now: datetime
) -> list[asking.Verdict]:
    whose = {one.member_id for one in due}
    known = asking_store.members(tx, shop.shop_id, whose)
    turns = asking_store.turns(tx, shop.shop_id, whose) if asking.counts_turns(survey) else {}
    here = zone(shop.timezone)
    today = 0
    if survey.per_day is not None:
        midnight = datetime.combine(now.astimezone(here).date(), time(), here).astimezone(UTC)
        today = asking_store.asked_since(tx, shop.shop_id, midnight)
    nobody = asking_store.Asked(None, False, None)
    questions = [
        Due(
            one.order_id,
            one.member_id,
            one.planned_at or one.due_at,
            one.basis,
            one.country,
            turns.get(one.order_id, 1),
            known.get(one.member_id, nobody).tier,
            known.get(one.member_id, nobody).opted_out,
            one.reason,
        )
        for one in due
    ]
    last = {member_id: found.last_at for member_id, found in known.items() if found.last_at is not None}
    return asking.plan(questions, survey, last, today, now, here)
