"""Imports: what the columns of another app's list of members mean, and what one row of it says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from plugin.domain.programme import MAX_POINTS

# What a column may hold -> the headers it has in the apps' own lists, in small letters without spaces and signs.
COLUMNS: dict[str, tuple[str, ...]] = {
    "customer_id": (
        "shopifycustomerid", "shopifyid", "customerid", "merchantid", "platformcustomerid", "remoteid",
        "thirdpartyid", "externalcustomerid", "usershopifyid",
    ),
    "email": ("email", "emailaddress", "customeremail", "useremail", "mail", "customeremailaddress"),
    "points": (
        "points", "pointsbalance", "balance", "pointbalance", "currentpoints", "availablepoints", "pointsavailable",
        "pointstally", "loyaltypoints", "pointstotal", "totalpoints", "currentbalance", "rewardpoints",
        "currentpointsbalance", "pointsbalancetotal",
    ),
    "earned": ("pointsapproved", "approvedpoints", "pointsearned", "earnedpoints"),
    "spent": ("pointsspent", "spentpoints", "pointsredeemed", "pointsused"),
    "tier": (
        "tier", "viptier", "viptiername", "loyaltytier", "loyaltytiername", "tiername", "currenttier", "vip",
        "currentviptier", "viplevel",
    ),
    "birthday": (
        "birthday", "birthdate", "dateofbirth", "dob", "birthdaymmdd", "birthdaymmddyyyy", "dateofbirthyyyymmdd",
        "customerbirthday", "birth",
    ),
    "birth_month": ("birthdaymonth", "birthmonth", "monthofbirth"),
    "birth_day": ("birthdayday", "dayofbirth", "birthdayofmonth"),
    "referral": (
        "referralurl", "referrallink", "referralcode", "referralid", "shareurl", "referralsharelink", "reflink",
        "uniquereferrallink",
    ),
    "first_name": ("firstname", "customerfirstname", "givenname"),
    "last_name": ("lastname", "customerlastname", "surname", "familyname"),
    "joined_at": (
        "joinedat", "createdat", "enrolledat", "datejoined", "signupdate", "membersince", "joindate", "optedinat",
        "enrolleddate",
    ),
    "expires_at": (
        "pointsexpiry", "pointsexpireat", "expiresat", "expirydate", "pointsexpirationdate", "expirationdate",
    ),
    "state": ("state", "status", "loyaltystatus", "memberstatus", "optedin", "enrolled", "blocked", "guestmember"),
    "reason": ("reason", "action", "note", "comment"),
}  # fmt: skip
# App -> headers that give it away. The one with most of them wins, the first of equals; one alone says nothing.
APPS: dict[str, frozenset[str]] = {
    "LoyaltyLion": frozenset(
        "merchantid email pointsapproved pointspending pointsspent loyaltytiername rewardsclaimed enrolledat".split()
    ),
    "Smile": frozenset("email state dateofbirth pointsbalance referralurl viptier referrals".split()),
    "Yotpo": frozenset(
        "email pointsbalance pointsearned pointsspent viptiername optedin birthdaymonth birthdayday".split()
    ),
    "Rivo": frozenset(
        "email pointstally viptiername loyaltystatus referralcode remoteid birthday pointsspent".split()
    ),
    "Growave": frozenset("email points spentpoints tiername birthdate referrallink usershopifyid".split()),
    "Stamped": frozenset(
        "customeremail customerfirstname customerlastname totalpoints viptier birthday referralcode shopifyid".split()
    ),
}
ANOTHER = "another app"
MONTH_FIRST = frozenset({"Yotpo"})
NEEDED = "customer_id", "email"
LARGEST_ID = (1 << 63) - 1
MAX_TEXT = 300

_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]+\.[^@\s,;<>\".]{2,}")
_GROUPED = re.compile(r"[0-9]{1,3}(?:[,'’\u00a0\u202f ][0-9]{3})+(?:\.[0-9]{1,2})?")
_PLAIN = re.compile(r"[0-9]+(?:[.][0-9]{1,2})?|[0-9]+,[0-9]{1,2}")
_DATE = re.compile(r"([0-9]{1,4})[-/.]([0-9]{1,2})(?:[-/.]([0-9]{1,4}))?(?:[T ].*)?")

State = Literal["member", "customer", "frozen"]
Days = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which header holds what, and whose list it seems to be. `first`: what a date like 03/04 begins with."""

    app: str
    columns: dict[str, str]
    first: Days
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One person of a list. `points` None: the list says nothing of them; `fraction`: a part of one was dropped."""

    line: int
    customer_id: int | None
    email: str | None
    points: int | None
    fraction: bool = False
    tier: str | None = None
    birthday: tuple[int, int] | None = None
    referral: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    joined_at: datetime | None = None
    expires_at: datetime | None = None
    state: State = "member"
    reason: str | None = None

    @property
    def identity(self) -> str:
        """What names the person within the list."""
        return f"id {self.customer_id}" if self.customer_id is not None else f"mail {self.email}"


class Unusable(Exception):
    """The row or the file cannot be used; the text is a sentence for the merchant."""


def layout(
    headers: Iterable[str], samples: Iterable[Mapping[str, str]] = (), app: str | None = None
) -> Layout:
    """Finds the columns by their headers, and from some rows whether days or months come first in dates.

    Raises Unusable when there is neither a customer's number nor an e-mail address, or two columns say the same.
    """
    named = [(header, plain(header)) for header in headers if header and header.strip()]
    columns: dict[str, str] = {}
    for field, names in COLUMNS.items():
        found = [header for name in names for header, bare in named if bare == name]
        if found and found[0] in columns.values():
            continue
        if len(found) > 1 and plain(found[0]) == plain(found[1]):
            raise Unusable(f"Two columns are called “{found[1].strip()}”. Rename or remove one of them.")
        if found:
            columns[field] = found[0]
    if not any(field in columns for field in NEEDED):
        raise Unusable(
            "No column holds an e-mail address or a Shopify customer number. Call one of them “email” or “customer_id”."
        )
    bares = {bare for _, bare in named}
    scores = [(len(bares & signs), name) for name, signs in APPS.items()]
    best = max(score for score, _ in scores)
    guessed = next(name for score, name in scores if score == best) if best > 2 else ANOTHER
    chosen = app or guessed
    unknown = tuple(header.strip()[:60] for header, _ in named if header not in columns.values())
    return Layout(chosen, columns, _first(samples, columns, chosen), unknown)


def plain(header: str) -> str:
    """A header in small letters, without spaces, signs and accents."""
    folded = unicodedata.normalize("NFKD", header).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def _first(samples: Iterable[Mapping[str, str]], columns: Mapping[str, str], app: str) -> Days:
    """What two-digit dates begin with: the list itself shows it once a number above 12 stands in one place."""
    dates = [columns[field] for field in ("birthday", "joined_at", "expires_at") if field in columns]
    dotted = False
    for row in samples:
        for header in dates:
            found = _DATE.fullmatch((row.get(header) or "").strip())
            if found is None or len(found[1]) > 2:
                continue
            if int(found[1]) > 12 >= int(found[2]):
                return "day"
            if int(found[2]) > 12 >= int(found[1]):
                return "month"
            dotted = dotted or "." in found[0]
    return "day" if dotted and app not in MONTH_FIRST else "month"


def member_row(line: int, cells: Mapping[str, str], plan: Layout, *, signed: bool = False) -> MemberRow:
    """One row of the list. `signed`: points may be below zero. Raises Unusable with a sentence."""

    def text(field: str) -> str:
        header = plan.columns.get(field)
        return "" if header is None else (cells.get(header) or "").strip()

    customer_id, email = _customer(text("customer_id")), _email(text("email"))
    if customer_id is None and email is None:
        raise Unusable("There is neither an e-mail address nor a customer number.")
    points, fraction = _points(text("points"), text("earned"), text("spent"), signed)
    return MemberRow(
        line, customer_id, email, points, fraction,
        tier=text("tier")[:MAX_TEXT] or None,
        birthday=_birthday(text("birthday"), text("birth_month"), text("birth_day"), plan.first),
        referral=text("referral")[:MAX_TEXT] or None,
        first_name=text("first_name")[:MAX_TEXT] or None,
        last_name=text("last_name")[:MAX_TEXT] or None,
        joined_at=_moment(text("joined_at"), plan.first),
        expires_at=_moment(text("expires_at"), plan.first),
        state=_state(text("state"), plain(plan.columns.get("state", ""))),
        reason=text("reason")[:MAX_TEXT] or None,
    )  # fmt: skip


def _customer(text: str) -> int | None:
    number = text.rsplit("/", 1)[-1].strip("'")
    if not number:
        return None
    number = number.removesuffix(".0")
    if not (number.isascii() and number.isdigit()) or not 0 < int(number[:20]) <= LARGEST_ID:
        raise Unusable(f"“{text[:40]}” is no customer number of Shopify.")
    return int(number)


def _email(text: str) -> str | None:
    if not text:
        return None
    address = text.strip("'\"<> ").lower()
    if len(address) > 320 or not _EMAIL.fullmatch(address):
        raise Unusable(f"“{text[:60]}” is no e-mail address.")
    return address


def _points(balance: str, earned: str, spent: str, signed: bool) -> tuple[int | None, bool]:
    if not balance and earned and spent:
        approved, used = _number(earned, signed=False), _number(spent, signed=False)
        return _whole(max(Decimal(0), approved - used))
    if not balance:
        return None, False
    return _whole(_number(balance, signed))


def _whole(number: Decimal) -> tuple[int, bool]:
    whole = int(number)
    if abs(whole) > MAX_POINTS:
        raise Unusable(f"{abs(whole):,} points are more than the largest balance, {MAX_POINTS:,}.")
    return whole, number != whole


def _number(text: str, signed: bool) -> Decimal:
    digits = text.replace("−", "-").strip("'")
    below = digits.startswith("-")
    digits = digits.lstrip("+-").strip()
    if len(digits) > 30:
        raise Unusable(f"“{text[:30]}…” is no number of points.")
    if _GROUPED.fullmatch(digits):
        digits = re.sub(r"[^0-9.]", "", digits)
    elif _PLAIN.fullmatch(digits):
        digits = digits.replace(",", ".")
    else:
        raise Unusable(f"“{text[:30]}” is no number of points. Write it in digits, such as 1250.")
    try:
        number = Decimal(digits)
    except InvalidOperation as error:
        raise Unusable(f"“{text[:30]}” is no number of points.") from error
    if below and number and not signed:
        raise Unusable("A balance below zero is not taken over. Write 0, or leave the row out.")
    return -number if below else number


def _birthday(text: str, month: str, day: str, first: Days) -> tuple[int, int] | None:
    if month and day:
        return _day_of_year(_month(month), day, f"{month} {day}")
    if not text:
        return None
    found = _DATE.fullmatch(text)
    if found is None:
        raise Unusable(f"“{text[:30]}” is no birthday. Write it as 1990-05-27.")
    if len(found[1]) == 4:
        return _day_of_year(found[2], found[3] or "", text)
    one, other = (found[2], found[1]) if first == "day" else (found[1], found[2])
    return _day_of_year(one, other, text)


def _month(text: str) -> str:
    names = "jan feb mar apr may jun jul aug sep oct nov dec".split()
    short = text.casefold()[:3]
    return str(names.index(short) + 1) if short in names else text


def _day_of_year(month: str, day: str, text: str) -> tuple[int, int]:
    try:
        # A leap year, so that 29 February is a birthday like any other.
        at = datetime(2000, int(month), int(day), tzinfo=UTC)
    except ValueError as error:
        raise Unusable(f"“{text[:30]}” is no day of a year.") from error
    return at.month, at.day


def _moment(text: str, first: Days) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        parts = _DATE.fullmatch(text)
        if parts is None or parts[3] is None or len(parts[3]) != 4:
            raise Unusable(f"“{text[:30]}” is no date. Write it as 2025-05-27.") from None
        month, day = (parts[2], parts[1]) if first == "day" else (parts[1], parts[2])
        try:
            found = datetime(int(parts[3]), int(month), int(day), tzinfo=UTC)
        except ValueError as error:
            raise Unusable(f"“{text[:30]}” is no date.") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _state(text: str, header: str) -> State:
    word = text.casefold()
    if header == "blocked":
        return "frozen" if word in ("true", "yes", "1") else "member"
    if word in ("disabled", "blocked", "banned", "excluded"):
        return "frozen"
    return (
        "customer"
        if word in ("candidate", "false", "no", "0", "guest", "opted out", "not enrolled")
        else "member"
    )
