"""Tiers flow: reviews in slices, what a change of tier brings, and tiers that staff grant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from plugin.domain import grants as granted
from plugin.domain import tiers
from plugin.domain.grants import Grant, Holding, Notice
from plugin.domain.programme import Programme
from plugin.domain.tiers import Earned, Review
from plugin.domain.values import months_later
from plugin.errors import RegularsError
from plugin.flows import gifts
from plugin.flows.spending import mirror_of, tags_of
from plugin.store import events, grants, ladder, members, programmes, progress, queues, shops
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.ladder import Placed
from plugin.store.shops import Shop

MAX_NOTE = 500


class CannotGrant(RegularsError):
    """The tier was not granted; `field` names the field of the form that has to change, if one has."""

    code = "cannot_grant"
    status = 422

    def __init__(self, message: str, *, code: str, field: str = "", status: int = 422) -> None:
        super().__init__(message, code=code, status=status)
        self.field = field


def review_due(tx: Tx, shop: Shop, now: datetime, limit: int) -> bool:
    """Reviews members whose moment has come; True when the slice was full."""
    due = ladder.due(tx, shop.shop_id, now, limit)
    _review(tx, shop, due, now)
    return len(due) == limit


def sweep(tx: Tx, shop: Shop, now: datetime, limit: int) -> bool:
    """The next slice of a review of everybody, which a new ladder asks for; True while more wait."""
    after = ladder.swept_to(tx, shop.shop_id)
    if after is None:
        return False
    found = ladder.next_of_sweep(tx, shop.shop_id, after, limit)
    _review(tx, shop, found, now)
    more = len(found) == limit
    ladder.sweep_goes_on(tx, shop.shop_id, found[-1].member_id if more else None)
    return more


def review_now(tx: Tx, shop: Shop, member_id: int, now: datetime) -> None:
    """Reviews one member at once, for a person who waits to see it."""
    placed = ladder.of_member(tx, shop.shop_id, member_id)
    _review(tx, shop, [placed] if placed else [], now)


def _review(tx: Tx, shop: Shop, placed: Sequence[Placed], now: datetime) -> None:
    programme = programmes.versions(tx, shop.shop_id).latest
    stood = {one.member_id: one for one in placed}
    before = {m: one for m, one in stood.items() if one.status == "active"}
    after = {m: replace(one, review_at=None) for m, one in stood.items() if m not in before}
    if programme is None or not programme.tiers:
        after |= {m: Placed(m, "active", None, Earned(), None, None, None, None) for m in before}
        _save(tx, shop, programme, stood, after, {}, now)
        return
    reviews = _reviews(tx, shop, programme, before, now)
    found = grants.of_members(tx, shop.shop_id, before)
    holdings, shipped, told = {}, [], []
    for m, one in before.items():
        if reviews[m].earned is one.earned and m not in found and _rests(programme, one):
            after[m] = one if one.review_at is None else replace(one, review_at=None)
            continue
        holdings[m] = granted.holding(programme, reviews[m].earned, found.get(m, ()), now)
        owed = granted.notice(programme, reviews[m].earned, found.get(m, ()), holdings[m])
        if owed is not None and owed.due_at <= now:
            told.append(owed)
            owed = None
        after[m], benefit_due = _next(programme, one, reviews[m], holdings[m], owed, now)
        if benefit_due is not None:
            shipped.append((m, benefit_due))
    _save(tx, shop, programme, stood, after, reviews, now)
    _bring(tx, shop, programme, before, after, holdings, now)
    grants.put(tx, shop.shop_id, [replace(one.grant, warned_at=now) for one in told])
    warnings = [_warning(n.grant.member_id, n.grant.tier, n.to, n.grant.until_at, now) for n in told]
    events.record(tx, shop.shop_id, warnings)
    for m, due_at in shipped:
        tier, ends_at = programme.tier(after[m].tier), after[m].benefit_at
        assert tier is not None
        assert ends_at is not None
        gifts.ship_free(tx, shop, m, tier, due_at, ends_at, now)


def _reviews(
    tx: Tx, shop: Shop, programme: Programme, placed: Mapping[int, Placed], now: datetime
) -> dict[int, Review]:
    """A review of each; the credits are fetched one by one only of those who could move."""
    zone = shops.zone(shop.timezone)
    since = counted_since(tx, shop, programme, tiers.needed_since(programme, now, zone))
    totals = progress.sums(tx, shop.shop_id, placed, programme, since, now)
    needs = [min(t.threshold, t.threshold if t.reenter is None else t.reenter) for t in programme.tiers[1:]]
    enough = min(needs, default=0) * tiers.unit(programme) if needs else None
    movable = [
        m
        for m, one in placed.items()
        if tiers.step_of(programme, one.earned.tier) > 0
        or (enough is not None and totals.get(m, 0) >= enough)
    ]
    credits = progress.credits(tx, shop.shop_id, movable, programme, since, now)
    histories: dict[int, list[tuple[datetime, str]]] = {}
    if any(tier.reenter is not None for tier in programme.tiers):
        histories = members.tier_histories(tx, shop.shop_id, movable)
    steady = set(placed) - set(movable)
    # Who stands at the foot and has not enough for the next step: how it is spread over time decides nothing.
    lump = {m: [(now, totals[m])] for m in steady if totals.get(m)}
    return {
        m: Review(one.earned, totals.get(m, 0) // tiers.unit(programme), False, None)
        if m in steady and _rests(programme, one)
        else tiers.review(
            programme,
            one.earned,
            lump.get(m, ()) if m in steady else credits.get(m, ()),
            now,
            zone,
            frozenset(key for _, key in histories.get(m, ())),
        )
        for m, one in placed.items()
    }


def _rests(programme: Programme, one: Placed) -> bool:
    """Whether the member stands at the foot of the ladder with nothing that could end or fall due: most do."""
    foot, earned = programme.tiers[0], one.earned
    ends = one.tier_until or earned.until or earned.warned_at or foot.shipping_months
    return one.tier == earned.tier == foot.key and one.tier_by == "earned" and not ends


def counted_since(tx: Tx, shop: Shop, programme: Programme, since: datetime) -> datetime:
    """From when on things count: sums of money begin anew when the shop changes its currency."""
    if programme.ladder.basis != "money":
        return since
    return max(since, programmes.versions(tx, shop.shop_id).in_currency_since(programme.currency))


def _next(
    programme: Programme, before: Placed, review: Review, holding: Holding, owed: Notice | None, now: datetime
) -> tuple[Placed, datetime | None]:
    """Where the member stands after the review, and since when a free-shipping code is due."""
    tier = programme.tier(holding.tier)
    benefit_at, due = before.benefit_at, None
    if tier is not None and tier.shipping_months and (benefit_at is None or benefit_at <= now):
        # Who was away from the tier for longer than a period begins anew.
        fresh = benefit_at is None or months_later(benefit_at, tier.shipping_months) <= now
        due = now if fresh or benefit_at is None else benefit_at
        benefit_at = months_later(due, tier.shipping_months)
    moments = [review.review_at, holding.changes_at, benefit_at if tier and tier.shipping_months else None]
    moments.append(owed.due_at if owed is not None else None)
    return (
        replace(
            before,
            tier=holding.tier,
            earned=review.earned,
            tier_by=holding.by,
            tier_until=holding.until,
            benefit_at=benefit_at,
            review_at=min((at for at in moments if at is not None), default=None),
        ),
        due,
    )


def _save(
    tx: Tx,
    shop: Shop,
    programme: Programme | None,
    before: Mapping[int, Placed],
    after: Mapping[int, Placed],
    reviews: Mapping[int, Review],
    now: datetime,
) -> None:
    """Writes what changed, and tells of it: history, trail, metafield, tag."""
    changed = [one for m, one in after.items() if one != before.get(m)]
    ladder.save(tx, shop.shop_id, changed)
    history, trail, wishes = [], [], []
    for one in changed:
        m, old = one.member_id, before.get(one.member_id, one)
        review = reviews.get(m)
        count = review.progress if review else 0
        if one.tier != old.tier:
            wishes += [mirror_of(m), tags_of(m)]
            if one.tier is not None:
                why = f"progress {count}" if one.tier_by == "earned" else f"granted by {one.tier_by}"
                history.append((m, one.tier, why))
                moved: dict[str, object] = {
                    "from": old.tier, "to": one.tier, "progress": count, "by": one.tier_by,
                }  # fmt: skip
                trail.append(Event(now, "system", "tier_changed", f"member:{m}", moved))
        elif _shown(one) != _shown(old):
            wishes.append(mirror_of(m))
        # Who is held up by a grant loses nothing yet, so there is nothing to warn of.
        if programme is not None and review is not None and review.warned and one.tier_by == "earned":
            landing = tiers.falls_to(programme, one.tier, count)
            trail.append(_warning(m, one.tier, landing.key if landing else None, one.tier_until, now))
    ladder.history_from(tx, shop.shop_id, history, now)
    events.record(tx, shop.shop_id, trail)
    queues.enqueue(tx, shop.shop_id, wishes, now)


def _warning(member_id: int, tier: str | None, to: str | None, at: datetime | None, now: datetime) -> Event:
    told: dict[str, object] = {"tier": tier, "to": to, "at": at.isoformat() if at else None}
    return Event(now, "system", "tier_warning", f"member:{member_id}", told)


def _shown(one: Placed) -> tuple[object, ...]:
    return one.tier_by, one.tier_until, one.earned.warned_at


def _bring(
    tx: Tx,
    shop: Shop,
    programme: Programme,
    before: Mapping[int, Placed],
    after: Mapping[int, Placed],
    holdings: Mapping[int, Holding],
    now: datetime,
) -> None:
    """The gifts of every step that a member took up the ladder: two orders bring what one of both would have."""
    if not any(tier.gift_points or tier.gift_reward for tier in programme.tiers):
        return
    entered, causes = [], {}
    for m, old in before.items():
        new = after[m]
        low, high = tiers.step_of(programme, old.tier), tiers.step_of(programme, new.tier)
        steps = programme.tiers[low + 1 : high + 1]
        if steps:
            entered += [(m, tier) for tier in steps]
            bought = holdings[m].order_id
            causes[m] = bought if bought is not None else progress.newest_order(tx, shop.shop_id, m, now)
    gifts.give(tx, shop, programme, entered, causes, now)


def grant(
    tx: Tx,
    shop: Shop,
    member_id: int,
    tier: str,
    until: datetime | None,
    note: str,
    form_key: str,
    actor: str,
    now: datetime,
) -> bool:
    """Grants a tier until a date, or until it is ended; the same form key acts once: False when it had acted before.

    Raises CannotGrant (codes: no_such_tier, past_date, long_note, not_a_member).
    """
    kind = "api" if actor.startswith("api") else "staff"
    key = f"{kind}:{form_key}"
    if grants.by_key(tx, shop.shop_id, key) is not None:
        return False
    programme = programmes.versions(tx, shop.shop_id).latest
    if programme is None or programme.tier(tier) is None:
        raise CannotGrant("Choose one of the tiers of the programme.", code="no_such_tier", field="tier")
    if until is not None and until <= now:
        raise CannotGrant("Choose a day that is yet to come.", code="past_date", field="until")
    if len(note) > MAX_NOTE:
        raise CannotGrant(f"Say it in {MAX_NOTE} characters or fewer.", code="long_note", field="note")
    member = members.by_id(tx, shop.shop_id, member_id)
    if member is None or member.status != "active":
        raise CannotGrant(
            "Only members can be granted a tier, and this customer is none at the moment.",
            code="not_a_member",
            status=409,
        )
    given = Grant(key, member_id, tier, kind, now, until, actor=actor, note=note.strip() or None)
    grants.put(tx, shop.shop_id, [given])
    told: dict[str, object] = {"tier": tier, "until": until.isoformat() if until else None}
    events.record(tx, shop.shop_id, [Event(now, actor, "tier_granted", f"member:{member_id}", told)])
    review_now(tx, shop, member_id, now)
    return True


def end_grant(tx: Tx, shop: Shop, member_id: int, grant_key: str, actor: str, now: datetime) -> bool:
    """Ends a tier that staff or the API granted; False when there is none to end. Bought and tagged ones end by
    their order and their tag.
    """
    found = grants.by_key(tx, shop.shop_id, grant_key)
    if found is None or found.member_id != member_id or found.kind not in ("staff", "api") or found.ended_at:
        return False
    grants.put(tx, shop.shop_id, [replace(found, ended_at=now)])
    told: dict[str, object] = {"tier": found.tier}
    events.record(tx, shop.shop_id, [Event(now, actor, "tier_grant_ended", f"member:{member_id}", told)])
    review_now(tx, shop, member_id, now)
    return True


def merge(tx: Tx, shop: Shop, kept_id: int, gone_id: int, programme: Programme | None, now: datetime) -> None:
    """Of two members who become one the higher tier stands until the review, held from now on when it is a new one."""
    kept, gone = (ladder.of_member(tx, shop.shop_id, member_id) for member_id in (kept_id, gone_id))
    assert kept is not None
    assert gone is not None
    grants.rehome(tx, shop.shop_id, gone_id, kept_id)
    tier = tiers.higher(programme, kept.tier, gone.tier)
    key = tiers.higher(programme, kept.earned.tier, gone.earned.tier)
    earned = Earned(key, now) if key is not None and key != kept.earned.tier else kept.earned
    if tier is not None and tier != kept.tier:
        ladder.history_from(tx, shop.shop_id, [(kept_id, tier, "merged")], now)
        by = gone.tier_by
    else:
        tier, by = kept.tier, kept.tier_by
    moments = [one.benefit_at for one in (kept, gone) if one.benefit_at is not None]
    ladder.save(
        tx,
        shop.shop_id,
        [
            replace(
                kept,
                tier=tier,
                tier_by=by,
                earned=earned,
                benefit_at=max(moments, default=None),
                review_at=now,
            )
        ],
    )
