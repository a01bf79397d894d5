"""Who visits the storefront, in what language and country, with what in the cart: all of it from cookies.

The cookies belong to the development shop alone. The app proxy strips them, and the demo serves the app under
another host name, because browsers share cookies between the ports of one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import request

from devshop.order_records import Customer, Product, Variant

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from devshop.shop import DevShop

CUSTOMER_COOKIE = "devshop_customer"
CART_COOKIE = "devshop_cart"
CODES_COOKIE = "devshop_codes"
ATTRIBUTES_COOKIE = "devshop_attributes"
LANGUAGE_COOKIE = "devshop_language"
COUNTRY_COOKIE = "devshop_country"
LANGUAGES = {"en": "English", "de": "Deutsch"}
COUNTRIES = {
    "CH": ("Switzerland", "CHF"),
    "DE": ("Germany", "EUR"),
    "AT": ("Austria", "EUR"),
    "FR": ("France", "EUR"),
}
MAX_LINES = 30
MAX_UNITS = 99
MAX_ATTRIBUTES = 10
MAX_ATTRIBUTE = 100
_CART = re.compile(r"\d{1,19}x\d{1,2}(_\d{1,19}x\d{1,2})*")
_CODE = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class CartLine:
    """One line of the cart."""

    product: Product
    variant: Variant
    quantity: int


@dataclass(frozen=True, slots=True)
class Visitor:
    """One visitor of one request."""

    shop: DevShop
    customer: Customer | None
    cart: tuple[CartLine, ...]
    codes: tuple[str, ...]
    language: str
    country: str
    attributes: dict[str, str]

    @property
    def currency(self) -> str:
        """The presentment currency: the country's, if the shop has a rate for it, else the shop's own."""
        wanted = COUNTRIES[self.country][1]
        record = self.shop.desk.shop
        return wanted if wanted == record.currency or wanted in record.rates else record.currency

    @property
    def rate(self) -> str:
        """How much presentment money one unit of shop money is."""
        record = self.shop.desk.shop
        return "1" if self.currency == record.currency else record.rates[self.currency]

    @property
    def units(self) -> int:
        """How many things are in the cart."""
        return sum(line.quantity for line in self.cart)


def variants_of(product: Product) -> list[Variant]:
    """The variants of a product; one that stands for the product itself if it has none."""
    return product.variants or [
        Variant(product.variant_id, "Default Title", product.price, product.sku, product.grams)
    ]


def visitor_of(shop: DevShop) -> Visitor:
    """Reads the visitor from the cookies of the request; what does not fit is ignored."""
    cookies = request.cookies
    number = cookies.get(CUSTOMER_COOKIE, "")
    customer = shop.customers.get(int(number)) if number.isascii() and number.isdigit() else None
    language = cookies.get(LANGUAGE_COOKIE, "")
    country = cookies.get(COUNTRY_COOKIE, "")
    if language not in LANGUAGES:
        language = request.accept_languages.best_match(list(LANGUAGES)) or "en"
    return Visitor(
        shop,
        customer,
        _cart(shop, cookies.get(CART_COOKIE, "")),
        tuple(code for code in cookies.get(CODES_COOKIE, "").split("_") if _CODE.fullmatch(code))[:5],
        language,
        country if country in COUNTRIES else "CH",
        _attributes(cookies.get(ATTRIBUTES_COOKIE, "")),
    )


def _attributes(text: str) -> dict[str, str]:
    try:
        kept = json.loads(text or "{}")
    except ValueError:
        return {}
    return kept_attributes(kept)


def kept_attributes(given: object) -> dict[str, str]:
    """What of a cart's attributes is kept: short texts, a few of them; an empty text takes one away."""
    found = given.items() if isinstance(given, dict) else ()
    short = [
        (name, value[:MAX_ATTRIBUTE])
        for name, value in found
        if isinstance(name, str) and isinstance(value, str) and value and len(name) <= MAX_ATTRIBUTE
    ]
    return dict(short[:MAX_ATTRIBUTES])


def _cart(shop: DevShop, text: str) -> tuple[CartLine, ...]:
    if not _CART.fullmatch(text):
        return ()
    known = {
        variant.id: (product, variant)
        for product in shop.desk.shop.products.values()
        for variant in variants_of(product)
    }
    lines = []
    for part in text.split("_")[:MAX_LINES]:
        number, count = (int(each) for each in part.split("x"))
        if number in known and count:
            lines.append(CartLine(*known[number], count))
    return tuple(lines)


def remember_cart(answer: Response, counts: dict[int, int]) -> None:
    """Writes the cart: variant ids with their quantities, in order."""
    kept = [f"{number}x{min(count, MAX_UNITS)}" for number, count in counts.items() if count > 0]
    remember(answer, CART_COOKIE, "_".join(kept[:MAX_LINES]))


def remember_codes(answer: Response, codes: list[str]) -> None:
    """Writes the discount codes that the checkout shall use."""
    kept = [code for code in dict.fromkeys(codes) if _CODE.fullmatch(code)]
    remember(answer, CODES_COOKIE, "_".join(kept[:5]))


def remember_attributes(answer: Response, attributes: dict[str, str]) -> None:
    """Writes the cart's attributes."""
    remember(answer, ATTRIBUTES_COOKIE, json.dumps(attributes) if attributes else "")


def is_code(text: str) -> bool:
    """Whether a text can be a discount code at all."""
    return _CODE.fullmatch(text) is not None


def remember(answer: Response, name: str, value: str) -> None:
    """Sets a cookie of the development shop, or deletes it when there is nothing to keep."""
    if value:
        answer.set_cookie(name, value, max_age=30 * 86400, httponly=True, samesite="Lax")
    else:
        answer.delete_cookie(name, httponly=True, samesite="Lax")
