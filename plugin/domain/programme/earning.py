"""The chapter on earning: what of an order counts, and how many points it is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from plugin.domain.programme.check import MAX_POINTS, Problem, checking
from plugin.domain.values import Rate, Ratio

if TYPE_CHECKING:
    from plugin.domain.programme.document import Programme

Scope = Literal["product", "variant", "collection", "vendor", "type", "tag"]
MAX_VALUES_TEXT = 50_000  # characters of all scopes together: the storefront digest has to stay below 128 KB


@dataclass(frozen=True, slots=True)
class Basis:
    """What of an order earns. `tax`: as the shop prices (included or not), always with, always without.

    Gift-card lines never earn; that is a law and not a switch.
    """

    tax: Literal["as_priced", "with", "without"] = "as_priced"
    shipping: bool = False
    tips: bool = False
    duties: bool = False


@dataclass(frozen=True, slots=True)
class EarningRule:
    """Points per amount of money, as a whole-number fraction. `key` names the rule in source keys."""

    rate: Rate
    key: str = "purchase"


@dataclass(frozen=True, slots=True)
class LineRule:
    """What is special about some lines: their money counts `multiplier` times, not at all, or `points` a unit instead.

    `values`: numbers of products, variants or collections; else names of vendors, product types or tags.
    """

    key: str
    name: str
    scope: Scope
    values: tuple[str, ...]
    effect: Literal["multiply", "fixed", "exclude"] = "multiply"
    multiplier: Ratio = Ratio()
    points: int = 0


@dataclass(frozen=True, slots=True)
class Band:
    """The part of an order's money above `from_minor`, up to the next band, counts `multiplier` times."""

    key: str
    name: str
    from_minor: int
    multiplier: Ratio = Ratio()


@dataclass(frozen=True, slots=True)
class OrderBonus:
    """Points for a member's n-th order that earns; with `every`, for each n-th."""

    key: str
    name: str
    nth: int
    points: int
    every: bool = False


@dataclass(frozen=True, slots=True)
class OrderRules:
    """Everything about orders besides the rate. `minimum_minor`: smaller orders earn nothing.

    `max_per_period` is a member's cap over a day, month or year in UTC; neither cap touches a bonus.
    `opens`: delivered + return window, paid + `paid_days`, or at once when the order was read.
    `sources` earn nothing; a name that ends in * stands for all that begin so. `credit` False: the part paid by gift
    card or store credit earns nothing.
    """

    lines: tuple[LineRule, ...] = ()
    bands: tuple[Band, ...] = ()
    per_order: int = 0
    bonuses: tuple[OrderBonus, ...] = ()
    minimum_minor: int = 0
    max_per_order: int | None = None
    max_per_period: int | None = None
    period: Literal["day", "month", "year"] = "month"
    credit: bool = True
    sources: tuple[str, ...] = ()
    excluded_tags: tuple[str, ...] = ()
    companies: bool = True
    opens: Literal["delivered", "paid", "at_once"] = "delivered"
    paid_days: int = 14

    @property
    def weighs_lines(self) -> bool:
        """Whether the money of an order is not all worth the same."""
        return bool(self.lines or self.bands or not self.credit)

    @property
    def asks_products(self) -> bool:
        """Whether a rule needs what only a read of the products tells."""
        return any(rule.scope in READ_SCOPES for rule in self.lines)

    @property
    def crosses_orders(self) -> bool:
        """Whether what one order earns may depend on the member's other orders."""
        return bool(self.bonuses) or self.max_per_period is not None


READ_SCOPES = frozenset({"collection", "type", "tag"})
NUMBERED_SCOPES = frozenset({"product", "variant", "collection"})


