"""Offers flow: whether a member can have a reward now, by tier, stock, limits and points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.domain import rewards
from plugin.domain.programme import Reward
from plugin.domain.rewards import Reach
from plugin.errors import RegularsError
from plugin.store import redemptions
from plugin.store.db import Tx
from plugin.store.members import Member
from plugin.store.shops import Shop

# What the platform must let us do before a reward of this kind can be had.
SCOPES = {"gift_card": "write_gift_cards", "store_credit": "write_store_credit_account_transactions"}
_WORDS = {
    "not_for_sale": "This reward is a gift of the shop; it cannot be bought.",
    "wrong_tier": "This reward is for another tier.",
    "out_of_stock": "This reward is sold out.",
    "limit_reached": "You have had this reward as often as the shop allows.",
    "points_not_offered": "This reward cannot be had for that many points. Reload to see what can.",
    "currency_not_offered": "This reward is not offered in that currency.",
    "not_set_up": "The shop has not finished setting this reward up. Try again later.",
}


class CannotRedeem(RegularsError):
    """The redemption is not possible; nothing was taken."""

    code = "cannot_redeem"
    status = 409


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of each reward are out, and how many of each this member had in its period."""

    given_out: Mapping[str, int]
    had: Mapping[str, int]

    def reach(self, reward: Reward, available: int, tier: str | None) -> Reach:
        """What decides about one reward."""
        return Reach(available, tier, self.given_out.get(reward.key, 0), self.had.get(reward.key, 0))


NOTHING = Counted({}, {})


def count(tx: Tx, shop_id: int, member_id: int | None, offered: Iterable[Reward], now: datetime) -> Counted:
    """Counts what these rewards' stock and limits need; reads nothing where they have none."""
    stocked = [one.key for one in offered if one.stock is not None]
    limited = {
        one.key: now - timedelta(days=one.limit_days) if one.limit_days is not None else None
        for one in offered
        if one.member_limit is not None
    }
    return Counted(
        redemptions.given_out(tx, shop_id, stocked),
        redemptions.had(tx, shop_id, member_id, limited) if limited and member_id is not None else {},
    )


def refuse(code: str) -> CannotRedeem:
    """The refusal of that code, in words."""
    return CannotRedeem(_WORDS[code], code=code)


def check(tx: Tx, shop: Shop, member: Member, reward: Reward, now: datetime) -> None:
    """Raises CannotRedeem unless the member may have the reward, points aside. The caller holds the shop's ledger."""
    scope = SCOPES.get(reward.kind)
    if scope is not None and scope not in shop.scopes.split(","):
        raise refuse("not_set_up")
    counted = count(tx, shop.shop_id, member.member_id, [reward], now)
    why_not = rewards.out_of_reach(reward, counted.reach(reward, reward.points, member.tier))
    if why_not is not None:
        raise refuse(why_not)
