"""Expiry: when each lot of a member runs out, by its own date and by the rule on whole balances in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from plugin.domain.ledger import Lot
from plugin.domain.programme import Expiry
from plugin.domain.values import months_later

# What starts the clock of inactivity anew. Points given by the merchant do too, or they would come dead.
EARNED = frozenset({"earn", "signup", "survey", "action", "referral", "gift", "adjust", "import"})
ACTIVE = EARNED | {"redeem"}
# No rule that is new or stricter takes points sooner than this many months after its publication, for dates.
YEAR = 12


@dataclass(frozen=True, slots=True)
class Rule:
    """What the programme in force says of whole balances. `since`: when it was switched on or last made stricter."""

    expiry: Expiry
    since: datetime
    zone: tzinfo


def rule_of(published: Sequence[tuple[datetime, Expiry]], zone: tzinfo) -> Rule | None:
    """The rule in force after these versions, the oldest first; None when lots have only their own dates."""
    since, before = datetime.min.replace(tzinfo=UTC), Expiry()
    for at, expiry in published:
        if _stricter(before, expiry):
            since = at
        before = expiry
    return None if before.balance == "never" else Rule(before, since, zone)


def same_dates(before: Expiry, after: Expiry) -> bool:
    """Whether two versions date lots alike; the rest of what they hold does not matter then."""
    return _dating(before) == _dating(after)


def redated(lots: Sequence[Lot], rule: Rule | None, active_at: datetime | None) -> list[Lot]:
    """One member's open lots, those changed that should run out at another moment than they say. `active_at`: the
    last activity by the rule, or None.

    A lot ends at its own date or when the balance does, whichever is sooner, and never before `kept_until`. Inactivity
    counts from the last activity, from when the last points opened or will open, or from `since`: the latest of them.
    """
    started = [lot.available_at for lot in lots if lot.available_at is not None]
    if rule is not None:
        started += [rule.since] if active_at is None else [rule.since, active_at]
    changed = []
    for lot in lots:
        end = lot.own_expires_at
        if rule is not None and lot.available_at is not None:
            if rule.expiry.balance == "inactivity":
                by_rule = months_later(max(started), rule.expiry.months)
            else:
                by_rule = _closing(rule, lot.available_at)
            end = by_rule if end is None else min(end, by_rule)
        if end is not None and lot.kept_until is not None:
            end = max(end, lot.kept_until)
        if end != lot.expires_at:
            changed.append(replace(lot, expires_at=end))
    return changed


def kept(lot: Lot, until: datetime) -> Lot:
    """The lot with an end no sooner than that; one that lasts longer, or for ever, is not cut short."""
    ends = None if lot.expires_at is None else max(lot.expires_at, until)
    return replace(lot, expires_at=ends, kept_until=max(until, lot.kept_until or until))


def why(lot: Lot, rule: Rule | None) -> dict[str, object]:
    """What an entry keeps about why a lot ran out, so that the history can say it."""
    if rule is None or lot.own_expires_at == lot.expires_at:
        return {"rule": "expiry"}
    if rule.expiry.balance == "inactivity":
        return {"rule": "inactivity", "because": "inactive", "months": rule.expiry.months}
    return {"rule": "dates", "because": "closing_day"}


def activity(expiry: Expiry) -> frozenset[str]:
    """The kinds of entries that start the clock of inactivity anew."""
    return EARNED if expiry.activity == "earning" else ACTIVE


def _dating(expiry: Expiry) -> tuple[object, ...]:
    if expiry.balance == "inactivity":
        return (expiry.balance, expiry.months, expiry.activity)
    if expiry.balance == "dates":
        return (expiry.balance, frozenset(expiry.dates), expiry.least_months)
    return (expiry.balance,)


def _stricter(before: Expiry, after: Expiry) -> bool:
    if after.balance == "never" or before.balance != after.balance:
        return after.balance != "never"
    if after.balance == "inactivity":
        return after.months < before.months or activity(after) < activity(before)
    return after.least_months < before.least_months or not set(after.dates) <= set(before.dates)


def _closing(rule: Rule, available_at: datetime) -> datetime:
    """The end of the first closing day that takes points of that age."""
    ripe = max(months_later(rule.since, YEAR), months_later(available_at, rule.expiry.least_months))
    year = ripe.astimezone(rule.zone).year
    ends = (_end_of_day(year + n, day, rule.zone) for n in (0, 1) for day in rule.expiry.dates)
    return min(end for end in ends if end > ripe)


def _end_of_day(year: int, day: str, zone: tzinfo) -> datetime:
    month, _, of_month = day.partition("-")
    local = datetime(year, int(month), int(of_month), 23, 59, 59, tzinfo=zone)
    return local.astimezone(UTC)


def window(now: datetime, expiry: Expiry) -> list[tuple[str, datetime, datetime]]:
    """(reminder, after, until): which lots' ends each reminder is about at `now`."""
    last = now if expiry.last_days is None else now + timedelta(days=expiry.last_days)
    found = [] if expiry.last_days is None else [("last", now, last)]
    if expiry.first_days is not None:
        found.append(("first", last, now + timedelta(days=expiry.first_days)))
    return found
