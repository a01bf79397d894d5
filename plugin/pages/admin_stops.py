"""Stop and correct: earning, redeeming and messages stopped in one click; orders of a mistaken version counted anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, get_args

from flask import Flask, Response, request

from plugin.domain.pauses import Pause, What
from plugin.flows import corrections as correction_flow
from plugin.flows import stops
from plugin.flows.corrections import CannotCorrect
from plugin.insights import preview
from plugin.insights.preview import Preview
from plugin.pages.admin_frame import Visit, admitted, arrive, go, page
from plugin.pages.answers import Refusal
from plugin.pages.guards import FORM_TICKET, guard
from plugin.pages.staff import Staff, staff_only
from plugin.store import corrections, programmes, published, shops
from plugin.store.shops import zone

if TYPE_CHECKING:
    from plugin.pages.web import Web

WORDS: dict[What, tuple[str, str]] = {
    "earning": (
        "Earning",
        "Orders placed while it stands still earn nothing, even when we hear of them later.",
    ),
    "redeeming": ("Redeeming", "Nobody can turn points into a reward. Codes that were made stay good."),
    "messages": ("Messages", "No survey question is put to anybody. What falls due waits."),
}
LISTED = 20
TRY = "try correction"


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing that can be stopped, and since when it is."""

    what: What
    name: str
    details: str
    running: Pause | None


def register(app: Flask, web: Web) -> None:
    """Adds the page, its three switches and the correction."""

    @app.get("/stop")
    @staff_only(web)
    def stop(staff: Staff) -> Response:
        return _show(web, arrive(web, staff))

    @app.post("/stop/switch")
    @guard(FORM_TICKET)
    def switch() -> Response:
        return _switch(web)

    @app.post("/stop/preview")
    @guard(FORM_TICKET)
    def try_correction() -> Response:
        return _preview(web)

    @app.post("/stop/correct")
    @guard(FORM_TICKET)
    def correct() -> Response:
        return _correct(web)


def _switch_action(what: str, do: str) -> str:
    return f"{do} {what}"


def _correct_action(since: datetime, version: int) -> str:
    return f"correct {since.isoformat()} {version}"


def _show(
    web: Web,
    visit: Visit,
    given: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    tried: Preview | None = None,
    since: datetime | None = None,
    version: int | None = None,
) -> Response:
    with web.db.read() as tx:
        shop = shops.by_id(tx, visit.shop.shop_id) or visit.shop
        versions = published.newest(tx, shop.shop_id, LISTED)
        past = corrections.newest(tx, shop.shop_id, LISTED)
    open_pauses = {pause.what: pause for pause in shop.pauses if pause.until is None}
    confirm = _correct_action(since, version) if since is not None and version is not None else ""
    return page(
        web, visit, "admin/stop.html", "Stop and correct", 422 if errors else 200,
        stops=[Stop(what, *WORDS[what], open_pauses.get(what)) for what in get_args(What)],
        choices=[(str(one.version), f"Version {one.version}") for one in versions], past=past, tried=tried,
        switch_action=_switch_action, try_action=TRY,
        values=given or {"since": "", "version": ""}, errors=errors or {}, since=since, version=version,
        confirm_action=confirm, sample=preview.SAMPLE,
    )  # fmt: skip


def _switch(web: Web) -> Response:
    what, do = request.form.get("what", ""), request.form.get("do", "")
    visit = admitted(web, _switch_action(what, do))
    known: dict[str, What] = {one: one for one in WORDS}
    if what not in known or do not in ("stop", "go_on", "make_good"):
        raise Refusal("Choose one of the switches of the page.", code="no_such_switch", status=422)
    with web.db.write(visit.shop.shop_id) as tx:
        shop = shops.by_id(tx, visit.shop.shop_id) or visit.shop
        if do == "stop":
            stops.stop(tx, shop, known[what], visit.actor, web.now())
        else:
            stops.go_on(tx, shop, known[what], visit.actor, web.now(), make_good=do == "make_good")
    return go(web, visit, "/stop", "stopped" if do == "stop" else "going_on")


def _preview(web: Web) -> Response:
    """Checks what is asked, and shows what would move; nothing is changed."""
    visit, now = admitted(web, TRY), web.now()
    given = {name: request.form.get(name, "").strip()[:40] for name in ("since", "version")}
    since = _moment(given["since"], visit)
    version = int(given["version"]) if given["version"].isascii() and given["version"].isdigit() else 0
    if since is None:
        said = "Write a day and a time, such as 2027-01-31 09:00."
        return _show(web, visit, given, {"since": said})
    try:
        with web.db.read() as tx:
            correction_flow.check(tx, visit.shop, since, version, now)
    except CannotCorrect as error:
        return _show(web, visit, given, {error.field: error.message})
    with web.db.read() as tx:
        chosen = programmes.versions(tx, visit.shop.shop_id).numbered(version)
        assert chosen is not None
        shop = shops.by_id(tx, visit.shop.shop_id) or visit.shop
        tried = preview.of_correction(tx, shop, since, now, chosen)
    return _show(web, visit, given, tried=tried, since=since, version=version)


def _correct(web: Web) -> Response:
    """Begins the correction that was looked at."""
    since, version = request.form.get("since", "")[:40], request.form.get("version", "")[:9]
    visit = admitted(web, f"correct {since} {version}")
    with web.db.write(visit.shop.shop_id) as tx:
        correction_flow.begin(
            tx, visit.shop, datetime.fromisoformat(since), int(version), visit.actor, web.now()
        )
    return go(web, visit, "/stop", "correcting")


def _moment(text: str, visit: Visit) -> datetime | None:
    """A day, or a day and a time, in the shop's time zone; None when it is not one."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=zone(visit.shop.timezone))
