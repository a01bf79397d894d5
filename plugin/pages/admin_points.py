"""Points of members kept and brought back: an unused code undone by staff, points made to last longer."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from plugin.flows import expiring, spending
from plugin.flows.expiring import CannotExtend
from plugin.pages.admin_frame import Visit, admitted, arrive, go, number, page
from plugin.pages.admin_members import show_member
from plugin.pages.answers import Refusal
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.staff import Staff, staff_only
from plugin.store import expiries, members, programmes, shops

if TYPE_CHECKING:
    from plugin.pages.web import Web

EXTEND_ALL = "extend all"
RUNS = 20


def register(app: Flask, web: Web) -> None:
    """Adds the forms of a member's page, and the page and form for everybody's points."""

    @app.post("/members/<member_id>/codes/<redemption_id>/undo")
    @guard(FORM_TICKET)
    def undo_code(member_id: str, redemption_id: str) -> Response:
        return _undo(web, _id(member_id), _id(redemption_id))

    @app.post("/members/<member_id>/extend")
    @guard(FORM_TICKET)
    def extend_member(member_id: str) -> Response:
        return _extend(web, _id(member_id))

    @app.get("/expiry")
    @staff_only(web)
    def extensions(staff: Staff) -> Response:
        return _show(web, arrive(web, staff), {}, {})

    @app.post("/expiry")
    @guard(FORM_TICKET)
    def extend_all() -> Response:
        return _extend_all(web)


def _id(text: str) -> int:
    found = number(text)
    if found is None:
        raise Refusal("Open the member's page again and use its buttons.", code="invalid_id", status=400)
    return found


def _undo(web: Web, member_id: int, redemption_id: int) -> Response:
    """One click: the code leaves the shop, and its points come back in the same job."""
    visit = admitted(web, f"undo {member_id} {redemption_id}")
    with web.db.write(visit.shop.shop_id) as tx:
        kept = members.resolved(tx, visit.shop.shop_id, member_id)
        spending.undo(tx, visit.shop, kept, redemption_id, web.now(), by="by_shop")
    return go(web, visit, f"/members/{member_id}", "undone")


def _extend(web: Web, member_id: int) -> Response:
    visit, form = admitted(web, f"extend {member_id}"), _form()
    try:
        with web.db.write(visit.shop.shop_id) as tx:
            kept = members.resolved(tx, visit.shop.shop_id, member_id)
            points = expiring.extend(tx, visit.shop, kept, _end(visit, form), visit.actor, web.now())
    except CannotExtend as error:
        if not error.field:
            raise
        return show_member(web, visit, member_id, form=form, errors={error.field: error.message}, status=422)
    return go(web, visit, f"/members/{member_id}", "extended", points)


def _show(
    web: Web, visit: Visit, form: dict[str, str], errors: dict[str, str], status: int = 200
) -> Response:
    with web.db.read() as tx:
        programme = programmes.versions(tx, visit.shop.shop_id).latest
        runs = expiries.newest(tx, visit.shop.shop_id, "extend", RUNS)
    tiers = [(tier.key, tier.name) for tier in programme.tiers] if programme else []
    return page(
        web, visit, "admin/expiry.html", "Let points last longer", status, form=form, errors=errors, runs=runs,
        whose=[("", "All members"), *tiers], names=dict(tiers), action=EXTEND_ALL,
    )  # fmt: skip


def _extend_all(web: Web) -> Response:
    visit, form = admitted(web, EXTEND_ALL), _form()
    try:
        with web.db.write(visit.shop.shop_id) as tx:
            expiring.extend_all(
                tx, visit.shop, form["tier"] or None, _end(visit, form), visit.actor, web.now()
            )
    except CannotExtend as error:
        return _show(web, visit, form, {error.field: error.message}, 422)
    return go(web, visit, "/expiry", "extending")


def _form() -> dict[str, str]:
    return {name: request.form.get(name, "").strip()[:40] for name in ("ends_at", "tier")}


def _end(visit: Visit, form: dict[str, str]) -> datetime:
    """The end of the day that was given, where the shop is. Raises CannotExtend."""
    try:
        day = date.fromisoformat(form["ends_at"])
        return datetime.combine(day, time(23, 59, 59), shops.zone(visit.shop.timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CannotExtend(
            "Write a day as year-month-day, such as 2027-01-31.", code="no_day", field="ends_at"
        ) from None
