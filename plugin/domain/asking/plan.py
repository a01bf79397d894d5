"""The plan: of the questions that fell due, which are asked now, which later and when, and which not, with why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Literal

from plugin.domain.asking.arrived import REPORTED
from plugin.domain.asking.moment import waking, zones_of
from plugin.domain.programme import Survey

# Reasons why a question is never asked, decided here; others come from what became of the order.
FINAL = ("opted_out", "not_this_order", "not_sampled", "asked_recently", "too_late")
LOOK_UP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Due:
    """One question that fell due. `planned_at`: when it first should have been asked; `nth`: the customer's n-th order.

    `waits_for`: why it was put off, or None the first time.
    """

    order_id: int
    member_id: int
    planned_at: datetime
    basis: str
    country: str | None = None
    nth: int = 1
    tier: str | None = None
    opted_out: bool = False
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a question: ask it, ask later (`at`), or skip it; `reason` says why later or never."""

    order_id: int
    member_id: int
    what: Literal["ask", "later", "skip"]
    at: datetime
    reason: str | None = None


def plan(
    due: Iterable[Due],
    survey: Survey,
    last_asked: Mapping[int, datetime],
    asked_today: int,
    now: datetime,
    shop_zone: tzinfo,
) -> list[Verdict]:
    """Decides on due questions, the longest waiting first, so that nobody's first question is overtaken.

    `last_asked`: when each member was asked last, about any order; `asked_today`: how many were asked on the shop's
    day so far. Pure, and the same whatever the order of `due`.
    """
    asked, today, found = dict(last_asked), asked_today, []
    for one in sorted(due, key=lambda one: (one.planned_at, one.order_id)):
        verdict = _verdict(one, survey, asked.get(one.member_id), today, now, shop_zone)
        if verdict.what == "ask":
            asked[one.member_id] = now
            today += 1
        found.append(verdict)
    return found


def _verdict(
    one: Due, survey: Survey, asked_at: datetime | None, today: int, now: datetime, shop_zone: tzinfo
) -> Verdict:
    """A question waits as long as it can still be asked in time, and is skipped as soon as it cannot."""

    def skip(reason: str) -> Verdict:
        return Verdict(one.order_id, one.member_id, "skip", now, reason)

    until = one.planned_at + timedelta(days=survey.valid_days)
    if one.opted_out:
        return skip("opted_out")
    if not _of_turn(survey, one.nth):
        return skip("not_this_order")
    if not sampled(survey, one.order_id, one.nth, one.tier):
        return skip("not_sampled")
    if now > until:
        return skip("too_late")
    zones = zones_of(one.country, shop_zone)
    if one.basis not in REPORTED and one.waits_for is None and now + LOOK_UP <= until:
        # Nobody reported the arrival: the order is read once more before the shopper is asked about it.
        return Verdict(one.order_id, one.member_id, "later", now + LOOK_UP, "looking_up")
    if survey.quiet_days and asked_at is not None and (rests := asked_at + _days(survey.quiet_days)) > now:
        at, reason = waking(survey, rests, zones), "quiet_period"
        never = "asked_recently"
    elif survey.per_day is not None and today >= survey.per_day:
        at, reason = waking(survey, _next_day(now, shop_zone), zones), "daily_limit"
        never = "too_late"
    else:
        at, reason = waking(survey, now, zones), "waking_hours"
        never = "too_late"
    if at == now:
        return Verdict(one.order_id, one.member_id, "ask", now)
    return skip(never) if at > until else Verdict(one.order_id, one.member_id, "later", at, reason)


def sampled(survey: Survey, order_id: int, nth: int, tier: str | None) -> bool:
    """Whether an order is in the sample: drawn from its number, so that it can be checked and never drawn again."""
    percent = next((one.percent for one in survey.tier_samples if one.tier == tier), None)
    if percent is None:
        percent = survey.sample_new if nth == 1 else survey.sample_returning
    if percent in (0, 100):
        return percent == 100
    digest = hashlib.sha256(f"survey:{order_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") * 100 < percent << 64


def may_mail(survey: Survey, country: str | None, subscribed: bool | None) -> bool:
    """Whether the question may go out by e-mail: in some markets only to those who take the newsletter.

    Where some market asks for consent and nobody knows the country, consent is asked for too.
    """
    if not survey.consent_countries or (country is not None and country not in survey.consent_countries):
        return True
    return subscribed is True


def counts_turns(survey: Survey) -> bool:
    """Whether it matters the how many-th order of its customer an order is."""
    return survey.orders != "all" or survey.sample_new != survey.sample_returning


def _of_turn(survey: Survey, nth: int) -> bool:
    if survey.orders == "first":
        return nth == 1
    return survey.orders == "all" or (nth - 1) % survey.every == 0


def _days(count: int) -> timedelta:
    return timedelta(days=count)


def _next_day(now: datetime, zone: tzinfo) -> datetime:
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone).astimezone(now.tzinfo)
