"""Actions: whether something a shopper did earns, how much, and why not; birthdays and anniversaries by date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from plugin.domain.programme import FIXED, ActionRule, Period
from plugin.domain.values import months_later

# Why an action earned nothing: to the shopper, and to the merchant.
WHY_NOT = {
    "not_a_member": (
        "Join the programme first; what you do from then on counts.",
        "The customer was not a member.",
    ),
    "before_joining": (
        "You did this before you joined; what you do from then on counts.",
        "It happened before the customer joined.",
    ),
    "off": ("The shop does not give points for this at the moment.", "The action was switched off."),
    "before_rule": (
        "The shop gave no points for this at that time.",
        "The programme in force at that moment did not have this action.",
    ),
    "stopped": (
        "The shop gives no points at the moment.",
        "Earning was stopped at that moment.",
    ),
    "limit_day": ("You have done this as often as counts in a day.", "The limit of the day was reached."),
    "limit_month": (
        "You have done this as often as counts in a month.",
        "The limit of the month was reached.",
    ),
    "limit_year": ("You have done this as often as counts in a year.", "The limit of the year was reached."),
    "limit_ever": ("You have done this as often as it counts.", "The limit of all time was reached."),
    "merged": (
        "Another account of yours had this already.",
        "Two accounts became one, and the earlier one had this already.",
    ),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What an action earns: points from `available_at` on, or a reward; or nothing, and `why_not` says why."""

    points: int = 0
    reward: str | None = None
    available_at: datetime | None = None
    why_not: str | None = None


def decide(
    rule: ActionRule,
    *,
    active: bool,
    joined_at: datetime | None,
    earned: int,
    occurred_at: datetime,
    now: datetime,
    stopped: bool = False,
) -> Decision:
    """What one action earns. `earned`: how often it has earned in the period of `occurred_at` (see `window`)."""
    why_not = None
    if not active or joined_at is None:
        why_not = "not_a_member"
    elif occurred_at < joined_at:
        why_not = "before_joining"
    elif stopped:
        why_not = "stopped"
    elif not rule.enabled:
        why_not = "off"
    elif earned >= rule.limit:
        why_not = f"limit_{rule.period}"
    if why_not is not None:
        return Decision(why_not=why_not)
    if rule.reward is not None:
        return Decision(reward=rule.reward)
    # Told late, it can be spent at once but has all of its life before it.
    available_at = max(now, occurred_at + timedelta(days=rule.delay_days))
    return Decision(rule.points, available_at=available_at)


def limit_of(rule: ActionRule | None, kind: str) -> tuple[int, Period] | None:
    """The limit that holds for what a rule earned, also when the rule is gone; None when nobody knows."""
    return FIXED.get(kind) or ((rule.limit, rule.period) if rule is not None else None)


def window(period: Period, occurred_at: datetime, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """From when until when a limit counts: the calendar day, month or year in the shop's time zone."""
    if period == "ever":
        return None, None
    day = occurred_at.astimezone(zone).date()
    if period == "day":
        return day_start(day, zone), day_start(day + timedelta(days=1), zone)
    if period == "month":
        first = day.replace(day=1)
        following = (first + timedelta(days=32)).replace(day=1)
        return day_start(first, zone), day_start(following, zone)
    return day_start(date(day.year, 1, 1), zone), day_start(date(day.year + 1, 1, 1), zone)


def over_limit(moments: list[datetime], limit: int, period: Period, zone: tzinfo) -> list[int]:
    """Which of these earned beyond the limit, by their place in the list: in each period the earliest stand."""
    stand: dict[datetime | None, int] = {}
    over = []
    for place in sorted(range(len(moments)), key=lambda n: (moments[n], n)):
        since, _ = window(period, moments[place], zone)
        stand[since] = stand.get(since, 0) + 1
        if stand[since] > limit:
            over.append(place)
    return over


def day_start(day: date, zone: tzinfo) -> datetime:
    """When a day begins in a time zone, in UTC; where midnight is skipped, the first moment after it."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def day_in(year: int, month: int, day: int) -> date:
    """A day of the year; 29 February is the 28th where there is none."""
    try:
        return date(year, month, day)
    except ValueError:
        if (month, day) != (2, 29):
            raise
        return date(year, 2, 28)


def is_day(month: int, day: int) -> bool:
    """Whether a month has such a day, in some year."""
    try:
        date(2024, month, day)
    except ValueError:
        return False
    return True


def next_birthday(month: int, day: int, after: date) -> date:
    """The first such day of a year after another day."""
    this_year = day_in(after.year, month, day)
    return this_year if this_year > after else day_in(after.year + 1, month, day)


def first_birthday(
    month: int,
    day: int,
    entered_at: datetime,
    notice_days: int,
    zone: tzinfo,
    last_earned_at: datetime | None = None,
) -> date:
    """The first birthday that earns: not one that has passed or is nearer than the notice, nor a second in a year."""
    entered = entered_at.astimezone(zone).date()
    found = next_birthday(month, day, entered + timedelta(days=max(notice_days - 1, 0)))
    if last_earned_at is not None:
        last = last_earned_at.astimezone(zone).date()
        while found < day_in(last.year + 1, last.month, last.day):
            found = day_in(found.year + 1, month, day)
    return found


def may_change_from(set_at: datetime) -> datetime:
    """From when a shopper may set another birthday: a year after the last time."""
    return months_later(set_at, 12)


def joined_for(day: date, years: int, zone: tzinfo) -> tuple[datetime, datetime]:
    """Who joined from when until when has their anniversary of so many years on this day.

    Who joined on 29 February has it on the 28th where there is none, together with those of the 28th.
    """
    first = last = day_in(day.year - years, day.month, day.day)
    if first.day != day.day:
        return (nobody := day_start(day, zone)), nobody  # that year had no 29 February
    if (day.month, day.day) == (2, 28) and day_in(day.year, 2, 29).day == 28:
        last = day_in(day.year - years, 2, 29)
    return day_start(first, zone), day_start(last + timedelta(days=1), zone)
