"""The chapter on actions: what a shopper does beside buying, and what it earns."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from plugin.domain.programme.check import MAX_POINTS, Problem, checking

if TYPE_CHECKING:
    from plugin.domain.programme.document import Programme

ActionKind = Literal["newsletter", "birthday", "anniversary", "social", "survey", "review", "custom"]
Period = Literal["day", "month", "year", "ever"]

# Kinds that a programme has once, because the platform or the clock tells of them and names no rule.
SINGLE: frozenset[str] = frozenset({"newsletter", "birthday", "anniversary", "survey"})
# Kinds whose limit is a law: a day comes once a year, and opting out and in again is no second time.
FIXED: dict[str, tuple[int, Period]] = {
    "newsletter": (1, "ever"),
    "birthday": (1, "year"),
    "anniversary": (1, "year"),
    "social": (1, "ever"),
}
_LAW = {
    "newsletter": "Subscribing counts once: set the limit to 1, ever.",
    "birthday": "A birthday comes once a year: set the limit to 1 per year.",
    "anniversary": "An anniversary comes once a year: set the limit to 1 per year.",
    "social": "A follow counts once: set the limit to 1, ever.",
}
_KEY = re.compile(r"[a-z0-9_]{1,40}")
_URL = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(/[\x21-\x7e]*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ActionRule:
    """Points, or a reward in their place, for something a shopper does; at most `limit` times per `period`.

    `key` names the rule to whoever reports an action; `name` is what shoppers read. Points can be spent
    `delay_days` after the action and expire as earned points do. `url`: where it is done; a follow needs one.
    """

    key: str
    kind: ActionKind
    name: str
    points: int = 0
    reward: str | None = None
    limit: int = 1
    period: Period = "ever"
    delay_days: int = 0
    enabled: bool = True
    url: str | None = None


def problems_of_actions(programme: Programme) -> list[Problem]:
    """What is wrong with how actions earn."""
    found, check = checking()
    rules = programme.actions
    check(len({rule.key for rule in rules}) == len(rules), "actions", "Give every action a key of its own.")
    for kind, count in Counter(rule.kind for rule in rules).items():
        check(count == 1 or kind not in SINGLE, "actions", f"Keep one action of the kind “{kind}”.")
    keys = [reward.key for reward in programme.rewards]
    for i, rule in enumerate(rules):
        at = f"actions.{i}"
        check(_KEY.fullmatch(rule.key) is not None, f"{at}.key", "Use a to z, digits and _ for the key.")
        check(
            0 < len(rule.name.strip()) <= 100, f"{at}.name", "Say in 1 to 100 characters what shoppers read."
        )
        check(0 <= rule.points <= MAX_POINTS, f"{at}.points", "Points must be 0 or more.")
        check(
            (rule.points > 0) != (rule.reward is not None),
            f"{at}.points",
            "Give points or a reward: one of the two, not both and not neither.",
        )
        check(
            rule.reward is None or rule.reward in keys,
            f"{at}.reward",
            f"There is no such reward. This programme has: {', '.join(keys) or 'none'}.",
        )
        check(1 <= rule.limit <= 1000, f"{at}.limit", "Choose 1 to 1000 times.")
        law = FIXED.get(rule.kind)
        check(law is None or (rule.limit, rule.period) == law, f"{at}.period", _LAW.get(rule.kind, ""))
        check(0 <= rule.delay_days <= 365, f"{at}.delay_days", "Choose 0 to 365 days.")
        check(
            rule.reward is None or rule.delay_days == 0,
            f"{at}.delay_days",
            "A reward is handed out at once: set 0 days, or give points.",
        )
        check(
            rule.url is None or (len(rule.url) <= 500 and _URL.fullmatch(rule.url) is not None),
            f"{at}.url",
            "Write a whole address that begins with https://.",
        )
        check(rule.kind != "social" or rule.url is not None, f"{at}.url", "Say where the page to follow is.")
    check(0 <= programme.birthday_notice_days <= 365, "birthday_notice_days", "Choose 0 to 365 days.")
    return found
