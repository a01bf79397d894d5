"""Members: the list and its search, one member with every entry explained, and points given or taken by hand."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import msgspec
from flask import Flask, Response, request

from plugin.domain import reward_names
from plugin.flows import adjustments, memberships, privacy, standing
from plugin.flows.adjustments import CannotAdjust, Outcome
from plugin.pages import admin_actions, admin_tiers, explain
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
    pair,
    ticket,
)
from plugin.pages.admin_home import NEW_DAYS, worth
from plugin.pages.answers import Refusal
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.staff import Staff, link, staff_only
from plugin.store import (
    answers,
    asking,
    directory,
    figures,
    freezes,
    history,
    members,
    notes,
    programmes,
    redemptions,
)
from plugin.store.db import Tx, to_ms
from plugin.store.directory import Listed

if TYPE_CHECKING:
    from plugin.pages.web import Web

LISTS = {
    "active": "All members",
    "new": f"Joined in the last {NEW_DAYS} days",
    "points": "Most points",
    "waiting": "Bought, not joined",
}
CHANGES: tuple[memberships.Change, ...] = get_args(memberships.Change)
STATUS = {
    "active": "Member",
    "unclaimed": "Has not joined",
    "left": "Left",
    "redacted": "Erased",
    "merged": "Merged",
}


def register(app: Flask, web: Web) -> None:
    """Adds the lists, the member's page, its form in two steps, and the export."""

    @app.get("/members")
    @staff_only(web)
    def find_member(staff: Staff) -> Response:
        return _list(web, arrive(web, staff))

    @app.get("/orders")
    @staff_only(web)
    def member_orders(staff: Staff) -> Response:
        return _orders(web, arrive(web, staff))

    @app.get("/members/<member_id>")
    @staff_only(web)
    def member(staff: Staff, member_id: str) -> Response:
        return show_member(web, arrive(web, staff), _id(member_id))

    @app.post("/members/<member_id>/adjust")
    @guard(FORM_TICKET)
    def adjust(member_id: str) -> Response:
        return _foresee(web, _id(member_id))

    @app.post("/members/<member_id>/adjust/confirm")
    @guard(FORM_TICKET)
    def confirm(member_id: str) -> Response:
        return _adjust(web, _id(member_id))

    @app.post("/members/<member_id>/membership")
    @guard(FORM_TICKET)
    def change_membership(member_id: str) -> Response:
        return _change(web, _id(member_id))

    @app.get("/members/<member_id>/export")
    @guard(FORM_TICKET)
    def export(member_id: str) -> Response:
        return _export(web, _id(member_id))


def export_action(member_id: int) -> str:
    """The action of the ticket that a link to one member's data carries."""
    return f"export {member_id}"


def _id(text: str) -> int:
    found = number(text)
    if found is None:
        raise Refusal("Give the customer's number, as in the address of the customer's page in Shopify.",
                      code="invalid_member", status=400)  # fmt: skip
    return found


def _list(web: Web, visit: Visit) -> Response:
    text = request.args.get("q", "").strip()[:100]
    show = request.args.get("show", "active")
    show = show if show in LISTS else "active"
    with web.db.read() as tx:
        rows = _found(tx, visit, text) if text else _shown(tx, visit, show, web)
        held = directory.held(tx, visit.shop.shop_id, [row.member_id for row in rows], web.now())
        programme = programmes.versions(tx, visit.shop.shop_id).latest
        outstanding = figures.members(tx, visit.shop.shop_id).outstanding if show == "points" else 0
    older = None
    if len(rows) > PAGE:
        rows = rows[:PAGE]
        own = {"q": text} if text else {"show": show}
        older = link("/members", visit.shop.domain, before=_key(rows[-1], "q" if text else show), **own)
    return page(
        web, visit, "admin/members.html", "Members", rows=[(row, held[row.member_id]) for row in rows], q=text,
        show=show, lists=LISTS, status_words=STATUS, outstanding=outstanding, programme=programme,
        worth=worth(outstanding, programme), reward_title=reward_names.name_of,
        tiers={one.key: one.name for one in programme.tiers} if programme else {},
        older=older, first=not request.args.get("before"),
    )  # fmt: skip