def problems_of_earning(programme: Programme) -> list[Problem]:
    """What is wrong with how points are earned."""
    found, check = checking()
    keys = [rule.key for rule in programme.earning]
    check(len(keys) == len(set(keys)), "earning", "Give every earning rule a key of its own.")
    for i, rule in enumerate(programme.earning):
        check(rule.key.isidentifier(), f"earning.{i}.key", "Use letters, digits and _ for the key.")
        check(
            rule.key not in ("products", "order") and not rule.key.startswith(("bonus_", "campaign_")),
            f"earning.{i}.key",
            "This key is taken. Choose another one.",
        )
        check(0 <= rule.rate.points <= MAX_POINTS, f"earning.{i}.rate", "Points must be 0 or more.")
        check(0 < rule.rate.per_minor <= MAX_POINTS, f"earning.{i}.rate", "The amount must be more than 0.")
    check(0 <= programme.signup_points <= MAX_POINTS, "signup_points", "Points must be 0 or more.")
    check(0 <= programme.return_window_days <= 365, "return_window_days", "Choose 0 to 365 days.")
    check(0 <= programme.no_delivery_days <= 365, "no_delivery_days", "Choose 0 to 365 days.")
    return found + _of_lines(programme.orders) + _of_bands(programme.orders) + _of_limits(programme.orders)


def _of_lines(rules: OrderRules) -> list[Problem]:
    found, check = checking()
    _own_keys(found, "orders.lines", [rule.key for rule in rules.lines], "rule")
    for i, rule in enumerate(rules.lines):
        at = f"orders.lines.{i}"
        check(bool(rule.values), f"{at}.values", "Say which ones, with commas between them.")
        if rule.scope in NUMBERED_SCOPES:
            check(
                all(value.isascii() and value.isdigit() and len(value) <= 18 for value in rule.values),
                f"{at}.values",
                "Write numbers, as they end the address of the page in Shopify’s admin, with commas between them.",
            )
        check(0 <= rule.points <= MAX_POINTS, f"{at}.points", "Points must be 0 or more.")
        _multiplier(found, f"{at}.multiplier", rule.multiplier)
    check(
        sum(len(value) for rule in rules.lines for value in rule.values) <= MAX_VALUES_TEXT,
        "orders.lines",
        "These rules name too many things. Use a tag or a collection instead of single products.",
    )
    return found


def _of_bands(rules: OrderRules) -> list[Problem]:
    found, check = checking()
    starts = [band.from_minor for band in rules.bands]
    check(starts == sorted(set(starts)), "orders.bands", "Each band must begin above the one before.")
    _own_keys(found, "orders.bands", [band.key for band in rules.bands], "band")
    for i, band in enumerate(rules.bands):
        check(0 <= band.from_minor <= MAX_POINTS, f"orders.bands.{i}.from_minor", "Choose 0 or more.")
        _multiplier(found, f"orders.bands.{i}.multiplier", band.multiplier)
    return found


def _of_limits(rules: OrderRules) -> list[Problem]:
    found, check = checking()
    check(0 <= rules.per_order <= MAX_POINTS, "orders.per_order", "Points must be 0 or more.")
    check(0 <= rules.minimum_minor <= MAX_POINTS, "orders.minimum_minor", "Choose 0 or more.")
    for name in ("max_per_order", "max_per_period"):
        most = getattr(rules, name)
        check(
            most is None or 0 < most <= MAX_POINTS, f"orders.{name}", "Choose 1 or more, or leave it empty."
        )
    check(0 <= rules.paid_days <= 365, "orders.paid_days", "Choose 0 to 365 days.")
    check(all(source.strip("*") for source in rules.sources), "orders.sources", "Name each channel.")
    _own_keys(found, "orders.bonuses", [bonus.key for bonus in rules.bonuses], "bonus")
    for i, bonus in enumerate(rules.bonuses):
        at = f"orders.bonuses.{i}"
        check(1 <= bonus.nth <= 10_000, f"{at}.nth", "Choose 1 for the first order, up to 10,000.")
        check(0 < bonus.points <= MAX_POINTS, f"{at}.points", "A bonus must be at least 1 point.")
    return found


def _own_keys(found: list[Problem], where: str, keys: list[str], noun: str) -> None:
    if len(keys) != len(set(keys)):
        found.append((where, f"Give every {noun} a key of its own."))
    if not all(key.isidentifier() for key in keys):
        found.append((where, f"Use letters, digits and _ for the key of a {noun}."))


def _multiplier(found: list[Problem], where: str, ratio: Ratio) -> None:
    if not (ratio.denominator > 0 and 0 <= ratio.numerator <= 100 * ratio.denominator):
        found.append((where, "Choose a multiplier from 0 to 100."))
