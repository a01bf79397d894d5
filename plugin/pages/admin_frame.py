"""What every page of the admin shares: who visits, tickets for forms and downloads, addresses, figures for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from flask import Flask, Response, g, render_template, request

from plugin.domain.values import decimal_text
from plugin.pages import explain
from plugin.pages.answers import Refusal
from plugin.pages.install import opened
from plugin.pages.staff import Staff, carried_query, frame_headers, frame_scripts, link, nonce
from plugin.store.shops import Shop, by_domain, zone

if TYPE_CHECKING:
    from plugin.pages.web import Web

HTML = "text/html; charset=utf-8"
MAX_FORM_BYTES = 65_536
PAGE = 50
NAVIGATION = (
    ("Members", "/members"),
    ("Programme", "/programme"),
    ("Referrals", "/referrals"),
    ("Surveys", "/surveys"),
    ("Activity", "/activity"),
    ("Settings", "/settings"),
)
# What a redirect may say in the page it leads to; the number in the address fills the gap.
FLASHES = {
    "retried": "{n} back in line. They run within a minute.",
    "handed": "Marked as handed over.",
    "not_handed": "Done. The points are back with the member.",
    "extended": "Done. {n} points last longer now.",
    "extending": "It has begun, and goes on by itself. What it did stands below and under Activity.",
    "undone": "The code is being taken out of the shop. As soon as it is gone, the points are back.",
    "adjusted": "Done. The points are in the history below.",
    "repeated": "This form was sent before, and it acted then. Nothing was done twice.",
    "scheduled": "Version {n} is scheduled. Until then everything stays as it is.",
    "cancelled": "Version {n} is cancelled. Nothing of it came into force.",
    "published": "Version {n} is published. It applies to orders from now on.",
    "granted": "Done. The tier is granted.",
    "grant_ended": "Done. What they have earned themselves holds again.",
    "saved": "Saved.",
    "stopped": "Stopped.",
    "going_on": "It goes on.",
    "looked_at": "This is what the list would do. Nothing has changed yet.",
    "moving_in": "It has begun. Reload this page to see how far it is.",
    "reading_orders": "The reading of past orders has begun. Reload this page to see how far it is.",
    "correcting": "The correction has begun. The list below says how far it is.",
    "revoked": "The key is revoked. No program can use it any more.",
    "birthday": "The birthday is set. Below it stands when it earns.",
    "decided": "Decided. The reason stands beside it.",
    "noday": "There is no such day. The birthday was not changed.",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """A staff member at work in one installed shop."""

    shop: Shop
    user_id: int

    @property
    def actor(self) -> str:
        """How the ledger and the trail name them."""
        return f"staff:{self.user_id}"


def arrive(web: Web, staff: Staff) -> Visit:
    """The visit of a staff member who opened a page; installs the shop when that is still to be done."""
    return Visit(opened(web, staff), staff.user_id)


def ticket(web: Web, visit: Visit, action: str) -> str:
    """A ticket for one form or download of this page."""
    return web.signer.form_ticket(visit.shop.domain, visit.user_id, action, web.wall_s())


def limit_form(largest: int) -> None:
    """Takes at most so many bytes of a form. To be called before any of it is read."""
    request.max_content_length = request.max_form_memory_size = largest


def admitted(web: Web, action: str, *, text: str | None = None, largest: int = MAX_FORM_BYTES) -> Visit:
    """The visit behind a signed form or download link; the ticket alone says which shop. Raises Refusal."""
    limit_form(largest)
    given = request.form.get("ticket", "") if text is None else text
    found = web.signer.read_form_ticket(given, action, web.wall_s())
    if found is None:
        raise Refusal("This page has been open for too long. Reload it and try again.",
                      code="invalid_ticket", status=403)  # fmt: skip
    g.frame = frame_headers(found.shop, web.config)
    with web.db.read() as tx:
        shop = by_domain(tx, found.shop)
    if shop is None or shop.state != "installed":
        raise Refusal("This shop does not run the app any more.", code="shop_not_installed", status=404)
    return Visit(shop, found.user_id)


def page(web: Web, visit: Visit, template: str, title: str, status: int = 200, **values: Any) -> Response:
    """A page in the frame. `title` is its heading and the name of the tab."""
    shop = visit.shop
    g.zone = zone(shop.timezone)
    text = render_template(
        template,
        **frame_scripts(web.config),
        title=title,
        shop=shop,
        domain=shop.domain,
        nonce=nonce(),
        home=link("/", shop.domain),
        at_home=request.path == "/",
        navigation=[
            (name, link(path, shop.domain), request.path.startswith(path)) for name, path in NAVIGATION
        ],
        carried=hidden_query(shop.domain),
        flash=flash(),
        to=lambda path, **own: link(path, shop.domain, **own),
        admin_url=lambda path: admin_url(shop, path),
        form_ticket=lambda action: ticket(web, visit, action),
        **values,
    )
    answer = Response(text, status, content_type=HTML)
    answer.headers.extend(frame_headers(shop.domain, web.config))
    return answer


def hidden_query(domain: str) -> list[tuple[str, str]]:
    """What a form of method GET has to carry along, because it replaces the query of its address."""
    return sorted({**carried_query(), "shop": domain}.items())


def go(web: Web, visit: Visit, path: str, done: str, count: int | None = None, **own: object) -> Response:
    """Leads to a page after a form did its work, with one of FLASHES to say so."""
    said = done if count is None else f"{done}-{count}"
    answer = Response(status=303)
    answer.headers["Location"] = web.config.app_url + link(path, visit.shop.domain, done=said, **own)
    answer.headers.extend(frame_headers(visit.shop.domain, web.config))
    return answer


def flash() -> str:
    """The sentence that the address asks for; only ever one of ours."""
    name, _, number = request.args.get("done", "").partition("-")
    text = FLASHES.get(name, "")
    if "{n}" not in text:
        return text
    return text.format(n=f"{int(number):,}") if re.fullmatch("[0-9]{1,9}", number) else ""


def download(text: str | bytes, name: str, kind: str) -> Response:
    """A file to keep. `name` must be plain ASCII."""
    answer = Response(text, content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def pair(text: str) -> tuple[int, int] | None:
    """A key of two numbers as a list's address carries it, or None."""
    found = re.fullmatch(r"([0-9]{1,18})-([0-9]{1,18})", text)
    return (int(found[1]), int(found[2])) if found else None