def _found(tx: Tx, visit: Visit, text: str) -> list[Listed]:
    shop_id = visit.shop.shop_id
    found: list[Listed] = []
    if (customer_id := number(text)) is not None:
        one = members.by_id(tx, shop_id, members.resolved(tx, shop_id, customer_id))
        if one is not None and one.status != "merged":
            found = [Listed(one.member_id, one.status, one.first_name, one.last_name, one.email, one.joined_at,
                            one.created_at, one.posted, one.tier)]  # fmt: skip
    before = number(request.args.get("before", ""))
    return found or directory.starting_with(tx, shop_id, text, before, PAGE + 1)


def _shown(tx: Tx, visit: Visit, show: str, web: Web) -> list[Listed]:
    shop_id, text = visit.shop.shop_id, request.args.get("before", "")
    if show == "waiting":
        return directory.waiting(tx, shop_id, number(text), PAGE + 1)
    if show == "points":
        return directory.richest(tx, shop_id, pair(text), PAGE + 1)
    since = web.now() - timedelta(days=NEW_DAYS) if show == "new" else None
    return directory.joined(tx, shop_id, since, pair(text), PAGE + 1)


def _key(row: Listed, show: str) -> str:
    if show in ("q", "waiting"):
        return str(row.member_id)
    return f"{row.posted if show == 'points' else to_ms(row.joined_at)}-{row.member_id}"


def _orders(web: Web, visit: Visit) -> Response:
    show = "repeat" if request.args.get("show") == "repeat" else "all"
    with web.db.read() as tx:
        rows = directory.orders_of_members(
            tx, visit.shop.shop_id, pair(request.args.get("before", "")), PAGE + 1, repeat=show == "repeat"
        )
    older = None
    if len(rows) > PAGE:
        rows = rows[:PAGE]
        before = f"{to_ms(rows[-1].processed_at)}-{rows[-1].order_id}"
        older = link("/orders", visit.shop.domain, before=before, show=show)
    return page(web, visit, "admin/orders.html", "Members’ orders", rows=rows, show=show, older=older)


def show_member(
    web: Web,
    visit: Visit,
    customer_id: int,
    *,
    form: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    foreseen: Outcome | None = None,
    status: int = 200,
) -> Response:
    """A member's page, with a form of it as it was sent and what is wrong with it."""
    shop, now = visit.shop, web.now()
    with web.db.read() as tx:
        member_id = members.resolved(tx, shop.shop_id, customer_id)
        state = standing.of_member(tx, shop, member_id, now)
        if state is None:
            raise Refusal("There is no member with this number. Check it in Shopify's list of customers.",
                          code="no_such_member", status=404)  # fmt: skip
        before = number(request.args.get("before", ""))
        lines = history.page(tx, shop.shop_id, member_id, before=before, limit=PAGE + 1)
        said = notes.of_entries(tx, shop.shop_id, [line.entry_id for line in lines])
        lots = directory.open_lots(tx, shop.shop_id, member_id, 100)
        codes = redemptions.of_member(tx, shop.shop_id, member_id)
        frozen = freezes.of_member(tx, shop.shop_id, member_id)
        unasked = asking.members(tx, shop.shop_id, [member_id])[member_id].opted_out
        given = answers.of_member(tx, shop.shop_id, member_id)
        beside = admin_actions.of_member(web, visit, tx, member_id)
        past = members.tier_histories(tx, shop.shop_id, [member_id]).get(member_id, [])
        ladder = admin_tiers.shown(tx, visit, state, now)
    older = (
        link(f"/members/{member_id}", shop.domain, before=lines[PAGE - 1].entry_id)
        if len(lines) > PAGE
        else None
    )
    programme, one = state.programme, state.member
    key = (form or {}).get("key") or secrets.token_hex(12)
    action = f"adjust {member_id} {key}"
    if foreseen is not None and form is not None:
        action = _confirm_action(member_id, form)
    return page(
        web, visit, "admin/member.html", full_name(one.first_name, one.last_name, member_id), status,
        state=state, member=one, programme=programme, tier=programme.tier(one.tier) if programme else None,
        status_words=STATUS, tier_choices=[(step.key, step.name) for step in programme.tiers] if programme else [],
        **ladder,
        kinds=explain.KINDS, older=older, lots=lots, codes=codes, answers=given, past=past[::-1], now=now,
        reward_title=reward_names.name_of,
        entries=[(line, explain.entry(line, programme), said.get(line.entry_id)) for line in lines[:PAGE]],
        form=form or {}, errors=errors or {}, foreseen=foreseen, form_key=key, adjust_ticket=ticket(web, visit, action),
        states=explain.CODE_STATES, **beside, export=link(f"/members/{member_id}/export", shop.domain,
                                                ticket=ticket(web, visit, export_action(member_id))),
        limit=adjustments.MAX_POINTS, grant_ticket=ticket(web, visit, f"grant {member_id} {key}"), frozen=frozen,
        membership_action=f"membership {member_id}", unasked=unasked,
    )  # fmt: skip


