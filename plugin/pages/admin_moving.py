"""Moving: lists come in after a dry run, the programme goes round as a document, everything can go out."""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from flask import Flask, Response, request

from plugin.domain.imports import APPS
from plugin.domain.programme import Programme
from plugin.errors import RegularsError
from plugin.flows import backfills as backfill_flow
from plugin.flows import imports as import_flow
from plugin.flows import programme_documents
from plugin.flows.programme_documents import UnreadableProgramme
from plugin.insights import preview
from plugin.pages import admin_programme, uploads
from plugin.pages.admin_frame import Visit, admitted, arrive, download, go, number, page, ticket
from plugin.pages.answers import Refusal
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.staff import Staff, link, staff_only
from plugin.store import backfills, exports, imports, programmes, published
from plugin.store.backfills import Policy

if TYPE_CHECKING:
    from plugin.pages.web import Web

LISTED = 20
LOOK, DOCUMENT, ORDERS = "look at list", "read programme", "read past orders"
ORDER_POLICIES = {
    "history": "Are history only: they count as orders and earn nothing",
    "earn": "Earn points by the first version of your programme",
}
POLICIES = {"add": "Add its points to what members have here", "set": "Set balances to its points"}
PURPOSES = {"members": "Members of another app", "adjustment": "Adjustments, each with a reason"}
FILES = {
    "everything": ("Everything, as one SQLite file", "sqlite"),
    **{name: (f"{name.capitalize()}, as CSV", "csv") for name in exports.LISTS},
    "programme-json": ("The programme, as JSON", "json"),
    "programme-toml": ("The programme, as TOML", "toml"),
}
KINDS = {
    "sqlite": "application/vnd.sqlite3", "csv": "text/csv; charset=utf-8", "json": "application/json",
    "toml": "application/toml",
}  # fmt: skip


def register(app: Flask, web: Web) -> None:
    """Adds the page, the way of a list in two steps, the way of a document, and the downloads."""

    @app.get("/moving")
    @staff_only(web)
    def moving(staff: Staff) -> Response:
        return _show(web, arrive(web, staff), number(request.args.get("id", "")))

    @app.post("/moving/look")
    @guard(FORM_TICKET)
    def look_at_list() -> Response:
        return _look(web)

    @app.post("/moving/begin")
    @guard(FORM_TICKET)
    def begin_list() -> Response:
        return _begin(web)

    @app.post("/moving/adjust")
    @guard(FORM_TICKET)
    def adjust_many() -> Response:
        return _adjust_many(web)

    @app.post("/moving/programme")
    @guard(FORM_TICKET)
    def read_programme() -> Response:
        return _read_programme(web)

    @app.post("/moving/orders")
    @guard(FORM_TICKET)
    def read_orders() -> Response:
        return _read_orders(web)

    @app.get("/moving/errors")
    @guard(FORM_TICKET)
    def list_errors() -> Response:
        return _errors(web)

    @app.get("/moving/download/<what>")
    @guard(FORM_TICKET)
    def take_out(what: str) -> Response:
        return _download(web, what)


def _show(
    web: Web,
    visit: Visit,
    import_id: int | None = None,
    *,
    errors: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    draft: Programme | None = None,
    faults: Iterable[tuple[str, str]] = (),
) -> Response:
    shop_id = visit.shop.shop_id
    with web.db.read() as tx:
        one = None if import_id is None else imports.by_id(tx, shop_id, import_id)
        past = imports.newest(tx, shop_id, LISTED)
        known = published.newest(tx, shop_id, 1)
        waits = programmes.scheduled(tx, shop_id)
        readings = backfills.newest(tx, shop_id, LISTED)
        latest = admin_programme.in_force(tx, visit)
        tried = None if draft is None else preview.of_draft(tx, visit.shop, draft, latest, web.now())
    listed = list(faults)
    return page(
        web, visit, "admin/moving.html", "Moving in, out and around", 422 if errors or listed else 200,
        latest=latest, one=one, past=past, said=uploads.said, errors=errors or {}, values=values or {}, faults=listed,
        policies=POLICIES, purposes=PURPOSES, look_action=LOOK, document_action=DOCUMENT,
        apps=[("", "Found out by its columns"), *((name, name) for name in APPS)],
        order_policies=ORDER_POLICIES, orders_action=ORDERS, readings=readings, begin_action=_begin_action,
        tiers=[("", "All members"), *((tier.key, tier.name) for tier in latest.tiers)], many_action=_many_action,
        key=secrets.token_hex(8), error_file=lambda found: _link(web, visit, "/moving/errors", id=found.import_id),
        files=[(text, _link(web, visit, f"/moving/download/{what}")) for what, (text, _) in FILES.items()],
        **admin_programme.to_publish(latest, draft, tried, known, waits),
    )  # fmt: skip


def _link(web: Web, visit: Visit, path: str, **own: object) -> str:
    """A download that this page may give."""
    asked = " ".join([path, *map(str, own.values())])
    return link(path, visit.shop.domain, ticket=ticket(web, visit, asked), **own)


def _begin_action(import_id: int) -> str:
    return f"begin list {import_id}"


def _look(web: Web) -> Response:
    """Reads a list and shows what it would do."""
    visit = admitted(web, LOOK, largest=uploads.MAX_BYTES)
    values = {
        name: request.form.get(name, "").strip()[:500] for name in ("policy", "purpose", "app", "reason")
    }
    file = request.files.get("file")
    errors = {}
    if values["policy"] not in POLICIES:
        errors["policy"] = "Choose what the points of the list mean."
    if file is None or not file.filename:
        errors["file"] = "Choose a file: CSV, TSV or JSON."
    if errors or file is None:
        return _show(web, visit, errors=errors, values=values)
    try:
        one = uploads.look_at(
            web.db, visit.shop, file.read(), file.filename or "list",
            purpose="adjustment" if values["purpose"] == "adjustment" else "members",
            policy="set" if values["policy"] == "set" else "add",
            app=values["app"] if values["app"] in APPS else None, reason=values["reason"] or None,
            actor=visit.actor, now=web.now(),
        )  # fmt: skip
    except RegularsError as error:
        if error.status != 422:
            raise
        return _show(web, visit, errors={"file": error.message}, values=values)
    return go(web, visit, "/moving", "looked_at", id=one.import_id)


