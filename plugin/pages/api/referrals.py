"""API, referrals: what members brought, and a person's word on each."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from plugin.domain.referrals import State
from plugin.flows import referrals as flow
from plugin.flows.referrals import CannotDecide
from plugin.pages.answers import Refusal
from plugin.pages.api.route import Body, Call, Fault, Id, Page, Paged, Route, Text, cursor, paged, position
from plugin.store import referrals
from plugin.store.db import to_ms
from plugin.store.referrals import Referred


class SentOrder(Struct, frozen=True):
    """An order that a member sent somebody to. `signs` are what speaks against it, `score` their weight; `why` names
    what decided; `due_at`: from when the member's reward falls due, `rewarded_at`: since when they have it."""

    id: Id
    referrer_id: Id
    friend_id: Id
    order_id: Id
    code: str
    via: Literal["link", "code"]
    placed_at: datetime
    state: State
    why: str | None
    score: int
    signs: list[str]
    decision: Literal["approved", "rejected"] | None
    decided_at: datetime | None
    due_at: datetime | None
    rewarded_at: datetime | None
    points: int


class ReferralsQuery(Paged, frozen=True):
    """Which referrals: in one state (review: those that wait for a person), or all."""

    state: State | None = None


class Decision(Body, frozen=True):
    """Whether the referral counts, and why; the reason is shown to staff."""

    decision: Literal["approved", "rejected"]
    reason: Text


def list_referrals(call: Call, query: ReferralsQuery) -> Page[SentOrder]:
    before = position(query.cursor, 2)
    at = (before[0], before[1]) if before else None
    found = referrals.page(call.tx, call.shop_id, query.state, at, query.limit + 1)
    return paged(found, query.limit, _shown, lambda one: cursor(to_ms(one.placed_at) or 0, one.referral_id))


def get_referral(call: Call, _: None) -> SentOrder:
    found = referrals.by_ids(call.tx, call.shop_id, [call.path["referral_id"]])
    if not found:
        raise Refusal("There is no referral with this number. Take it from the list of referrals.",
                      code="no_such_referral", status=404)  # fmt: skip
    return _shown(found[0])


def decide_referral(call: Call, wish: Decision) -> SentOrder:
    try:
        told = flow.decide(
            call.tx, call.shop, call.path["referral_id"], wish.decision, wish.reason, call.actor, call.now
        )
    except CannotDecide as error:
        field = "reason" if error.code == "no_reason" else ""
        raise Fault(error.message, code=error.code, status=error.status, field=field) from error
    return _shown(told)


def _shown(one: Referred) -> SentOrder:
    return SentOrder(
        str(one.referral_id), str(one.referrer_id), str(one.friend_id), str(one.order_id), one.code, one.via,
        one.placed_at, one.state, one.why, one.score, list(one.reasons), one.decision, one.decided_at, one.release_at,
        one.released_at, one.points,
    )  # fmt: skip


ROUTES = (
    Route("GET", "/referrals", "read_referrals", list_referrals, "Referrals, the newest order first",
          given=ReferralsQuery, answer=Page[SentOrder]),
    Route("GET", "/referrals/{referral_id}", "read_referrals", get_referral, "One referral", answer=SentOrder),
    Route("POST", "/referrals/{referral_id}/decision", "write_referrals", decide_referral,
          "Counts or refuses a referral; it can be changed, and takes back what was given",
          given=Decision, answer=SentOrder),
)  # fmt: skip
