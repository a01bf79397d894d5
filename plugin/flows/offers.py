"""Offers flow: whether a member can have a reward now, by tier, stock, limits and points."""

from __future__ import annotations

from datetime import datetime

from plugin.domain import rewards
from plugin.domain.programme import Reward
from plugin.errors import RegularsError
from plugin.store import offers
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


def refuse(code: str) -> CannotRedeem:
    """The refusal of that code, in words."""
    return CannotRedeem(_WORDS[code], code=code)


def check(tx: Tx, shop: Shop, member: Member, reward: Reward, now: datetime) -> None:
    """Raises CannotRedeem unless the member may have the reward, points aside. The caller holds the shop's ledger."""
    scope = SCOPES.get(reward.kind)
    if scope is not None and scope not in shop.scopes.split(","):
        raise refuse("not_set_up")
    counted = offers.count(tx, shop.shop_id, member.member_id, [reward], now)
    why_not = rewards.out_of_reach(reward, counted.reach(reward, reward.points, member.tier))
    if why_not is not None:
        raise refuse(why_not)
