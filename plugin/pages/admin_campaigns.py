"""Campaigns: what each one gave, what that is worth, and the very orders behind it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from plugin.domain.earning.campaigns import CAMPAIGN
from plugin.insights import campaigns as insights
from plugin.pages.admin_frame import PAGE, Visit, arrive, number, page, pair
from plugin.pages.admin_home import worth
from plugin.pages.admin_programme import in_force
from plugin.pages.answers import Refusal
from plugin.pages.staff import Staff, link, staff_only
from plugin.store import campaigns
from plugin.store.db import moment, to_ms

if TYPE_CHECKING:
    from plugin.pages.web import Web


def register(app: Flask, web: Web) -> None:
    """Adds the list of campaigns and the orders of one."""

    @app.get("/campaigns")
    @staff_only(web)
    def campaigns_so_far(staff: Staff) -> Response:
        return _list(web, arrive(web, staff))

    @app.get("/campaigns/orders")
    @staff_only(web)
    def orders_of_campaign(staff: Staff) -> Response:
        return _orders(web, arrive(web, staff))


def _list(web: Web, visit: Visit) -> Response:
    with web.db.read() as tx:
        latest = in_force(tx, visit)
        found = insights.results(tx, visit.shop.shop_id)
    now = web.now()
    rows = [
        (one, worth(one.points, latest), _state(one, one.campaign in latest.campaigns, now)) for one in found
    ]
    return page(
        web, visit, "admin/campaigns.html", "Campaigns", rows=rows, currency=latest.currency, ms=to_ms
    )


def _state(one: insights.Result, planned: bool, now: datetime) -> tuple[str, str]:
    """A word and its tone."""
    if one.until <= now:
        return "Over", "neutral"
    if not planned:
        return "Taken out", "neutral"
    return ("Runs", "success") if one.since <= now else ("Planned", "info")


def _orders(web: Web, visit: Visit) -> Response:
    key, since = request.args.get("campaign", ""), number(request.args.get("since", ""))
    shop_id = visit.shop.shop_id
    with web.db.read() as tx:
        latest = in_force(tx, visit)
        one = insights.result(tx, shop_id, key, moment(since)) if since is not None else None
        if one is None:
            raise Refusal("There is no such campaign. Look at the list of campaigns.",
                          code="no_such_campaign", status=404)  # fmt: skip
        before = pair(request.args.get("before", ""))
        rows = campaigns.orders(tx, shop_id, CAMPAIGN + key, one.since, one.until, before, PAGE + 1)
    older = None
    if len(rows) > PAGE:
        rows = rows[:PAGE]
        below = f"{to_ms(rows[-1].processed_at)}-{rows[-1].order_id}"
        older = link("/campaigns/orders", visit.shop.domain, campaign=key, since=since, before=below)
    return page(
        web, visit, "admin/campaign.html", one.campaign.name, one=one, rows=rows, older=older, since=since,
        worth=worth(one.points, latest), currency=latest.currency, first=before is None,
    )  # fmt: skip
