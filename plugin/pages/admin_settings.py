"""Settings: who counts as a member, what we may do in the shop, links to the theme editor, one member's data."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from plugin.domain import programme as rules
from plugin.domain.programme import Programme
from plugin.flows import merchants
from plugin.pages.admin_frame import (
    Visit,
    admitted,
    arrive,
    full_name,
    go,
    number,
    page,
    theme_links,
    ticket,
)
from plugin.pages.admin_members import export_action
from plugin.pages.admin_programme import in_force
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.staff import Staff, link, staff_only
from plugin.store import members, onboarding, programmes

if TYPE_CHECKING:
    from plugin.pages.web import Web

MEMBERSHIP = "save membership"
POLICIES = {
    "joined": "Customers who join",
    "all": "Every customer, at once",
    "tag": "Customers with a tag",
}
MAX_TAG = 100
# Why we ask for each scope of app.toml.
REASONS = {
    "read_orders": "Orders, refunds and cancellations: what points are computed from",
    "read_products": "Which product a line of an order is",
    "read_fulfillments": "Parcels and their delivery: when points open and the question is asked",
    "read_returns": "Returns take back the points of what came back",
    "write_customers": "Who a customer is; their balance and the tag of their tier",
    "read_customer_merge": "When two customers become one, so do their points",
    "write_discounts": "The discount code that a member redeems points for",
    "write_gift_cards": "The gift card that a member redeems points for",
    "read_store_credit_accounts": "Whether store credit was given, when Shopify’s answer got lost",
    "write_store_credit_account_transactions": "The store credit that a member redeems points for",
    "write_metaobjects": "Answers to the survey, kept in your own admin",
    "write_app_proxy": "The address in your shop where members see their points",
}


def register(app: Flask, web: Web) -> None:
    """Adds the page and the form of the membership."""

    @app.get("/settings")
    @staff_only(web)
    def settings(staff: Staff) -> Response:
        return _show(web, arrive(web, staff))

    @app.post("/settings/membership")
    @guard(FORM_TICKET)
    def membership() -> Response:
        return _membership(web)


def granted(scopes: str) -> set[str]:
    """The scopes of a shop; a write scope contains reading the same thing, as Shopify counts it."""
    given = {scope.strip() for scope in scopes.split(",") if scope.strip()}
    return given | {f"read_{scope.removeprefix('write_')}" for scope in given if scope.startswith("write_")}


def _show(
    web: Web,
    visit: Visit,
    given: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    shop, asked = visit.shop, request.args.get("id", "").strip()
    with web.db.read() as tx:
        latest = programmes.versions(tx, shop.shop_id).latest
        steps = onboarding.steps(tx, shop.shop_id)
        found = None
        if (customer_id := number(asked)) is not None:
            found = members.by_id(tx, shop.shop_id, members.resolved(tx, shop.shop_id, customer_id))
    export = None
    if found is not None:
        signed = ticket(web, visit, export_action(found.member_id))
        export = link(f"/members/{found.member_id}/export", shop.domain, ticket=signed)
    held = granted(shop.scopes)
    values = given or {
        "membership": latest.membership if latest else "joined",
        "membership_tag": (latest.membership_tag or "") if latest else "",
        "base": str(latest.version) if latest else "0",
    }
    return page(
        web, visit, "admin/settings.html", "Settings", status,
        latest=latest, values=values, errors=errors or {}, policies=POLICIES, membership_action=MEMBERSHIP,
        scopes=[(scope, REASONS.get(scope, ""), scope in held) for scope in web.scopes],
        theme=theme_links(web, shop), steps=steps,
        version=version("regulars"), api_version=web.config.api_version, asked=asked, export=export,
        found_name=full_name(found.first_name, found.last_name, found.member_id) if found else "",
    )  # fmt: skip


def _membership(web: Web) -> Response:
    """Publishes the membership as a new version of the programme; nothing else of it changes."""
    visit = admitted(web, MEMBERSHIP)
    given = {name: request.form.get(name, "").strip() for name in ("membership", "membership_tag", "base")}
    errors: dict[str, str] = {}
    with web.db.write(visit.shop.shop_id) as tx:
        latest = in_force(tx, visit)
        draft = _drafted(latest, given, errors)
        if given["base"] != str(latest.version):
            errors.setdefault(
                "membership", "The programme was changed meanwhile. Reload the page and look again."
            )
        if not errors and draft != latest:
            merchants.publish(tx, visit.shop, draft, visit.actor, web.now())
    if errors:
        return _show(web, visit, given, errors, status=422)
    return go(web, visit, "/settings", "saved")


def _drafted(latest: Programme, given: dict[str, str], errors: dict[str, str]) -> Programme:
    policy, tag = given["membership"], given["membership_tag"]
    if policy not in POLICIES:
        errors["membership"] = "Choose one of the list."
        return latest
    if len(tag) > MAX_TAG or "," in tag:
        errors["membership_tag"] = f"A tag has at most {MAX_TAG} characters and no comma."
        return latest
    draft = replace(
        latest,
        membership=policy,  # type: ignore[arg-type]  # it was just found among the POLICIES
        membership_tag=tag or None,
    )
    errors.update((where, said) for where, said in rules.problems(draft) if where.startswith("membership"))
    return draft
