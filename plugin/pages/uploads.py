"""Uploads: a file becomes a list that was looked at, in slices that hold nobody up; for the admin and the command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice

from plugin.domain.imports import Unusable, layout
from plugin.flows import imports as import_flow
from plugin.flows.imports import CannotImport, Look
from plugin.store import directory, imports, tabular
from plugin.store.db import Database
from plugin.store.imports import Import, Policy, Purpose
from plugin.store.shops import Shop

SAMPLE = 500
SLICE = 500
MAX_NAME = 100
MAX_BYTES = 20_000_000
# What the dry run and the run say, in the order in which people read it.
FIGURES = {
    "rows": "rows",
    "known": "people the shop knows",
    "new": "people new here, by their customer number",
    "waiting": "people whose e-mail address the shop does not know yet: what is theirs waits for them",
    "already": "people to whom this very file gave before: nothing is done twice",
    "changed": "balances that change",
    "points_in": "points given",
    "points_out": "points taken",
    "newer": "of them of people who earned or spent here since: the number of the file replaces theirs",
    "rounded": "balances with a part of a point, which is dropped",
    "tiers": "tiers",
    "birthdays": "birthdays",
    "referrals": "referral links or codes",
    "rejected": "rows that cannot be used; the error file says why",
    "done": "rows done",
}


def look_at(
    db: Database, shop: Shop, body: bytes, name: str, *, purpose: Purpose, policy: Policy, app: str | None,
    reason: str | None, actor: str, now: datetime,
) -> Import:  # fmt: skip
    """Reads a file and foresees what it would do; no member is touched. Raises CannotImport or UnreadableFile."""
    sample = [cells for _, cells in islice(tabular.rows_of(body), SAMPLE)]
    if not sample:
        raise CannotImport("The file has a header and no rows.", code="no_rows")
    try:
        plan = layout(sample[0], sample, app)
    except Unusable as unusable:
        raise CannotImport(str(unusable), code="no_columns") from unusable
    if "points" not in plan.columns and purpose == "adjustment":
        raise CannotImport("No column holds points. Call it “points”.", code="no_columns")
    digest = imports.digest_of(body, purpose)
    with db.write(shop.shop_id) as tx:
        import_id = imports.create(
            tx, shop.shop_id, purpose, name[:MAX_NAME], digest, plan.app, policy, reason, actor, now
        )
        one = imports.by_id(tx, shop.shop_id, import_id)
    assert one is not None
    look = Look(plan, purpose, policy)
    for chunk in _chunks(tabular.rows_of(body)):
        read = import_flow.read_rows(look, chunk)
        with db.write(shop.shop_id) as tx:
            import_flow.look_at(tx, shop, one, look, read, now)
    with db.write(shop.shop_id) as tx:
        imports.foreseen(tx, shop.shop_id, import_id, look.figures["rows"], look.figures)
        found = imports.by_id(tx, shop.shop_id, import_id)
    assert found is not None
    return found


def look_at_many(
    db: Database, shop: Shop, name: str, *, tier: str | None, at_least: int, points: int, reason: str, key: str,
    actor: str, now: datetime,
) -> Import:  # fmt: skip
    """The same adjustment for every member of a tier, or for all, as a list that was looked at.

    `key` names the form: sent twice it is the same list, and another form with the same numbers is another one.
    """
    with db.read() as tx:
        members = directory.chosen(tx, shop.shop_id, tier, at_least)
    if not members:
        raise CannotImport("There is no such member.", code="no_rows")
    body = "\n".join(["customer_id,points,key", *(f"{one},{points},{key}" for one in members)]).encode()
    return look_at(
        db,
        shop,
        body,
        name,
        purpose="adjustment",
        policy="add",
        app=None,
        reason=reason,
        actor=actor,
        now=now,
    )


def said(figures: Mapping[str, int]) -> list[tuple[str, int]]:
    """Figures in words, those that are nothing left out."""
    return [(words, figures[name]) for name, words in FIGURES.items() if figures.get(name)]


def error_lines(db: Database, shop: Shop, import_id: int) -> Iterator[str]:
    """The error file: each row that could not be used, with its line and the reason, to be mended and sent again."""
    with db.read() as tx:
        found = list(imports.problems(tx, shop.shop_id, import_id))
    headers = list(dict.fromkeys(name for _, cells, _ in found for name in cells))
    rows = ([line, problem, *(cells.get(name, "") for name in headers)] for line, cells, problem in found)
    return tabular.csv_lines(["line", "problem", *headers], rows)


def _chunks(rows: Iterator[tuple[int, tabular.Cells]]) -> Iterator[list[tuple[int, tabular.Cells]]]:
    while chunk := list(islice(rows, SLICE)):
        yield chunk
