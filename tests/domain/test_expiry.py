"""Expiry: each lot's own date, inactivity, closing days in the shop's time zone, and first in, first out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain import expiry
from plugin.domain.expiry import Rule, redated, rule_of, window
from plugin.domain.ledger import Account, Lot
from plugin.domain.programme import Expiry, problems
from tests.facts import DAY, T0, programme

ZURICH = ZoneInfo("Europe/Zurich")
IDLE = Expiry("inactivity", months=6)
CLOSING = Expiry("dates", dates=("12-31",))
LONG_AGO = T0 - 3000 * DAY


def lot(opens: datetime | None = T0, own: datetime | None = None, kept: datetime | None = None) -> Lot:
    return Lot(1, 7, 10, 10, opens, own, None, own, kept)


def end(one: Lot, rule: Rule | None, active_at: datetime | None = None) -> datetime | None:
    changed = redated([one], rule, active_at)
    return changed[0].expires_at if changed else one.expires_at


def rule(expiry_: Expiry, since: datetime = LONG_AGO) -> Rule:
    return Rule(expiry_, since, ZURICH)


def test_without_a_rule_a_lot_has_its_own_end_and_no_other() -> None:
    assert end(lot(own=T0 + DAY), None) == T0 + DAY
    assert end(lot(), None) is None
    assert rule_of([(T0, Expiry())], UTC) is None
    assert rule_of([], UTC) is None


def test_a_balance_ends_so_long_after_the_last_activity() -> None:
    assert end(lot(), rule(IDLE), T0 + 40 * DAY) == datetime(2026, 10, 10, 12, tzinfo=UTC)
    assert end(lot(own=T0 + 50 * DAY), rule(IDLE), T0) == T0 + 50 * DAY, "its own end comes sooner"
    assert end(lot(opens=None), rule(IDLE), T0) is None, "nobody knows yet when it opens"


def test_the_whole_balance_ends_at_once_counted_from_when_its_last_points_open() -> None:
    old, new = lot(T0 - 100 * DAY), lot(T0 + 30 * DAY)
    ends = {one.expires_at for one in redated([old, new], rule(IDLE), T0)}
    assert ends == {datetime(2026, 9, 30, 12, tzinfo=UTC)}  # T0 + 30 days is 31 March


@pytest.mark.parametrize(
    ("opens", "months", "dates", "ends"),
    [
        (datetime(2026, 3, 1, tzinfo=UTC), 0, ("12-31",), datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)),
        (datetime(2026, 12, 31, 22, 59, 58, tzinfo=UTC), 0, ("12-31",), datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)),
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), 0, ("12-31",), datetime(2027, 12, 31, 22, 59, 59, tzinfo=UTC)),
        (datetime(2026, 3, 1, tzinfo=UTC), 12, ("12-31",), datetime(2027, 12, 31, 22, 59, 59, tzinfo=UTC)),
        (datetime(2026, 3, 1, tzinfo=UTC), 0, ("12-31", "06-30"), datetime(2026, 6, 30, 21, 59, 59, tzinfo=UTC)),
    ],
    ids=["this year", "the last second", "a second later", "too young", "summer time"],
)  # fmt: skip
def test_points_close_at_the_end_of_a_day_of_the_shop(
    opens: datetime, months: int, dates: tuple[str, ...], ends: datetime
) -> None:
    assert end(lot(opens), rule(Expiry("dates", dates=dates, least_months=months))) == ends


def test_what_is_kept_longer_ends_no_sooner_and_what_lasts_is_not_cut_short() -> None:
    assert end(lot(kept=T0 + 900 * DAY), rule(IDLE), T0) == T0 + 900 * DAY
    longer = expiry.kept(lot(own=T0 + DAY), T0 + 9 * DAY)
    assert (longer.expires_at, longer.own_expires_at, longer.kept_until) == (
        T0 + 9 * DAY,
        T0 + DAY,
        T0 + 9 * DAY,
    )
    assert expiry.kept(longer, T0 + 5 * DAY) == longer
    assert expiry.kept(lot(), T0 + 5 * DAY).expires_at is None


YEAR_OF = timedelta(days=365)
VERSIONS = st.lists(
    st.builds(
        Expiry,
        st.sampled_from(("never", "inactivity", "dates")),
        months=st.integers(1, 24),
        activity=st.sampled_from(("earning", "any")),
        dates=st.sets(st.sampled_from(("12-31", "06-30", "03-31")), min_size=1).map(
            lambda d: tuple(sorted(d))
        ),
        least_months=st.integers(0, 12),
    ),
    min_size=1,
    max_size=5,
)


@given(VERSIONS, st.integers(0, 2000), st.integers(0, 2000))
def test_no_new_or_stricter_rule_ends_anything_before_a_full_period_is_over(
    versions: list[Expiry], opened: int, active: int
) -> None:
    published = [(T0 + n * 100 * DAY, one) for n, one in enumerate(versions)]
    found = rule_of(published, ZURICH)
    one, active_at = lot(T0 - opened * DAY), T0 - active * DAY
    before = rule_of(published[:-1], ZURICH)
    ends = end(one, found, active_at)
    if found is None:
        assert ends is None
        return
    assert ends is not None
    full = YEAR_OF if found.expiry.balance == "dates" else found.expiry.months * timedelta(days=28)
    assert ends >= found.since + full
    earlier = end(one, before, active_at)
    if found.since != published[-1][0]:  # the newest version is no stricter: nobody loses by it
        assert earlier is not None
        assert ends >= earlier


@given(
    st.lists(
        st.tuples(st.integers(-50, 50), st.none() | st.integers(1, 60), st.none() | st.integers(1, 60)),
        max_size=6,
    ),
    VERSIONS,
    st.none() | st.integers(-100, 100),
)
def test_dating_again_changes_nothing_and_never_passes_the_own_end(
    held: list[tuple[int, int | None, int | None]], versions: list[Expiry], active: int | None
) -> None:
    found = rule_of([(T0 + n * DAY, one) for n, one in enumerate(versions)], ZURICH)
    active_at = None if active is None else T0 + active * DAY
    lots = []
    for number, (opens, own, kept) in enumerate(held):
        at = T0 + opens * DAY
        own_end = None if own is None else at + own * DAY
        until = None if kept is None else at + kept * DAY
        lots.append(Lot(number, 7, 10, 10, at, own_end, None, own_end, until))
    dated = {one.lot_id: one for one in lots} | {one.lot_id: one for one in redated(lots, found, active_at)}
    assert redated(list(dated.values()), found, active_at) == []
    for one in dated.values():
        if one.own_expires_at is not None:
            assert one.expires_at is not None
            assert one.expires_at <= max(one.own_expires_at, one.kept_until or one.own_expires_at)


MOVES = st.lists(
    st.tuples(
        st.sampled_from(("credit", "spend", "take_back", "pass")), st.integers(1, 60), st.integers(0, 40)
    ),
    max_size=40,
)


@given(MOVES)
def test_what_ends_first_is_spent_first_and_no_expiry_takes_more_than_its_own_lot(
    moves: list[tuple[str, int, int]],
) -> None:
    numbers = count(1)
    account = Account(7, [], [], lambda: next(numbers))
    now = T0
    for what, points, days in moves:
        key = f"{what}:{next(numbers)}"
        before = {one.lot_id: one for one in account.lots.values()}
        if what == "pass":
            now += days * DAY
            for one in list(account.lots.values()):
                if one.expires_at is not None and one.expires_at <= now:
                    entry = account.empty_lot("expire", one.lot_id, source_key=key, why={}, occurred_at=now)
                    assert entry is None or entry.points == -one.remaining
        elif what == "credit":
            ends = None if days > 35 else now + (days + 1) * DAY
            account.credit(
                "earn", points, source_key=key, why={}, occurred_at=now, available_at=now, expires_at=ends
            )
        elif what == "spend" and points <= account.available(now):
            account.spend("redeem", points, now, source_key=key, why={})
        elif what == "take_back":
            account.take_back("clawback", points, source_key=key, why={}, occurred_at=now, now=now)
        if what in ("spend", "take_back"):
            used = [
                n for n, one in account.lots.items() if n in before and one.remaining < before[n].remaining
            ]
            left = [one for one in account.lots.values() if one.remaining and one.lot_id in before]
            latest = max(
                (before[n].expires_at or datetime.max.replace(tzinfo=UTC) for n in used), default=None
            )
            for one in left:
                if latest is not None and one.lot_id not in used:
                    assert (one.expires_at or datetime.max.replace(tzinfo=UTC)) >= latest
        entries = account.moves.entries
        assert (
            sum(e.points for e in entries) == sum(o.remaining for o in account.lots.values()) - account.owed()
        )
        for one in account.lots.values():
            taken = sum(p for (_, n), p in account.moves.allocations.items() if n == one.lot_id)
            assert one.points - one.remaining == taken, "every debit names the lots it took from"


def test_reminders_fall_due_in_windows_that_do_not_meet() -> None:
    assert window(T0, Expiry()) == []
    assert window(T0, Expiry(first_days=30, last_days=3)) == [
        ("last", T0, T0 + 3 * DAY),
        ("first", T0 + 3 * DAY, T0 + 30 * DAY),
    ]
    assert window(T0, Expiry(first_days=30)) == [("first", T0, T0 + 30 * DAY)]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"months": 0}, "expiry.months"),
        ({"dates": ("02-29",)}, "expiry.dates"),
        ({"dates": ("13-01",)}, "expiry.dates"),
        ({"dates": ("1-1",)}, "expiry.dates"),
        ({"balance": "dates", "dates": ()}, "expiry.dates"),
        ({"balance": "dates", "dates": ("12-31", "12-31")}, "expiry.dates"),
        ({"least_months": 61}, "expiry.least_months"),
        ({"first_days": 181}, "expiry.first_days"),
        ({"last_days": 0}, "expiry.last_days"),
        ({"first_days": 5, "last_days": 5}, "expiry.last_days"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(wrong: dict[str, object], field: str) -> None:
    found = problems(programme(expiry=Expiry(**wrong)))  # type: ignore[arg-type]
    assert [where for where, _ in found] == [field]
    assert problems(programme(expiry=Expiry("dates", first_days=30, last_days=3))) == []
