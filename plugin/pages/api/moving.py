"""API, moving in: lists of members or adjustments after a dry run, and the orders of before the programme."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from plugin.domain.imports import APPS
from plugin.flows import backfills as backfill_flow
from plugin.flows import imports as import_flow
from plugin.flows.imports import CannotImport
from plugin.pages import uploads
from plugin.pages.answers import Refusal
from plugin.pages.api.route import (
    Body,
    Call,
    Fault,
    Id,
    Later,
    Page,
    Paged,
    Route,
    Text,
    cursor,
    paged,
    position,
)
from plugin.store import backfills, imports
from plugin.store.backfills import Backfill as Stored
from plugin.store.imports import Import, Policy, Purpose
from plugin.store.tabular import UnreadableFile

NEWEST = 50


class MovedList(Struct, frozen=True):
    """A list and how far it has come. `foreseen` says what it would do, `done` what it did so far, both by name."""

    id: Id
    name: str
    purpose: Purpose
    app: str
    policy: Policy
    state: Literal["looked_at", "running", "done"]
    created_at: datetime
    finished_at: datetime | None
    rows: int
    foreseen: dict[str, int]
    done: dict[str, int]


class MovedLists(Struct, frozen=True):
    """The newest lists that were begun."""

    data: list[MovedList]


class ListToMove(Body, frozen=True):
    """A list as its text: CSV, TSV or JSON. `policy`: add its points, or set balances to them; `app`: whose list it is,
    when its columns do not say; `reason`: of adjustments whose rows state none."""

    content: Annotated[str, Meta(pattern="^[^\\u0000]*$", max_length=uploads.MAX_BYTES)]
    policy: Policy
    purpose: Purpose = "members"
    name: Annotated[str, Meta(pattern="^[^\\u0000]*$", min_length=1, max_length=uploads.MAX_NAME)] = "list"
    app: Annotated[str, Meta(pattern=f"^({'|'.join(APPS)})$")] | None = None
    reason: Text | None = None


class RowProblem(Struct, frozen=True):
    """A line that cannot be used, what it holds, and why."""

    line: int
    cells: dict[str, str]
    problem: str


class PastOrders(Body, frozen=True):
    """What past orders are (history: they earn nothing), and from when on; null: all of them."""

    policy: backfills.Policy
    since: Annotated[datetime, Meta(tz=True)] | None = None


class Backfill(Struct, frozen=True):
    """A reading of past orders. Of `total` orders `orders` were taken so far; `reason`: why it failed."""

    id: Id
    state: Literal["asked", "reading", "done", "failed"]
    policy: backfills.Policy
    since: datetime | None
    until: datetime
    created_at: datetime
    finished_at: datetime | None
    total: int
    orders: int
    points: int
    skipped: int
    reason: str | None


class Backfills(Struct, frozen=True):
    """The newest readings."""

    data: list[Backfill]


def look_at_list(call: Call, wish: ListToMove) -> Later:
    web, shop, actor, now = call.web, call.shop, call.actor, call.now

    def finish() -> MovedList:
        # In slices of its own: a long list holds nobody up.
        try:
            one = uploads.look_at(
                web.db, shop, wish.content.encode(), wish.name, purpose=wish.purpose, policy=wish.policy, app=wish.app,
                reason=wish.reason, actor=actor, now=now,
            )  # fmt: skip
        except (CannotImport, UnreadableFile) as error:
            raise Fault(error.message, code=error.code, field="content") from error
        return _shown(one)

    return Later(None, finish)


def list_lists(call: Call, _: None) -> MovedLists:
    return MovedLists([_shown(one) for one in imports.newest(call.tx, call.shop_id, NEWEST)])


def get_list(call: Call, _: None) -> MovedList:
    return _shown(_known(call))


def begin_list(call: Call, _: None) -> MovedList:
    import_flow.begin(call.tx, call.shop, _known(call).import_id, call.actor, call.now)
    return get_list(call, None)


def list_row_problems(call: Call, query: Paged) -> Page[RowProblem]:
    if not call.may("read_personal_data"):
        raise Refusal("The lines of a list hold personal data: use a key with the scope read_personal_data too.",
                      code="insufficient_scope", status=403)  # fmt: skip
    after = position(query.cursor)
    found = list(
        imports.problems(
            call.tx, call.shop_id, _known(call).import_id, after[0] if after else 0, query.limit + 1
        )
    )
    return paged(found, query.limit, lambda one: RowProblem(*one), lambda one: cursor(one[0]))


def begin_backfill(call: Call, wish: PastOrders) -> Backfill:
    made = backfill_flow.begin(call.tx, call.shop, wish.policy, wish.since, call.actor, call.now)
    found = backfills.by_id(call.tx, call.shop_id, made)
    assert found is not None
    return _reading(found)


def list_backfills(call: Call, _: None) -> Backfills:
    return Backfills([_reading(one) for one in backfills.newest(call.tx, call.shop_id, NEWEST)])


def get_backfill(call: Call, _: None) -> Backfill:
    found = backfills.by_id(call.tx, call.shop_id, call.path["backfill_id"])
    if found is None:
        raise Refusal("There is no reading with this number.", code="not_found", status=404)
    return _reading(found)


def _known(call: Call) -> Import:
    found = imports.by_id(call.tx, call.shop_id, call.path["list_id"])
    if found is None:
        raise Refusal("There is no such list. Send it again.", code="no_such_import", status=404)
    return found


def _shown(one: Import) -> MovedList:
    return MovedList(
        str(one.import_id), one.name, one.purpose, one.app, one.policy, one.state, one.created_at, one.finished_at,
        one.rows, one.foreseen, one.figures,
    )  # fmt: skip


def _reading(one: Stored) -> Backfill:
    return Backfill(
        str(one.backfill_id), one.state, one.policy, one.since, one.until, one.created_at, one.finished_at, one.total,
        one.orders, one.points, one.skipped, one.reason,
    )  # fmt: skip


ROUTES = (
    Route("GET", "/lists", "read_moving", list_lists, "Lists that were begun, the newest first", answer=MovedLists),
    Route("POST", "/lists", "write_moving", look_at_list,
          "Reads a list and says what it would do; no member is touched", given=ListToMove, answer=MovedList,
          moves=False, largest=uploads.MAX_BYTES),
    Route("GET", "/lists/{list_id}", "read_moving", get_list, "One list and how far it has come", answer=MovedList),
    Route("GET", "/lists/{list_id}/problems", "read_moving", list_row_problems,
          "The lines of a list that cannot be used, each with the reason", given=Paged, answer=Page[RowProblem]),
    Route("POST", "/lists/{list_id}/begin", "write_moving", begin_list,
          "Takes a list that was looked at; each line acts once, however often the list is sent", answer=MovedList),
    Route("GET", "/backfills", "read_moving", list_backfills, "Readings of past orders, the newest first",
          answer=Backfills),
    Route("GET", "/backfills/{backfill_id}", "read_moving", get_backfill, "One reading and how far it has come",
          answer=Backfill),
    Route("POST", "/backfills", "write_moving", begin_backfill, "Begins to read the orders of before the programme",
          given=PastOrders, answer=Backfill, status=201),
)  # fmt: skip
