"""API, stop and correct: three switches for emergencies, and counting past orders by another version."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, get_args

from msgspec import Meta, Struct

from plugin.domain.pauses import What
from plugin.flows import corrections as flow
from plugin.flows import stops as stop_flow
from plugin.flows.corrections import CannotCorrect
from plugin.insights import preview
from plugin.pages.api.route import Body, Call, Fault, Route
from plugin.store import corrections, programmes, shops

NEWEST = 50
Moment = Annotated[datetime, Meta(tz=True)]


class Stopped(Struct, frozen=True):
    """A switch. `since`: from when it has stood still; null while it goes on."""

    what: What
    since: datetime | None


class Stops(Struct, frozen=True):
    """The three switches."""

    data: list[Stopped]


class Switch(Body, frozen=True):
    """Stops it or lets it go on. `make_good`: the orders of the stop are to earn after all."""

    what: What
    stopped: bool
    make_good: bool = False


class Wanted(Body, frozen=True):
    """Orders placed from `since` until now, to be counted by `version`."""

    since: Moment
    version: Annotated[int, Meta(ge=1, le=1_000_000)]


class Tried(Struct, frozen=True):
    """What a correction would move, over its newest orders; `complete`: over all of them. Nothing has moved."""

    orders: int
    complete: bool
    points_before: int
    points: int
    gained: int
    lost: int


class Correction(Struct, frozen=True):
    """A correction, and how far it has come. `version` null: each order by its own, after a stop."""

    id: str
    since: datetime
    until: datetime
    version: int | None
    orders: int
    points: int
    finished_at: datetime | None


class Corrections(Struct, frozen=True):
    """The newest corrections."""

    data: list[Correction]


def list_stops(call: Call, given: None) -> Stops:
    shop = shops.by_id(call.tx, call.shop_id) or call.shop
    running = {pause.what: pause.since for pause in shop.pauses if pause.until is None}
    return Stops([Stopped(what, running.get(what)) for what in get_args(What)])


def switch_stop(call: Call, switch: Switch) -> Stops:
    shop = shops.by_id(call.tx, call.shop_id) or call.shop
    if switch.stopped:
        stop_flow.stop(call.tx, shop, switch.what, call.actor, call.now)
    else:
        stop_flow.go_on(call.tx, shop, switch.what, call.actor, call.now, make_good=switch.make_good)
    return list_stops(call, None)


def list_corrections(call: Call, given: None) -> Corrections:
    return Corrections([_shown(one) for one in corrections.newest(call.tx, call.shop_id, NEWEST)])


def try_correction(call: Call, wanted: Wanted) -> Tried:
    try:
        flow.check(call.tx, call.shop, wanted.since, wanted.version, call.now)
    except CannotCorrect as error:
        raise Fault(error.message, code=error.code, field=error.field) from error
    programme = programmes.versions(call.tx, call.shop_id).numbered(wanted.version)
    assert programme is not None
    found = preview.of_correction(call.tx, call.shop, wanted.since, call.now, programme)
    return Tried(found.orders, found.complete, found.points_before, found.points, found.gained, found.lost)


def begin_correction(call: Call, wanted: Wanted) -> Correction:
    try:
        made = flow.begin(call.tx, call.shop, wanted.since, wanted.version, call.actor, call.now)
    except CannotCorrect as error:
        raise Fault(error.message, code=error.code, field=error.field) from error
    [found] = [one for one in corrections.newest(call.tx, call.shop_id, NEWEST) if one.correction_id == made]
    return _shown(found)


def _shown(one: corrections.Correction) -> Correction:
    return Correction(
        str(one.correction_id), one.since, one.until, one.version, one.orders, one.points, one.finished_at
    )


ROUTES = (
    Route("GET", "/stops", "read_programme", list_stops, "What stands still, and since when", answer=Stops),
    Route("POST", "/stops", "write_programme", switch_stop,
          "Stops earning, redeeming or messages at once, or lets them go on", given=Switch, answer=Stops),
    Route("GET", "/corrections", "read_programme", list_corrections, "Corrections, the newest first",
          answer=Corrections),
    Route("POST", "/corrections", "write_programme", begin_correction,
          "Counts past orders anew by a chosen version; each difference is an entry of its own",
          given=Wanted, answer=Correction, status=201),
    Route("POST", "/corrections/check", "read_programme", try_correction,
          "What a correction would move; nothing changes", given=Wanted, answer=Tried, moves=False),
)  # fmt: skip
