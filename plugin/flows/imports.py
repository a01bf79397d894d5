"""Imports flow: lists of members are looked at, then taken in slices; each row acts once, whatever stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from plugin.domain.imports import Layout, Unusable, member_row
from plugin.domain.ledger import Account
from plugin.errors import RegularsError
from plugin.flows.arrivals import Person, already, difference, match, take, unfit
from plugin.store import events, imports, ledger, newcomers, programmes
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.imports import Import, Policy, Purpose, Staged
from plugin.store.shops import Shop

SLICE = 200


class CannotImport(RegularsError):
    """The list was not taken; nothing was changed."""

    code = "cannot_import"
    status = 422


@dataclass(slots=True)
class Look:
    """A list while it is looked at: what was found, by name, and whom it named so far (identity -> line)."""

    plan: Layout
    purpose: Purpose
    policy: Policy
    figures: Counter[str] = field(default_factory=Counter)
    named: dict[str, int] = field(default_factory=dict)


def read_rows(look: Look, rows: Iterable[tuple[int, Mapping[str, str]]]) -> list[Staged]:
    """What these lines say; a person named twice counts the first time."""
    read = []
    for line, cells in rows:
        look.figures["rows"] += 1
        try:
            row = member_row(line, cells, look.plan, signed=look.purpose == "adjustment")
            first = look.named.setdefault(row.identity, line)
            if first != line:
                raise Unusable(f"The same person stands on line {first} already.")
        except Unusable as unusable:
            read.append(Staged(line, None, cells, str(unusable)))
        else:
            read.append(Staged(line, row, cells))
    return read


def look_at(tx: Tx, shop: Shop, one: Import, look: Look, read: Sequence[Staged], now: datetime) -> None:
    """Foresees what these lines would do, and keeps them for the run."""
    programme = programmes.versions(tx, shop.shop_id).latest
    people = match(tx, shop, [staged.row for staged in read if staged.row is not None])
    ids = [person.member_id for person in people if person.member_id is not None]
    accounts = ledger.accounts(tx, shop.shop_id, ids)
    acted = already(tx, shop, one, people)
    moved_here = imports.moved_here(tx, shop.shop_id, ids) if look.policy == "set" else set()
    by_line = {person.row.line: person for person in people}
    kept = []
    for staged in read:
        person = by_line.get(staged.line)
        if person is not None:
            problem = person.problem or unfit(one, person, programme)
            if not problem and person.member_id is not None:
                first = look.named.setdefault(f"member {person.member_id}", staged.line)
                if first != staged.line:
                    problem = f"The same person stands on line {first} already."
            if problem:
                staged = replace(staged, row=None, problem=problem)
            else:
                account = None if person.member_id is None else accounts[person.member_id]
                _foresee(look, one, person, account, acted, moved_here, now)
        look.figures["rejected"] += staged.problem is not None
        kept.append(staged)
    imports.stage(tx, shop.shop_id, one.import_id, kept)


def begin(tx: Tx, shop: Shop, import_id: int, actor: str, now: datetime) -> Import:
    """Begins to take a list that was looked at; the clock carries it out. Raises CannotImport."""
    one = imports.by_id(tx, shop.shop_id, import_id)
    if one is None or not one.rows:
        raise CannotImport("There is no such list. Send the file again.", code="no_such_import", status=404)
    if imports.begin(tx, shop.shop_id, import_id):
        detail: dict[str, object] = {
            "purpose": one.purpose,
            "from": one.app,
            "policy": one.policy,
            "rows": one.rows,
        }
        events.record(tx, shop.shop_id, [Event(now, actor, "import_begun", f"import:{import_id}", detail)])
    return one


def carry_on(tx: Tx, shop: Shop, now: datetime, size: int = SLICE) -> bool:
    """One slice of the list that is under way; True when more may wait."""
    one = imports.running(tx, shop.shop_id)
    if one is None:
        return False
    rows = [row for _, row in imports.next_rows(tx, shop.shop_id, one, size)]
    if not rows:
        imports.finish(tx, shop.shop_id, one.import_id, now)
        detail: dict[str, object] = {"purpose": one.purpose, **one.figures}
        events.record(
            tx, shop.shop_id, [Event(now, "system", "import_done", f"import:{one.import_id}", detail)]
        )
        return True
    figures = Counter(one.figures)
    refused = take(tx, shop, one, rows, figures, now)
    imports.refused(tx, shop.shop_id, one, refused)
    imports.reached(tx, shop.shop_id, one, rows[-1].line, figures)
    return True


def claim(tx: Tx, shop: Shop, member_id: int, email: str, now: datetime) -> None:
    """The platform says that this customer has that e-mail address: what waited for it is theirs."""
    for import_id, row in newcomers.claim(tx, shop.shop_id, email):
        one = imports.by_id(tx, shop.shop_id, import_id)
        if one is not None:
            take(tx, shop, one, [replace(row, customer_id=member_id, email=email)], Counter(), now)


def _foresee(
    look: Look, one: Import, person: Person, account: Account | None, acted: set[int], moved_here: set[int],
    now: datetime,
) -> None:  # fmt: skip
    row, figures = person.row, look.figures
    if person.member is not None:
        figures["known"] += 1
    else:
        figures["new" if person.member_id is not None else "waiting"] += 1
    figures["rounded"] += row.fraction
    for name in ("tier", "birthday", "referral"):
        figures[f"{name}s"] += getattr(row, name) is not None
    if row.line in acted:
        figures["already"] += 1
        return
    moved = difference(one, row, account, now)
    figures["changed"] += moved != 0
    figures["points_in"] += max(0, moved)
    figures["points_out"] += max(0, -moved)
    figures["newer"] += moved != 0 and person.member_id in moved_here
