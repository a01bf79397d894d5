"""What all bodies share: decoding without a crash, exact money, aware UTC times, refusal with a reason."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import Meta, Struct

from plugin.domain.values import minor
from plugin.errors import RegularsError

T = TypeVar("T")

# More than this is no order: far above any real amount, far below what the ledger's 63-bit columns hold.
MAX_MINOR = 10**15

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=10**9)]
Moment = Annotated[datetime, Meta(tz=True)]

_NUL = b"\\u0000"
_NUL_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_minor = lru_cache(maxsize=4096)(minor)  # prices repeat, within an order and between its topics
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


class PayloadError(RegularsError):
    """A body that cannot be understood. `reason` names the field and never repeats what stood in it."""

    code = "bad_payload"
    status = 422

    def __init__(self, reason: str, *, code: str | None = None) -> None:
        super().__init__(
            f"This webhook's body cannot be understood: {reason}. "
            "Compare it with Shopify's schema of the topic, then retry the row.",
            code=code,
        )
        self.reason = reason


class NeedsRead(Exception):
    """The body is sound, but only a read of the order can say its money. `cause` becomes the fact's cause."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Amount(Struct, gc=False):
    """Half of a `*_set`. `amount` is "25.00" as a rule; a bare number is taken digit by digit."""

    amount: Any = None
    currency_code: str | None = None


class ShopBag(Struct, gc=False):
    """A `*_set` of which only the shop's own money is looked at."""

    shop_money: Amount | None = None


class Bag(Struct, gc=False):
    """A `*_set` with both halves, where a refund may have been paid in the shopper's currency."""

    shop_money: Amount | None = None
    presentment_money: Amount | None = None


def decoder_of(body: type[T]) -> msgspec.json.Decoder[T]:
    """A decoder made once per topic. Unknown fields are skipped; "12" counts as 12; 0.1 stays exactly 0.1."""
    return msgspec.json.Decoder(body, strict=False, float_hook=Decimal)


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The typed body. PayloadError when it is no JSON, too deeply nested, no object, or a field is wrong.

    U+0000 is dropped from every text: it has no meaning here and PostgreSQL cannot store it.
    """
    if b"\\" in body and _NUL in body:  # looking for one byte first costs a tenth
        body = _NUL_ESCAPE.sub(rb"\1", body)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise PayloadError(str(error)) from None
    except RecursionError:
        raise PayloadError("it is too deeply nested") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PayloadError("it is not JSON in UTF-8") from None


def money(amount: object, currency: str, field: str) -> int:
    """Minor units of one amount, exact. PayloadError for no number, below zero, or more than 10^15."""
    if type(amount) is str and amount[-3:-2] == "." and len(amount) <= 16:  # "25.00", what Shopify sends
        try:
            value = _minor(amount, currency)
        except ValueError:
            raise PayloadError(f"`{field}` is not an amount of money") from None
    else:
        value = signed_money(amount, currency, field)
    if not 0 <= value <= MAX_MINOR:
        raise PayloadError(f"`{field}` is below zero or comes to more than any order")
    return value


def signed_money(amount: object, currency: str, field: str) -> int:
    """As `money`, of either sign."""
    # Exactly these types: a bool is an int to Python, and a list or an object is no amount.
    if type(amount) not in (str, int, Decimal):
        raise PayloadError(f"`{field}` is missing or not an amount of money")
    try:
        # Measured before anything else: int(Decimal("1e999999999")) would never end.
        value = Decimal(cast(str | int | Decimal, amount))
        if not value.is_finite() or value.copy_abs() > MAX_MINOR:
            raise ValueError("too large")
        in_minor = minor(value, currency)
    except (ValueError, ArithmeticError):
        raise PayloadError(f"`{field}` is not an amount of money below 10^15") from None
    return within(in_minor, field)


def shop_money(bag: ShopBag | Bag | None, plain: object, currency: str, field: str) -> int:
    """The shop-money half of a set; without a set the plain field, which Shopify gives in shop money too."""
    if bag is not None and (shop := bag.shop_money) is not None:
        plain = shop.amount
    return money(plain, currency, field)


def within(total: int, field: str) -> int:
    """A sum that is still no larger than any order, or PayloadError."""
    if not -MAX_MINOR <= total <= MAX_MINOR:
        raise PayloadError(f"`{field}` comes to more than any order")
    return total


def utc(moment: datetime, field: str) -> datetime:
    """The same moment in UTC, in whole seconds. Refuses years outside 1970 to 2199: days are added to it."""
    if not 1970 <= moment.year < 2200:
        raise PayloadError(f"`{field}` lies outside the years 1970 to 2199")
    if moment.microsecond:
        moment = moment.replace(microsecond=0)
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def currency_code(code: str | None, field: str) -> str:
    """Three capital letters, or PayloadError."""
    if code is None or _CURRENCY.match(code) is None:
        raise PayloadError(f"`{field}` is missing or no currency code")
    return code


def numeric_id(gid: str | int | None, field: str) -> int:
    """12 of 12, "12" or "gid://shopify/Customer/12"; PayloadError for anything else."""
    text = str(gid).rpartition("/")[2].partition("?")[0]
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0
    if not 1 <= number < 2**63:
        raise PayloadError(f"`{field}` is missing or no id")
    return number
