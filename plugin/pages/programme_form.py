"""The programme as a form: fields filled from a version, and a draft read back with a sentence beside each fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args

from plugin.domain import programme as rules
from plugin.domain.programme import Clawback, EarningRule, Programme, Reward, Tier
from plugin.domain.values import Rate, Ratio, Rounding, decimal_text, exponent
from plugin.pages.reading import Reading, amount, key_of, ratio_text, word

MAX_ROWS = 20
MAX_NAME = 60
# What the form calls its fields, those of a row by their last word; tested against the page.
LABELS = {
    "points": "Points",
    "per": "For every",
    "rounding": "Rounding",
    "signup_points": "Points for joining",
    "tax": "Tax",
    "shipping": "Shipping",
    "tips": "Tips",
    "duties": "Duties",
    "return_window_days": "Return window",
    "no_delivery_days": "If no delivery is reported",
    "expiry_months": "Points expire after",
    "clawback": "Refund after the points were spent",
    "return_spent_points": "Refund of an order with a code",
    "tier_months": "Counted over the last",
    "code_prefix": "Codes begin with",
    "survey_enabled": "After a delivery",
    "survey_delay_days": "Ask after",
    "survey_valid_days": "Answers are taken for",
    "tier.name": "Name",
    "tier.threshold": "From",
    "tier.multiplier": "Earns",
    "tier.keep": "This tier",
    "reward.name": "Name",
    "reward.kind": "Kind",
    "reward.points": "Costs",
    "reward.value": "Takes off",
    "reward.minimum": "Order of at least",
    "reward.valid_days": "Code valid for",
    "reward.keep": "This reward",
    "tiers": "Tiers",
    "rewards": "Rewards",
}


def filled(programme: Programme, currency: str) -> dict[str, str]:
    """The fields of the form as this version has them; one blank row waits below tiers and rewards."""
    rate = programme.earning[0].rate if programme.earning else Rate(0, 10 ** exponent(currency))
    found = {
        "points": str(rate.points),
        "per": decimal_text(rate.per_minor, currency),
        "rounding": programme.rounding,
        "tax": programme.basis.tax,
        **{name: word(getattr(programme.basis, name)) for name in ("shipping", "tips", "duties")},
        "signup_points": str(programme.signup_points),
        "return_window_days": str(programme.return_window_days),
        "no_delivery_days": str(programme.no_delivery_days),
        "expiry_months": "" if programme.expiry_months is None else str(programme.expiry_months),
        "tier_months": str(programme.tier_months),
        "clawback": programme.clawback,
        "return_spent_points": word(programme.return_spent_points),
        "code_prefix": programme.code_prefix,
        "survey_enabled": word(programme.survey.enabled),
        "survey_delay_days": str(programme.survey.delay_days),
        "survey_valid_days": str(programme.survey.valid_days),
    }
    for n, tier in enumerate(programme.tiers):
        found |= {
            f"tier.{n}.key": tier.key,
            f"tier.{n}.name": tier.name,
            f"tier.{n}.threshold": str(tier.threshold),
            f"tier.{n}.multiplier": ratio_text(tier.multiplier),
            f"tier.{n}.keep": "yes",
        }
    for n, reward in enumerate(programme.rewards):
        found |= {
            f"reward.{n}.key": reward.key,
            f"reward.{n}.kind": reward.kind,
            f"reward.{n}.name": reward.name,
            f"reward.{n}.points": str(reward.points),
            f"reward.{n}.value": amount(reward.value_minor, currency),
            f"reward.{n}.minimum": amount(reward.minimum_minor, currency),
            f"reward.{n}.valid_days": str(reward.valid_days),
            f"reward.{n}.keep": "yes",
        }
    return found


def rows(given: Mapping[str, str], kind: str) -> list[int]:
    """The numbers of the rows that the fields hold, and one more for a new one, up to MAX_ROWS."""
    held = sorted(
        {int(found[1]) for name in given if (found := re.fullmatch(rf"{kind}\.([0-9]{{1,2}})\.name", name))}
    )
    held = [
        n
        for n in held
        if n < MAX_ROWS and any(given.get(f"{kind}.{n}.{part}") for part in ("key", "name", "points"))
    ]
    new = (held[-1] + 1) if held else 0
    return [*held, new] if new < MAX_ROWS else held


def read(given: Mapping[str, str], base: Programme, currency: str) -> tuple[Programme, dict[str, str]]:
    """A draft of the next version from the form, and a sentence for each field that keeps it from being published.

    What the form does not show (membership, holdout, what the other chapters say, texts) stays as in `base`.
    """
    r = Reading(given, currency)
    tiers, tier_rows = _list(r, "tier", lambda at, key: _tier(r, at, base.tier(key) or Tier(key, "", 0)))
    rewards, reward_rows = _list(
        r, "reward", lambda at, key: _reward(r, at, base.reward(key) or Reward(key, "amount_off", "", 0))
    )
    months = r.text("expiry_months")
    points = Fraction(r.decimal("points") or 0)  # 1.5 for every 1.00 is 3 for every 2.00
    rate = Rate(points.numerator, r.money("per") * points.denominator)
    first = replace(base.earning[0], rate=rate) if base.earning else EarningRule(rate)
    draft = replace(
        base,
        currency=currency,
        earning=(first, *base.earning[1:]),
        rounding=r.choice("rounding", get_args(Rounding)),
        basis=replace(
            base.basis,
            tax=r.choice("tax", ("as_priced", "with", "without")),
            shipping=r.switch("shipping"),
            tips=r.switch("tips"),
            duties=r.switch("duties"),
        ),
        signup_points=r.whole("signup_points"),
        return_window_days=r.whole("return_window_days"),
        no_delivery_days=r.whole("no_delivery_days"),
        expiry_months=None if not months else r.whole("expiry_months", 1),
        tier_months=r.whole("tier_months", 1),
        tiers=tuple(tiers),
        rewards=tuple(rewards),
        clawback=r.choice("clawback", get_args(Clawback)),
        return_spent_points=r.switch("return_spent_points"),
        code_prefix=r.text("code_prefix").upper(),
        survey=replace(
            base.survey,
            enabled=r.switch("survey_enabled"),
            delay_days=r.whole("survey_delay_days"),
            valid_days=r.whole("survey_valid_days", 1),
        ),
    )
    for where, sentence in rules.problems(draft):
        r.errors.setdefault(_field_of(where, draft, tier_rows, reward_rows), sentence)
    return draft, r.errors


def _tier(r: Reading, at: str, held: Tier) -> Tier:
    multiplier = r.decimal(f"{at}.multiplier") if r.text(f"{at}.multiplier") else Decimal(1)
    share = Fraction(multiplier if multiplier is not None else 1)
    return replace(
        held,
        name=_name(r, at),
        threshold=r.whole(f"{at}.threshold"),
        multiplier=Ratio(share.numerator, share.denominator),
    )


def _reward(r: Reading, at: str, held: Reward) -> Reward:
    value = r.money(f"{at}.value") if r.text(f"{at}.value") else None
    minimum = r.money(f"{at}.minimum") if r.text(f"{at}.minimum") else None
    days = r.whole(f"{at}.valid_days", 1) if r.text(f"{at}.valid_days") else 90
    # What only the chapter on rewards can make stays what it is.
    kind = r.choice(f"{at}.kind", tuple(dict.fromkeys(("amount_off", "free_shipping", held.kind))))
    name = _name(r, at, must=False)
    return replace(
        held,
        kind=kind,
        name=name,
        points=r.whole(f"{at}.points"),
        value_minor=value or None,
        minimum_minor=minimum or None,
        valid_days=days,
    )


def _list(r: Reading, kind: str, make: Callable[[str, str], Any]) -> tuple[list[Any], list[int]]:
    """The rows that stay, and which row of the form each one is."""
    made: list[Any] = []
    kept: list[int] = []
    for n in rows(r.given, kind):
        at = f"{kind}.{n}"
        key = r.text(f"{at}.key")
        blank = not any(r.text(f"{at}.{part}") for part in ("key", "name", "threshold", "points", "value"))
        if blank or r.text(f"{at}.keep") == "no":
            continue
        if re.fullmatch(r"[a-z0-9_]{1,40}", key) is None:
            key = key_of(r.text(f"{at}.name"), kind, {one.key for one in made})
        made.append(make(at, key))
        kept.append(n)
    return made, kept


def _name(r: Reading, at: str, *, must: bool = True) -> str:
    name = " ".join(r.text(f"{at}.name").split())
    if not name and must:
        r.errors.setdefault(f"{at}.name", "Give it a name; shoppers will see it.")
    elif len(name) > MAX_NAME:
        r.errors.setdefault(f"{at}.name", f"Use {MAX_NAME} characters or fewer.")
    return name


def _field_of(where: str, draft: Programme, tier_rows: list[int], reward_rows: list[int]) -> str:
    """The field of the form that a problem of the domain is about."""
    if where == "earning.0.rate":
        return "points" if not 0 <= draft.earning[0].rate.points <= rules.MAX_POINTS else "per"
    if where.startswith("survey."):
        return where.replace(".", "_")
    if found := re.fullmatch(r"(tier|reward)s\.([0-9]+)\.([a-z_]+)", where):
        row = (tier_rows if found[1] == "tier" else reward_rows)[int(found[2])]
        return f"{found[1]}.{row}.{found[3].removesuffix('_minor')}"
    return where


def label(name: str, given: Mapping[str, str]) -> str:
    """What the form calls a field; one of a row says whose it is."""
    row, _, part = name.rpartition(".")
    if not row:
        return LABELS.get(name, name)
    kind = row.partition(".")[0]
    return f"{given.get(f'{row}.name') or f'New {kind}'}, {LABELS.get(f'{kind}.{part}', part)}"
