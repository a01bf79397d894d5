"""Ways to earn beside orders, for one shopper: what they had of each, a follow they claim, a birthday they say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response

from plugin.domain import actions as rules
from plugin.domain.programme import ActionRule
from plugin.flows import actions as action_flow
from plugin.flows import birthdays as birthday_flow
from plugin.pages import panel
from plugin.pages.answers import Refusal, json_answer
from plugin.pages.door import Confirmed, Day, Door, installed_shop, installed_shop_id, not_ready, shopper_of
from plugin.store import actions, birthdays, members, programmes
from plugin.store.birthdays import Birthday
from plugin.store.db import Tx
from plugin.store.shops import Shop, zone


def ways(door: Door) -> Response:
    """The ways with what the visitor has had of each in its period, and their birthday."""
    visitor = door.visitor(change=False)
    found = shopper_of(door.web, visitor)
    if found.programme is None:
        raise not_ready()
    if found.status != "active" or found.member_id is None:
        shown = [
            way | {"done": 0, "available": False, "why_not": "join_first"}
            for way in panel.ways(found.programme)
        ]
        return json_answer({"ways": shown, "birthday": None})
    with door.web.db.read() as tx:
        shop = installed_shop(tx, found.shop_id)
        shown = [
            _state_of(tx, shop, found.member_id, rule, door.web.now())
            for rule in found.programme.actions
            if rule.enabled
        ]
        known = birthdays.of_member(tx, found.shop_id, found.member_id)
    return json_answer({"ways": shown, "birthday": known and _birthday(known, shop)})


def claim(door: Door, action_key: str) -> Response:
    """A click on a page to follow: counted on the click, once, and said so."""
    visitor, customer_id, _ = door.customer(Confirmed)
    shop_id, now = installed_shop_id(door.web, visitor.shop), door.web.now()
    with door.web.db.write(shop_id) as tx:
        shop, member_id = installed_shop(tx, shop_id), members.resolved(tx, shop_id, customer_id)
        programme = programmes.versions(tx, shop_id).latest
        rule = programme.action(action_key) if programme is not None else None
        if rule is None or rule.kind != "social" or not rule.enabled:
            # What is proved otherwise (a review, a birthday) is not taken on a shopper's word.
            raise Refusal("There is nothing to follow here.", code="no_such_action", status=404)
        _only_members(tx, shop_id, member_id)
        name = f"click:{member_id}"
        outcome = action_flow.happened(tx, shop, member_id, action_key, name, now, now, actor="member")
    return json_answer(
        {
            "state": "earned" if outcome.earned else "refused",
            "action": action_key,
            "points": outcome.action.points if outcome.earned else 0,
            "reward": rule.reward if outcome.earned else None,
            "why_not": outcome.action.reason,
            "message": panel.ON_CLICK if outcome.earned else outcome.shopper_reads,
            "url": rule.url,
        }
    )


def birthday(door: Door) -> Response:
    """The shopper says their birthday, once a year."""
    visitor, customer_id, said = door.customer(Day)
    shop_id, now = installed_shop_id(door.web, visitor.shop), door.web.now()
    with door.web.db.write(shop_id) as tx:
        shop = installed_shop(tx, shop_id)
        made = birthday_flow.set_birthday(tx, shop, customer_id, said.month, said.day, now, actor="member")
    return json_answer({"birthday": _birthday(made, shop)})


def _only_members(tx: Tx, shop_id: int, member_id: int) -> None:
    member = members.by_id(tx, shop_id, member_id)
    if member is None or member.status != "active":
        raise Refusal("Join the programme first; joining is free.", code="not_a_member", status=403)


def _state_of(tx: Tx, shop: Shop, member_id: int, rule: ActionRule, now: datetime) -> dict[str, Any]:
    since, until = rules.window(rule.period, now, zone(shop.timezone))
    done = actions.earned(tx, shop.shop_id, member_id, rule.key, rule.kind, since, until)
    why_not = f"limit_{rule.period}" if done >= rule.limit else None
    message = rules.WHY_NOT[why_not][0] if why_not else None
    return panel.way(rule) | {
        "done": done,
        "available": why_not is None,
        "why_not": why_not,
        "message": message,
    }


def _birthday(known: Birthday, shop: Shop) -> dict[str, Any]:
    there = zone(shop.timezone)
    return {
        "month": known.month,
        "day": known.day,
        "next": known.due_at.astimezone(there).date().isoformat(),
        "may_change_from": rules.may_change_from(known.set_at).astimezone(there).date().isoformat(),
    }
