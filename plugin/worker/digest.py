"""The storefront digest of a programme: what Liquid needs to show the programme without asking us."""

from __future__ import annotations

from fractions import Fraction

from plugin.domain import reward_names
from plugin.domain.earning.campaigns import named
from plugin.domain.programme import Campaign, LineRule, OrderRules, Programme, Reward
from plugin.domain.programme.earning import NUMBERED_SCOPES
from plugin.domain.rewards import rungs
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
        **_orders(programme.orders),
        "campaigns": [_campaign(one) for one in programme.campaigns],
        "stacking": programme.campaign_stacking,
        "tier_basis": programme.ladder.basis,
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
            _reward(offered, programme.currency) for offered in programme.rewards if offered.for_sale
        ],
    }


def _orders(rules: OrderRules) -> dict[str, object]:
    """What keeps a product page from promising too much. `lines`: the first that fits a product decides.

    `some`: what a product earns depends on the rest of the order; `at_most`: the order may get less than the sum;
    `only_rate`: nothing but the rate decides.
    """
    capped = rules.max_per_order is not None or rules.max_per_period is not None
    return {
        "lines": [_line(rule) for rule in sorted(rules.lines, key=_rank)],
        "only_rate": not (
            rules.weighs_lines or capped or rules.minimum_minor or rules.per_order or rules.bonuses
        ),
        "some": bool(rules.bands),
        "at_most": bool(capped or rules.minimum_minor or not rules.credit),
        "excluded_tags": [tag.casefold() for tag in rules.excluded_tags],
        "companies": rules.companies,
    }


def _campaign(one: Campaign) -> dict[str, object]:
    """When it runs, in seconds since 1970. `multiplier` only where it holds for every product and order of the web: of
    all others a product page promises nothing.
    """
    plain = (
        one.effect == "multiply"
        and one.scope == "all"
        and not (one.tags or one.countries)
        and (not one.sources or any(named("web", source) for source in one.sources))
    )
    return {
        "key": one.key,
        "name": one.name,
        "starts": int(one.starts_at.timestamp()),
        "ends": int(one.ends_at.timestamp()),
        "tiers": list(one.tiers),
        "multiplier": [one.multiplier.numerator, one.multiplier.denominator] if plain else None,
    }


def _rank(rule: LineRule) -> tuple[int, Fraction]:
    """As plugin/domain/earning/lines.py ranks rules that fit: exclusions, the most points, the highest multiplier."""
    if rule.effect == "exclude":
        return 0, Fraction(0)
    if rule.effect == "fixed":
        return 1, Fraction(-rule.points)
    return 2, -Fraction(rule.multiplier.numerator, rule.multiplier.denominator)


def _line(rule: LineRule) -> dict[str, object]:
    values: list[object] = [
        int(value) if rule.scope in NUMBERED_SCOPES else value.casefold() for value in rule.values
    ]
    return {
        "scope": rule.scope,
        "of": values,
        "effect": rule.effect,
        "multiplier": [rule.multiplier.numerator, rule.multiplier.denominator],
        "points": rule.points,
    }


def _reward(offered: Reward, currency: str) -> dict[str, object]:
    """A reward as guests see it. `names`: what Liquid puts in the place of the English name, by language."""
    reward = rungs(offered, None)[0]
    own = reward.kind in reward_names.SAID_BY_WIDGET
    shown: dict[str, object] = {
        "key": reward.key,
        "name": reward_names.for_widget(reward, currency, "en"),
        "kind": reward.kind,
        "points": reward.points,
        "value_minor": reward.value_minor if own else None,
        "minimum_minor": reward.minimum_minor or reward.buys_minor,
        "valid_days": reward.valid_days,
    }
    if not own and not reward.name:
        shown["names"] = {
            one: reward_names.name_of(reward, currency, one) for one in reward_names.LOCALES if one != "en"
        }
    return shown
