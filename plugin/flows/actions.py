"""Actions flow: something a member did beside buying is told once, decided, credited or refused with a reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.domain import actions as rules
from plugin.domain.ledger import Account, floor_at_zero
from plugin.domain.pauses import paused
from plugin.domain.programme import SINGLE, ActionKind, ActionRule, Programme
from plugin.domain.values import months_later
from plugin.errors import RegularsError
from plugin.flows import spending
from plugin.store import actions, ledger, members, programmes, queues, redemptions
from plugin.store.actions import Action
from plugin.store.db import Tx
from plugin.store.members import Member
from plugin.store.shops import Shop, zone

# So far may the clock of whoever reports an action be ahead of ours.
AHEAD = timedelta(minutes=5)
# No @, so that nobody names an action by an e-mail address.
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9._:/-]{1,100}")


class CannotCount(RegularsError):
    """The action was not taken, and nothing of it is kept."""

    code = "cannot_count"
    status = 422


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to an action. `again`: it was told before, and this is what was answered then."""

    action: Action
    name: str
    again: bool = False

    @property
    def earned(self) -> bool:
        """Whether it earned, and still does."""
        return self.action.outcome == "earned"

    @property
    def shopper_reads(self) -> str:
        """Why it earned nothing, to the shopper; empty when it did."""
        return rules.WHY_NOT[self.action.reason][0] if self.action.reason else ""

    @property
    def merchant_reads(self) -> str:
        """Why it earned nothing, to the merchant; empty when it did."""
        return rules.WHY_NOT[self.action.reason][1] if self.action.reason else ""


def happened(
    tx: Tx,
    shop: Shop,
    member_id: int,
    key: str,
    external_id: str,
    occurred_at: datetime,
    now: datetime,
    *,
    actor: str,
) -> Outcome:
    """A member did what the rule `key` rewards. `external_id` names it: told again, the first answer is given again.

    The programme in force at `occurred_at` decides. A refused action is kept with its reason and stays refused.
    Raises CannotCount (codes: bad_external_id, in_future, no_such_action, no_such_member, other_member).
    """
    _check(external_id, occurred_at, now)
    member_id = members.resolved(tx, shop.shop_id, member_id)
    versions = programmes.versions(tx, shop.shop_id)
    told = actions.find(tx, shop.shop_id, key, external_id)
    if told is not None:
        return _again(told, member_id, versions.latest)
    occurred_at = min(occurred_at, now)
    programme = versions.at(occurred_at)
    rule = programme.action(key) if programme is not None else None
    known = rule or (versions.latest.action(key) if versions.latest is not None else None)
    member = members.by_id(tx, shop.shop_id, member_id)
    if known is None:
        raise CannotCount(
            "The programme has no such action. Look its key up in the programme.",
            code="no_such_action",
            status=404,
        )
    if member is None:
        raise CannotCount("There is no member with this number.", code="no_such_member", status=404)
    decision = _decided(tx, shop, rule, member, occurred_at, now)
    entry_id = redemption_id = None
    if decision.why_not is None:
        assert programme is not None
        cause = f"action:{key}:{external_id}"
        if decision.reward is not None:
            redemption_id = _issue(tx, shop, programme, member_id, decision.reward, cause, now)
        else:
            entry_id = _credit(
                tx, shop, programme, known, member_id, decision, cause, occurred_at, now, actor
            )
    action = Action(
        rule=key,
        external_id=external_id,
        kind=known.kind,
        member_id=member_id,
        occurred_at=occurred_at,
        recorded_at=now,
        outcome="earned" if decision.why_not is None else "refused",
        reason=decision.why_not,
        points=decision.points,
        entry_id=entry_id,
        redemption_id=redemption_id,
        actor=actor,
    )
    actions.insert(tx, shop.shop_id, action)
    return Outcome(action, known.name)


def of_kind(
    tx: Tx,
    shop: Shop,
    member_id: int,
    kind: ActionKind,
    external_id: str,
    occurred_at: datetime,
    now: datetime,
    *,
    actor: str,
) -> Outcome | None:
    """As `happened`, for what names no rule; None where the programme of that moment rewards no such thing."""
    programme = programmes.versions(tx, shop.shop_id).at(min(occurred_at, now))
    rule = programme.action_of(kind) if programme is not None else None
    if rule is None:
        return None
    return happened(tx, shop, member_id, rule.key, external_id, min(occurred_at, now), now, actor=actor)


