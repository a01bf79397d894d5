"""Actions: what members did beside buying, each answered once, the refused ones with their reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from plugin.domain.programme import SINGLE
from plugin.store.db import Row, Tx, moment, to_ms

_COLUMNS = (
    "rule, external_id, kind, member_id, occurred_at, recorded_at, outcome, reason, points, entry_id, "
    "redemption_id, actor"
)
_EVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a member. `outcome`: earned, refused or taken_back; `reason`: why not, as a code.

    `rule` is the key of the programme's rule; with it, `external_id` names the action for good.
    """

    rule: str
    external_id: str
    kind: str
    member_id: int
    occurred_at: datetime
    recorded_at: datetime
    outcome: str
    reason: str | None
    points: int
    entry_id: int | None
    redemption_id: int | None
    actor: str


def _action(row: Row) -> Action:
    rule, external_id, kind, member_id, occurred_at, recorded_at, *answer = row
    return Action(rule, external_id, kind, member_id, moment(occurred_at), moment(recorded_at), *answer)


def insert(tx: Tx, shop_id: int, action: Action) -> None:
    """Stores an action with its answer."""
    a = action
    tx.run(
        f"INSERT INTO actions (shop_id, {_COLUMNS}) VALUES (:s, :rule, :external, :kind, :m, :at, :t, :outcome, "
        ":reason, :points, :entry, :redemption, :actor)",
        s=shop_id,
        rule=a.rule,
        external=a.external_id,
        kind=a.kind,
        m=a.member_id,
        at=to_ms(a.occurred_at),
        t=to_ms(a.recorded_at),
        outcome=a.outcome,
        reason=a.reason,
        points=a.points,
        entry=a.entry_id,
        redemption=a.redemption_id,
        actor=a.actor,
    )


def find(tx: Tx, shop_id: int, rule: str, external_id: str) -> Action | None:
    """The action of that name under a rule, if it was told before."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM actions WHERE shop_id = :s AND rule = :rule AND external_id = :external",
        s=shop_id,
        rule=rule,
        external=external_id,
    )
    return None if row is None else _action(row)


def earned(
    tx: Tx, shop_id: int, member_id: int, rule: str, kind: str, since: datetime | None, until: datetime | None
) -> int:
    """How often a rule has earned between two moments; of the single kinds, whatever the rule was called."""
    by = "kind = :kind" if kind in SINGLE else "rule = :rule"
    row = tx.one(
        f"SELECT COUNT(*) FROM actions WHERE shop_id = :s AND member_id = :m AND {by} AND outcome = 'earned' "
        "AND occurred_at >= :since AND occurred_at < :until",
        s=shop_id,
        m=member_id,
        since=to_ms(since) or 0,
        until=_EVER if until is None else to_ms(until),
        **({"kind": kind} if kind in SINGLE else {"rule": rule}),
    )
    assert row is not None
    return int(row[0])


def last_earned(tx: Tx, shop_id: int, member_id: int, kind: str) -> datetime | None:
    """When a member last earned by a kind of action."""
    row = tx.one(
        "SELECT MAX(occurred_at) FROM actions WHERE shop_id = :s AND member_id = :m AND kind = :kind "
        "AND outcome = 'earned'",
        s=shop_id,
        m=member_id,
        kind=kind,
    )
    return None if row is None or row[0] is None else moment(row[0])


def of_member(tx: Tx, shop_id: int, member_id: int, limit: int) -> list[Action]:
    """A member's actions, refused ones too, newest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM actions WHERE shop_id = :s AND member_id = :m "
        "ORDER BY occurred_at DESC, recorded_at DESC LIMIT :n",
        s=shop_id,
        m=member_id,
        n=limit,
    )
    return [_action(row) for row in rows]


def standing(tx: Tx, shop_id: int, member_ids: Collection[int]) -> list[Action]:
    """Everything that these members earned and kept."""
    rows = tx.among(
        f"SELECT {_COLUMNS} FROM actions WHERE shop_id = :s AND outcome = 'earned' AND member_id IN (:among)",
        member_ids,
        s=shop_id,
    )
    return [_action(row) for row in rows]


def taken_back(tx: Tx, shop_id: int, actions: Iterable[Action], reason: str) -> None:
    """These do not count any more."""
    tx.many(
        "UPDATE actions SET outcome = 'taken_back', reason = :reason WHERE shop_id = :s AND rule = :rule "
        "AND external_id = :external",
        [{"s": shop_id, "rule": a.rule, "external": a.external_id, "reason": reason} for a in actions],
    )


def rehome(tx: Tx, shop_id: int, old_member: int, member_id: int) -> None:
    """Hangs a merged-away member's actions on the kept one."""
    tx.run(
        "UPDATE actions SET member_id = :m WHERE shop_id = :s AND member_id = :old",
        s=shop_id,
        m=member_id,
        old=old_member,
    )


def joined_between(
    tx: Tx, shop_id: int, since: datetime, until: datetime, rule: str, suffix: str, limit: int
) -> list[int]:
    """Active members who joined then and have no action `<member>:<suffix>` under the rule yet."""
    rows = tx.all(
        "SELECT m.member_id FROM members m WHERE m.shop_id = :s AND m.status = 'active' AND m.joined_at >= :since "
        "AND m.joined_at < :until AND NOT EXISTS (SELECT 1 FROM actions a WHERE a.shop_id = :s AND a.rule = :rule "
        "AND a.external_id = CAST(m.member_id AS TEXT) || :suffix) ORDER BY m.joined_at, m.member_id LIMIT :n",
        s=shop_id,
        since=to_ms(since),
        until=to_ms(until),
        rule=rule,
        suffix=f":{suffix}",
        n=limit,
    )
    return [row[0] for row in rows]


def first_joined(tx: Tx, shop_id: int) -> datetime | None:
    """When the oldest active member joined."""
    row = tx.one(
        "SELECT MIN(joined_at) FROM members WHERE shop_id = :s AND status = 'active'",
        s=shop_id,
    )
    return None if row is None or row[0] is None else moment(row[0])


def day_done(tx: Tx, shop_id: int, name: str) -> int | None:
    """Up to which day work that goes day by day is done."""
    row = tx.one("SELECT day FROM marks WHERE shop_id = :s AND name = :name", s=shop_id, name=name)
    return None if row is None else int(row[0])


def set_day_done(tx: Tx, shop_id: int, name: str, day: int) -> None:
    """Work that goes day by day is done up to this day."""
    tx.run(
        "INSERT INTO marks (shop_id, name, day) VALUES (:s, :name, :day) "
        "ON CONFLICT (shop_id, name) DO UPDATE SET day = excluded.day",
        s=shop_id,
        name=name,
        day=day,
    )
