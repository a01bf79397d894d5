"""Questions: every order's survey question, when it is asked, how we know of the arrival, and why some are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

from plugin.domain.asking import may_mail
from plugin.pages.admin_frame import PAGE, Visit, arrive, page, pair
from plugin.pages.staff import Staff, link, staff_only
from plugin.store import asking, programmes
from plugin.store.db import to_ms

if TYPE_CHECKING:
    from plugin.pages.web import Web

SHOWS = {
    "all": "All",
    "waiting": "Waiting",
    "asked": "Asked",
    "answered": "Answered",
    "missed": "Not answered",
    "skipped": "Not asked",
}
TONES = {
    "waiting": "info",
    "asked": "info",
    "answered": "success",
    "missed": "warning",
    "withdrawn": "neutral",
}
BASES = {
    "delivered": "reported by the carrier",
    "platform": "as Shopify says",
    "handed_over": "handed over at the till",
    "estimated": "estimated from your transit times",
    "default": "assumed from the day of sending",
}
WAYS = {
    "domestic": "domestic parcel",
    "international": "parcel abroad",
    "pickup": "fetched",
    "local": "own delivery",
    "pos": "at the till",
}
REASONS = {
    "quiet_period": "Waits for the pause after the customer’s last question",
    "daily_limit": "Waits because the day’s limit was reached",
    "waking_hours": "Waits for the hours in which you ask",
    "looking_up": "Waits while Shopify is asked once more about the arrival",
    "opted_out": "The customer wants no questions",
    "not_this_order": "Not one of the orders you ask about",
    "not_sampled": "Not in the share that you ask",
    "asked_recently": "The customer was asked about another order, and the pause outlasted this question",
    "too_late": "It could not be asked in time",
    "more_to_come": "Something of the order is still to arrive",
    "cancelled": "The order was cancelled",
    "refunded": "The order was refunded in full",
    "returned": "Everything was sent back",
    "test": "A test order",
    "deleted": "The order was deleted",
    "disputed": "The payment is disputed",
    "not_paid": "The order is not paid",
    "no_customer": "The order has no customer any more",
    # As it was written before reasons were told apart.
    "cancelled_or_refunded": "The order was cancelled or refunded in full",
}


def register(app: Flask, web: Web) -> None:
    """Adds the page."""

    @app.get("/surveys/questions")
    @staff_only(web)
    def survey_questions(staff: Staff) -> Response:
        return _show(web, arrive(web, staff))


def _show(web: Web, visit: Visit) -> Response:
    shop_id = visit.shop.shop_id
    show = request.args.get("show", "all")
    show = show if show in SHOWS else "all"
    with web.db.read() as tx:
        rows = asking.page(tx, shop_id, show, pair(request.args.get("before", "")), PAGE + 1)
        programme = programmes.versions(tx, shop_id).latest
    older = None
    if len(rows) > PAGE:
        rows = rows[:PAGE]
        last = rows[-1].invitation
        older = link(
            "/surveys/questions", visit.shop.domain, before=f"{to_ms(last.due_at)}-{last.order_id}", show=show
        )
    survey = programme.survey if programme is not None else None
    return page(
        web, visit, "admin/questions.html", "Survey questions", show=show, shows=SHOWS, older=older,
        rows=[
            (one, survey is None or may_mail(survey, one.invitation.country, one.subscribed)) for one in rows
        ],
        first=not request.args.get("before"), tones=TONES, bases=BASES, ways=WAYS, reasons=REASONS,
        on=survey is not None and survey.enabled,
    )  # fmt: skip