def keep_earliest(
    tx: Tx, shop: Shop, kept: Account, gone_id: int, programme: Programme | None, now: datetime
) -> None:
    """After two members became one: what both had within a limit stands once, the earliest (design 10.3)."""
    standing = actions.standing(tx, shop.shop_id, [kept.member_id, gone_id])
    groups: dict[str, list[Action]] = {}
    for action in standing:
        groups.setdefault(action.kind if action.kind in SINGLE else f"rule {action.rule}", []).append(action)
    for group in groups.values():
        if len({action.member_id for action in group}) < 2:
            continue  # what one of them had is no affair of the merge, whatever today's limit
        rule = programme.action(group[0].rule) if programme is not None else None
        law = rules.limit_of(rule, group[0].kind)
        if law is None:
            continue
        moments = [action.occurred_at for action in group]
        over = [group[n] for n in rules.over_limit(moments, *law, zone(shop.timezone))]
        for action in over:
            _take_back(tx, shop, kept, gone_id, action, rule, programme, now)
        actions.taken_back(tx, shop.shop_id, over, "merged")


def _check(external_id: str, occurred_at: datetime, now: datetime) -> None:
    if _EXTERNAL_ID.fullmatch(external_id) is None:
        raise CannotCount(
            "Name the action by 1 to 100 letters, digits and . _ : / -, always the same for the same action.",
            code="bad_external_id",
        )
    if occurred_at > now + AHEAD:
        raise CannotCount("This has not happened yet. Check the time and its zone.", code="in_future")


def _again(told: Action, member_id: int, programme: Programme | None) -> Outcome:
    if told.member_id != member_id:
        raise CannotCount(
            "Another member did the action of this id. Make the member a part of the id.",
            code="other_member",
            status=409,
        )
    rule = programme.action(told.rule) if programme is not None else None
    return Outcome(told, rule.name if rule is not None else told.rule, again=True)


def _decided(
    tx: Tx, shop: Shop, rule: ActionRule | None, member: Member, occurred_at: datetime, now: datetime
) -> rules.Decision:
    if rule is None:
        return rules.Decision(why_not="before_rule")
    since, until = rules.window(rule.period, occurred_at, zone(shop.timezone))
    return rules.decide(
        rule,
        active=member.status == "active",
        joined_at=member.joined_at,
        earned=actions.earned(tx, shop.shop_id, member.member_id, rule.key, rule.kind, since, until),
        occurred_at=occurred_at,
        now=now,
        stopped=paused(shop.pauses, "earning", occurred_at),
    )


def _take_back(
    tx: Tx,
    shop: Shop,
    kept: Account,
    gone_id: int,
    action: Action,
    rule: ActionRule | None,
    programme: Programme | None,
    now: datetime,
) -> None:
    if action.redemption_id is not None:
        given = redemptions.by_id(tx, shop.shop_id, action.redemption_id)
        if given is not None and given.state == "made":
            queues.enqueue(tx, shop.shop_id, [spending.withdraw_code(given.redemption_id)], now)
        return
    entry = kept.take_back(
        "clawback",
        action.points,
        source_key=f"merge:{gone_id}:action:{action.entry_id}",
        why={"rule": action.rule, "name": rule.name if rule else None, "because": "merged"},
        occurred_at=now,
        now=now,
        reverses_id=action.entry_id,
    )
    floor_at_zero(kept, entry, programme)


def _issue(
    tx: Tx, shop: Shop, programme: Programme, member_id: int, reward_key: str, cause: str, now: datetime
) -> int:
    reward = programme.reward(reward_key)
    assert reward is not None  # a programme with an action for a reward it does not have is never published
    given = spending.issue(tx, shop, member_id, reward, cause, now)
    assert given is not None
    return given.redemption_id


def _credit(
    tx: Tx,
    shop: Shop,
    programme: Programme,
    rule: ActionRule,
    member_id: int,
    decision: rules.Decision,
    cause: str,
    occurred_at: datetime,
    now: datetime,
    actor: str,
) -> int:
    account = ledger.accounts(tx, shop.shop_id, [member_id])[member_id]
    opens = decision.available_at
    ends = (
        months_later(opens, programme.expiry_months)
        if opens is not None and programme.expiry_months is not None
        else None
    )
    entry = account.credit(
        "survey" if rule.kind == "survey" else "action",
        decision.points,
        source_key=cause,
        why={"rule": rule.key, "action": rule.kind, "name": rule.name, "programme": programme.version},
        occurred_at=occurred_at,
        available_at=opens,
        expires_at=ends,
        actor=actor,
    )
    ledger.write(tx, shop.shop_id, [account.moves], now)
    queues.enqueue(tx, shop.shop_id, [spending.mirror_of(member_id)], now)
    return entry.entry_id
