"""API, memberships: taking a member out of the programme or back in, and keeping one from redeeming."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from plugin.flows import memberships as flow
from plugin.flows.memberships import CannotChange, Change
from plugin.pages.api.members import known
from plugin.pages.api.route import Body, Call, Fault, Id, Route, Text
from plugin.store import freezes, members


class Membership(Struct, frozen=True):
    """Whether somebody is a member, and since when they may not redeem; null: they may."""

    member_id: Id
    status: str
    frozen_since: datetime | None


class MembershipChange(Body, frozen=True):
    """What to do. A freeze asks for a reason, which is shown to staff."""

    change: Change
    reason: Text = ""


def get_membership(call: Call, _: None) -> Membership:
    member_id = known(call, call.path["member_id"])
    member = members.by_id(call.tx, call.shop_id, member_id)
    assert member is not None
    frozen = freezes.of_member(call.tx, call.shop_id, member_id)
    return Membership(str(member_id), member.status, frozen.since if frozen else None)


def change_membership(call: Call, wish: MembershipChange) -> Membership:
    member_id = known(call, call.path["member_id"])
    try:
        flow.change(call.tx, call.shop, member_id, wish.change, wish.reason, call.actor, call.now)
    except CannotChange as error:
        field = "reason" if error.code == "no_reason" else ""
        raise Fault(error.message, code=error.code, status=error.status, field=field) from error
    return get_membership(call, None)


ROUTES = (
    Route("GET", "/members/{member_id}/membership", "read_members", get_membership,
          "Whether somebody is a member and may redeem", answer=Membership),
    Route("POST", "/members/{member_id}/membership", "write_members", change_membership,
          "Takes a member out or back in, freezes or unfreezes one", given=MembershipChange, answer=Membership),
)  # fmt: skip
