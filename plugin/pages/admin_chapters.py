"""Chapters of the programme in the admin: each a form of its own, previewed and published like the programme's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

from plugin.insights import campaigns, preview
from plugin.insights.campaigns import Trial
from plugin.insights.preview import Preview
from plugin.pages import admin_programme
from plugin.pages.admin_frame import Visit, admitted, arrive, page
from plugin.pages.admin_home import worth
from plugin.pages.chapters import CHAPTERS, form
from plugin.pages.chapters.campaigns import CAMPAIGNS
from plugin.pages.chapters.form import Chapter, Draft, Rows
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.staff import Staff, staff_only
from plugin.store import programmes, published

if TYPE_CHECKING:
    from plugin.pages.web import Web


def register(app: Flask, web: Web) -> None:
    """Adds a form and its preview for each chapter."""
    for chapter in CHAPTERS:
        _add(app, web, chapter)


def _add(app: Flask, web: Web, chapter: Chapter) -> None:
    @app.get(f"/programme/{chapter.slug}", endpoint=f"chapter_{chapter.slug}")
    @staff_only(web)
    def show(staff: Staff) -> Response:
        return _show(web, arrive(web, staff), chapter)

    @app.post(f"/programme/{chapter.slug}/preview", endpoint=f"preview_{chapter.slug}")
    @guard(FORM_TICKET)
    def try_chapter() -> Response:
        return _preview(web, chapter)


def _action(chapter: Chapter) -> str:
    return f"preview {chapter.slug}"


def _show(
    web: Web,
    visit: Visit,
    chapter: Chapter,
    given: dict[str, str] | None = None,
    draft: Draft | None = None,
    tried: Preview | None = None,
    trials: list[Trial] | None = None,
) -> Response:
    with web.db.read() as tx:
        latest = admin_programme.in_force(tx, visit)
        known = published.newest(tx, visit.shop.shop_id, 1)
        waits = programmes.scheduled(tx, visit.shop.shop_id)
    currency = visit.shop.currency or latest.currency
    values = given or form.filled(chapter, latest, currency)
    values = form.begun(chapter, values) | values
    errors = draft.errors if draft is not None else {}
    return page(
        web, visit, "admin/chapter.html", chapter.title, 422 if errors else 200,
        latest=latest, chapter=chapter, values=values, errors=errors, currency=currency,
        numbers={part.at: form.row_numbers(part, values) for part in chapter.parts if isinstance(part, Rows)},
        faults=[(form.label(chapter, name, values), f"#field-{name}", said) for name, said in errors.items()],
        faulty={name.rpartition(".")[0] + "." for name in errors}, preview_action=_action(chapter),
        trials=trials, worth=lambda points: worth(points, draft.programme if draft else latest),
        choices=lambda one: form.options(one, latest),
        **admin_programme.to_publish(latest, draft.programme if draft and not errors else None, tried, known, waits),
    )  # fmt: skip


def _preview(web: Web, chapter: Chapter) -> Response:
    """Checks the draft; shows each fault beside its field, or what the draft would have given."""
    visit = admitted(web, _action(chapter), largest=admin_programme.MAX_PROGRAMME_FORM_BYTES)
    given = {name: value[:20_000] for name, value in request.form.to_dict().items() if name != "ticket"}
    with web.db.read() as tx:
        latest = admin_programme.in_force(tx, visit)
        shop = visit.shop
        draft = form.read(chapter, given, latest, shop.currency or latest.currency, shop.timezone or "UTC")
        tried = trials = None
        if not draft.errors:
            tried = preview.of_draft(tx, shop, draft.programme, latest, web.now())
            if chapter is CAMPAIGNS:
                trials = campaigns.trials(tx, shop.shop_id, draft.programme, web.now())
    return _show(web, visit, chapter, given, draft, tried, trials)
