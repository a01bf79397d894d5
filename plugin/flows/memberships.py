"""Memberships flow: staff freeze a member, take one out of the programme or back in, each with a trace in the trail."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from plugin.errors import RegularsError
from plugin.flows import members as member_flow
from plugin.flows.adjustments import MAX_REASON
from plugin.flows.spending import mirror_of, tags_of
from plugin.store import asking, events, freezes, members, programmes, queues
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.shops import Shop

Change = Literal["freeze", "unfreeze", "opt_out", "opt_in", "ask_no_more", "ask_again"]
_KINDS: dict[Change, str] = {
    "freeze": "member_frozen",
    "unfreeze": "member_unfrozen",
    "opt_out": "member_opted_out",
    "opt_in": "member_opted_in",
    "ask_no_more": "member_asked_no_more",
    "ask_again": "member_asked_again",
}


class CannotChange(RegularsError):
    """The membership was not changed."""

    code = "cannot_change_membership"
    status = 409


def change(tx: Tx, shop: Shop, member_id: int, what: Change, reason: str, actor: str, now: datetime) -> bool:
    """Changes a membership; False when it is so already.

    A frozen member sees and earns points and cannot redeem; their codes stay good. Who is taken out earns nothing
    to spend: points of their orders wait as a customer's do, and what they had is there again when they are back.
    Who is asked no more gets no survey question, however they shop.
    Raises CannotChange (codes: no_such_member, not_a_member, forgotten, no_reason).
    """
    member = members.by_id(tx, shop.shop_id, member_id)
    if member is None or member.status == "merged":
        raise CannotChange("There is no member with this number.", code="no_such_member", status=404)
    if member.status == "redacted":
        raise CannotChange("This person asked to be forgotten.", code="forgotten")
    if what == "freeze":
        if not reason.strip():
            raise CannotChange("Say why, in a few words.", code="no_reason", status=422)
        done = freezes.put(tx, shop.shop_id, member_id, actor, reason.strip()[:MAX_REASON], now)
    elif what == "unfreeze":
        done = freezes.lift(tx, shop.shop_id, [member_id])
    elif what in ("ask_no_more", "ask_again"):
        done = asking.unask(tx, shop.shop_id, member_id, now if what == "ask_no_more" else None)
    elif what == "opt_out":
        done = member.status == "active"
        if done:
            members.set_status(tx, shop.shop_id, member_id, "left")
    else:
        done = member.status in ("left", "unclaimed")
        programme = programmes.versions(tx, shop.shop_id).latest
        if done and programme is None:
            raise CannotChange("The shop is still being set up.", code="not_a_member")
        if done and programme is not None:
            member_flow.activate(tx, shop, programme, member, member_id, None, now)
    if done:
        events.record(tx, shop.shop_id, [Event(now, actor, _KINDS[what], f"member:{member_id}", {})])
        queues.enqueue(tx, shop.shop_id, [mirror_of(member_id), tags_of(member_id)], now)
    return done
