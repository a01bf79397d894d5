"""What a shopper sees: the panel and a page of history, as plain data made from what is stored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from plugin.domain import reward_names, tiers
from plugin.domain.programme import ActionRule, Programme, Reward, shown_balance
from plugin.pages import offered, order_ways
from plugin.store.db import to_ms
from plugin.store.offers import NOTHING, Counted
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
STATES = {"debited": "being_made", "waiting": "awaiting_shop"} | {
    state: state for state in ("made", "refused", "undone", "used", "expired", "fulfilled", "credited")
}
# A reward whose name the history has to make: the widget knows words for two kinds only.
_NAMELESS = re.compile(r'"name":null,"kind":"(?!amount_off|free_shipping)')


def guest(programme: Programme, locale: str | None = None) -> dict[str, Any]:
    """What somebody who is not signed in sees: what there is to gain."""
    return {
        "state": "guest",
        "programme": _fixed(programme).shown,
        "rewards": rewards(programme, None, locale=locale),
    }


def of_customer(
    found: Shopper, programme: Programme, now: datetime, nonce: str, locale: str | None = None
) -> dict[str, Any]:
    """The panel of a signed-in customer, member or not."""
    now_ms = to_ms(now) or 0
    if found.status != "active":
        return {
            "state": "not_member",
            "programme": _fixed(programme).shown,
            "rewards": rewards(programme, None, locale=locale),
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
        "rewards": rewards(
            programme, held["balance"], found.tier, found.counted, locale, redeeming=found.redeeming
        ),
        "codes": [
            _code(code, programme.currency, locale)
            for code in found.codes or ()
            if code.expires_at is None or code.expires_at > now_ms
        ],
        "survey": _survey(found),
        "programme": _fixed(programme).shown,
        "nonce": nonce,
    }


def history(lines: list[Line], limit: int, locale: str | None = None) -> dict[str, Any]:
    """A page of history: each line with the numbers that explain it. `next` asks for the page below, or is null."""
    shown = [
        _Line(str(entry_id), kind, points, _time(at), _named(order, why), Raw(_told(why, locale).encode()))
        for entry_id, points, at, kind, why, order in lines
    ]
    return {"lines": shown, "next": str(lines[-1][0]) if len(lines) == limit else None}


def _named(order: str | None, why: str) -> str | None:
    """The order's name; with the rule's own, where the entry is a bonus for the n-th order or of a campaign."""
    if '"nth":' not in why and '"campaign":' not in why:
        return order
    name = msgspec.json.decode(why).get("name")
    return f"{order} · {name}" if order and name else order or name


def rewards(
    programme: Programme,
    available: int | None,
    tier: str | None = None,
    counted: Counted = NOTHING,
    locale: str | None = None,
    *,
    redeeming: bool = True,
) -> list[dict[str, Any]]:
    """Every reward that can be bought, with whether it can be had now and why not (offered.py).

    `redeeming` False: the shop has stopped it for the moment.
    """
    rows = offered.shown(programme, _offers(programme, locale), available, tier, counted, locale)
    if redeeming:
        return rows
    return [{**row, "affordable": False, "why_not": "paused"} if row["affordable"] else row for row in rows]


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


def _told(why: str, locale: str | None) -> str:
    """Why an entry stands, with the reward's name in the reader's language where the widget has no word for it."""
    if _NAMELESS.search(why) is None:
        return why
    told = msgspec.json.decode(why)
    return msgspec.json.encode(told | {"name": reward_names.of_entry(told, locale)}).decode()


def redemption(found: Redemption, currency: str = "", locale: str | None = None) -> dict[str, Any]:
    """One redemption for its owner. The code shows once the platform knows it, never before."""
    shown = {
        "id": str(found.redemption_id),
        "state": STATES[found.state],
        **_of(found.reward, currency, locale),
        "cost": found.points,
        "code": found.code if found.state in ("made", "used") else None,
        "expires_at": _time(to_ms(found.expires_at)),
    }
    if found.state == "refused":
        shown["message"] = "The shop could not make this code. Your points are back."
    elif found.state == "undone":
        shown["message"] = "The code is gone and your points are back."
    elif found.state == "credited":
        shown["message"] = "The amount is in your store credit."
    elif found.state == "waiting":
        shown["message"] = "The shop hands it over to you."
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


def _of(reward: Reward, currency: str, locale: str | None) -> dict[str, Any]:
    what = offered.described(reward, currency, locale)
    return {"reward": what.pop("key"), **what}


def _code(code: Code, currency: str, locale: str | None) -> dict[str, Any]:
    reward = _reward(code.reward)
    return {
        "id": str(code.redemption_id),
        "state": STATES[code.state],
        **_of(reward, currency, locale),
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
    offers: dict[str, list[offered.Offer]]
    shown: msgspec.Raw


_KNOWN: dict[int, _Fixed] = {}


def _fixed(programme: Programme) -> _Fixed:
    # Versions are immutable and kept by the reader, so the object itself is the key.
    found = _KNOWN.get(id(programme))
    if found is None:
        if len(_KNOWN) > 4096:
            _KNOWN.clear()
        found = _KNOWN[id(programme)] = _Fixed(programme, {}, _programme(programme))
    return found


def _offers(programme: Programme, locale: str | None) -> list[offered.Offer]:
    known, language = _fixed(programme).offers, reward_names.language(locale)
    if language not in known:
        known[language] = offered.offers(programme, language)
    return known[language]


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
        "campaigns": order_ways.of_campaigns(programme.campaigns),
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
