"""Surveys flow: a shopper answers the one question about one order."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugin.domain.nps import ANSWER_CHANGE_HOURS, MAX_REASONS, REASONS
from plugin.errors import RegularsError
from plugin.flows import actions
from plugin.flows.spending import mirror_of
from plugin.store import queues, surveys
from plugin.store.db import Tx
from plugin.store.queues import Effect
from plugin.store.shops import Shop
from plugin.store.surveys import Response

MAX_WORDS = 5000


class CannotAnswer(RegularsError):
    """The answer was not taken."""

    code = "cannot_answer"
    status = 409


def answer(
    tx: Tx,
    shop: Shop,
    member_id: int,
    order_id: int,
    score: int,
    *,
    words: str | None,
    locale: str | None,
    channel: str,
    now: datetime,
    reasons: tuple[str, ...] = (),
    contact_ok: bool | None = None,
) -> Response:
    """Takes or changes the answer about one order; dated at the first answer, open to change for 24 hours.

    Raises CannotAnswer (codes: bad_score, bad_reasons, no_such_survey, not_due, withdrawn, closed).
    """
    if not 0 <= score <= 10:
        raise CannotAnswer("Choose a number from 0 to 10.", code="bad_score", status=422)
    if len(set(reasons)) != len(reasons) or len(reasons) > MAX_REASONS or not set(reasons) <= set(REASONS):
        raise CannotAnswer(
            f"Choose up to {MAX_REASONS} of these reasons: {', '.join(REASONS)}.",
            code="bad_reasons",
            status=422,
        )
    invitation = surveys.by_order(tx, shop.shop_id, order_id)
    if invitation is None or invitation.member_id != member_id:
        raise CannotAnswer("We have no question for you about this order.", code="no_such_survey", status=404)
    before = surveys.response(tx, shop.shop_id, order_id)
    if before is None:
        if invitation.state == "waiting":
            raise CannotAnswer("It is too early for this question. We will ask again.", code="not_due")
        if invitation.state in ("withdrawn", "missed"):
            raise CannotAnswer("This question is closed. Thank you for wanting to answer.", code="withdrawn")
    elif now >= before.answered_at + timedelta(hours=ANSWER_CHANGE_HOURS):
        raise CannotAnswer("Your answer is in and can no longer be changed. Thank you.", code="closed")
    given = Response(
        order_id=order_id,
        member_id=member_id,
        score=score,
        words=(words or "").strip()[:MAX_WORDS] or None,
        locale=locale,
        channel=channel,
        answered_at=before.answered_at if before else now,
        changed_at=now,
        reasons=reasons,
        contact_ok=contact_ok,
    )
    surveys.answer(tx, shop.shop_id, given)
    if before is None:
        # Whatever the score: what is paid for must not be bought.
        actions.of_kind(tx, shop, member_id, "survey", f"order:{order_id}", now, now, actor="member")
    queues.enqueue(tx, shop.shop_id, [mirror_response(order_id), mirror_of(member_id)], now)
    stored = surveys.response(tx, shop.shop_id, order_id)
    assert stored is not None
    return stored


def mirror_response(order_id: int) -> Effect:
    """The wish to write an answer to the merchant's own admin."""
    return Effect(f"response:{order_id}:mirror", "response.mirror", {"order_id": order_id})
