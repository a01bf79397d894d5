"""Imports: lists of members as they were read, and how far each has come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from plugin.domain.imports import MemberRow
from plugin.store.db import Row, Tx, from_ms, moment, to_ms
from plugin.store.ids import new_id

Purpose = Literal["members", "adjustment"]
Policy = Literal["add", "set"]
State = Literal["looked_at", "running", "done"]
_COLUMNS = (
    "import_id, purpose, name, digest, app, policy, reason, state, actor, created_at, finished_at, at_line, rows, "
    "foreseen, figures"
)
_row = msgspec.json.Decoder(MemberRow).decode
_counts = msgspec.json.Decoder(dict[str, int]).decode
_cells = msgspec.json.Decoder(dict[str, str]).decode


@dataclass(frozen=True, slots=True)
class Import:
    """One list. `foreseen`: what the dry run said, by name; `figures`: what was done so far, up to line `at_line`."""

    import_id: int
    purpose: Purpose
    name: str
    digest: str
    app: str
    policy: Policy
    reason: str | None
    state: State
    actor: str
    created_at: datetime
    finished_at: datetime | None
    at_line: int
    rows: int
    foreseen: dict[str, int]
    figures: dict[str, int]


@dataclass(frozen=True, slots=True)
class Staged:
    """One line of a list: what it says of a person, or the sentence that says why it cannot be used."""

    line: int
    row: MemberRow | None
    cells: Mapping[str, str]
    problem: str | None = None


def _import(row: Row) -> Import:
    return Import(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], moment(row[9]), from_ms(row[10]),
        row[11], row[12], _counts(row[13]), _counts(row[14]),
    )  # fmt: skip


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def digest_of(body: bytes, purpose: str) -> str:
    """What names a list by its content: the same file for the same purpose has the same one."""
    return hashlib.sha256(purpose.encode() + b"\x00" + body).hexdigest()[:20]


def create(
    tx: Tx, shop_id: int, purpose: Purpose, name: str, digest: str, app: str, policy: Policy, reason: str | None,
    actor: str, now: datetime,
) -> int:  # fmt: skip
    """Notes a list that is being looked at; returns its id."""
    import_id = new_id()
    tx.run(
        "INSERT INTO imports (shop_id, import_id, purpose, name, digest, app, policy, reason, actor, created_at) "
        "VALUES (:s, :id, :purpose, :name, :digest, :app, :policy, :reason, :actor, :t)",
        s=shop_id, id=import_id, purpose=purpose, name=name, digest=digest, app=app, policy=policy, reason=reason,
        actor=actor, t=to_ms(now),
    )  # fmt: skip
    return import_id


def stage(tx: Tx, shop_id: int, import_id: int, staged: Iterable[Staged]) -> None:
    """Keeps lines of a list. The cells are kept only of those that go into the error file."""
    tx.many(
        "INSERT INTO import_rows (shop_id, import_id, line, row, cells, problem) "
        "VALUES (:s, :id, :line, :row, :cells, :problem)",
        [
            {
                "s": shop_id,
                "id": import_id,
                "line": one.line,
                "row": None if one.row is None else _json(one.row),
                "cells": _json(one.cells) if one.problem else None,
                "problem": one.problem,
            }
            for one in staged
        ],
    )


def foreseen(tx: Tx, shop_id: int, import_id: int, rows: int, figures: Mapping[str, int]) -> None:
    """Notes what the dry run found."""
    tx.run(
        "UPDATE imports SET rows = :n, foreseen = :f WHERE shop_id = :s AND import_id = :id",
        s=shop_id, id=import_id, n=rows, f=_json(figures),
    )  # fmt: skip


def by_id(tx: Tx, shop_id: int, import_id: int) -> Import | None:
    """The list of that id."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM imports WHERE shop_id = :s AND import_id = :id", s=shop_id, id=import_id
    )
    return None if row is None else _import(row)


def newest(tx: Tx, shop_id: int, limit: int) -> list[Import]:
    """Lists that were begun, the newest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM imports WHERE shop_id = :s AND state <> 'looked_at' "
        "ORDER BY import_id DESC LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [_import(row) for row in rows]


def running(tx: Tx, shop_id: int) -> Import | None:
    """The oldest list that is under way."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM imports WHERE shop_id = :s AND state = 'running' ORDER BY import_id LIMIT 1",
        s=shop_id,
    )
    return None if row is None else _import(row)


def begin(tx: Tx, shop_id: int, import_id: int) -> bool:
    """Begins a list that was looked at; False when it was begun before."""
    return (
        tx.run(
            "UPDATE imports SET state = 'running' WHERE shop_id = :s AND import_id = :id AND state = 'looked_at'",
            s=shop_id,
            id=import_id,
        )
        > 0
    )


