"""Referrals flow: an order that a member sent is noticed, and judged again whenever anything around it changes.

The end is the same in whatever order the news come: until the reward is given, everything is judged anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from plugin.domain import referrals as rules
from plugin.domain.actions import window
from plugin.domain.facts import OrderFact, OrderSeen
from plugin.domain.orders import codes
from plugin.domain.pauses import paused
from plugin.domain.referrals import Place, Verdict
from plugin.errors import RegularsError
from plugin.flows import rewarding
from plugin.flows.settling import Work
from plugin.flows.surroundings import PRINT_DAYS, Surroundings, rule_of
from plugin.store import events, fingerprints, programmes, referral_codes, referrals
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.ids import new_id
from plugin.store.programmes import Versions
from plugin.store.referrals import Referred
from plugin.store.shops import Shop, zone

MAX_NOTE = 500


class CannotDecide(RegularsError):
    """The decision on a referral was not taken."""

    code = "cannot_decide"
    status = 422


def settle(tx: Tx, shop: Shop, works: Sequence[Work], facts: Sequence[OrderFact], now: datetime) -> None:
    """After orders were settled and stored: notices referrals among them and judges whatever they touch.

    Costs nothing while no programme of these orders has referrals.
    """
    works = [work for work in works if work.programme is not None and work.programme.referral.enabled]
    if not works:
        return
    _remember(tx, shop, works, facts, now)
    _notice(tx, shop, works, now)
    involved = {work.member_id for work in works if work.member_id is not None}
    touched = [
        *referrals.by_orders(tx, shop.shop_id, [work.order.order_id for work in works]),
        *referrals.of_friends(tx, shop.shop_id, involved),
        *referrals.open_of(tx, shop.shop_id, involved),
    ]
    judge(tx, shop, touched, now)


def release(tx: Tx, shop: Shop, now: datetime, limit: int) -> bool:
    """The clock's slice: rewards that are due; True when a slice was full. While earning stands still they wait."""
    versions = programmes.versions(tx, shop.shop_id)
    if not versions.any_referrals or paused(shop.pauses, "earning", now):
        return False
    due = referrals.due(tx, shop.shop_id, now, limit)
    judge(tx, shop, due, now)
    return len(due) == limit


def around(tx: Tx, shop: Shop, member_id: int, now: datetime) -> None:
    """Something about a member changed (joined, merged, gone): judges what they sent and what they were sent to."""
    found = [
        *referrals.of_friends(tx, shop.shop_id, [member_id]),
        *referrals.open_of(tx, shop.shop_id, [member_id]),
    ]
    judge(tx, shop, found, now)


def decide(
    tx: Tx,
    shop: Shop,
    referral_id: int,
    decision: Literal["approved", "rejected"],
    note: str,
    actor: str,
    now: datetime,
) -> Referred:
    """Staff's word on a referral, whatever its score; it can be changed, and takes back what was given.

    Raises CannotDecide (codes: no_such_referral, no_reason).
    """
    found = referrals.by_ids(tx, shop.shop_id, [referral_id])
    if not found:
        raise CannotDecide("There is no such referral. Reload the list.", code="no_such_referral", status=404)
    said = " ".join(note.split())[:MAX_NOTE]
    if not said:
        raise CannotDecide("Say why, in a few words.", code="no_reason")
    told = replace(found[0], decision=decision, decided_by=actor, decided_at=now, note=said)
    referrals.save(tx, shop.shop_id, [told])
    detail: dict[str, object] = {"referral": str(referral_id), "decision": decision}
    events.record(
        tx, shop.shop_id, [Event(now, actor, "referral_reviewed", f"member:{told.referrer_id}", detail)]
    )
    judge(tx, shop, [told], now)
    return referrals.by_ids(tx, shop.shop_id, [referral_id])[0]


def _remember(tx: Tx, shop: Shop, works: Sequence[Work], facts: Sequence[OrderFact], now: datetime) -> None:
    """Keeps keyed hashes of where these orders came from; what is older than they live is not kept at all."""
    owner = {work.order.order_id: work.member_id for work in works if work.member_id is not None}
    oldest = now - timedelta(days=PRINT_DAYS)
    seen = [
        (kind, text, owner[fact.order_id], fact.head.processed_at)
        for fact in facts
        if isinstance(fact, OrderSeen) and fact.traces is not None and fact.order_id in owner
        if fact.head.processed_at >= oldest
        for kind, text in rules.prints_of(fact.traces)
    ]
    if seen:
        secret = fingerprints.key(tx, shop.shop_id)
        fingerprints.remember(
            tx,
            shop.shop_id,
            [(kind, fingerprints.hashed(secret, kind, text), m, min(at, now)) for kind, text, m, at in seen],
        )


