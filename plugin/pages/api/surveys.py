"""API, surveys: who is asked and when, what customers answered, and the score."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from plugin.domain import nps
from plugin.pages.api.route import Body, Call, Id, Page, Paged, Route, cursor, paged, position
from plugin.store import answers, asking, surveys
from plugin.store.answers import Answer
from plugin.store.asking import Listed
from plugin.store.db import to_ms

Band = Literal["promoter", "passive", "detractor"]
State = Literal["waiting", "asked", "answered", "missed", "skipped"]


class Response(Struct, frozen=True):
    """One answer. `words` is null without the scope read_personal_data."""

    order_id: Id
    order_name: str | None
    member_id: Id
    score: int
    band: str
    words: str | None
    channel: str
    answered_at: datetime


class Score(Struct, frozen=True):
    """The Net Promoter Score with its 95 % interval; null without answers."""

    answers: int
    promoters: int
    passives: int
    detractors: int
    nps: float | None
    low: float | None
    high: float | None


class Invitation(Struct, frozen=True):
    """The question about one order. `reason`: why it is put off or not asked; `basis`: how we know of the arrival."""

    order_id: Id
    order_name: str | None
    member_id: Id
    state: str
    reason: str | None
    basis: str
    way: str
    country: str | None
    carrier: str | None
    arrived_at: datetime
    due_at: datetime
    asked_at: datetime | None


class InvitationsQuery(Paged, frozen=True):
    """Which questions: of one state (skipped: not asked, or withdrawn), or all."""

    state: State | None = None


class ResponsesQuery(Paged, frozen=True):
    """Which answers: of one band, or all."""

    band: Band | None = None


class ScoreQuery(Body, frozen=True):
    """Over how many days, counted back from now; all answers without it."""

    days: Annotated[int, Meta(ge=1, le=3650)] | None = None


def list_invitations(call: Call, query: InvitationsQuery) -> Page[Invitation]:
    before = position(query.cursor, 2)
    found = asking.page(
        call.tx,
        call.shop_id,
        query.state or "all",
        (before[0], before[1]) if before else None,
        query.limit + 1,
    )

    def shown(one: Listed) -> Invitation:
        it = one.invitation
        return Invitation(
            str(it.order_id), one.order_name, str(it.member_id), it.state, it.reason, it.basis, it.way, it.country,
            it.carrier, it.delivered_at, it.due_at, it.asked_at,
        )  # fmt: skip

    return paged(
        found,
        query.limit,
        shown,
        lambda one: cursor(to_ms(one.invitation.due_at) or 0, one.invitation.order_id),
    )


def list_responses(call: Call, query: ResponsesQuery) -> Page[Response]:
    before = position(query.cursor, 2)
    found = answers.page(
        call.tx, call.shop_id, query.band, (before[0], before[1]) if before else None, query.limit + 1
    )

    def shown(one: Answer) -> Response:
        return Response(
            str(one.order_id),
            one.order_name,
            str(one.member_id),
            one.score,
            nps.band(one.score),
            one.words if call.may("read_personal_data") else None,
            one.channel,
            one.answered_at,
        )

    return paged(found, query.limit, shown, lambda one: cursor(to_ms(one.answered_at) or 0, one.order_id))


def get_score(call: Call, query: ScoreQuery) -> Score:
    since = call.now - timedelta(days=query.days) if query.days is not None else None
    bands = Counter[str]()
    for score, count in surveys.distribution(call.tx, call.shop_id, since).items():
        bands[nps.band(score)] += count
    found = nps.score(bands["promoter"], bands["passive"], bands["detractor"])
    return Score(
        found.answers, found.promoters, found.passives, found.detractors, found.nps, found.low, found.high
    )


ROUTES = (
    Route("GET", "/surveys/invitations", "read_surveys", list_invitations,
          "Survey questions, the last due first, with why some are not asked",
          given=InvitationsQuery, answer=Page[Invitation]),
    Route("GET", "/surveys/responses", "read_surveys", list_responses, "Survey answers, the newest first",
          given=ResponsesQuery, answer=Page[Response]),
    Route("GET", "/surveys/score", "read_surveys", get_score, "The Net Promoter Score and how sure it is",
          given=ScoreQuery, answer=Score),
)  # fmt: skip