def _many_action(key: str) -> str:
    return f"adjust many {key}"


def _adjust_many(web: Web) -> Response:
    """Shows what the same adjustment would do to all members, or to those of a tier."""
    key = request.form.get("key", "")[:40]
    visit = admitted(web, _many_action(key))
    values = {
        name: request.form.get(name, "").strip()[:500]
        for name in ("tier", "at_least", "many_points", "many_reason")
    }
    errors = {}
    if re.fullmatch(r"-?[1-9][0-9]{0,8}", values["many_points"]) is None:
        errors["many_points"] = "Give a whole number of points, such as 50, or -50 to take them."
    if re.fullmatch(r"[0-9]{0,9}", values["at_least"]) is None:
        errors["at_least"] = "Give a whole number of points, or leave it empty."
    if not values["many_reason"]:
        errors["many_reason"] = "Say why, in a few words."
    if errors:
        return _show(web, visit, errors=errors, values=values)
    tier = values["tier"] or None
    try:
        one = uploads.look_at_many(
            web.db, visit.shop, f"Members of tier {tier}" if tier else "All members", tier=tier,
            at_least=int(values["at_least"] or -(1 << 62)), points=int(values["many_points"]),
            reason=values["many_reason"], key=key, actor=visit.actor, now=web.now(),
        )  # fmt: skip
    except import_flow.CannotImport as error:
        return _show(web, visit, errors={"tier": error.message}, values=values)
    return go(web, visit, "/moving", "looked_at", id=one.import_id)


def _begin(web: Web) -> Response:
    """Begins the list that was looked at; the worker carries it out."""
    import_id = number(request.form.get("id", "")) or 0
    visit = admitted(web, _begin_action(import_id))
    with web.db.write(visit.shop.shop_id) as tx:
        import_flow.begin(tx, visit.shop, import_id, visit.actor, web.now())
    return go(web, visit, "/moving", "moving_in", id=import_id)


def _read_programme(web: Web) -> Response:
    """Checks a document, and shows what its programme would have given beside the button that publishes it."""
    visit = admitted(web, DOCUMENT, largest=2 * programme_documents.MAX_BYTES)
    file = request.files.get("document")
    body = b"" if file is None else file.read(programme_documents.MAX_BYTES + 1)
    if not body:
        return _show(web, visit, errors={"document": "Choose a file that ends in .json or .toml."})
    stated = visit.shop.currency if request.form.get("as_currency") else None
    try:
        draft = programme_documents.read(body, visit.shop.currency, as_currency=stated)
    except UnreadableProgramme as error:
        return _show(web, visit, faults=error.problems)
    with web.db.read() as tx:
        draft = replace(draft, version=admin_programme.in_force(tx, visit).version)
    return _show(web, visit, draft=draft)


def _read_orders(web: Web) -> Response:
    """Begins to read past orders; the worker carries it out."""
    visit, policy = admitted(web, ORDERS), request.form.get("orders", "")
    if policy not in ORDER_POLICIES:
        return _show(web, visit, errors={"orders": "Choose what past orders are."})
    with web.db.write(visit.shop.shop_id) as tx:
        chosen: Policy = "earn" if policy == "earn" else "history"
        backfill_flow.begin(tx, visit.shop, chosen, None, visit.actor, web.now())
    return go(web, visit, "/moving", "reading_orders")


def _errors(web: Web) -> Response:
    import_id = number(request.args.get("id", "")) or 0
    visit = admitted(web, f"/moving/errors {import_id}", text=request.args.get("ticket", ""))
    lines = uploads.error_lines(web.db, visit.shop, import_id)
    return _file(_spooled(lines), "rows-that-cannot-be-used.csv", KINDS["csv"])


def _download(web: Web, what: str) -> Response:
    visit = admitted(web, f"/moving/download/{what}", text=request.args.get("ticket", ""))
    if what not in FILES:
        raise Refusal("There is no such file.", code="not_found", status=404)
    shop_id, form = visit.shop.shop_id, FILES[what][1]
    name = f"{visit.shop.domain.partition('.')[0]}-{what.partition('-')[0]}.{form}"
    with web.db.read() as tx:
        if what == "everything":
            with tempfile.TemporaryDirectory(prefix="regulars-export-") as folder:
                file = Path(folder) / name
                exports.write_shop(tx, shop_id, file)
                # The open file lives on without its name, and goes with the answer.
                return _file(file.open("rb"), name, KINDS[form])
        if form == "csv":
            return _file(_spooled(exports.lines(tx, shop_id, what)), name, KINDS[form])
        return download(
            programme_documents.written(admin_programme.in_force(tx, visit), form), name, KINDS[form]
        )


def _spooled(lines: Iterable[str]) -> IO[bytes]:
    """Lines of one moment as a file without a name: a slow reader holds up no transaction."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the answer closes it)
    for line in lines:
        file.write(line.encode())
    file.seek(0)
    return file


def _file(file: IO[bytes], name: str, kind: str) -> Response:
    """A file to keep, sent a piece at a time in flat memory."""
    answer = download(b"", name, kind)
    answer.headers.pop("Content-Length", None)
    answer.response = _pieces(file)
    answer.call_on_close(file.close)
    return answer


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(65_536):
        yield piece
