"""What a member did beside buying, as the merchant reads it, refusals with their reason; and the member's birthday."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from plugin.domain.actions import WHY_NOT
from plugin.flows import birthdays as birthday_flow
from plugin.flows.birthdays import CannotSet
from plugin.pages import explain
from plugin.pages.admin_frame import Visit, admitted, go, number, ticket
from plugin.pages.answers import Refusal
from plugin.pages.guards import FORM_TICKET, guard
from plugin.store import actions, birthdays
from plugin.store.db import Tx

if TYPE_CHECKING:
    from plugin.pages.web import Web

SHOWN = 50
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
OUTCOMES = {"earned": "Earned", "refused": "Refused", "taken_back": "Taken back"}


def register(app: Flask, web: Web) -> None:
    """Adds the form that sets a member's birthday."""

    @app.post("/members/<member_id>/birthday")
    @guard(FORM_TICKET)
    def set_birthday(member_id: str) -> Response:
        return _set(web, member_id)


def of_member(web: Web, visit: Visit, tx: Tx, member_id: int) -> dict[str, Any]:
    """What the member's page shows of actions and birthday."""
    known = birthdays.of_member(tx, visit.shop.shop_id, member_id)
    return {
        "deeds": [
            (
                one,
                explain.ACTIONS[one.kind],
                OUTCOMES[one.outcome],
                WHY_NOT[one.reason][1] if one.reason else "",
            )
            for one in actions.of_member(tx, visit.shop.shop_id, member_id, SHOWN)
        ],
        "birthday": known,
        "months": [(str(n), name) for n, name in enumerate(MONTHS, 1)],
        "days": [(str(n), str(n)) for n in range(1, 32)],
        "born": {"month": str(known.month), "day": str(known.day)} if known else {},
        "birthday_ticket": ticket(web, visit, _action(member_id)),
    }


def _action(member_id: int) -> str:
    return f"birthday {member_id}"


def _set(web: Web, text: str) -> Response:
    member_id = number(text)
    month, day = (number(request.form.get(name, "")) or 0 for name in ("month", "day"))
    if member_id is None:
        raise Refusal("There is no member with this number.", code="no_such_member", status=404)
    visit = admitted(web, _action(member_id))
    done = "birthday"
    with web.db.write(visit.shop.shop_id) as tx:
        try:
            birthday_flow.set_birthday(tx, visit.shop, member_id, month, day, web.now(), actor=visit.actor)
        except CannotSet as error:
            if error.code != "no_such_day":
                raise
            done = "noday"
    return go(web, visit, f"/members/{member_id}", done)
