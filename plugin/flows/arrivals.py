"""Arrivals: rows of a list become members, points and tiers, each row once for each list and person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from plugin.domain.facts import CustomerFact
from plugin.domain.imports import MemberRow
from plugin.domain.ledger import Account, Entry, floor_at_zero
from plugin.domain.programme import Programme
from plugin.domain.tiers import Earned
from plugin.domain.values import months_later
from plugin.flows import birthdays as birthday_flow
from plugin.flows import sharing
from plugin.flows.adjustments import MAX_POINTS, MAX_REASON
from plugin.flows.members import held_out
from plugin.flows.spending import mirror_of, tags_of
from plugin.store import (
    birthdays,
    directory,
    events,
    freezes,
    imports,
    ladder,
    ledger,
    members,
    newcomers,
    notes,
    programmes,
    queues,
)
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.imports import Import
from plugin.store.members import Member
from plugin.store.queues import Effect
from plugin.store.shops import Shop


@dataclass(slots=True)
class Person:
    """One row and whom it is about; `problem` says why it cannot be taken."""

    row: MemberRow
    member_id: int | None = None
    member: Member | None = None
    problem: str = ""


def match(tx: Tx, shop: Shop, rows: Sequence[MemberRow]) -> list[Person]:
    """Whom the rows are about: by the customer's number, else by the e-mail address."""
    numbers = {row.customer_id for row in rows if row.customer_id is not None}
    aliases = members.resolve(tx, shop.shop_id, numbers)
    emails = {row.email for row in rows if row.customer_id is None and row.email is not None}
    by_email = directory.with_emails(tx, shop.shop_id, emails)
    people = []
    for row in rows:
        person = Person(row)
        if row.customer_id is not None:
            person.member_id = aliases[row.customer_id][0] if row.customer_id in aliases else row.customer_id
        else:
            found = by_email.get(row.email or "", [])
            if len(found) > 1:
                person.problem = (
                    "Several customers have this e-mail address. Give the customer’s number as well."
                )
            elif found:
                person.member_id = found[0]
        people.append(person)
    known = members.load(tx, shop.shop_id, {one.member_id for one in people if one.member_id is not None})
    for person in people:
        person.member = known.get(person.member_id or 0)
    return people


def unfit(one: Import, person: Person, programme: Programme | None) -> str:
    """Why a row cannot be taken, as the shop stands now."""
    row, member = person.row, person.member
    if member is not None and member.status == "redacted":
        return "This person asked to be forgotten. Nothing can be kept of them."
    if member is not None and member.status == "left":
        return "This customer has left the programme here."
    if row.tier is not None and _tier(programme, row.tier) is None:
        names = ", ".join(tier.name for tier in programme.tiers) if programme else ""
        return f"There is no tier “{row.tier}”. " + (
            f"The tiers are: {names}." if names else "There are no tiers."
        )
    if one.purpose == "adjustment":
        if member is None or member.status != "active":
            return "This is no member of the programme."
        if row.points is None or (row.points == 0 and one.policy == "add"):
            return "Give a number of points other than 0."
        if abs(row.points) > MAX_POINTS:
            return f"At most {MAX_POINTS:,} points at a time."
        if not (row.reason or one.reason):
            return "Say why, in a column “reason” or for the whole list."
    return ""


def difference(one: Import, row: MemberRow, account: Account | None, now: datetime) -> int:
    """How many points the row moves: on top of what is there, or up or down to the number of the list."""
    if row.points is None:
        return 0
    if one.policy == "add" or account is None:
        return row.points
    return row.points - (account.available(now) - account.owed())


def take(
    tx: Tx, shop: Shop, one: Import, rows: Sequence[MemberRow], figures: Counter[str], now: datetime
) -> list[tuple[MemberRow, str]]:
    """Takes rows; returns those that cannot be taken any more, with the reason."""
    programme = programmes.versions(tx, shop.shop_id).latest
    refused: list[tuple[MemberRow, str]] = []
    fit, waiting = [], []
    for person in match(tx, shop, rows):
        problem = person.problem or unfit(one, person, programme)
        if problem:
            refused.append((person.row, problem))
        elif person.member_id is None:
            waiting.append(person.row)
        else:
            fit.append(person)
    newcomers.wait_for(tx, shop.shop_id, one.import_id, waiting, now)
    figures["waiting"] += len(waiting)
    figures["rejected"] += len(refused)
    ids = [person.member_id for person in fit if person.member_id is not None]
    strangers = [
        CustomerFact(p.member_id, email=p.row.email, first_name=p.row.first_name, last_name=p.row.last_name)
        for p in fit
        if p.member is None and p.member_id is not None
    ]
    members.seen(tx, shop.shop_id, strangers, now, status="unclaimed")
    accounts = ledger.accounts(tx, shop.shop_id, ids)
    acted = already(tx, shop, one, fit)
    met: set[int] = set()
    wishes: list[Effect] = []
    noted: list[tuple[Entry, str]] = []
    for person in fit:
        assert person.member_id is not None
        figures["done"] += 1
        if person.row.line in acted or person.member_id in met:
            figures["already"] += 1
            continue
        met.add(person.member_id)
        key = imports.key_of(one.digest, person.row.line)
        if one.purpose == "members":
            wishes += _arrives(tx, shop, one, person, programme, now)
        entry = _move(one, person.row, accounts[person.member_id], key, programme, now)
        if entry is not None:
            figures["changed"] += 1
            figures["points_in" if entry.points > 0 else "points_out"] += abs(entry.points)
            wishes.append(mirror_of(person.member_id))
            if one.purpose == "adjustment":
                noted.append((entry, (person.row.reason or one.reason or "")[:MAX_REASON]))
    ledger.write(tx, shop.shop_id, [account.moves for account in accounts.values()], now)
    for entry, reason in noted:
        notes.put(tx, shop.shop_id, entry.entry_id, reason)
    _trail(tx, shop, one, [entry for entry, _ in noted], now)
    queues.enqueue(tx, shop.shop_id, wishes, now)
    return refused