def next_rows(tx: Tx, shop_id: int, one: Import, limit: int) -> list[tuple[int, MemberRow]]:
    """The next usable lines of a list: one pass along the primary key."""
    rows = tx.all(
        "SELECT line, row FROM import_rows WHERE shop_id = :s AND import_id = :id AND line > :l AND row IS NOT NULL "
        "ORDER BY line LIMIT :n",
        s=shop_id, id=one.import_id, l=one.at_line, n=limit,
    )  # fmt: skip
    return [(row[0], _row(row[1])) for row in rows]


def reached(tx: Tx, shop_id: int, one: Import, line: int, figures: Mapping[str, int]) -> None:
    """Moves a list on to a line, with all that was done so far; what is done is not kept."""
    tx.run(
        "DELETE FROM import_rows WHERE shop_id = :s AND import_id = :id AND line <= :l AND problem IS NULL",
        s=shop_id, id=one.import_id, l=line,
    )  # fmt: skip
    tx.run(
        "UPDATE imports SET at_line = :l, figures = :f WHERE shop_id = :s AND import_id = :id",
        s=shop_id, id=one.import_id, l=line, f=_json(figures),
    )  # fmt: skip


def refused(tx: Tx, shop_id: int, one: Import, problems: Iterable[tuple[MemberRow, str]]) -> None:
    """Notes why lines could not be used after all."""
    tx.many(
        "UPDATE import_rows SET row = NULL, problem = :p, cells = :c WHERE shop_id = :s AND import_id = :id "
        "AND line = :l",
        [
            {
                "s": shop_id,
                "id": one.import_id,
                "l": row.line,
                "p": problem,
                "c": _json(
                    {
                        "customer_id": str(row.customer_id or ""),
                        "email": row.email or "",
                        "points": "" if row.points is None else str(row.points),
                    }
                ),
            }
            for row, problem in problems
        ],
    )


def finish(tx: Tx, shop_id: int, import_id: int, now: datetime) -> None:
    """Marks a list as done."""
    tx.run(
        "UPDATE imports SET state = 'done', finished_at = :t WHERE shop_id = :s AND import_id = :id",
        s=shop_id, id=import_id, t=to_ms(now),
    )  # fmt: skip


def problems(
    tx: Tx, shop_id: int, import_id: int, after: int = 0, limit: int = 1 << 62
) -> Iterator[tuple[int, dict[str, str], str]]:
    """Lines below line `after` that cannot be used as (line, cells, sentence)."""
    for row in tx.each(
        "SELECT line, cells, problem FROM import_rows WHERE shop_id = :s AND import_id = :id "
        "AND problem IS NOT NULL AND line > :l ORDER BY line LIMIT :n",
        s=shop_id, id=import_id, l=after, n=limit,
    ):  # fmt: skip
        yield row[0], {} if row[1] is None else _cells(row[1]), row[2]


def forget_rows(tx: Tx, shop_id: int, before: datetime, limit: int) -> int:
    """Removes lines of lists that were begun, or only looked at, before a moment; returns how many."""
    return tx.run(
        "DELETE FROM import_rows WHERE shop_id = :s AND (import_id, line) IN (SELECT r.import_id, r.line "
        "FROM import_rows r JOIN imports i ON i.shop_id = r.shop_id AND i.import_id = r.import_id "
        "WHERE r.shop_id = :s AND i.state <> 'running' AND i.created_at < :t LIMIT :n)",
        s=shop_id, t=to_ms(before), n=limit,
    )  # fmt: skip


def key_of(digest: str, line: int) -> str:
    """Names the cause of an entry: this very list, and the line of it."""
    return f"import:{digest}:{line}"


def given(
    tx: Tx, shop_id: int, digest: str, lines: Iterable[int], member_ids: Iterable[int]
) -> tuple[set[str], set[int]]:
    """What this very list did already, whenever it was taken: causes that stand, and members it moved."""
    keys = [key_of(digest, line) for line in lines]
    stands = tx.among(
        "SELECT source_key FROM entries WHERE shop_id = :s AND source_key IN (:among)", keys, s=shop_id
    )
    moved = tx.among(
        "SELECT DISTINCT member_id FROM entries WHERE shop_id = :s AND member_id IN (:among) "
        "AND substr(source_key, 1, :n) = :prefix",
        member_ids,
        s=shop_id,
        n=len(key_of(digest, 0)) - 1,
        prefix=key_of(digest, 0)[:-1],
    )
    return {row[0] for row in stands}, {row[0] for row in moved}


def moved_here(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> set[int]:
    """Those of these members who have points by anything but an import."""
    rows = tx.among(
        "SELECT DISTINCT member_id FROM entries WHERE shop_id = :s AND kind <> 'import' AND member_id IN (:among)",
        member_ids,
        s=shop_id,
    )
    return {row[0] for row in rows}
