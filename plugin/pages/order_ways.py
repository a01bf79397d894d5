"""Ways to earn besides the rate, as the storefront API lists them."""

from __future__ import annotations

from typing import Any

from plugin.domain.programme import Campaign, OrderRules


def of_orders(rules: OrderRules) -> dict[str, Any]:
    """What orders earn besides the rate. Products and customers that earn nothing are not named."""
    return {
        "per_order": rules.per_order,
        "minimum_minor": rules.minimum_minor,
        "max_per_order": rules.max_per_order,
        "max_per_period": rules.max_per_period,
        "period": rules.period,
        "opens": rules.opens,
        "products": [
            {
                "key": rule.key,
                "name": rule.name,
                "multiplier": [rule.multiplier.numerator, rule.multiplier.denominator]
                if rule.effect == "multiply"
                else None,
                "points": rule.points if rule.effect == "fixed" else None,
            }
            for rule in rules.lines
            if rule.effect != "exclude"
        ],
        "bands": [
            {
                "from_minor": band.from_minor,
                "multiplier": [band.multiplier.numerator, band.multiplier.denominator],
            }
            for band in rules.bands
        ],
        "bonuses": [
            {"key": one.key, "name": one.name, "nth": one.nth, "every": one.every, "points": one.points}
            for one in rules.bonuses
        ],
    }


def of_campaigns(campaigns: tuple[Campaign, ...]) -> list[dict[str, Any]]:
    """Campaigns of this version, also ended and planned ones; those for customers with a tag are not named."""
    return [
        {
            "key": one.key,
            "name": one.name,
            "starts": one.starts_at,
            "ends": one.ends_at,
            "multiplier": [one.multiplier.numerator, one.multiplier.denominator]
            if one.effect == "multiply"
            else None,
            "points": None if one.effect == "multiply" else one.points,
            "per_minor": one.per_minor if one.effect == "rate" else None,
            "tiers": one.tiers,
            "countries": one.countries,
            "some_products": one.scope != "all",
        }
        for one in campaigns
        if not one.tags
    ]
