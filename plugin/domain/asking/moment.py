"""The moment: when a question falls due after the arrival, and the next hour at which people are awake."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plugin.domain.programme import Survey

_LOOK_AHEAD = 400  # steps, each to another day or hour: more than a year of closed days

# The zones that most people of a country live in (IANA's zone1970.tab); of several, all must be awake.
_ZONES = """
AE Asia/Dubai|AR America/Argentina/Buenos_Aires|AT Europe/Vienna|AU Australia/Sydney Australia/Perth|BE Europe/Brussels
BG Europe/Sofia|BR America/Sao_Paulo America/Manaus|CA America/Toronto America/Vancouver|CH Europe/Zurich
CL America/Santiago|CN Asia/Shanghai|CO America/Bogota|CY Asia/Nicosia|CZ Europe/Prague|DE Europe/Berlin
DK Europe/Copenhagen|EE Europe/Tallinn|EG Africa/Cairo|ES Europe/Madrid|FI Europe/Helsinki|FR Europe/Paris
GB Europe/London|GR Europe/Athens|HK Asia/Hong_Kong|HR Europe/Zagreb|HU Europe/Budapest
ID Asia/Jakarta Asia/Makassar|IE Europe/Dublin|IL Asia/Jerusalem|IN Asia/Kolkata|IS Atlantic/Reykjavik|IT Europe/Rome
JP Asia/Tokyo|KR Asia/Seoul|LI Europe/Vaduz|LT Europe/Vilnius|LU Europe/Luxembourg|LV Europe/Riga|MT Europe/Malta
MX America/Mexico_City America/Tijuana|MY Asia/Kuala_Lumpur|NL Europe/Amsterdam|NO Europe/Oslo|NZ Pacific/Auckland
PE America/Lima|PH Asia/Manila|PL Europe/Warsaw|PT Europe/Lisbon|RO Europe/Bucharest|RS Europe/Belgrade
SA Asia/Riyadh|SE Europe/Stockholm|SG Asia/Singapore|SI Europe/Ljubljana|SK Europe/Bratislava|TH Asia/Bangkok
TR Europe/Istanbul|TW Asia/Taipei|UA Europe/Kyiv|US America/New_York America/Los_Angeles|VN Asia/Ho_Chi_Minh
ZA Africa/Johannesburg
"""
_BY_COUNTRY = {one[:2]: tuple(one[3:].split()) for one in _ZONES.replace("\n", "|").split("|") if one}


def delay_of(survey: Survey, way: str) -> timedelta:
    """How long after the arrival the question falls due; what has no delay of its own has that of domestic parcels."""
    own = {
        "international": survey.international_days,
        "pickup": survey.pickup_days,
        "local": survey.local_days,
        "pos": survey.pos_days,
    }.get(way)
    return timedelta(days=survey.delay_days if own is None else own)


def due_at(survey: Survey, arrived_at: datetime, way: str) -> datetime:
    """When the question falls due."""
    return arrived_at + delay_of(survey, way)


@lru_cache(maxsize=1024)
def zones_of(country: str | None, shop: tzinfo) -> tuple[tzinfo, ...]:
    """The time zones of a country, or the shop's where we do not know."""
    try:
        return tuple(ZoneInfo(name) for name in _BY_COUNTRY.get(country or "", ())) or (shop,)
    except (ZoneInfoNotFoundError, OSError):
        return (shop,)


def waking(survey: Survey, at: datetime, zones: tuple[tzinfo, ...]) -> datetime:
    """The first moment from `at` on that lies in the hours of all these zones, and on no closed day of theirs.

    Where the hours of two zones never meet, those of the first decide.
    """
    if survey.from_hour == 0 and survey.to_hour == 24 and not survey.closed_days:
        return at
    return _first(survey, at, zones) or _first(survey, at, zones[:1]) or at


def _first(survey: Survey, at: datetime, zones: tuple[tzinfo, ...]) -> datetime | None:
    for _ in range(_LOOK_AHEAD):
        later = max(_allowed(survey, at, zone) for zone in zones)
        if later == at:
            return at
        at = later
    return None


def _allowed(survey: Survey, at: datetime, zone: tzinfo) -> datetime:
    """`at` itself, or the next time that the day begins in this zone."""
    local = at.astimezone(zone)
    day = local.date()
    closed = day.isoformat() in survey.closed_days or day.isoformat()[5:] in survey.closed_days
    if not closed and survey.from_hour <= local.hour < survey.to_hour:
        return at
    if closed or local.hour >= survey.to_hour:
        day += timedelta(days=1)
    # An hour that the clocks skip begins with the next one, which is the same moment.
    return datetime.combine(day, time(survey.from_hour), zone).astimezone(at.tzinfo)
