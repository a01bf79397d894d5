"""Rewards as a shopper sees them: every one with its name, and why it cannot be had now when it cannot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from plugin.domain import reward_names, tiers
from plugin.domain.programme import Programme, Reward
from plugin.domain.rewards import out_of_reach, rungs, shortfall
from plugin.store.offers import NOTHING, Counted

# Said behind the name, for a list that knows no reasons.
_WHY_NOT = {
    "en": {"out_of_stock": "sold out", "limit_reached": "had already", "wrong_tier": "for {tiers}"},
    "de": {"out_of_stock": "ausverkauft", "limit_reached": "schon erhalten", "wrong_tier": "für {tiers}"},
    "fr": {"out_of_stock": "épuisé", "limit_reached": "déjà reçu", "wrong_tier": "pour {tiers}"},
    "it": {"out_of_stock": "esaurito", "limit_reached": "già ricevuto", "wrong_tier": "per {tiers}"},
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A reward of a published version, with what of it never changes."""

    reward: Reward
    fixed: dict[str, Any]
    of_any_amount: bool


def offers(programme: Programme, locale: str | None) -> list[Offer]:
    """What a version offers, in its order; gifts that cannot be bought are left out."""
    return [
        _offer(one, offered, programme, locale)
        for offered in programme.rewards
        if offered.for_sale
        for one in rungs(offered, None)
    ]


def _offer(shown: Reward, offered: Reward, programme: Programme, locale: str | None) -> Offer:
    fixed = described(shown, programme.currency, locale) | {
        "points": shown.points,
        "minimum_minor": shown.minimum_minor or shown.buys_minor,
        "valid_days": shown.valid_days,
    }
    if offered.step_points:
        fixed["slider"] = {
            "reward": offered.key,
            "step_points": offered.step_points,
            "step_minor": offered.step_minor,
            "from": offered.points,
            "to": offered.max_points,
        }
    return Offer(shown, fixed, bool(offered.step_points))


def described(reward: Reward, currency: str, locale: str | None) -> dict[str, Any]:
    """What a reward is, for a widget that names amounts off and free shipping itself, in its own words."""
    name = reward_names.for_widget(reward, currency, locale)
    own = reward.kind in reward_names.SAID_BY_WIDGET and not reward.currency
    return {
        "key": reward.key,
        "name": name,
        "kind": reward.kind,
        "value_minor": reward.value_minor if own else None,
    }


def shown(
    programme: Programme,
    found: list[Offer],
    available: int | None,
    tier: str | None,
    counted: Counted = NOTHING,
    locale: str | None = None,
) -> list[dict[str, Any]]:
    """Every reward with whether it can be had now. `available` None: not a member yet, so nothing can.

    Below zero, what is missing counts from there. The price is the one that the member's tier pays.
    """
    rows = []
    for offer in found:
        rows.append(_row(programme, offer, available, tier, counted, locale))
        most = _most(programme, offer, available)
        if most is not None:
            rows.append(_row(programme, _offer(most, _offered(programme, offer), programme, locale), available,
                             tier, counted, locale))  # fmt: skip
    return rows


def _row(
    programme: Programme,
    offer: Offer,
    available: int | None,
    tier: str | None,
    counted: Counted,
    locale: str | None,
) -> dict[str, Any]:
    reward = offer.reward
    if available is None:
        return {**offer.fixed, "affordable": False, "missing": reward.points, "why_not": "join_first"}
    cost = tiers.discounted(programme, reward.points, tier)
    plain = replace(reward, key=reward.key.partition("@")[0].partition(":")[0], points=cost)
    why_not = out_of_reach(plain, counted.reach(plain, available, tier))
    row = {
        **offer.fixed,
        "points": cost,
        "affordable": why_not is None,
        "missing": shortfall(plain, available),
        "why_not": why_not,
    }
    if why_not not in (None, "not_enough_points"):
        names = [held.name for key in reward.tiers if (held := programme.tier(key)) is not None]
        said = _WHY_NOT[reward_names.language(locale)][str(why_not)].format(tiers=", ".join(names))
        row["name"] = f"{reward_names.name_of(reward, programme.currency, locale)} ({said})"
    return row


def _offered(programme: Programme, offer: Offer) -> Reward:
    found = programme.reward(str(offer.fixed["slider"]["reward"]))
    assert found is not None
    return found


def _most(programme: Programme, offer: Offer, available: int | None) -> Reward | None:
    """Of any amount, the most in reach, where that is more than the least."""
    if not offer.of_any_amount or available is None:
        return None
    steps = rungs(_offered(programme, offer), available)
    return steps[1] if len(steps) > 1 else None
