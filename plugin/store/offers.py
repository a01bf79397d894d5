"""What is counted of rewards: how many are out, and how many of each a member had in its period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.domain.programme import Reward
from plugin.domain.rewards import Reach
from plugin.store import redemptions
from plugin.store.db import Tx


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
    rewards = list(offered)
    stocked = [one.key for one in rewards if one.stock is not None]
    limited = {
        one.key: now - timedelta(days=one.limit_days) if one.limit_days is not None else None
        for one in rewards
        if one.member_limit is not None
    }
    return Counted(
        redemptions.given_out(tx, shop_id, stocked),
        redemptions.had(tx, shop_id, member_id, limited) if limited and member_id is not None else {},
    )
