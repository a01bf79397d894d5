"""Referrals: the queue of those that a person decides, and the list of all of them with what became of each and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from flask import Flask, Response, request

from plugin.domain.referrals import REASONS, WHYS, State
from plugin.flows import referrals as flow
from plugin.flows.referrals import CannotDecide
from plugin.pages.admin_frame import PAGE, Visit, admitted, arrive, full_name, go, number, page, pair
from plugin.pages.answers import Refusal
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.staff import Staff, link, staff_only
from plugin.store import members, programmes, referrals
from plugin.store.db import to_ms

if TYPE_CHECKING:
    from plugin.pages.web import Web

PATH = "/referrals"
ACTION = "decide referrals"
SHOWS = {
    "review": "To decide",
    "qualified": "On the way",
    "waiting": "Not paid yet",
    "approved": "Rewarded",
    "rejected": "Refused",
    "cancelled": "Came to nothing",
    "all": "All",
}
TONES = {"review": "warning", "approved": "success", "rejected": "critical", "qualified": "info"}


def register(app: Flask, web: Web) -> None:
    """Adds the list and the form that decides."""

    @app.get(PATH)
    @staff_only(web)
    def referral_list(staff: Staff) -> Response:
        return _show(web, arrive(web, staff), request.args.get("show", "review"))

    @app.post(PATH)
    @guard(FORM_TICKET)
    def decide_referral() -> Response:
        return _decide(web)


def _show(web: Web, visit: Visit, show: str, wrong: tuple[int, str, str] | None = None) -> Response:
    """The page. `wrong`: (referral, what was written, what is wrong with it) of a form that came back."""
    shop_id = visit.shop.shop_id
    show = show if show in SHOWS else "review"
    with web.db.read() as tx:
        counts = referrals.counts(tx, shop_id)
        latest = programmes.versions(tx, shop_id).latest
        rows = referrals.page(
            tx,
            shop_id,
            None if show == "all" else cast("State", show),
            pair(request.args.get("before", "")),
            PAGE + 1,
        )
        people = members.load(tx, shop_id, {m for one in rows for m in (one.referrer_id, one.friend_id)})
    older = None
    if len(rows) > PAGE:
        rows = rows[:PAGE]
        before = f"{to_ms(rows[-1].placed_at)}-{rows[-1].referral_id}"
        older = link(PATH, visit.shop.domain, before=before, show=show)
    names = {
        member_id: full_name(one.first_name, one.last_name, member_id) for member_id, one in people.items()
    }
    return page(
        web, visit, "admin/referrals.html", "Referrals", 422 if wrong else 200, rows=rows, names=names, show=show,
        shows=SHOWS, tones=TONES, counts=counts, reasons=REASONS, whys=WHYS, older=older, action=ACTION,
        first=not request.args.get("before"), on=latest is not None and latest.referral.enabled,
        wrong=wrong,
    )  # fmt: skip


def _decide(web: Web) -> Response:
    visit = admitted(web, ACTION)
    referral_id, wish = number(request.form.get("referral", "")) or 0, request.form.get("do", "")
    note, show = request.form.get("note", "")[:2000], request.form.get("show", "review")
    if wish not in ("approved", "rejected"):
        raise Refusal("Choose to count it or to refuse it.", code="no_such_decision", status=422)
    decision: Literal["approved", "rejected"] = "approved" if wish == "approved" else "rejected"
    try:
        with web.db.write(visit.shop.shop_id) as tx:
            flow.decide(tx, visit.shop, referral_id, decision, note, visit.actor, web.now())
    except CannotDecide as error:
        if error.code != "no_reason":
            raise
        return _show(web, visit, show, (referral_id, note, error.message))
    return go(web, visit, PATH, "decided", show=show if show in SHOWS else "review")
