"""Tiers: which step of the ladder a member has earned, reviewed by the clock and never backdated.

What counts is a list of credits (when, how much), so that a review is a function of them, of what the member had
before and of the time: the same at any second look, whatever the order in which we heard of things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from plugin.domain.programme import Programme, Reward, Tier
from plugin.domain.values import exponent, months_later

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(milliseconds=1)
Credits = Sequence[tuple[datetime, int]]


@dataclass(frozen=True, slots=True)
class Earned:
    """The tier that a member's own doing has earned, since when, and the moment at which it falls if nothing more
    comes (None: never). `warned_at`: when they were told of the fall that is near.
    """

    tier: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    warned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """The outcome of a review. `progress` is what counted, in the ladder's unit; `warned`: notice is due now."""

    earned: Earned
    progress: int
    warned: bool
    review_at: datetime | None


def unit(programme: Programme) -> int:
    """What a threshold of 1 means in a credit: a whole unit of currency in minor units, else one."""
    return 10 ** exponent(programme.currency) if programme.ladder.basis == "money" else 1


def year_start(moment: datetime, zone: tzinfo, years: int = 0) -> datetime:
    """The first instant of the calendar year of a moment in that zone, or of the year so many years on."""
    return datetime(moment.astimezone(zone).year + years, 1, 1, tzinfo=zone).astimezone(UTC)


def window_start(programme: Programme, now: datetime, zone: tzinfo = UTC) -> datetime:
    """From when on credits count towards a tier."""
    if programme.ladder.window == "lifetime":
        return EPOCH
    if programme.ladder.window == "year":
        return year_start(now, zone)
    return months_later(now, -programme.tier_months)


def needed_since(programme: Programme, now: datetime, zone: tzinfo = UTC) -> datetime:
    """From when on a review wants to know the credits: the window, and before it what grace and keeping look at."""
    ladder = programme.ladder
    if ladder.window == "year":
        return year_start(now, zone, -1 - int(ladder.grace_months > 0))
    if ladder.window == "rolling" and ladder.grace_months:
        return months_later(now, -programme.tier_months - ladder.grace_months - 1)
    return window_start(programme, now, zone)


def tier_for(programme: Programme, progress: int) -> Tier | None:
    """The highest tier whose threshold the progress reaches; None when the programme has no tiers."""
    reached = [tier for tier in programme.tiers if progress >= tier.threshold]
    return reached[-1] if reached else None


def next_tier(programme: Programme, progress: int) -> Tier | None:
    """The next tier up, or None at the top."""
    return next((tier for tier in programme.tiers if tier.threshold > progress), None)


def next_above(
    programme: Programme, progress: int, held: str | None, before: frozenset[str] = frozenset()
) -> tuple[Tier, int] | None:
    """The next tier above the one held and what it takes to enter it; None at the top.

    `before`: tiers the member has ever held, for whom coming back may take something else.
    """
    for tier in programme.tiers[step_of(programme, held) + 1 :]:
        needs = tier.reenter if tier.reenter is not None and tier.key in before else tier.threshold
        if needs > progress:
            return tier, needs
    return None


def step_of(programme: Programme, key: str | None) -> int:
    """The place of a tier on the ladder, from 0; -1 for none and for one that the ladder does not know."""
    return next((i for i, tier in enumerate(programme.tiers) if tier.key == key), -1)


def retain_of(tier: Tier) -> int:
    """What keeps a tier when its period is over."""
    return tier.threshold if tier.retain is None else tier.retain


def higher(programme: Programme | None, a: str | None, b: str | None) -> str | None:
    """The higher of two tier keys; an unknown key counts as none. At a merge the higher stands until review."""
    keys = [tier.key for tier in programme.tiers] if programme else []
    ranked = [key for key in (a, b) if key in keys]
    return max(ranked, key=keys.index) if ranked else None


