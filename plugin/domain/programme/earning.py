"""The chapter on earning: what of an order counts, and how many points it is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from plugin.domain.programme.check import MAX_POINTS, Problem, checking
from plugin.domain.values import Rate

if TYPE_CHECKING:
    from plugin.domain.programme.document import Programme


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


def problems_of_earning(programme: Programme) -> list[Problem]:
    """What is wrong with how points are earned."""
    found, check = checking()
    keys = [rule.key for rule in programme.earning]
    check(len(keys) == len(set(keys)), "earning", "Give every earning rule a key of its own.")
    for i, rule in enumerate(programme.earning):
        check(rule.key.isidentifier(), f"earning.{i}.key", "Use letters, digits and _ for the key.")
        check(0 <= rule.rate.points <= MAX_POINTS, f"earning.{i}.rate", "Points must be 0 or more.")
        check(0 < rule.rate.per_minor <= MAX_POINTS, f"earning.{i}.rate", "The amount must be more than 0.")
    check(0 <= programme.signup_points <= MAX_POINTS, "signup_points", "Points must be 0 or more.")
    check(0 <= programme.return_window_days <= 365, "return_window_days", "Choose 0 to 365 days.")
    check(0 <= programme.no_delivery_days <= 365, "no_delivery_days", "Choose 0 to 365 days.")
    return found
