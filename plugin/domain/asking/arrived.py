"""How an order came: by which way, when it arrived, how we know, and why nobody is asked about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.domain.facts import Fulfilment
from plugin.domain.orders import Order, arrived, kept_units, parcel_delivered_at, parcels
from plugin.domain.programme import Survey

# The bases that somebody reported; the others are our own reckoning.
REPORTED = ("delivered", "platform", "handed_over")
# An estimate rests on at least so many parcels, and is late enough for this share of them.
SAMPLE = 20
SHARE_NUMERATOR, SHARE_DENOMINATOR = 4, 5
LONGEST = 60  # days; a parcel that took longer was found, not delivered

# How many parcels took so many days, by carrier ('' where nobody said) and country.
Transits = Mapping[tuple[str, str], Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class Came:
    """How all of an order reached the shopper.

    `basis`: delivered (an event), platform (its word), handed_over (at the till), estimated (from our own transit
    times) or default (fulfilled and some days). `way`: domestic, international, pickup, local, pos, '' not known.
    """

    at: datetime
    basis: str
    way: str
    country: str | None
    carrier: str | None
    fulfilled_at: datetime | None


def came(order: Order, survey: Survey, transits: Transits) -> Came | None:
    """How the order came, or None while something of it is under way, or nobody can say when it arrived."""
    head = order.head
    way = way_of(order, survey)

    def reckoned(parcel: Fulfilment) -> tuple[datetime, str] | None:
        if survey.unreported == "never":
            return None
        if way in ("pickup", "local"):  # handed over as it is fulfilled, or driven out the same day
            return parcel.created_at, "default"
        country = head.country if head is not None else None
        days = expected_days(parcel.carrier, country, transits)
        if days is not None:
            return parcel.created_at + timedelta(days=days), "estimated"
        assumed = next((one.days for one in survey.assumed if country in one.countries), survey.default_days)
        return parcel.created_at + timedelta(days=assumed), "default"

    found = arrived(order, reckoned)
    if head is None or found is None or found.basis == "nothing_to_ship":
        return None
    if way == "pos" and survey.pos_days is None:
        return None
    last = found.last
    return Came(
        found.at,
        found.basis,
        way,
        head.country,
        last.carrier if last is not None else None,
        last.created_at if last is not None else None,
    )


def way_of(order: Order, survey: Survey) -> str:
    """By which way the order goes to the shopper: the merchant's names of shipping methods say what is no parcel."""
    head = order.head
    if head is None:
        return ""
    if head.source_name == "pos" and head.shipping_minor == 0:
        return "pos"
    names = {name.casefold() for name in head.shipping_names}
    for way, methods in (("pickup", survey.pickup_methods), ("local", survey.local_methods)):
        if names & {method.casefold() for method in methods}:
            return way
    if not survey.home or head.country is None:
        return ""
    return "domestic" if head.country in survey.home else "international"


def expected_days(carrier: str | None, country: str | None, transits: Transits) -> int | None:
    """In how many days four of five parcels of this carrier to this country had arrived; None: too few to say.

    Where this carrier brought too few there, all carriers to that country are looked at together.
    """
    if country is None:
        return None
    together: Counter[int] = Counter()
    for (_, there), days in transits.items():
        if there == country:
            together.update(days)
    return _quantile(transits.get((carrier or "", country), {})) or _quantile(together)


def _quantile(days: Mapping[int, int]) -> int | None:
    parcels = sum(days.values())
    if parcels < SAMPLE:
        return None
    so_far = 0
    for day in sorted(days):
        so_far += days[day]
        if so_far * SHARE_DENOMINATOR >= parcels * SHARE_NUMERATOR:
            return day
    return None


def transits_of(order: Order) -> Counter[tuple[str, str, int]]:
    """(carrier, country, days) of every parcel of the order that is known to have arrived; begun days count whole."""
    found: Counter[tuple[str, str, int]] = Counter()
    country = order.head.country if order.head is not None else None
    if country is None:
        return found
    for parcel in parcels(order):
        at = parcel_delivered_at(order, parcel)
        if at is not None:
            days = max(1, -((parcel.created_at - at) // timedelta(days=1)))
            if days <= LONGEST:
                found[parcel.carrier or "", country, days] += 1
    return found


def why_not(order: Order, counted_out: str | None, basis_minor: int) -> str | None:
    """Why nobody is asked about an order although it may have arrived, or None.

    `counted_out`: why it counts for nothing (see earning.why_nothing_counts); `basis_minor`: what is left of it.
    """
    if counted_out is not None:
        return counted_out
    if basis_minor == 0 and order.refunds:
        return "returned" if not any(kept_units(order).values()) else "refunded"
    return None
