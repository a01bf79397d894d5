"""The programme: an immutable, versioned document of every rule a merchant sets, a chapter a file."""

from __future__ import annotations

from plugin.domain.programme.actions import FIXED, SINGLE, ActionKind, ActionRule, Period
from plugin.domain.programme.campaigns import Campaign, Stacking
from plugin.domain.programme.check import MAX_POINTS, Problem
from plugin.domain.programme.document import (
    Clawback,
    Programme,
    first_programme,
    problems,
    shown_balance,
)
from plugin.domain.programme.earning import (
    Band,
    Basis,
    EarningRule,
    LineRule,
    OrderBonus,
    OrderRules,
)
from plugin.domain.programme.expiry import Expiry
from plugin.domain.programme.referral import CapPeriod, Checks, Referral
from plugin.domain.programme.rewards import Reward, combines_with, market_prices
from plugin.domain.programme.survey import Assumed, Survey, TierSample
from plugin.domain.programme.tiers import Ladder, PaidMembership, TagTier, Tier

__all__ = [
    "FIXED",
    "MAX_POINTS",
    "SINGLE",
    "ActionKind",
    "ActionRule",
    "Assumed",
    "Band",
    "Basis",
    "Campaign",
    "CapPeriod",
    "Checks",
    "Clawback",
    "EarningRule",
    "Expiry",
    "Ladder",
    "LineRule",
    "OrderBonus",
    "OrderRules",
    "PaidMembership",
    "Period",
    "Problem",
    "Programme",
    "Referral",
    "Reward",
    "Stacking",
    "Survey",
    "TagTier",
    "Tier",
    "TierSample",
    "combines_with",
    "first_programme",
    "market_prices",
    "problems",
    "shown_balance",
]