def _change(web: Web, member_id: int) -> Response:
    """Freezes a member, takes one out or back in."""
    known: dict[str, memberships.Change] = {one: one for one in CHANGES}
    what = known.get(request.form.get("do", ""))
    visit = admitted(web, f"membership {member_id}")
    if what is None:
        raise Refusal("Choose one of the buttons of the page.", code="no_such_change", status=422)
    with web.db.write(visit.shop.shop_id) as tx:
        memberships.change(
            tx, visit.shop, member_id, what, request.form.get("reason", ""), visit.actor, web.now()
        )
    return go(web, visit, f"/members/{member_id}", "saved")


def _form() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in ("points", "direction", "reason", "key")}


def _points(form: dict[str, str]) -> int:
    """The signed number of the form. Raises CannotAdjust."""
    text = form["points"].replace(",", "").replace("’", "").replace("'", "")
    whole = number(text)
    if whole is None:
        raise CannotAdjust("Give a whole number of points, such as 50.", code="no_points", field="points")
    return -whole if form["direction"] == "take" else whole


def _confirm_action(member_id: int, form: dict[str, str]) -> str:
    # The ticket holds what was shown: another number or reason needs another look.
    return f"confirm {member_id} {form['key']} {form['direction']} {form['points']} {form['reason']}"


def _foresee(web: Web, member_id: int) -> Response:
    """The first step: says what would happen, and asks to confirm it."""
    request.max_content_length = 65_536
    form = _form()
    visit = admitted(web, f"adjust {member_id} {form['key']}")
    try:
        with web.db.read() as tx:
            foreseen = adjustments.foresee(
                tx, visit.shop, member_id, _points(form), form["reason"], web.now()
            )
    except CannotAdjust as error:
        if not error.field:
            raise
        return show_member(web, visit, member_id, form=form, errors={error.field: error.message}, status=422)
    return show_member(web, visit, member_id, form=form, foreseen=foreseen)


def _adjust(web: Web, member_id: int) -> Response:
    """The second step: does it, once."""
    request.max_content_length = 65_536
    form = _form()
    visit = admitted(web, _confirm_action(member_id, form))
    with web.db.write(visit.shop.shop_id) as tx:
        done = adjustments.adjust(
            tx, visit.shop, member_id, _points(form), form["reason"], form["key"], visit.actor, web.now()
        )
    return go(web, visit, f"/members/{member_id}", "adjusted" if done else "repeated")


def _export(web: Web, member_id: int) -> Response:
    visit = admitted(web, export_action(member_id), text=request.args.get("ticket", ""))
    with web.db.read() as tx:
        kept = members.resolved(tx, visit.shop.shop_id, member_id)
        everything = privacy.everything_of(tx, visit.shop, kept)
        said = notes.of_member(tx, visit.shop.shop_id, kept)
    if not everything:
        raise Refusal("There is no member with this number.", code="no_such_member", status=404)
    everything["notes"] = {str(entry_id): note for entry_id, note in said.items()}
    body = msgspec.json.format(msgspec.json.encode(everything), indent=2)
    return download(body, f"member-{kept}.json", "application/json")
