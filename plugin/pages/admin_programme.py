"""Programme: the rules as a form, a preview of the draft over the orders we hold, and publishing it as a version."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Flask, Response, request

from plugin.domain import reward_names
from plugin.domain.programme import Programme
from plugin.flows import merchants, programme_documents
from plugin.insights import preview
from plugin.insights.preview import Preview
from plugin.pages import programme_form
from plugin.pages.admin_frame import MAX_FORM_BYTES, Visit, admitted, arrive, go, limit_form, number, page
from plugin.pages.answers import Refusal
from plugin.pages.chapters import CHAPTERS
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.staff import Staff, staff_only
from plugin.store import programmes, published, shops
from plugin.store.db import Tx
from plugin.store.programmes import Scheduled
from plugin.store.published import Published

if TYPE_CHECKING:
    from plugin.pages.web import Web

PREVIEW = "preview programme"
VERSIONS = 20


def register(app: Flask, web: Web) -> None:
    """Adds the form, its preview and the publishing."""

    @app.get("/programme")
    @staff_only(web)
    def programme(staff: Staff) -> Response:
        return _show(web, arrive(web, staff))

    @app.post("/programme/preview")
    @guard(FORM_TICKET)
    def try_programme() -> Response:
        return _preview(web)

    @app.post("/programme/cancel")
    @guard(FORM_TICKET)
    def cancel_version() -> Response:
        return _cancel(web)

    @app.post("/programme/publish")
    @guard(FORM_TICKET)
    def publish_programme() -> Response:
        return _publish(web)


# A form carries the largest document there may be: the browser writes most signs of JSON as three bytes.
MAX_PROGRAMME_FORM_BYTES = 3 * programme_documents.MAX_BYTES + MAX_FORM_BYTES


def in_force(tx: Tx, visit: Visit) -> Programme:
    """The version in force. Raises Refusal while the shop is still being set up."""
    found = programmes.versions(tx, visit.shop.shop_id).latest
    if found is None:
        raise Refusal("We are still setting your shop up. Reload this page in a minute.",
                      code="not_ready", status=503)  # fmt: skip
    return found


def publish_action(base: int, document: str) -> str:
    """The action of a ticket that publishes this very document on top of this very version."""
    return f"publish {base} {hashlib.sha256(document.encode()).hexdigest()}"


def to_publish(
    latest: Programme,
    draft: Programme | None,
    tried: Preview | None,
    known: list[Published],
    waits: list[Scheduled],
) -> dict[str, Any]:
    """What a page needs to show a previewed draft, the button that publishes it, and a version that is scheduled."""
    document = msgspec.json.encode(draft).decode() if draft is not None else ""
    return {
        "draft": draft,
        "tried": tried,
        "document": document,
        "base": latest.version,
        "changed": draft is not None and msgspec.json.encode(draft) != msgspec.json.encode(latest),
        "publish_action": publish_action(latest.version, document),
        "sample": preview.SAMPLE,
        "number": known[0].version + 1,
        "scheduled": waits,
        "waiting": {one.version for one in waits},
        "reward_names": {one.key: reward_names.name_of(one, latest.currency) for one in draft.rewards}
        if draft
        else {},
    }


def _show(
    web: Web,
    visit: Visit,
    given: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    draft: Programme | None = None,
    tried: Preview | None = None,
    status: int = 200,
) -> Response:
    with web.db.read() as tx:
        latest = in_force(tx, visit)
        versions: list[Published] = published.newest(tx, visit.shop.shop_id, VERSIONS)
        waits = programmes.scheduled(tx, visit.shop.shop_id)
    currency = visit.shop.currency or latest.currency
    values = given or programme_form.filled(latest, currency)
    return page(
        web, visit, "admin/programme.html", "Programme", status,
        latest=latest, versions=versions, values=values, errors=errors or {}, currency=currency,
        tier_rows=programme_form.rows(values, "tier"), reward_rows=programme_form.rows(values, "reward"),
        faults=[(programme_form.label(name, values), f"#field-{name}", said) for name, said in (errors or {}).items()],
        faulty={name.rpartition(".")[0] + "." for name in errors or {}}, preview_action=PREVIEW,
        chapters=[(one.slug, one.title) for one in CHAPTERS], **to_publish(latest, draft, tried, versions, waits),
    )  # fmt: skip


def _preview(web: Web) -> Response:
    """Checks the draft; shows each fault beside its field, or what the draft would have given."""
    visit = admitted(web, PREVIEW, largest=MAX_PROGRAMME_FORM_BYTES)
    # A component and the plain field behind it may send the same name: the first is the one that was seen.
    given = {name: value[:200] for name, value in request.form.to_dict().items() if name != "ticket"}
    with web.db.read() as tx:
        latest = in_force(tx, visit)
        currency = visit.shop.currency or latest.currency
        draft, errors = programme_form.read(given, latest, currency)
        if errors:
            tried = None
        else:
            tried = preview.of_draft(tx, visit.shop, draft, latest, web.now())
    if errors:
        return _show(web, visit, given, errors, status=422)
    return _show(web, visit, given, draft=draft, tried=tried)


def _publish(web: Web) -> Response:
    """Publishes what was previewed, unless another version was published since."""
    limit_form(MAX_PROGRAMME_FORM_BYTES)
    document, base = request.form.get("document", ""), request.form.get("base", "")
    on = number(base) or 0
    visit = admitted(web, publish_action(on, document))
    draft = msgspec.json.decode(document, type=Programme)
    effective_at = _moment(visit, request.form.get("effective_at", "").strip(), web.now())
    with web.db.write(visit.shop.shop_id) as tx:
        if in_force(tx, visit).version != on:
            raise Refusal("The programme was changed meanwhile. Look at the newest version and try again.",
                          code="programme_changed", status=409)  # fmt: skip
        done = merchants.publish(tx, visit.shop, draft, visit.actor, web.now(), effective_at)
    return go(web, visit, "/programme", "published" if effective_at is None else "scheduled", done.version)


def _moment(visit: Visit, text: str, now: datetime) -> datetime | None:
    """A day and time as the shop's clock shows them; None for none. Raises Refusal for what is none or past."""
    if not text:
        return None
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        said = None
    if said is None or said.tzinfo is not None:
        raise Refusal("Write a day and time such as 2027-01-31 09:00, as your shop's clock shows it. Nothing was "
                      "published.", code="invalid_moment", status=422)  # fmt: skip
    moment = said.replace(tzinfo=shops.zone(visit.shop.timezone)).astimezone(UTC)
    if moment <= now:
        raise Refusal("Choose a moment that is yet to come, or leave it empty to publish at once. Nothing was "
                      "published.", code="past_moment", status=422)  # fmt: skip
    return moment


def _cancel(web: Web) -> Response:
    """Takes back a version whose moment has not come."""
    request.max_content_length = MAX_FORM_BYTES
    version = number(request.form.get("version", "")) or 0
    visit = admitted(web, f"cancel version {version}")
    with web.db.write(visit.shop.shop_id) as tx:
        if not merchants.cancel_scheduled(tx, visit.shop, version, visit.actor, web.now()):
            raise Refusal("This version does not wait any more. Reload to see which one is in force.",
                          code="not_scheduled", status=409)  # fmt: skip
    return go(web, visit, "/programme", "cancelled", version)
