"""The chapter on campaigns: earning more for a time, for some, on some things; and how several at once add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plugin.domain.programme.check import MAX_POINTS, Problem, checking
from plugin.domain.programme.earning import MAX_VALUES_TEXT, NUMBERED_SCOPES, READ_SCOPES, Scope
from plugin.domain.values import Ratio

if TYPE_CHECKING:
    from plugin.domain.programme.document import Programme

# Several campaigns on one order: each multiplies what those before it left; what each adds by itself is summed; or the
# one that is best for the shopper stands alone.
Stacking = Literal["multiply", "add", "best"]
MOST_TIMES = 100
MOST = 100
MOST_AT_ONCE = 10  # that multiply one another: an order's money falls into up to 2 to that power of sets


@dataclass(frozen=True, slots=True)
class Campaign:
    """Orders placed from `starts` until before `ends` earn more: their money counts `multiplier` times, or there are
    `points` for the order, or `points` for every `per_minor` of it.

    Both times are a wall clock's in `zone`, which stays the campaign's own whatever becomes of the shop's.
    `tiers`, `tags` (the customer's), `countries` (shipped to) and `sources` (channels, a * at the end stands for any
    ending) say for whom, `scope` and `values` for which products; what is left empty holds for all.
    """

    key: str
    name: str
    starts: str
    ends: str
    zone: str
    effect: Literal["multiply", "points", "rate"] = "multiply"
    multiplier: Ratio = Ratio(2)
    points: int = 0
    per_minor: int = 100
    tiers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    scope: Scope | Literal["all"] = "all"
    values: tuple[str, ...] = ()

    @property
    def starts_at(self) -> datetime:
        """When it starts: an hour that the clocks show twice begins with its first."""
        return moment(self.starts, self.zone)

    @property
    def ends_at(self) -> datetime:
        """The first moment after it: an hour that the clocks show twice ends with its second."""
        return moment(self.ends, self.zone, last=True)

    @property
    def asks_products(self) -> bool:
        """Whether only a read of the products tells which lines it is about."""
        return self.scope in READ_SCOPES

    def runs(self, at: datetime) -> bool:
        """Whether an order placed at that moment falls into it."""
        return self.starts_at <= at < self.ends_at


@lru_cache(maxsize=4096)
def moment(wall: str, zone: str, *, last: bool = False) -> datetime:
    """The moment at which the clocks of a zone show that time; of two, the first or the last.

    A time that the clocks leap over is as far after the leap as it is after its beginning (RFC 5545, 3.3.5).
    Raises ValueError for what is no wall time, and for an unknown zone.
    """
    try:
        local = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone))
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"unknown zone {zone!r}") from error
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return second if last and second > first else first


def problems_of_campaigns(programme: Programme) -> list[Problem]:
    """What is wrong with the campaigns, each by itself and several at once."""
    found, check = checking()
    keys = [one.key for one in programme.campaigns]
    check(len(keys) == len(set(keys)), "campaigns", "Give every campaign a key of its own.")
    check(len(keys) <= MOST, "campaigns", f"At most {MOST} campaigns. Take out some that have ended.")
    timed = []
    for i, one in enumerate(programme.campaigns):
        at = f"campaigns.{i}"
        check(one.key.isidentifier(), f"{at}.key", "Use letters, digits and _ for the key.")
        check(bool(one.name.strip()), f"{at}.name", "Give it a name; shoppers read it in their history.")
        _of_effect(one, at, check)
        _of_scope(programme, one, at, check)
        if _of_times(one, at, check):
            timed.append(one)
    check(
        sum(len(value) for one in programme.campaigns for value in one.values) <= MAX_VALUES_TEXT,
        "campaigns",
        "These campaigns name too many things. Use a tag or a collection instead of single products.",
    )
    for together, times in _highest(programme.campaign_stacking, timed):
        names = " and ".join(one.name for one in together[:3])
        check(
            programme.campaign_stacking != "multiply" or len(together) <= MOST_AT_ONCE,
            "campaign_stacking",
            f"More than {MOST_AT_ONCE} campaigns multiply at once, such as {names}. Move some of them, or let the best "
            "one count.",
        )
        check(
            times <= MOST_TIMES,
            "campaign_stacking",
            f"{names} overlap, and together money would count more than {MOST_TIMES} times. Move one of them, or let "
            "the best one count.",
        )
    return found


Check = Callable[[bool, str, str], None]


def _of_effect(one: Campaign, at: str, check: Check) -> None:
    if one.effect == "multiply":
        ratio = one.multiplier
        check(
            ratio.denominator > 0 and ratio.denominator < ratio.numerator <= MOST_TIMES * ratio.denominator,
            f"{at}.multiplier",
            "Choose more than 1, up to 100. To let products earn less or nothing, use a rule for products.",
        )
        return
    check(0 < one.points <= MAX_POINTS, f"{at}.points", "Say how many points: 1 or more.")
    check(
        one.effect != "rate" or 0 < one.per_minor <= MAX_POINTS,
        f"{at}.per_minor",
        "Say for how much money there are points: more than 0.",
    )


def _of_times(one: Campaign, at: str, check: Check) -> bool:
    """Checks the times; whether they can be compared."""
    readable = {}
    for field, wall in (("starts", one.starts), ("ends", one.ends)):
        readable[field] = _is_wall_time(wall)
        check(readable[field], f"{at}.{field}", "Write day and time, such as 2027-03-27 00:00.")
    known = _is_zone(one.zone)
    check(known, f"{at}.zone", "Name a time zone by its region and city, such as Europe/Zurich.")
    if not (known and all(readable.values())):
        return False
    check(one.starts_at < one.ends_at, f"{at}.ends", "Choose an end that is later than the start.")
    return one.starts_at < one.ends_at


def _is_wall_time(text: str) -> bool:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return False
    return found.tzinfo is None and 2000 <= found.year <= 2999


def _is_zone(name: str) -> bool:
    try:
        moment("2000-01-01", name)
    except ValueError:
        return False
    return True


def _of_scope(programme: Programme, one: Campaign, at: str, check: Check) -> None:
    check(
        all(programme.tier(key) is not None for key in one.tiers),
        f"{at}.tiers",
        f"{one.name} is for tiers that the programme does not have. Name some of these, or leave it empty: "
        f"{', '.join(tier.key for tier in programme.tiers) or 'none'}.",
    )
    check(
        all(
            len(code) == 2 and code.isascii() and code.isalpha() and code.isupper() for code in one.countries
        ),
        f"{at}.countries",
        "Write countries as two capital letters, such as CH, DE.",
    )
    check(all(source.strip("*") for source in one.sources), f"{at}.sources", "Name each channel.")
    check(
        one.scope == "all" or bool(one.values),
        f"{at}.values",
        "No product can be meant: say which ones, or choose all products.",
    )
    check(
        one.scope != "all" or not one.values,
        f"{at}.scope",
        "Products are named below: say what they are named by, or leave them out.",
    )
    check(
        one.scope not in NUMBERED_SCOPES
        or all(value.isascii() and value.isdigit() and len(value) <= 18 for value in one.values),
        f"{at}.values",
        "Write numbers, as they end the address of the page in Shopify’s admin, with commas between them.",
    )
    rules = programme.orders
    gone = {
        (rule.scope, value.casefold())
        for rule in rules.lines
        if rule.effect == "exclude"
        for value in rule.values
    }
    check(
        not one.values or not all((one.scope, value.casefold()) in gone for value in one.values),
        f"{at}.values",
        "The chapter on earning excludes all of these products. Name others, or take the exclusion away.",
    )
    check(
        not one.sources or not all(source in rules.sources for source in one.sources),
        f"{at}.sources",
        "The chapter on earning lets none of these channels earn. Name others, or let them earn.",
    )
    shut_out = {tag.casefold() for tag in rules.excluded_tags}
    check(
        not one.tags or not all(tag.casefold() in shut_out for tag in one.tags),
        f"{at}.tags",
        "Customers with these tags earn nothing by the chapter on earning. Name others, or let them earn.",
    )


def _highest(stacking: Stacking, campaigns: list[Campaign]) -> Iterator[tuple[list[Campaign], Fraction]]:
    """For each start of a campaign that multiplies: which ones multiply then, and how often money would count."""
    if stacking == "best":
        return
    several = [one for one in campaigns if one.effect == "multiply" and one.multiplier.denominator > 0]
    for start, _ in groupby(sorted(one.starts_at for one in several)):
        together = [one for one in several if one.runs(start)]
        times = Fraction(1)
        for one in together:
            ratio = Fraction(one.multiplier.numerator, one.multiplier.denominator)
            times = times * ratio if stacking == "multiply" else times + ratio - 1
        yield together, times