def _move(
    one: Import, row: MemberRow, account: Account, key: str, programme: Programme | None, now: datetime
) -> Entry | None:
    """Posts what the row moves; None when it moves nothing."""
    moved = difference(one, row, account, now)
    if moved == 0:
        return None
    by_hand = one.purpose == "adjustment"
    why: dict[str, object] = {
        "rule": "adjust" if by_hand else "import",
        "from": one.app,
        "policy": one.policy,
        "import": str(one.import_id),
        "programme": programme.version if programme else None,
    }
    kind = "adjust" if by_hand else "import"
    if moved > 0:
        ends = row.expires_at if row.expires_at is not None and row.expires_at > now else None
        if ends is None and programme is not None and programme.expiry_months is not None:
            ends = months_later(now, programme.expiry_months)
        return account.credit(
            "adjust" if by_hand else "import", moved, source_key=key, why=why, occurred_at=now, available_at=now,
            expires_at=ends, actor=one.actor,
        )  # fmt: skip
    if kind == "adjust":
        entry = account.take_back(
            "adjust", -moved, source_key=key, why=why, occurred_at=now, now=now, actor=one.actor
        )
        floor_at_zero(account, entry, programme)
        return entry
    # Down to the number of the list: only what can be spent is taken, never what is still pending.
    return account.spend("import", -moved, now, source_key=key, why=why, actor=one.actor)


def _arrives(
    tx: Tx, shop: Shop, one: Import, person: Person, programme: Programme | None, now: datetime
) -> list[Effect]:
    """Who was a member there is one here, without points for joining; their tier and what else was known come along."""
    row, member_id, shop_id = person.row, person.member_id, shop.shop_id
    assert member_id is not None
    wishes: list[Effect] = []
    status = person.member.status if person.member is not None else "unclaimed"
    if (
        row.state != "customer"
        and status == "unclaimed"
        and (programme is None or programme.membership != "tag")
    ):
        percent = programme.holdout_percent if programme else 0
        since = min(row.joined_at or now, now)
        members.activate(tx, shop_id, member_id, held_out(shop, member_id, percent), None, since)
        status = "active"
        wishes.append(mirror_of(member_id))
    if row.state == "frozen" and status == "active":
        freezes.put(tx, shop_id, member_id, one.actor, f"Blocked in {one.app}", now)
    tier = _tier(programme, row.tier)
    if tier is not None and programme is not None:
        keys = [step.key for step in programme.tiers]
        held = person.member.tier if person.member is not None else None
        if held not in keys or keys.index(held) < keys.index(tier):
            _place(tx, shop, member_id, tier, programme, one.app, now)
            wishes += [mirror_of(member_id), tags_of(member_id)]
    if row.birthday is not None and birthdays.of_member(tx, shop_id, member_id) is None:
        birthday_flow.set_birthday(tx, shop, member_id, *row.birthday, now, actor="import")
    if row.referral is not None:
        newcomers.bring(tx, shop_id, member_id, {"referral": row.referral}, one.app, now)
        sharing.adopt(tx, shop, member_id, row.referral, now)
    return wishes


def _place(
    tx: Tx, shop: Shop, member_id: int, tier: str, programme: Programme, app: str, now: datetime
) -> None:
    """The tier of the old app stands as one earned today: for a period, and without the gift for entering it."""
    placed = ladder.of_member(tx, shop.shop_id, member_id)
    assert placed is not None
    until = months_later(now, programme.tier_months)
    earned = Earned(tier, now, until)
    standing = replace(placed, tier=tier, earned=earned, tier_by="earned", tier_until=until, review_at=now)
    ladder.save(tx, shop.shop_id, [standing])
    ladder.history_from(tx, shop.shop_id, [(member_id, tier, f"from {app}")], now)


def _tier(programme: Programme | None, name: str | None) -> str | None:
    """The key of the tier of that name or key."""
    if programme is None or name is None:
        return None
    wanted = name.casefold()
    return next((t.key for t in programme.tiers if wanted in (t.key.casefold(), t.name.casefold())), None)


def already(tx: Tx, shop: Shop, one: Import, people: Iterable[Person]) -> set[int]:
    """The lines of this very list that have acted, whenever it was taken, and those of people for whom another did."""
    listed = list(people)
    ids = {person.member_id for person in listed if person.member_id is not None}
    keys, moved = imports.given(tx, shop.shop_id, one.digest, [person.row.line for person in listed], ids)
    return {
        person.row.line
        for person in listed
        if person.member_id in moved or imports.key_of(one.digest, person.row.line) in keys
    }


def _trail(tx: Tx, shop: Shop, one: Import, entries: Iterable[Entry], now: datetime) -> None:
    """Each adjustment by list stands in the trail like one by hand."""
    found = [
        Event(now, one.actor, "points_adjusted", f"member:{entry.member_id}",
              {"points": entry.points, "entry": str(entry.entry_id), "import": str(one.import_id)})
        for entry in entries
    ]  # fmt: skip
    events.record(tx, shop.shop_id, found)
