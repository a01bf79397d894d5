"""The chapter on the survey: when the one question is asked, whom, how often, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from plugin.domain.programme.check import Problem, checking

if TYPE_CHECKING:
    from plugin.domain.programme.document import Programme

Check = Callable[[bool, str, str], None]
MAX_DAYS = 365
MAX_CLOSED_DAYS = 60


@dataclass(frozen=True, slots=True)
class Assumed:
    """Parcels to these countries count as arrived `days` after they were sent, where nothing else says when."""

    key: str
    name: str
    countries: tuple[str, ...] = ()
    days: int = 7


@dataclass(frozen=True, slots=True)
class TierSample:
    """Of the members of one tier, `percent` of the orders are asked about, whatever holds for the others."""

    key: str
    name: str
    tier: str = ""
    percent: int = 100


@dataclass(frozen=True, slots=True)
class Survey:
    """When the NPS question falls due, for whom, and until when it may be asked and answered (`valid_days`).

    `delay_days` count from arrival; the others None: as for domestic parcels, of `pos_days` None: not asked at all.
    `unreported`: what becomes of orders whose arrival nobody reports: not asked about, or estimated from the shop's own
    transit times, else from `assumed`, else `default_days`. `consent_countries`: mails only with marketing consent.
    `from_hour` up to `to_hour`, by the clocks of the parcel's country, else the shop's; never on `closed_days`.
    """

    enabled: bool = True
    delay_days: int = 2
    valid_days: int = 30
    international_days: int | None = None
    pickup_days: int | None = None
    local_days: int | None = None
    pos_days: int | None = None
    home: tuple[str, ...] = ()
    pickup_methods: tuple[str, ...] = ()
    local_methods: tuple[str, ...] = ()
    unreported: Literal["never", "estimate"] = "never"
    default_days: int = 21
    assumed: tuple[Assumed, ...] = ()
    quiet_days: int = 0
    orders: Literal["all", "first", "every"] = "all"
    every: int = 3
    per_day: int | None = None
    sample_new: int = 100
    sample_returning: int = 100
    tier_samples: tuple[TierSample, ...] = ()
    consent_countries: tuple[str, ...] = ()
    from_hour: int = 0
    to_hour: int = 24
    closed_days: tuple[str, ...] = ()


def problems_of_survey(programme: Programme) -> list[Problem]:
    """What is wrong with the survey."""
    found, check = checking()
    survey = programme.survey
    check(0 <= survey.delay_days <= MAX_DAYS, "survey.delay_days", "Choose 0 to 365 days.")
    check(1 <= survey.valid_days <= MAX_DAYS, "survey.valid_days", "Choose 1 to 365 days.")
    for name in ("international_days", "pickup_days", "local_days", "pos_days"):
        days = getattr(survey, name)
        check(
            days is None or 0 <= days <= MAX_DAYS,
            f"survey.{name}",
            "Choose 0 to 365 days, or leave it empty.",
        )
    check(
        survey.international_days is None or bool(survey.home),
        "survey.home",
        "Parcels abroad have a delay of their own: name your domestic countries, or leave that delay empty.",
    )
    for name in ("home", "consent_countries"):
        _countries(getattr(survey, name), f"survey.{name}", check)
    _of_methods(survey, check)
    _of_estimates(survey, check)
    _of_choice(programme, check)
    _of_hours(survey, check)
    return found


def _countries(codes: tuple[str, ...], where: str, check: Check) -> None:
    check(
        all(len(one) == 2 and one.isascii() and one.isalpha() and one.isupper() for one in codes),
        where,
        "Write countries as two capital letters, such as CH, DE.",
    )


def _of_methods(survey: Survey, check: Check) -> None:
    both = {one.casefold() for one in survey.pickup_methods} & {
        one.casefold() for one in survey.local_methods
    }
    check(
        not both,
        "survey.local_methods",
        f"“{'”, “'.join(sorted(both))}” is listed as pickup and as local delivery. Take it out of one of them.",
    )


def _of_estimates(survey: Survey, check: Check) -> None:
    check(0 <= survey.default_days <= MAX_DAYS, "survey.default_days", "Choose 0 to 365 days.")
    named: set[str] = set()
    for n, one in enumerate(survey.assumed):
        at = f"survey.assumed.{n}"
        check(bool(one.countries), f"{at}.countries", "Name at least one country, such as CH.")
        _countries(one.countries, f"{at}.countries", check)
        twice = named & set(one.countries)
        check(
            not twice,
            f"{at}.countries",
            f"{', '.join(sorted(twice))} stands in an earlier row already. Take it out of one of them.",
        )
        named |= set(one.countries)
        check(0 <= one.days <= MAX_DAYS, f"{at}.days", "Choose 0 to 365 days.")


def _of_choice(programme: Programme, check: Check) -> None:
    survey = programme.survey
    check(0 <= survey.quiet_days <= MAX_DAYS, "survey.quiet_days", "Choose 0 to 365 days.")
    check(2 <= survey.every <= 100, "survey.every", "Choose 2 to 100 orders.")
    check(
        survey.per_day is None or 1 <= survey.per_day <= 1_000_000,
        "survey.per_day",
        "Choose 1 or more a day, or leave it empty for no limit.",
    )
    for name in ("sample_new", "sample_returning"):
        check(0 <= getattr(survey, name) <= 100, f"survey.{name}", "Choose 0 to 100 percent.")
    tiers = [tier.key for tier in programme.tiers]
    for n, one in enumerate(survey.tier_samples):
        at = f"survey.tier_samples.{n}"
        check(one.tier in tiers, f"{at}.tier", "Choose one of the tiers of the programme.")
        earlier = {other.tier for other in survey.tier_samples[:n]}
        check(
            one.tier not in earlier, f"{at}.tier", "This tier has a share already. Take one of the rows out."
        )
        check(0 <= one.percent <= 100, f"{at}.percent", "Choose 0 to 100 percent.")
    nobody = not any(one.percent for one in survey.tier_samples)
    check(
        survey.sample_new > 0 or survey.sample_returning > 0 or not nobody,
        "survey.sample_new",
        "With these shares nobody is ever asked. Raise one of them, or switch the survey off.",
    )
    check(
        survey.orders != "first" or survey.sample_new > 0 or not nobody,
        "survey.orders",
        "Only first orders are asked about, and of new customers none. Raise their share, or ask about other orders.",
    )


def _of_hours(survey: Survey, check: Check) -> None:
    check(0 <= survey.from_hour <= 23, "survey.from_hour", "Choose an hour from 0 to 23.")
    check(
        survey.from_hour < survey.to_hour <= 24,
        "survey.to_hour",
        "Choose an hour after the one it begins with, up to 24.",
    )
    check(
        len(survey.closed_days) <= MAX_CLOSED_DAYS and all(map(_is_day, survey.closed_days)),
        "survey.closed_days",
        "Write each day as month-day (12-25) or year-month-day (2027-03-26), at most 60 of them.",
    )


def _is_day(text: str) -> bool:
    whole = text if len(text) == 10 else f"2000-{text}"
    try:
        return date.fromisoformat(whole).isoformat() == whole
    except ValueError:
        return False