def _notice(tx: Tx, shop: Shop, works: Sequence[Work], now: datetime) -> None:
    """Makes a referral of every order that carries somebody's code, as a discount or from the link."""
    said = {work.order.order_id: _said(work) for work in works if work.member_id is not None}
    owners = referral_codes.owners(tx, shop.shop_id, {code for pairs in said.values() for code, _ in pairs})
    if not owners:
        return
    known = {one.order_id for one in referrals.by_orders(tx, shop.shop_id, said)}
    made = []
    for work in works:
        order_id, head, programme = work.order.order_id, work.order.head, work.programme
        claim = next((pair for pair in said.get(order_id, ()) if pair[0] in owners), None)
        if claim is None or order_id in known or head is None or programme is None or work.member_id is None:
            continue
        code, via = claim
        made.append(
            Referred(
                referral_id=new_id(),
                referrer_id=owners[code],
                friend_id=work.member_id,
                order_id=order_id,
                code=code,
                via=via,
                version=programme.version,
                placed_at=head.processed_at,
                created_at=now,
                friend_reward="code" if via == "code" else "owed",
            )
        )
    referrals.save(tx, shop.shop_id, made)


def _said(work: Work) -> list[tuple[str, Literal["link", "code"]]]:
    """The codes an order names; one that took money off says more than the link that somebody once followed."""
    used: list[tuple[str, Literal["link", "code"]]] = [(code, "code") for code in sorted(codes(work.order))]
    head = work.order.head
    return [*used, (head.referral, "link")] if head is not None and head.referral is not None else used


def judge(tx: Tx, shop: Shop, several: Iterable[Referred], now: datetime) -> None:
    """Judges referrals by all that is known now, and gives or takes back what follows from it.

    With them everything open of the same referrers: a place may come free, and one sign is a sign for all.
    """
    rows = {one.referral_id: one for one in several}
    if not rows:
        return
    referrers = {one.referrer_id for one in rows.values()}
    rows = {one.referral_id: one for one in referrals.open_of(tx, shop.shop_id, referrers)} | rows
    versions = programmes.versions(tx, shop.shop_id)
    surroundings = Surroundings(tx, shop, list(rows.values()), versions, now)
    judged = [surroundings.judged(one) for one in rows.values()]
    capped = _capped(judged, referrals.given(tx, shop.shop_id, referrers), versions, shop)
    stopped = paused(shop.pauses, "earning", now)
    pairs = []
    for one, verdict in judged:
        if one.referral_id in capped:
            verdict = Verdict("rejected", "cap")
        elif stopped and verdict.state == "approved" and one.released_at is None:
            verdict = Verdict("qualified", release_at=verdict.release_at)
        after = replace(one, state=verdict.state, why=verdict.why, release_at=verdict.release_at)
        pairs.append((rows[one.referral_id], after))
    final = rewarding.reward(tx, shop, [after for _, after in pairs], versions, now)
    changed = [(before, after) for (before, _), after in zip(pairs, final, strict=True) if before != after]
    referrals.save(tx, shop.shop_id, [after for _, after in changed])
    _tell(tx, shop, changed, now)
    if any(_moves_others(before, after) for before, after in changed):
        judge(tx, shop, referrals.open_of(tx, shop.shop_id, referrers), now)


def _moves_others(before: Referred, after: Referred) -> bool:
    """Whether a place came free, or an order that was sent back is a sign for the others now."""
    back = [one.state == "cancelled" and one.why in rules.GIVEN_BACK for one in (before, after)]
    return back[0] != back[1] or (before.released_at is not None and after.released_at is None)


def _capped(
    judged: list[tuple[Referred, Verdict]], held: list[tuple[int, Place]], versions: Versions, shop: Shop
) -> frozenset[int]:
    """Those that find no place any more in the period of their order."""
    there = zone(shop.timezone)
    wishes = [
        one
        for one, verdict in judged
        if one.released_at is None and verdict.state in ("qualified", "approved")
    ]
    places = held + [
        (one.referrer_id, Place(one.referral_id, one.placed_at, one.order_id, released=False))
        for one in wishes
    ]
    over: dict[tuple[int, int | None, datetime | None], frozenset[int]] = {}
    capped = set()
    for one in wishes:
        rule = rule_of(versions, one)
        since, until = window(rule.cap_period, one.placed_at, there)
        name = (one.referrer_id, rule.cap, since)
        if name not in over:
            inside = [
                place
                for referrer_id, place in places
                if referrer_id == one.referrer_id
                and (since is None or since <= place.placed_at)
                and (until is None or place.placed_at < until)
            ]
            over[name] = rules.over_cap(inside, rule.cap)
        if one.referral_id in over[name]:
            capped.add(one.referral_id)
    return frozenset(capped)


def _tell(tx: Tx, shop: Shop, pairs: list[tuple[Referred, Referred]], now: datetime) -> None:
    """Writes every end of a referral into the trail, from where it is told to others."""
    events.record(
        tx,
        shop.shop_id,
        [
            Event(
                now,
                after.decided_by if after.why == "staff" and after.decided_by else "system",
                "referral_decided",
                f"member:{after.referrer_id}",
                {
                    "referral": str(after.referral_id),
                    "state": after.state,
                    "why": after.why,
                    "points": after.points,
                    "score": after.score,
                },
            )
            for before, after in pairs
            if after.state != before.state
            and after.state in ("approved", "rejected", "cancelled")
            and after.why != "again"
        ],
    )
