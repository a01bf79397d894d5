"""The storefront digest of a programme: what Liquid needs to show the programme without asking us."""

from __future__ import annotations

from plugin.domain.programme import Programme
from plugin.domain.values import exponent

PROXY_PATH = "/apps/rewards"


def storefront_digest(programme: Programme, *, paused: bool = False) -> dict[str, object]:
    """The programme as the widget reads it: the names of the storefront API, all numbers whole, money in minor units.

    `paused`: orders earn nothing at the moment, so no product may promise points.
    `digits`: decimals of the currency, because Liquid counts every price in hundredths (Shopify's reference of
    `variant.price`: "for currencies without subunits, tenths and hundredths of a unit are appended").
    """
    return {
        "version": programme.version,
        "paused": paused,
        "currency": programme.currency,
        "digits": exponent(programme.currency),
        "proxy": PROXY_PATH,
        "membership": programme.membership,
        "signup_points": programme.signup_points,
        "rounding": programme.rounding,
        "tax": programme.basis.tax,
        "earning": [
            {"rule": rule.key, "points": rule.rate.points, "per_minor": rule.rate.per_minor}
            for rule in programme.earning
        ],
        "tiers": [
            {
                "key": tier.key,
                "name": tier.name,
                "from": tier.threshold,
                "multiplier": [tier.multiplier.numerator, tier.multiplier.denominator],
            }
            for tier in programme.tiers
        ],
        "rewards": [
            {
                "key": reward.key,
                "name": reward.name or None,
                "kind": reward.kind,
                "points": reward.points,
                "value_minor": reward.value_minor,
                "minimum_minor": reward.minimum_minor,
                "valid_days": reward.valid_days,
            }
            for reward in programme.rewards
        ],
    }
