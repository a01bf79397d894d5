"""Corrections flow: orders that a mistaken version counted are counted again, in slices, each move an entry."""

from __future__ import annotations

from datetime import datetime

from plugin.errors import RegularsError
from plugin.flows import orders as order_flow
from plugin.store import corrections, events, orders, programmes
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.shops import Shop


class CannotCorrect(RegularsError):
    """The correction was not begun; nothing was changed."""

    code = "cannot_correct"
    status = 422

    def __init__(self, message: str, *, code: str, field: str) -> None:
        super().__init__(message, code=code)
        self.field = field


def check(tx: Tx, shop: Shop, since: datetime, version: int | None, now: datetime) -> None:
    """Raises CannotCorrect when orders since that moment cannot be counted by that version."""
    if since >= now:
        raise CannotCorrect("Choose a moment in the past.", code="not_past", field="since")
    versions = programmes.versions(tx, shop.shop_id)
    if versions.first_at is None or since < versions.first_at:
        raise CannotCorrect(
            "Choose a moment after the programme began: orders before it earn nothing.",
            code="before_programme",
            field="since",
        )
    if version is not None and versions.numbered(version) is None:
        raise CannotCorrect(
            "Choose one of the versions of the list.", code="no_such_version", field="version"
        )
    if corrections.unfinished(tx, shop.shop_id) is not None:
        raise CannotCorrect(
            "Another correction is under way. Wait until it is done.", code="under_way", field="since"
        )


def begin(tx: Tx, shop: Shop, since: datetime, version: int | None, actor: str, now: datetime) -> int:
    """Begins to count the orders placed from `since` until now by a version (None: each by its own).

    The clock carries it out. An order of that time that is heard of only later counts by the version too.
    Raises CannotCorrect (codes: not_past, before_programme, no_such_version, under_way).
    """
    check(tx, shop, since, version, now)
    return start(tx, shop, since, now, version, actor, now)


def start(
    tx: Tx, shop: Shop, since: datetime, until: datetime, version: int | None, actor: str, now: datetime
) -> int:
    """Notes the correction and says so in the trail."""
    correction_id = corrections.start(tx, shop.shop_id, since, until, version, actor, now)
    detail: dict[str, object] = {"since": since.isoformat(), "until": until.isoformat(), "version": version}
    event = Event(now, actor, "correction_begun", f"correction:{correction_id}", detail)
    events.record(tx, shop.shop_id, [event])
    return correction_id


def carry_on(tx: Tx, shop: Shop, now: datetime, size: int) -> bool:
    """One slice of the correction that is under way; True when more may wait."""
    correction = corrections.unfinished(tx, shop.shop_id)
    if correction is None:
        return False
    order_ids = corrections.next_orders(tx, shop.shop_id, correction, size)
    if not order_ids:
        corrections.finish(tx, shop.shop_id, correction.correction_id, now)
        detail: dict[str, object] = {"orders": correction.orders, "points": correction.points}
        event = Event(now, "system", "correction_done", f"correction:{correction.correction_id}", detail)
        events.record(tx, shop.shop_id, [event])
        return True
    before = orders.points_of(tx, shop.shop_id, order_ids)
    order_flow.count_again(tx, shop, order_ids, correction.version, now)
    moved = orders.points_of(tx, shop.shop_id, order_ids) - before
    corrections.reached(tx, shop.shop_id, correction, order_ids[-1], len(order_ids), moved)
    return True
