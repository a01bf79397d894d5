"""The storefront digest of a programme: what Liquid needs to say "earn N points" without asking us."""

from __future__ import annotations

from plugin.domain.programme import Programme

PROXY_PATH = "/apps/rewards"


def storefront_digest(programme: Programme) -> dict[str, object]:
    """Rates as whole-number pairs, tiers with their multipliers, rewards with their prices, and the proxy's path."""
    return {
        "version": programme.version,
        "currency": programme.currency,
        "proxy": PROXY_PATH,
        "signup": programme.signup_points,
        "rounding": programme.rounding,
        "rates": {rule.key: [rule.rate.points, rule.rate.per_minor] for rule in programme.earning},
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
            {"key": reward.key, "name": reward.name, "points": reward.points, "kind": reward.kind}
            for reward in programme.rewards
        ],
    }
