"""Connections: keys for other programs, the addresses that are told what happens, and what became of each message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

from plugin.channels import addresses
from plugin.channels.addresses import BadAddress
from plugin.flows import api_keys as key_flow
from plugin.flows import outgoing as flow
from plugin.flows.api_keys import SCOPES, CannotMakeKey
from plugin.flows.outgoing import EVENTS, CannotListen
from plugin.pages import explain
from plugin.pages.admin_frame import PAGE, Visit, admitted, arrive, go, number, page
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.staff import Staff, staff_only
from plugin.store import api_keys, outgoing

if TYPE_CHECKING:
    from plugin.pages.web import Web

PATH = "/settings/connections"
ACTION = "change connections"
# What a button of a subscription does.
_PAUSE, _RESUME, _REMOVE, _SECRET = "pause", "resume", "remove", "secret"
Fresh = tuple[str, list[tuple[str, str]]]


def register(app: Flask, web: Web) -> None:
    """Adds the page and its forms."""

    @app.get(PATH)
    @staff_only(web)
    def connections(staff: Staff) -> Response:
        return _show(web, arrive(web, staff))

    @app.post("/settings/keys")
    @guard(FORM_TICKET)
    def make_key() -> Response:
        return _make_key(web)

    @app.post("/settings/keys/revoke")
    @guard(FORM_TICKET)
    def revoke_key() -> Response:
        return _revoke_key(web)

    @app.post("/settings/webhooks")
    @guard(FORM_TICKET)
    def add_webhook() -> Response:
        return _add_webhook(web)

    @app.post("/settings/webhooks/change")
    @guard(FORM_TICKET)
    def change_webhook() -> Response:
        return _change_webhook(web)

    @app.post("/settings/webhooks/again")
    @guard(FORM_TICKET)
    def send_again() -> Response:
        return _send_again(web)


def _show(
    web: Web,
    visit: Visit,
    *,
    values: dict[str, str] | None = None,
    chosen: list[str] | None = None,
    errors: dict[str, str] | None = None,
    fresh: Fresh | None = None,
) -> Response:
    """The page. `fresh`: secrets that were made just now and are shown this once."""
    shop_id = visit.shop.shop_id
    with web.db.read() as tx:
        keys = api_keys.every(tx, shop_id)
        endpoints = outgoing.every(tx, shop_id)
        deliveries = outgoing.deliveries(tx, shop_id, None, PAGE)
    urls = {one.endpoint_id: one.url for one in endpoints}
    return page(
        web, visit, "admin/connections.html", "Connections", 422 if errors else 200, action=ACTION,
        keys=[(key, key_flow.public_name(shop_id, key.key_id)) for key in keys], scopes=SCOPES, topics=EVENTS,
        endpoints=endpoints, now=web.now(), values=values or {}, chosen=chosen or [], errors=errors or {}, fresh=fresh,
        api=f"{web.config.app_url}/api/v1",
        deliveries=[(one, urls[one.endpoint_id], explain.reason(one.reason or "") if one.state == "parked" else "")
                    for one in deliveries if one.endpoint_id in urls],
    )  # fmt: skip


def _make_key(web: Web) -> Response:
    visit = admitted(web, ACTION)
    name, scopes = request.form.get("name", "")[:200], request.form.getlist("scope")
    try:
        with web.db.write(visit.shop.shop_id) as tx:
            made = key_flow.make(tx, visit.shop, name, scopes, visit.actor, web.now(), web.sealer.seal)
    except CannotMakeKey as error:
        return _show(web, visit, values={"name": name}, chosen=scopes, errors={error.field: error.message})
    secrets = [("Key", made.token), ("Secret of its inbound hooks", made.signing_secret)]
    return _show(web, visit, fresh=(f"The key {made.key.name} is made.", secrets))


def _revoke_key(web: Web) -> Response:
    visit = admitted(web, ACTION)
    key_id = number(request.form.get("key", ""))
    if key_id is not None:
        with web.db.write(visit.shop.shop_id) as tx:
            key_flow.revoke(tx, visit.shop, key_id, visit.actor, web.now())
    return go(web, visit, PATH, "revoked")


def _add_webhook(web: Web) -> Response:
    visit = admitted(web, ACTION)
    url, topics = request.form.get("url", "").strip()[:3000], request.form.getlist("topic")
    try:
        addresses.check(url, development=web.config.development)
        with web.db.write(visit.shop.shop_id) as tx:
            made = flow.listen(tx, visit.shop, url, topics, visit.actor, web.now(), web.sealer.seal)
    except (BadAddress, CannotListen) as error:
        return _show(web, visit, values={"url": url}, chosen=topics, errors={error.field: error.message})
    return _show(web, visit, fresh=("The address is subscribed.", [("Signing secret", made.secret)]))


def _change_webhook(web: Web) -> Response:
    """Pauses, resumes or removes a subscription, or gives it a new secret."""
    visit = admitted(web, ACTION)
    endpoint_id, wish = number(request.form.get("endpoint", "")) or 0, request.form.get("do", "")
    with web.db.write(visit.shop.shop_id) as tx:
        one = flow.known(tx, visit.shop, endpoint_id)
        if wish == _SECRET:
            turned = flow.rotate(tx, visit.shop, endpoint_id, visit.actor, web.now(), web.sealer.seal)
        elif wish == _REMOVE:
            flow.forget(tx, visit.shop, endpoint_id, visit.actor, web.now())
        elif wish in (_PAUSE, _RESUME):
            active = wish == _RESUME
            flow.change(tx, visit.shop, endpoint_id, one.url, one.topics, active, visit.actor, web.now())
    if wish == _SECRET:
        said = "The new secret is in force. For a day, messages are signed with the old one too."
        return _show(web, visit, fresh=(said, [("Signing secret", turned.secret)]))
    return go(web, visit, PATH, "saved")


def _send_again(web: Web) -> Response:
    visit = admitted(web, ACTION)
    with web.db.write(visit.shop.shop_id) as tx:
        flow.again(tx, visit.shop, request.form.get("delivery", "")[:300], web.now())
    return go(web, visit, PATH, "retried", 1)
