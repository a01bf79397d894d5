"""What a shopper sees: the panel and a page of history, as plain data made from what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from plugin.domain import tiers
from plugin.domain.programme import ActionRule, Programme, Reward, shown_balance
from plugin.pages import order_ways
from plugin.store.db import to_ms
from plugin.store.redemptions import Redemption
from plugin.store.storefront import Code, Line, Shopper

PAGE_SIZE = 20
ON_CLICK = "It counts when you click. Nobody looks whether you follow."
MAX_PAGE_SIZE = 50
_reward = msgspec.json.Decoder(Reward).decode
_EPOCH = date(1970, 1, 1)
_NEVER = 1 << 62
_MINUTES = [f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(1440)]
_SECONDS = [f"{second:02}Z" for second in range(60)]


class _Line(msgspec.Struct, gc=False):
    """A line of history as it is sent."""

    id: str
    kind: str
    points: int
    at: str | None
    order: str | None
    why: Raw


# How a redemption is called outside: what the shopper can do about it, not what we did.
STATES = {"debited": "being_made", "made": "made", "refused": "refused", "undone": "undone", "used": "used"}


def guest(programme: Programme) -> dict[str, Any]:
    """What somebody who is not signed in sees: what there is to gain."""
    return {"state": "guest", "programme": _fixed(programme).shown, "rewards": rewards(programme, None)}


def of_customer(found: Shopper, programme: Programme, now: datetime, nonce: str) -> dict[str, Any]:
    """The panel of a signed-in customer, member or not."""
    now_ms = to_ms(now) or 0
    if found.status != "active":
        return {
            "state": "not_member",
            "programme": _fixed(programme).shown,
            "rewards": rewards(programme, None),
            "waiting": points(found, now_ms) if found.status in ("unclaimed", "left") else None,
            "survey": _survey(found),
            "nonce": nonce,
        }
    held = points(found, now_ms)
    return {
        "state": "member",
        "member": {"id": str(found.member_id), "since": _time(found.joined_at)},
        "points": held,
        "tier": _tier(programme, found),
        "rewards": rewards(programme, held["balance"], found.tier, redeeming=found.redeeming),
        "codes": [
            _code(code) for code in found.codes or () if code.expires_at is None or code.expires_at > now_ms
        ],
        "survey": _survey(found),
        "programme": _fixed(programme).shown,
        "nonce": nonce,
    }


def history(lines: list[Line], limit: int) -> dict[str, Any]:
    """A page of history: each line with the numbers that explain it. `next` asks for the page below, or is null."""
    shown = [
        _Line(str(entry_id), kind, points, _time(at), _named(order, why), Raw(why.encode()))
        for entry_id, points, at, kind, why, order in lines
    ]
    return {"lines": shown, "next": str(lines[-1][0]) if len(lines) == limit else None}


def _named(order: str | None, why: str) -> str | None:
    """The order's name; with the bonus's own, where the entry is a bonus for the n-th order."""
    if '"nth":' not in why:
        return order
    name = msgspec.json.decode(why).get("name")
    return f"{order} · {name}" if order and name else order or name


def rewards(
    programme: Programme, available: int | None, tier: str | None = None, *, redeeming: bool = True
) -> list[dict[str, Any]]:
    """Every reward with whether it can be had now. `available` None: not a member yet, so nothing can.

    Below zero, what is missing counts from there. A member sees no reward that is for other tiers, and the price that
    their own tier pays. `redeeming` False: the shop has stopped it for the moment.
    """
    fixed = _fixed(programme)
    shown = []
    for can, cannot, reward in fixed.rewards:
        cost = reward.points
        if available is not None and fixed.by_tier:
            price = tiers.price(programme, reward, tier)
            if price is None:
                continue
            cost = price
            can, cannot = {**can, "points": cost}, {**cannot, "points": cost}
        missing = cost if available is None else max(0, cost - available)
        if missing == 0 and redeeming:
            shown.append(can)
        elif missing == 0:
            shown.append({**cannot, "missing": 0, "why_not": "paused"})
        else:
            why_not = "join_first" if available is None else "not_enough_points"
            shown.append({**cannot, "missing": missing, "why_not": why_not})
    return shown


def ways(programme: Programme) -> list[dict[str, Any]]:
    """Every way to earn beside orders that is open, the same for everybody."""
    return [way(rule) for rule in programme.actions if rule.enabled]


def way(rule: ActionRule) -> dict[str, Any]:
    """One way to earn beside orders."""
    return {
        "key": rule.key,
        "kind": rule.kind,
        "name": rule.name,
        "points": rule.points,
        "reward": rule.reward,
        "limit": rule.limit,
        "period": rule.period,
        "delay_days": rule.delay_days,
        "url": rule.url,
        "note": ON_CLICK if rule.kind == "social" else None,
    }


def redemption(found: Redemption) -> dict[str, Any]:
    """One redemption for its owner. The code shows once the platform knows it, never before."""
    shown = {
        "id": str(found.redemption_id),
        "state": STATES[found.state],
        "reward": found.reward.key,
        "name": found.reward.name or None,
        "kind": found.reward.kind,
        "value_minor": found.reward.value_minor,
        "cost": found.points,
        "code": found.code if found.state in ("made", "used") else None,
        "expires_at": _time(to_ms(found.expires_at)),
    }
    if found.state == "refused":
        shown["message"] = "The shop could not make this code. Your points are back."
    elif found.state == "undone":
        shown["message"] = "The code is gone and your points are back."
    return shown


def page_size(asked: int | None) -> int:
    """How many lines a page has: 20 unless asked otherwise, never more than 50."""
    return min(asked or PAGE_SIZE, MAX_PAGE_SIZE)


def points(found: Shopper, now_ms: int) -> dict[str, Any]:
    """What may be spent now, what is still to open, and the next change that comes by itself."""
    # The domain's rules (is_available, is_pending, next_change) in one pass over whole numbers, because this runs for
    # every page view; a property test holds both against each other.
    available = pending = delta = 0
    at = _NEVER
    for remaining, opens, ends in found.lots or ():
        if opens is None or opens > now_ms:
            pending += remaining
            change, by = opens, remaining
        elif ends is None or ends > now_ms:
            available += remaining
            change, by = ends, -remaining
        else:
            continue
        if change is not None and change <= at:
            delta = by if change < at else delta + by
            at = change
    following = {"at": _time(at), "points": delta} if at != _NEVER else None
    balance = shown_balance(found.programme, available, found.owed)
    return {
        "balance": balance,
        "available": available,
        "pending": pending,
        "owed": found.owed,
        "next": following,
    }


def _tier(programme: Programme, found: Shopper) -> dict[str, Any] | None:
    if not programme.tiers:
        return None
    held = programme.tier(found.tier)
    above = tiers.next_above(programme, found.progress, found.tier, found.held_before)
    landing = tiers.falls_to(programme, found.tier, found.progress) if found.warned else None
    return {
        "key": held.key if held else None,
        "name": held.name if held else None,
        "multiplier": [held.multiplier.numerator, held.multiplier.denominator] if held else [1, 1],
        "progress": found.progress,
        "months": programme.tier_months,
        "basis": programme.ladder.basis,
        "window": programme.ladder.window,
        "by": found.tier_by,
        "until": _time(found.tier_until),
        "notice": {"at": _time(found.tier_until), "key": landing.key, "name": landing.name}
        if landing
        else None,
        "next": {
            "key": above[0].key,
            "name": above[0].name,
            "from": above[1],
            "missing": above[1] - found.progress,
        }
        if above
        else None,
    }


def _code(code: Code) -> dict[str, Any]:
    reward = _reward(code.reward)
    return {
        "id": str(code.redemption_id),
        "state": STATES[code.state],
        "reward": reward.key,
        "name": reward.name or None,
        "kind": reward.kind,
        "value_minor": reward.value_minor,
        "cost": code.points,
        "code": code.code if code.state == "made" else None,
        "expires_at": _time(code.expires_at),
    }


def _survey(found: Shopper) -> dict[str, Any] | None:
    if found.question is None:
        return None
    return {"order": str(found.question.order_id), "order_name": found.question.order_name}


def _time(ms: int | None) -> str | None:
    if ms is None:
        return None
    day, second = divmod(ms // 1000, 86_400)
    return _day(day) + _MINUTES[second // 60] + _SECONDS[second % 60]


@lru_cache(maxsize=20_000)
def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


@dataclass(frozen=True, slots=True)
class _Fixed:
    """What of a published version never changes, made once and kept."""

    programme: Programme
    rewards: list[tuple[dict[str, Any], dict[str, Any], Reward]]
    shown: msgspec.Raw
    by_tier: bool


_KNOWN: dict[int, _Fixed] = {}


def _fixed(programme: Programme) -> _Fixed:
    # Versions are immutable and kept by the reader, so the object itself is the key.
    found = _KNOWN.get(id(programme))
    if found is None:
        if len(_KNOWN) > 4096:
            _KNOWN.clear()
        found = _KNOWN[id(programme)] = _Fixed(
            programme,
            _rewards(programme),
            _programme(programme),
            any(one.tiers for one in programme.rewards)
            or any(one.reward_discount_percent for one in programme.tiers),
        )
    return found


def _rewards(programme: Programme) -> list[tuple[dict[str, Any], dict[str, Any], Reward]]:
    """Each reward as it shows when it can be had, what is common when it cannot, and the reward."""
    found = []
    for reward in programme.rewards:
        fixed = {
            "key": reward.key,
            "name": reward.name or None,
            "kind": reward.kind,
            "points": reward.points,
            "value_minor": reward.value_minor,
            "minimum_minor": reward.minimum_minor,
            "valid_days": reward.valid_days,
        }
        can = {**fixed, "affordable": True, "missing": 0, "why_not": None}
        found.append((can, {**fixed, "affordable": False}, reward))
    return found


def _programme(programme: Programme) -> msgspec.Raw:
    shown = {
        "version": programme.version,
        "currency": programme.currency,
        "membership": programme.membership,
        "signup_points": programme.signup_points,
        "ways": ways(programme),
        "earning": [
            {"rule": rule.key, "points": rule.rate.points, "per_minor": rule.rate.per_minor}
            for rule in programme.earning
        ],
        "orders": order_ways.of_orders(programme.orders),
        "tiers": [
            {
                "key": tier.key,
                "name": tier.name,
                "from": tier.threshold,
                "multiplier": [tier.multiplier.numerator, tier.multiplier.denominator],
            }
            for tier in programme.tiers
        ],
    }
    return msgspec.Raw(msgspec.json.encode(shown))