def ladder_changed(before: Programme | None, after: Programme) -> bool:
    """Whether a new version may put members on another step; a new name or multiplier alone does not."""
    if before is None:
        return bool(after.tiers)
    return _steps(before) != _steps(after)


def _steps(one: Programme) -> tuple[object, ...]:
    steps = [
        (tier.key, tier.threshold, tier.retain, tier.reenter, tier.shipping_months) for tier in one.tiers
    ]
    money = one.currency if one.ladder.basis == "money" else ""
    return (steps, one.tier_months, one.ladder, money, one.memberships, one.tag_tiers)


def progress_of(programme: Programme, credits: Credits, now: datetime, zone: tzinfo = UTC) -> int:
    """What counts now, as a shopper is told it: whole units, rounded down."""
    since = window_start(programme, now, zone)
    return sum(amount for at, amount in credits if since <= at <= now) // unit(programme)


def review(
    programme: Programme,
    earned: Earned,
    credits: Credits,
    now: datetime,
    zone: tzinfo = UTC,
    before: frozenset[str] = frozenset(),
) -> Review:
    """Up at once; down only when the period of the tier, its grace and the notice are over (design 10.14).

    `credits` reach back to `needed_since`; `before`: tiers the member has ever held, for whom coming back may cost
    something else. The programme has tiers.
    """
    credits = [credit for credit in credits if credit[0] <= now]
    counted = _weight(programme, credits, now, zone)
    held = step_of(programme, earned.tier)
    reached = -1
    for step, tier in enumerate(programme.tiers):
        again = step > held and tier.key in before
        needs = tier.reenter if again and tier.reenter is not None else tier.threshold
        if counted >= needs * unit(programme):
            reached = step
    warned = False
    if reached > held or held < 0:
        earned = _entered(programme, earned, reached, now)
    else:
        earned, warned = _with_end(programme, earned, credits, now, zone)
        if earned.until is not None and earned.until <= now:
            earned = _entered(programme, earned, _lands(programme, held, counted), now)
    if not warned:
        earned, warned = _with_end(programme, earned, credits, now, zone)
    review_at = earned.until
    if review_at is not None and earned.warned_at is None:
        review_at -= timedelta(days=programme.ladder.notice_days)
    progress = progress_of(programme, credits, now, zone)
    return Review(
        earned, progress, warned, review_at if review_at is None else max(review_at, now + _INSTANT)
    )


def falls_to(programme: Programme, key: str | None, progress: int) -> Tier | None:
    """Where a member of that tier would land with this progress."""
    held = step_of(programme, key)
    step = _lands(programme, held, progress * unit(programme)) if held > 0 else -1
    return programme.tiers[step] if step >= 0 else None


def _entered(programme: Programme, earned: Earned, step: int, now: datetime) -> Earned:
    key = programme.tiers[step].key if step >= 0 else None
    return earned if key == earned.tier else Earned(key, now)


def _lands(programme: Programme, held: int, counted: int) -> int:
    """The step below `held` that a fall leads to: the highest whose keeping is reached, or the very next."""
    if programme.ladder.fall == "one":
        return held - 1
    kept = [i for i in range(held) if counted >= retain_of(programme.tiers[i]) * unit(programme)]
    return kept[-1] if kept else -1


def _weight(programme: Programme, credits: Credits, now: datetime, zone: tzinfo) -> int:
    """What counts at a moment. Where a year's tier is kept to the end of the next, the better of the two years."""
    start = window_start(programme, now, zone)
    counted = sum(amount for at, amount in credits if start <= at)
    if programme.ladder.keep_next_year:
        last = year_start(now, zone, -1)
        counted = max(counted, sum(amount for at, amount in credits if last <= at < start))
    return counted


