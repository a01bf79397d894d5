"""Activity: what is stuck and how to try it again, how the queues are, what happened, and customers' data requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

from plugin.domain import reward_names
from plugin.pages import explain
from plugin.pages.admin_frame import (
    PAGE,
    Visit,
    admitted,
    arrive,
    download,
    full_name,
    go,
    number,
    page,
    ticket,
)
from plugin.pages.admin_handing import HANDING, LIMIT
from plugin.pages.answers import Refusal
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.staff import Staff, link, staff_only
from plugin.store import directory, figures, programmes, queues, redemptions, trail

if TYPE_CHECKING:
    from plugin.pages.web import Web

RETRY = "retry parked"
PARKED = 50
REQUESTS = 50


def register(app: Flask, web: Web) -> None:
    """Adds the page, the retry form, and the answers to data requests."""

    @app.get("/activity")
    @staff_only(web)
    def activity(staff: Staff) -> Response:
        return _show(web, arrive(web, staff))

    @app.post("/retry")
    @guard(FORM_TICKET)
    def retry() -> Response:
        return _retry(web)

    @app.get("/activity/data-request")
    @guard(FORM_TICKET)
    def data_request() -> Response:
        return _data_request(web)


def _show(web: Web, visit: Visit) -> Response:
    shop_id, domain = visit.shop.shop_id, visit.shop.domain
    before = number(request.args.get("before", ""))
    with web.db.read() as tx:
        stuck = trail.parked(tx, shop_id, PARKED)
        work = figures.queues(tx, shop_id)
        waits_since = figures.shop_waits_since(tx, shop_id)
        events = [(event_id, event, explain.member_of(event.subject))
                  for event_id, event in trail.events(tx, shop_id, before, PAGE + 1)]  # fmt: skip
        requests = trail.data_requests(tx, shop_id, REQUESTS)
        handing = redemptions.waiting(tx, shop_id, LIMIT)
        met = {one for _, _, one in events} | {one.member_id for one in requests}
        met |= {one.member_id for one in handing}
        names = directory.names(tx, shop_id, [one for one in met if one is not None])
        programme = programmes.versions(tx, shop_id).latest
    older = link("/activity", domain, before=events[PAGE - 1][0]) if len(events) > PAGE else None
    return page(
        web, visit, "admin/activity.html", "Activity", work=work, waits_since=waits_since, now=web.now(),
        stuck=[(row, explain.work(row.queue, row.kind), explain.reason(row.reason), explain.technical(row.reason))
               for row in stuck],
        events=[(event, explain.event(event, programme), member) for _, event, member in events[:PAGE]],
        names={one: full_name(*names.get(one, (None, None)), one) for one in met if one is not None},
        requests=[(one, link("/activity/data-request", domain, key=one.key,
                             ticket=ticket(web, visit, _answer_action(one.key)))) for one in requests],
        older=older, first=before is None, retry_action=RETRY, handing_action=HANDING,
        handing=[(one, reward_names.name_of(one.reward, visit.shop.currency or "")) for one in handing],
    )  # fmt: skip


def _retry(web: Web) -> Response:
    """Puts one group of parked rows back in line, or every row of the shop, then goes back."""
    visit = admitted(web, RETRY)
    shop_id, now = visit.shop.shop_id, web.now()
    queue, key = request.form.get("queue", ""), request.form.get("key", "")[:300]
    if queue not in ("", "webhook", "effect") or bool(queue) is not bool(key):
        raise Refusal("Say which row to try again.", code="invalid_row", status=400)
    with web.db.write(shop_id) as tx:
        count = 0
        if queue in ("", "webhook"):
            count += queues.inbox_retry(tx, shop_id, key or None, now)
        if queue in ("", "effect"):
            count += queues.effect_retry(tx, shop_id, key or None, now)
    return go(web, visit, "/activity", "retried", count)


def _answer_action(key: str) -> str:
    return f"data request {key}"


def _data_request(web: Web) -> Response:
    key = request.args.get("key", "")[:200]
    visit = admitted(web, _answer_action(key), text=request.args.get("ticket", ""))
    with web.db.read() as tx:
        answer = trail.data_answer(tx, visit.shop.shop_id, key)
    if answer is None:
        raise Refusal("There is no answer to this request any more.", code="no_such_request", status=404)
    name = "".join(c for c in key if c.isascii() and c.isalnum())[-30:]
    return download(answer, f"data-request-{name}.json", "application/json")
