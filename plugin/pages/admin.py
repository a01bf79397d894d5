"""The merchant's pages inside Shopify's frame: a home page with the figures, and one member with every entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, render_template, request

from plugin.domain import nps
from plugin.flows import standing
from plugin.pages import explain
from plugin.pages.answers import Refusal, json_answer
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.install import opened
from plugin.pages.staff import Staff, frame_headers, frame_scripts, link, staff_only
from plugin.store import figures, ledger, members, programmes, queues, surveys
from plugin.store.shops import Shop, by_domain

if TYPE_CHECKING:
    from plugin.pages.web import Web

RETRY = "retry parked"
ENTRIES = 50
_HTML = "text/html; charset=utf-8"


def register(app: Flask, web: Web) -> None:
    """Adds the pages and the one form."""

    @app.get("/")
    @staff_only(web)
    def home(staff: Staff) -> Response:
        return _home(web, staff, opened(web, staff))

    @app.get("/members")
    @staff_only(web)
    def find_member(staff: Staff) -> Response:
        return _member(web, staff, opened(web, staff), request.args.get("id", "").strip())

    @app.get("/members/<member_id>")
    @staff_only(web)
    def member(staff: Staff, member_id: str) -> Response:
        return _member(web, staff, opened(web, staff), member_id)

    @app.post("/retry")
    @guard(FORM_TICKET)
    def retry() -> Response:
        return _retry(web)


def _home(web: Web, staff: Staff, shop: Shop) -> Response:
    with web.db.read() as tx:
        people = figures.members(tx, shop.shop_id)
        work = figures.queues(tx, shop.shop_id)
        scores = surveys.distribution(tx, shop.shop_id)
        parked = [
            ("webhook", topic, explain.reason(reason), at)
            for _, topic, reason, at in queues.inbox_parked(tx, shop.shop_id, 20)
        ]
        parked += [
            ("effect", kind, explain.reason(reason), at)
            for _, kind, reason, at in queues.outbox_parked(tx, shop.shop_id, 20)
        ]
        ready = programmes.versions(tx, shop.shop_id).latest is not None
    bands = {"promoter": 0, "passive": 0, "detractor": 0}
    for score, count in scores.items():
        bands[nps.band(score)] += count
    return _page(
        web,
        "admin/home.html",
        staff.shop,
        shop=shop,
        ready=ready,
        people=people,
        work=work,
        nps=nps.score(bands["promoter"], bands["passive"], bands["detractor"]),
        parked=parked,
        find=link("/members", staff.shop),
        retry=link("/retry", staff.shop),
        ticket=web.signer.form_ticket(staff.shop, staff.user_id, RETRY, web.wall_s()),
        done=request.args.get("done", "") if request.args.get("done", "").isdigit() else "",
    )


def _member(web: Web, staff: Staff, shop: Shop, text: str) -> Response:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refusal("Give the customer's number, as in the address of the customer's page in Shopify.",
                      code="invalid_member", status=400)  # fmt: skip
    before = request.args.get("before", "")
    below = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    with web.db.read() as tx:
        member_id = members.resolved(tx, shop.shop_id, int(text))
        state = standing.of_member(tx, shop, member_id, web.now())
        if state is None:
            raise Refusal("There is no member with this number. Check it in Shopify's list of customers.",
                          code="no_such_member", status=404)  # fmt: skip
        lines = ledger.history(tx, shop.shop_id, member_id, before=below, limit=ENTRIES)
    older = (
        link(f"/members/{member_id}", staff.shop, before=lines[-1].entry_id)
        if len(lines) == ENTRIES
        else None
    )
    return _page(
        web,
        "admin/member.html",
        staff.shop,
        state=state,
        member=state.member,
        tier=state.programme.tier(state.member.tier) if state.programme else None,
        kinds=explain.KINDS,
        entries=[(line, explain.entry(line)) for line in lines],
        older=older,
    )


def _retry(web: Web) -> Response:
    """Puts every parked row of the shop back in line, then goes back to the home page."""
    ticket = web.signer.read_form_ticket(request.form.get("ticket", ""), RETRY, web.wall_s())
    if ticket is None:
        raise Refusal("This page has been open for too long. Reload it and press the button again.",
                      code="invalid_ticket", status=403)  # fmt: skip
    with web.db.write() as tx:
        shop = by_domain(tx, ticket.shop)
        if shop is None or shop.state != "installed":
            raise Refusal("This shop does not run the app any more.", code="shop_not_installed", status=404)
        count = queues.inbox_retry(tx, shop.shop_id, None, web.now())
        count += queues.effect_retry(tx, shop.shop_id, None, web.now())
    answer = json_answer({"retried": count}, 303)
    answer.headers["Location"] = web.config.app_url + link("/", ticket.shop, done=count)
    answer.headers.extend(frame_headers(ticket.shop, web.config))
    return answer


def _page(web: Web, template: str, domain: str, **values: Any) -> Response:
    text = render_template(
        template, **frame_scripts(web.config), home=link("/", domain), domain=domain, **values
    )
    return Response(text, content_type=_HTML)


def message_page(title: str, message: str, status: int) -> Response:
    """A page that says one thing, such as an error; framed by the shop only if it was proved who asks."""
    answer = Response(
        render_template("admin/message.html", title=title, message=message), status, content_type=_HTML
    )
    answer.headers.extend(g.get("frame", {"Content-Security-Policy": _MESSAGE}))
    return answer


_MESSAGE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors https://admin.shopify.com"