def _with_end(
    programme: Programme, earned: Earned, credits: Credits, now: datetime, zone: tzinfo
) -> tuple[Earned, bool]:
    """The earned tier with the moment at which it falls, and whether notice of that is due now.

    A fall never comes sooner than the notice says, whatever a refund did to the progress.
    """
    step = step_of(programme, earned.tier)
    if step <= 0:
        return replace(earned, until=None, warned_at=None), False
    falls_at = _falls_at(programme, earned, retain_of(programme.tiers[step]), credits, now, zone)
    notice = timedelta(days=programme.ladder.notice_days)
    if falls_at is None or not notice or now < falls_at - notice:
        return replace(earned, until=falls_at, warned_at=None), False
    warned_at = earned.warned_at or now
    until = max(falls_at, warned_at + notice)
    return replace(earned, until=until, warned_at=warned_at), earned.warned_at is None


def _falls_at(
    programme: Programme, earned: Earned, retain: int, credits: Credits, now: datetime, zone: tzinfo
) -> datetime | None:
    ladder, needed = programme.ladder, retain * unit(programme)
    since = earned.since or now
    if needed <= 0:
        return None
    if ladder.window == "lifetime":
        if _weight(programme, credits, now, zone) >= needed:
            return None
        # Only a refund leads here, and nothing says when: the first review that finds it begins the grace.
        return earned.until or months_later(now, ladder.grace_months)
    if ladder.window == "year":
        held_until = year_start(since, zone, 1)
        lapse = _year_lapse(programme, needed, credits, now, zone)
    else:
        held_until = months_later(since, programme.tier_months)
        lapse = _rolling_lapse(programme, needed, credits, now)
    end = max(held_until, lapse)
    # Months of a year that begins at the shop's midnight end at the shop's midnight, summer time or not.
    local = end.astimezone(zone if ladder.window == "year" else UTC)
    return months_later(local, ladder.grace_months).astimezone(UTC)


def _year_lapse(programme: Programme, needed: int, credits: Credits, now: datetime, zone: tzinfo) -> datetime:
    """The New Year at which what is needed is there no longer; the one before the last stands for all earlier."""
    this = now.astimezone(zone).year
    sums: dict[int, int] = {}
    for at, amount in credits:
        year = at.astimezone(zone).year
        sums[year] = sums.get(year, 0) + amount
    good = [year for year in (this, this - 1, this - 2) if sums.get(year, 0) >= needed]
    keeps = int(programme.ladder.keep_next_year)
    last = good[0] + 1 + keeps if good else this - 1
    return year_start(now, zone, last - this)


def _rolling_lapse(programme: Programme, needed: int, credits: Credits, now: datetime) -> datetime:
    """When the window's sum last fell, or will fall, below what is needed; the epoch when it never was above."""
    months = programme.tier_months
    start = window_start(programme, now)
    changes = [(at, amount) for at, amount in credits] + [
        (_leaves(at, months), -amount) for at, amount in credits
    ]
    total, lapse, above = 0, EPOCH, False
    for at, change in sorted(changes):
        total += change
        if above and total < needed:
            lapse = at
        above = total >= needed
    if lapse > now and sum(amount for at, amount in credits if at >= start) < needed:
        return now  # a window of calendar months is a day shorter than its months at the end of some
    return lapse


def _leaves(at: datetime, months: int) -> datetime:
    """The first moment at which what counts from `at` has left the window."""
    moment = months_later(at, months) + _INSTANT
    while months_later(moment, -months) <= at:
        moment += timedelta(days=1)
    return moment


def price(programme: Programme, reward: Reward, tier_key: str | None) -> int | None:
    """What a reward costs a member of that tier, rounded up, at least 1 point; None when it is not for them."""
    if reward.tiers and tier_key not in reward.tiers:
        return None
    return discounted(programme, reward.points, tier_key)


def discounted(programme: Programme, points: int, tier_key: str | None) -> int:
    """Points less the tier's discount on rewards, rounded up; what costs something never becomes free."""
    tier = programme.tier(tier_key)
    off = tier.reward_discount_percent if tier is not None else 0
    return -(-points * (100 - off) // 100)
