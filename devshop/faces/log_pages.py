"""The log for developers: webhooks, Admin API, app proxy and tokens; metafields; faults and mischief on demand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from devshop.faces.storefront import back
from devshop.journal import KINDS, readable
from devshop.records import Delivery

if TYPE_CHECKING:
    from devshop.shop import DevPlatform

SHOWN = 80
# What a switch of the page means in faults: kind, what it hits, how often, seconds.
FAULTS = {
    "throttle": ("throttle", "graphql", 3, 0.0, "The next 3 Admin API calls are throttled."),
    "error": ("http_500", "graphql", 3, 0.0, "The next 3 Admin API calls answer 500."),
    "timeout": (
        "timeout_before",
        "graphql",
        1,
        0.0,
        "The next Admin API call gets no answer and does nothing.",
    ),
    "lost": ("timeout_after", "graphql", 1, 0.0, "The next Admin API call acts, but its answer is lost."),
    "slow": ("slow", "graphql", 5, 2.0, "The next 5 Admin API calls take 2 seconds longer."),
    "tokens": ("http_503", "access_token", 2, 0.0, "The next 2 token requests answer 503."),
}


def register(site: Blueprint, platform: DevPlatform) -> None:
    """Adds the log, its details and its switches."""

    @site.get("/shop-admin/log")
    def log() -> str:
        kind = request.args.get("kind")
        return render_template(
            "log.html",
            page_title="Log",
            entries=platform.journal.entries(g.shop.domain, kind if kind in KINDS else None)[:SHOWN],
            kinds=KINDS,
            kind=kind,
            faults=FAULTS,
            pending=platform.faults.pending,
            holding=platform.hold_webhooks,
            queue=platform.queue,
            failed=platform.failed,
        )

    @site.get("/shop-admin/log/<int:number>")
    def log_entry(number: int) -> str:
        entry = platform.journal.entry(number)
        if entry is None or entry.shop != g.shop.domain:
            abort(404, "This entry is not kept any more.")
        return render_template(
            "log_entry.html",
            page_title=entry.title,
            entry=entry,
            sent=readable(entry.sent),
            answered=readable(entry.answered),
        )

    @site.get("/shop-admin/metafields")
    def metafields() -> str:
        record = g.shop.desk.shop
        wanted = request.args.get("q", "").strip()
        found = [one for one in record.metafields.values() if wanted in f"{one.owner} {one.key} {one.value}"]
        return render_template(
            "metafields.html",
            page_title="Metafields",
            fields=sorted(found, key=lambda one: one.updated_at, reverse=True)[:SHOWN],
            objects=sorted(record.metaobjects.values(), key=lambda one: one.updated_at, reverse=True)[:SHOWN],
            total=len(found),
            wanted=wanted,
            own=f"app--{platform.app.app_id}",
            customers={f"gid://shopify/Customer/{number}": one for number, one in record.customers.items()},
        )

    @site.post("/shop-admin/log")
    def mischief() -> Answer:
        _act(platform, request.form.get("action", ""))
        return redirect(back() if request.form.get("return_to") else url_for("faces.log"))


def _act(platform: DevPlatform, action: str) -> None:
    """One of the switches of the log."""
    if action in FAULTS:
        kind, match, times, seconds, text = FAULTS[action]
        platform.faults.add(kind, match, times, seconds=seconds)
        flash(text, "done")
    elif action == "calm":
        platform.faults.clear()
        flash("No more faults.", "done")
    elif action == "hold":
        platform.hold_webhooks = True
        flash("Webhooks are held back until you send them.", "done")
    elif action in ("release", "shuffle"):
        count = len(platform.queue)
        platform.hold_webhooks = False
        if action == "shuffle":
            attempts = platform.flush(shuffle=random.Random(), duplicate=0.5)
            flash(f"{count} webhooks went out shuffled, {len(attempts) - count} of them twice.", "done")
        else:
            platform.waiting.set()
            flash(f"{count} webhooks are going out.", "done")
    elif action == "retry":
        flash(f"{len(platform.retry_failed())} failed webhooks were tried again.", "done")
    elif action in ("resend", "resend_shuffled"):
        _resend(platform, action == "resend_shuffled")
    elif action == "clear":
        platform.journal.clear()
    else:
        abort(400, "There is no such switch.")


def _resend(platform: DevPlatform, shuffled: bool) -> None:
    """One webhook again by its number in the log, or all of an order in a new order, under their old ids."""
    number, order = request.form.get("number", ""), request.form.get("order", "")
    found: dict[str, Delivery] = {}
    for entry in platform.journal.entries(g.shop.domain, "webhook"):
        delivery = entry.delivery
        if delivery is None or (number and str(entry.number) != number):
            continue
        if not order or (order.isdigit() and order.encode() in delivery.body):
            found.setdefault(delivery.webhook_id, delivery)
    several = list(reversed(found.values()))
    if shuffled:
        random.shuffle(several)
    attempts = platform.send_again(several)
    good = sum(200 <= one.status < 300 for one in attempts)
    kind = "done" if good == len(attempts) else "problem"
    flash(f"{len(attempts)} webhooks went out again; {good} were taken.", kind)
