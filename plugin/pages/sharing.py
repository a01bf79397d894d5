"""A member's link for friends: the code behind it, what each side gets, and what has become of the friends so far."""

from __future__ import annotations

from typing import Any

from flask import Response

from plugin.domain.programme import Programme
from plugin.flows import sharing
from plugin.pages.answers import Refusal, json_answer
from plugin.pages.door import (
    Confirmed,
    Door,
    installed_shop,
    installed_shop_id,
    not_ready,
    shopper_of,
)
from plugin.store import members, referrals
from plugin.store.db import Tx
from plugin.store.referral_codes import ReferralCode
from plugin.store.referrals import Referred
from plugin.store.shops import Shop

SHOWN = 20
# What the member reads of each state. A suspicion is never told: it may be wrong, and it would teach whoever is right.
TOLD = {
    "waiting": ("waiting", "Your friend has ordered. We wait until the order is paid."),
    "qualified": ("waiting", "Your friend has ordered. It counts once the time for returns is over."),
    "review": ("waiting", "Your friend has ordered. The shop takes a look at it."),
    "approved": ("approved", "Thank you! This one counted."),
    "rejected": (
        "not_counted",
        "Sorry, the shop cannot count this one. Write to the shop if you wonder why.",
    ),
    "cancelled": ("not_counted", "Your friend's order did not last, so it does not count."),
}
_CAP = "You have brought as many friends as count in this period. Thank you!"


def show(door: Door) -> Response:
    """The link if there is one, what there is to gain, and the newest referrals; asks nothing of anybody."""
    visitor = door.visitor(change=False)
    found = shopper_of(door.web, visitor)
    if found.programme is None:
        raise not_ready()
    if found.status != "active" or found.member_id is None:
        return json_answer({**_offer(found.programme), "why_not": "join_first"})
    with door.web.db.read() as tx:
        shop = installed_shop(tx, found.shop_id)
        code = sharing.code_of(tx, shop, found.member_id)
        return json_answer(_state(tx, shop, found.member_id, found.programme, code))


def share(door: Door) -> Response:
    """A tap on the link: its code is made now, once, and stays the same."""
    visitor, customer_id, _ = door.customer(Confirmed)
    found = shopper_of(door.web, visitor)
    if found.programme is None:
        raise not_ready()
    shop_id, now = installed_shop_id(door.web, visitor.shop), door.web.now()
    with door.web.db.write(shop_id) as tx:
        shop = installed_shop(tx, shop_id)
        member_id = members.resolved(tx, shop_id, customer_id)
        try:
            code = sharing.share(tx, shop, member_id, now)
        except sharing.CannotShare as error:
            raise Refusal(error.message, code=error.code, status=error.status) from None
        return json_answer(_state(tx, shop, member_id, found.programme, code))


def _offer(programme: Programme) -> dict[str, Any]:
    rule = programme.referral
    if not rule.enabled:
        return {"enabled": False, "friend": None, "you": None, "link": None, "code": None}
    friend = rule.friend
    return {
        "enabled": True,
        "friend": {
            "kind": friend.kind,
            "name": friend.name or None,
            "value_minor": friend.value_minor,
            "percent": friend.percent,
            "minimum_minor": friend.minimum_minor,
        },
        "you": {"points": rule.points, "reward": rule.reward, "minimum_minor": rule.minimum_minor},
        "link": None,
        "code": None,
    }


def _state(
    tx: Tx, shop: Shop, member_id: int, programme: Programme, code: ReferralCode | None
) -> dict[str, Any]:
    shown = _offer(programme)
    if shown["enabled"] and code is not None:
        # The link leads friends here at once; the code takes money off when the shop has it.
        shown["link"] = sharing.link_to(shop, code.code)
        shown["code"] = code.code if code.state == "made" else None
    counted = referrals.counts(tx, shop.shop_id, member_id)
    sums = {"waiting": 0, "approved": 0, "not_counted": 0}
    for state, count in counted.items():
        sums[TOLD[state][0]] += count
    several = [_one(one) for one in referrals.of_member(tx, shop.shop_id, member_id, SHOWN)]
    return {**shown, "why_not": None, "counts": sums, "referrals": several}


def _one(one: Referred) -> dict[str, Any]:
    """One friend, without a word of who it is."""
    state, message = TOLD[one.state]
    return {
        "at": one.placed_at.strftime("%Y-%m-%d"),
        "state": state,
        "points": one.points,
        "counts_from": one.release_at.strftime("%Y-%m-%d")
        if one.state == "qualified" and one.release_at is not None
        else None,
        "message": _CAP if one.why == "cap" else message,
    }
