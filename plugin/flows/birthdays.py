"""Birthdays flow: setting one, and what the clock awards on birthdays and anniversaries of joining."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from plugin.domain import actions as rules
from plugin.domain.pauses import paused
from plugin.domain.programme import ActionRule
from plugin.errors import RegularsError
from plugin.flows import actions as flow
from plugin.store import actions, birthdays, events, members, programmes
from plugin.store.birthdays import Birthday
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.shops import Shop, zone

_MARK = "anniversaries"


class CannotSet(RegularsError):
    """The birthday was not set."""

    code = "cannot_set"
    status = 422


def set_birthday(
    tx: Tx, shop: Shop, member_id: int, month: int, day: int, now: datetime, *, actor: str
) -> Birthday:
    """Sets day and month; a shopper (`actor` "member") once a year, everybody else to correct a mistake at any time.

    One that has passed this year, or is nearer than the programme's notice, earns from next year on; a changed one
    not within a year of the last that earned. The same day again changes nothing.
    Raises CannotSet (codes: no_such_day, not_a_member, set_this_year).
    """
    if not rules.is_day(month, day):
        raise CannotSet("There is no such day. Give month and day, such as 2 and 29.", code="no_such_day")
    member_id = members.resolved(tx, shop.shop_id, member_id)
    member = members.by_id(tx, shop.shop_id, member_id)
    may = ("active",) if actor == "member" else ("active", "unclaimed", "left")
    if member is None or member.status not in may:
        raise CannotSet("Join the programme first; joining is free.", code="not_a_member", status=403)
    before = birthdays.of_member(tx, shop.shop_id, member_id)
    if before is not None and (before.month, before.day) == (month, day):
        return before
    there = zone(shop.timezone)
    if actor == "member" and before is not None and now < rules.may_change_from(before.set_at):
        again = rules.may_change_from(before.set_at).astimezone(there)
        raise CannotSet(
            f"A birthday can be changed once a year, from {again:%Y-%m-%d} on. If it is wrong, write to the shop.",
            code="set_this_year",
            status=409,
        )
    programme = programmes.versions(tx, shop.shop_id).latest
    first = rules.first_birthday(
        month,
        day,
        now,
        programme.birthday_notice_days if programme is not None else 0,
        there,
        actions.last_earned(tx, shop.shop_id, member_id, "birthday"),
    )
    made = Birthday(member_id, month, day, now, rules.day_start(first, there))
    birthdays.put(tx, shop.shop_id, made)
    if actor.startswith("staff:"):
        # That it was set, and not to which day: the trail holds no personal data.
        events.record(tx, shop.shop_id, [Event(now, actor, "birthday_set", f"member:{member_id}", {})])
    return made


def award(tx: Tx, shop: Shop, now: datetime, limit: int) -> bool:
    """The clock's slice: birthdays and anniversaries that have come; True when a slice was full and more may wait.

    Costs nothing while the programme has neither. While earning stands still it waits: whether the days of the stop
    count is known when the stop has ended.
    """
    programme = programmes.versions(tx, shop.shop_id).latest
    if programme is None or not programme.actions or paused(shop.pauses, "earning", now):
        return False
    full = False
    if programme.action_of("birthday") is not None:
        full = _birthdays(tx, shop, now, limit)
    if programme.action_of("anniversary") is not None:
        full = _anniversaries(tx, shop, now, limit) or full
    return full


def _birthdays(tx: Tx, shop: Shop, now: datetime, limit: int) -> bool:
    there = zone(shop.timezone)
    due = birthdays.due(tx, shop.shop_id, now, limit)
    behind = False
    for one in due:
        # Noon of the day it was due for: the same day if the shop has moved to another time zone since.
        today = (one.due_at + timedelta(hours=12)).astimezone(there).date()
        begins = rules.day_start(today, there)
        if begins > now:
            birthdays.put(tx, shop.shop_id, replace(one, due_at=begins))
            continue
        flow.of_kind(
            tx, shop, one.member_id, "birthday", f"{one.member_id}:{today.year}", begins, now, actor="system"
        )
        following = rules.day_start(rules.next_birthday(one.month, one.day, today), there)
        birthdays.put(tx, shop.shop_id, replace(one, due_at=following))
        behind = behind or following <= now
    return behind or len(due) == limit


def _anniversaries(tx: Tx, shop: Shop, now: datetime, limit: int) -> bool:
    """Day by day since the last, so that nobody is missed when the worker was away."""
    there = zone(shop.timezone)
    today = now.astimezone(there).date()
    done = actions.day_done(tx, shop.shop_id, _MARK)
    if done is not None and done >= today.toordinal():
        return False
    day = today if done is None else date.fromordinal(done + 1)
    oldest = actions.first_joined(tx, shop.shop_id)
    versions = programmes.versions(tx, shop.shop_id)
    left = limit
    while day <= today:
        begins = rules.day_start(day, there)
        programme = versions.at(begins)
        rule = programme.action_of("anniversary") if programme is not None else None
        if rule is not None and oldest is not None:
            left -= _anniversaries_of(tx, shop, rule, day, oldest, now, left)
            if left <= 0:
                return True
        actions.set_day_done(tx, shop.shop_id, _MARK, day.toordinal())
        day += timedelta(days=1)
    return False


def _anniversaries_of(
    tx: Tx, shop: Shop, rule: ActionRule, day: date, oldest: datetime, now: datetime, limit: int
) -> int:
    """Awards one day, up to `limit` members; returns how many."""
    there = zone(shop.timezone)
    begins, count = rules.day_start(day, there), 0
    for years in range(1, day.year - oldest.astimezone(there).year + 1):
        since, until = rules.joined_for(day, years, there)
        for member_id in actions.joined_between(
            tx, shop.shop_id, since, until, rule.key, str(day.year), limit - count
        ):
            external_id = f"{member_id}:{day.year}"
            flow.happened(tx, shop, member_id, rule.key, external_id, begins, now, actor="system")
            count += 1
        if count >= limit:
            break
    return count
