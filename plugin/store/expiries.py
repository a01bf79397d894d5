"""Expiry as rows: lots follow the rule on whole balances, runs over all lots of a shop, and reminders noted once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from plugin.domain import expiry
from plugin.domain.expiry import Rule
from plugin.domain.ledger import Lot
from plugin.store import lots, programmes, shops
from plugin.store.db import Row, Tx, from_ms, moment, to_ms
from plugin.store.ids import new_id

_RUN = "run_id, kind, ends_at, tier, alive_after, actor, created_at, finished_at, at_lot, lots, points"


@dataclass(frozen=True, slots=True)
class Run:
    """Work over every open lot of a shop, carried out by the clock along the primary key.

    kind: "redate" (the rule changed) or "extend" (no lot ends before `ends_at`; of one tier's members, if it names
    one). Lots that ended at or before `alive_after` are over and stay so.
    """

    run_id: int
    kind: str
    ends_at: datetime | None
    tier: str | None
    alive_after: datetime
    actor: str
    created_at: datetime
    finished_at: datetime | None
    reached: int
    lots: int
    points: int


def rule(tx: Tx, shop_id: int) -> Rule | None:
    """The rule on whole balances in force; None for a shop that has none."""
    published = programmes.versions(tx, shop_id).in_effect  # one that waits for its day dates nothing yet
    if not published or published[-1][1].expiry.balance == "never":
        return None
    row = tx.one("SELECT timezone FROM shops WHERE shop_id = :s", s=shop_id)
    zone = shops.zone(row[0] if row else None)
    return expiry.rule_of([(at, programme.expiry) for at, programme in published], zone)


def follow(tx: Tx, shop_id: int, member_ids: Iterable[int], now: datetime) -> None:
    """Dates the open lots of members whose points moved anew, where a rule on whole balances says when they end."""
    found = rule(tx, shop_id)
    if found is not None:
        redate(tx, shop_id, found, sorted(set(member_ids)), now)


def redate(
    tx: Tx, shop_id: int, found: Rule | None, member_ids: list[int], alive_after: datetime
) -> list[Lot]:
    """Dates these members' open lots as the rule says; those over by `alive_after` stay. Returns what changed."""
    held: dict[int, list[Lot]] = {member_id: [] for member_id in member_ids}
    for one in lots.of_members(tx, shop_id, member_ids):
        if one.expires_at is None or one.expires_at > alive_after:
            held[one.member_id].append(one)
    active = _active_at(tx, shop_id, found, [member_id for member_id in member_ids if held[member_id]])
    changed = [
        one
        for member_id, open_lots in held.items()
        for one in expiry.redated(open_lots, found, active.get(member_id))
    ]
    lots.redate(tx, shop_id, changed)
    return changed


def _active_at(tx: Tx, shop_id: int, found: Rule | None, member_ids: list[int]) -> dict[int, datetime]:
    """When each of these members was last active, under whatever number they had then."""
    if found is None or found.expiry.balance != "inactivity":
        return {}
    kinds = ", ".join(f"'{kind}'" for kind in sorted(expiry.activity(found.expiry)))
    old_names = tx.among(
        "SELECT old_id, member_id FROM aliases WHERE shop_id = :s AND member_id IN (:among)",
        member_ids,
        s=shop_id,
    )
    owner = {member_id: member_id for member_id in member_ids} | dict(old_names)
    active: dict[int, datetime] = {}
    for name, at in tx.among(
        f"SELECT member_id, MAX(occurred_at) FROM entries WHERE shop_id = :s AND kind IN ({kinds}) "
        "AND (points > 0 OR kind = 'redeem') AND member_id IN (:among) GROUP BY member_id",
        owner,
        s=shop_id,
    ):
        member_id = owner[name]
        active[member_id] = max(moment(at), active.get(member_id, moment(at)))
    return active


def begin(
    tx: Tx,
    shop_id: int,
    kind: str,
    alive_after: datetime,
    actor: str,
    now: datetime,
    *,
    ends_at: datetime | None = None,
    tier: str | None = None,
) -> int:
    """Notes a run for the clock to carry out; returns its id."""
    run_id = new_id()
    tx.run(
        "INSERT INTO expiry_runs (shop_id, run_id, kind, ends_at, tier, alive_after, actor, created_at) "
        "VALUES (:s, :id, :kind, :ends, :tier, :alive, :actor, :t)",
        s=shop_id,
        id=run_id,
        kind=kind,
        ends=to_ms(ends_at),
        tier=tier,
        alive=to_ms(alive_after),
        actor=actor,
        t=to_ms(now),
    )
    return run_id


def unfinished(tx: Tx, shop_id: int) -> Run | None:
    """The oldest run that is still under way."""
    row = tx.one(
        f"SELECT {_RUN} FROM expiry_runs WHERE shop_id = :s AND finished_at IS NULL ORDER BY run_id LIMIT 1",
        s=shop_id,
    )
    return None if row is None else _run(row)