def number(text: str) -> int | None:
    """A number of an address, or None."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def admin_url(shop: Shop, path: str) -> str:
    """A page of the shop's own admin, to be opened outside our frame."""
    return f"https://{shop.domain}/admin{path}"


def theme_links(web: Web, shop: Shop) -> dict[str, str]:
    """Deep links into the theme editor: switch the app embed on, add the product block.

    The form of both is Shopify's: https://shopify.dev/docs/apps/build/online-store/theme-app-extensions/configuration
    """
    key = web.config.api_key
    editor = "/themes/current/editor"
    embed = {"context": "apps", "template": "product", "activateAppId": f"{key}/launcher"}
    block = {"template": "product", "addAppBlockId": f"{key}/product-points", "target": "mainSection"}
    return {
        "embed": admin_url(shop, f"{editor}?{urlencode(embed, quote_via=quote, safe='/')}"),
        "block": admin_url(shop, f"{editor}?{urlencode(block, quote_via=quote, safe='/')}"),
    }


def full_name(first: str | None, last: str | None, member_id: int) -> str:
    """What to call a member: their name, or their number when we may not know it."""
    return " ".join(part for part in (first, last) if part) or f"Member {member_id}"


def in_words(app: Flask) -> None:
    """Teaches the templates how figures, money and moments read."""

    def day(at: datetime | None) -> str:
        return "" if at is None else f"{(there := at.astimezone(g.zone)).day}\u00a0{there:%b}\u00a0{there:%Y}"

    def moment(at: datetime | None) -> str:
        return "" if at is None else f"{day(at)}, {at.astimezone(g.zone):%H:%M}"

    def signed(n: float) -> str:
        whole = round(n)
        return f"{whole:+,}".replace("-", "−") if whole else "0"

    def money(minor: int, currency: str | None) -> str:
        whole, dot, rest = decimal_text(minor, currency or "CHF").partition(".")
        return f"{currency}\u00a0{int(whole):,}{dot}{rest}"

    filters: Mapping[str, Any] = {
        "day": day,
        "moment": moment,
        "money": money,
        "figure": lambda n: f"{n:,}",
        "signed": signed,
        "percent": lambda part, whole: f"{100 * part / whole:.1f}%",
        "plural": lambda n, one, many=None: f"{n:,} {one if n == 1 else many or one + 's'}",
    }
    app.jinja_env.filters.update(filters)
    app.jinja_env.filters["actor"] = explain.actor
    app.jinja_env.filters["staff_number"] = explain.staff_of
    app.jinja_env.globals["full_name"] = full_name
