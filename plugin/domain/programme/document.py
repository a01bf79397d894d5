"""The document: one published version of all chapters, its validation, and the one a new shop starts with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from plugin.domain.programme.actions import ActionKind, ActionRule, problems_of_actions
from plugin.domain.programme.campaigns import Campaign, Stacking, problems_of_campaigns
from plugin.domain.programme.check import Problem, checking
from plugin.domain.programme.earning import Basis, EarningRule, OrderRules, problems_of_earning
from plugin.domain.programme.expiry import Expiry, problems_of_expiry
from plugin.domain.programme.referral import Referral, problems_of_referral
from plugin.domain.programme.rewards import Reward, problems_of_rewards
from plugin.domain.programme.survey import Survey, problems_of_survey
from plugin.domain.programme.tiers import Ladder, PaidMembership, TagTier, Tier, problems_of_tiers
from plugin.domain.values import Rate, Ratio, Rounding

# What becomes of points that are taken back after they were spent: owed; owed and shown as a balance below zero; or
# forgiven. The ledger does the same for the first two.
Clawback = Literal["deficit", "negative", "floor"]


@dataclass(frozen=True, slots=True)
class Programme:
    """One published version. Days and months are calendar units in UTC; money is in `currency`'s minor units."""

    version: int
    currency: str
    earning: tuple[EarningRule, ...]
    membership: Literal["all", "joined", "tag"] = "joined"
    membership_tag: str | None = None
    signup_points: int = 0
    basis: Basis = Basis()
    orders: OrderRules = OrderRules()
    rounding: Rounding = "floor"
    return_window_days: int = 14
    no_delivery_days: int = 21
    expiry_months: int | None = 24
    tier_months: int = 12
    tiers: tuple[Tier, ...] = ()
    ladder: Ladder = Ladder()
    memberships: tuple[PaidMembership, ...] = ()
    tag_tiers: tuple[TagTier, ...] = ()
    rewards: tuple[Reward, ...] = ()
    clawback: Clawback = "deficit"
    return_spent_points: bool = True
    code_prefix: str = "REG"
    # Days before an unused code ends at which its owner is reminded, 0 for never; whether its points then come back.
    code_reminder_days: int = 0
    return_on_code_expiry: bool = False
    survey: Survey = Survey()
    actions: tuple[ActionRule, ...] = ()
    birthday_notice_days: int = 30
    expiry: Expiry = Expiry()
    campaigns: tuple[Campaign, ...] = ()
    campaign_stacking: Stacking = "best"
    referral: Referral = Referral()
    holdout_percent: int = 0
    texts: dict[str, dict[str, str]] = field(default_factory=dict)

    def tier(self, key: str | None) -> Tier | None:
        """The tier of that key, or None."""
        return next((tier for tier in self.tiers if tier.key == key), None)

    def reward(self, key: str) -> Reward | None:
        """The reward of that key, or None."""
        return next((reward for reward in self.rewards if reward.key == key), None)

    def campaign(self, key: str) -> Campaign | None:
        """The campaign of that key, or None."""
        return next((one for one in self.campaigns if one.key == key), None)

    def action(self, key: str) -> ActionRule | None:
        """The action of that key, or None."""
        return next((rule for rule in self.actions if rule.key == key), None)

    def action_of(self, kind: ActionKind) -> ActionRule | None:
        """The enabled action of a kind that a programme has once, or None."""
        return next((rule for rule in self.actions if rule.kind == kind and rule.enabled), None)


def shown_balance(programme: Programme | None, available: int, owed: int) -> int:
    """What a shopper reads as their balance: below zero only where the programme shows what is owed (design 10.13)."""
    return available - owed if programme is not None and programme.clawback == "negative" else available


def problems(programme: Programme) -> list[Problem]:
    """Everything wrong with a programme as (field, sentence that says what to do); empty when it may be published."""
    found, check = checking()
    check(len(programme.currency) == 3, "currency", "Give the shop's currency as three letters, such as CHF.")
    check(
        programme.membership != "tag" or bool(programme.membership_tag),
        "membership_tag",
        "Name the customer tag that makes a member.",
    )
    check(0 <= programme.holdout_percent <= 50, "holdout_percent", "Choose 0 to 50 percent.")
    for chapter in CHAPTERS:
        found += chapter(programme)
    return found


CHAPTERS = (
    problems_of_earning,
    problems_of_expiry,
    problems_of_tiers,
    problems_of_rewards,
    problems_of_survey,
    problems_of_actions,
    problems_of_campaigns,
    problems_of_referral,
)


def first_programme(currency: str, minor_per_unit: int) -> Programme:
    """What a new shop starts with: 1 point per unit of money, 50 for joining, three tiers, four rewards.

    Every reward that takes money off gives back about 5 %, and the points for joining buy the cheapest at once. Where
    money has no decimals, a unit is a hundred: nobody counts a yen.
    """
    unit = max(minor_per_unit, 100)
    return Programme(
        version=1,
        currency=currency,
        earning=(EarningRule(Rate(1, unit)),),
        signup_points=50,
        orders=OrderRules(companies=False),
        tiers=(
            Tier("bronze", "Bronze", 0),
            Tier("silver", "Silver", 500, Ratio(5, 4)),
            Tier("gold", "Gold", 1500, Ratio(3, 2)),
        ),
        rewards=(
            # Joining costs the merchant at most this, and only with an order of four times as much.
            Reward("welcome_off", "amount_off", "", 50, value_minor=5 * unit // 2, minimum_minor=10 * unit),
            Reward("five_off", "amount_off", "", 100, value_minor=5 * unit),
            Reward("free_shipping", "free_shipping", "", 150),
            Reward("twenty_off", "amount_off", "", 350, value_minor=20 * unit, minimum_minor=40 * unit),
        ),
    )