def newest(tx: Tx, shop_id: int, kind: str, limit: int) -> list[Run]:
    """Runs of a kind, the newest first."""
    rows = tx.all(
        f"SELECT {_RUN} FROM expiry_runs WHERE shop_id = :s AND kind = :kind ORDER BY run_id DESC LIMIT :n",
        s=shop_id,
        kind=kind,
        n=limit,
    )
    return [_run(row) for row in rows]


def _run(row: Row) -> Run:
    return Run(
        row[0], row[1], from_ms(row[2]), row[3], moment(row[4]), row[5], moment(row[6]), from_ms(row[7]),
        row[8], row[9], row[10],
    )  # fmt: skip


def next_lots(tx: Tx, shop_id: int, run: Run, limit: int) -> list[Lot]:
    """The next open lots of a run, along the primary key."""
    rows = tx.all(
        f"SELECT {lots.OF_LOTS} FROM lots l LEFT JOIN members m ON m.shop_id = l.shop_id "
        "AND m.member_id = l.member_id WHERE l.shop_id = :s AND l.lot_id > :reached AND l.remaining > 0 "
        "AND (l.expires_at IS NULL OR l.expires_at > :alive) AND (:tier = '' OR m.tier = :tier) "
        "ORDER BY l.lot_id LIMIT :n",
        s=shop_id,
        reached=run.reached,
        alive=to_ms(run.alive_after),
        tier=run.tier or "",
        n=limit,
    )
    return [lots.lot(row) for row in rows]


def reached(tx: Tx, shop_id: int, run: Run, lot_id: int, changed: list[Lot]) -> None:
    """Moves a run on to a lot; `changed` are the lots that it dated anew on the way."""
    tx.run(
        "UPDATE expiry_runs SET at_lot = :lot, lots = lots + :n, points = points + :points "
        "WHERE shop_id = :s AND run_id = :id",
        s=shop_id,
        id=run.run_id,
        lot=lot_id,
        n=len(changed),
        points=sum(one.remaining for one in changed),
    )


def finish(tx: Tx, shop_id: int, run_id: int, now: datetime) -> None:
    """Marks a run as carried out."""
    tx.run(
        "UPDATE expiry_runs SET finished_at = :t WHERE shop_id = :s AND run_id = :id",
        s=shop_id,
        id=run_id,
        t=to_ms(now),
    )


def ending(
    tx: Tx, shop_id: int, reminder: str, after: datetime, until: datetime, limit: int
) -> tuple[list[tuple[int, datetime]], tuple[int, int] | None]:
    """(member, end) of lots of members that end after and until these moments and were not looked at for the
    reminder; and the mark to set, None when there are none."""
    row = tx.one(
        "SELECT at, at_lot FROM expiry_marks WHERE shop_id = :s AND reminder = :r", s=shop_id, r=reminder
    )
    at, at_lot = (int(row[0]), int(row[1])) if row else (0, 0)
    start = max((at, at_lot), (to_ms(after) or 0, 1 << 62))
    rows = tx.all(
        "SELECT l.expires_at, l.lot_id, l.member_id, m.status FROM lots l JOIN members m ON m.shop_id = l.shop_id "
        "AND m.member_id = l.member_id WHERE l.shop_id = :s AND l.remaining > 0 AND l.expires_at IS NOT NULL "
        "AND l.expires_at <= :until AND (l.expires_at, l.lot_id) > (:at, :lot) "
        "ORDER BY l.expires_at, l.lot_id LIMIT :n",
        s=shop_id,
        until=to_ms(until),
        at=start[0],
        lot=start[1],
        n=limit,
    )
    if not rows:
        return [], None
    return [(row[2], moment(row[0])) for row in rows if row[3] == "active"], (rows[-1][0], rows[-1][1])


def looked_at(tx: Tx, shop_id: int, reminder: str, mark: tuple[int, int]) -> None:
    """Remembers how far along the ends of lots a reminder has come."""
    tx.run(
        "INSERT INTO expiry_marks (shop_id, reminder, at, at_lot) VALUES (:s, :r, :at, :lot) "
        "ON CONFLICT (shop_id, reminder) DO UPDATE SET at = excluded.at, at_lot = excluded.at_lot",
        s=shop_id,
        r=reminder,
        at=mark[0],
        lot=mark[1],
    )


def notice(
    tx: Tx, shop_id: int, member_id: int, reminder: str, ends_at: datetime, points: int, now: datetime
) -> bool:
    """Notes a reminder about the points that end on one day; False when it was noted before."""
    day = ends_at.astimezone(UTC).date().isoformat()
    return (
        tx.run(
            "INSERT INTO expiry_notices (shop_id, member_id, reminder, day, ends_at, points, noted_at) "
            "VALUES (:s, :m, :r, :day, :ends, :points, :t) ON CONFLICT (shop_id, member_id, reminder, day) DO NOTHING",
            s=shop_id,
            m=member_id,
            r=reminder,
            day=day,
            ends=to_ms(ends_at),
            points=points,
            t=to_ms(now),
        )
        > 0
    )
