"""Rewards that the merchant hands over: marks one as done, or gives its points back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

from plugin.flows import cards
from plugin.pages.admin_frame import admitted, go, number
from plugin.pages.answers import Refusal
from plugin.pages.guards import FORM_TICKET, guard

if TYPE_CHECKING:
    from plugin.pages.web import Web

HANDING = "hand over"
LIMIT = 50


def register(app: Flask, web: Web) -> None:
    """Adds the form that Activity shows beside each reward that waits."""

    @app.post("/activity/handing")
    @guard(FORM_TICKET)
    def handing() -> Response:
        return _decide(web)


def _decide(web: Web) -> Response:
    visit = admitted(web, HANDING)
    redemption_id, decision = number(request.form.get("redemption", "")), request.form.get("decision")
    if redemption_id is None or decision not in ("done", "refused"):
        raise Refusal("Say which reward, and what became of it.", code="invalid_decision", status=400)
    with web.db.write(visit.shop.shop_id) as tx:
        cards.hand_over(
            tx, visit.shop, redemption_id, done=decision == "done", actor=visit.actor, now=web.now()
        )
    return go(web, visit, "/activity", "handed" if decision == "done" else "not_handed")
