"""Members flow: joining, leaving a trail when customers change, merging two into one, being forgotten."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from plugin.domain import tiers
from plugin.domain.facts import (
    CustomerDeleted,
    CustomerFact,
    CustomerRedacted,
    CustomerSeen,
    CustomersMerged,
    DataRequested,
    MemberFact,
)
from plugin.domain.ledger import Account
from plugin.domain.programme import Programme
from plugin.domain.values import months_later
from plugin.errors import RegularsError
from plugin.flows.spending import mirror_of
from plugin.store import events, ledger, members, orders, privacy, programmes, queues, redemptions, surveys
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.members import Member
from plugin.store.queues import Effect
from plugin.store.shops import Shop

MERGED = frozenset({"success", "completed", "succeeded"})


class NotAMember(RegularsError):
    """The customer is not, or may not be, a member."""

    code = "not_a_member"
    status = 403


def apply(tx: Tx, shop: Shop, facts: Sequence[MemberFact], now: datetime) -> None:
    """Takes facts about customers, one after the other."""
    for fact in facts:
        if isinstance(fact, CustomerSeen):
            _seen(tx, shop, fact.customer, now)
        elif isinstance(fact, CustomerDeleted):
            _forget(tx, shop, fact.customer_id, (), now, because="customer_deleted")
        elif isinstance(fact, CustomersMerged):
            _merge(tx, shop, fact, now)
        elif isinstance(fact, DataRequested):
            _hand_over(tx, shop, fact, now)
        else:
            assert isinstance(fact, CustomerRedacted)
            if fact.customer_id is not None:
                _forget(tx, shop, fact.customer_id, fact.orders, now, because="customers_redact")


def join(tx: Tx, shop: Shop, customer_id: int, locale: str | None, now: datetime) -> Member:
    """Makes a customer an active member and credits the sign-up points, once in a lifetime.

    Raises NotAMember when the programme takes members by customer tag only, or the person was forgotten.
    """
    member_id = members.resolved(tx, shop.shop_id, customer_id)
    member = members.by_id(tx, shop.shop_id, member_id)
    if member is not None and member.status == "active":
        return member
    if member is not None and member.status == "redacted":
        raise NotAMember("Your data was erased at your request. Please write to the shop to join again.")
    programme = programmes.versions(tx, shop.shop_id).latest
    if programme is None:
        raise NotAMember(
            "The shop is still setting its programme up. Try again in a minute.", code="not_ready", status=503
        )
    if programme.membership == "tag":
        queues.enqueue(tx, shop.shop_id, [read_customer(member_id)], now)
        raise NotAMember("This programme is by invitation of the shop.", code="by_invitation")
    return activate(tx, shop, programme, member, member_id, locale, now)


def activate(
    tx: Tx,
    shop: Shop,
    programme: Programme,
    member: Member | None,
    member_id: int,
    locale: str | None,
    now: datetime,
) -> Member:
    """Makes the member active; the first time with sign-up points and the holdout flag drawn."""
    members.activate(
        tx, shop.shop_id, member_id, held_out(shop, member_id, programme.holdout_percent), locale, now
    )
    first_time = member is None or member.joined_at is None
    if first_time and programme.signup_points > 0:
        account = ledger.accounts(tx, shop.shop_id, [member_id])[member_id]
        expires_at = (
            months_later(now, programme.expiry_months) if programme.expiry_months is not None else None
        )
        account.credit(
            "signup",
            programme.signup_points,
            source_key=f"signup:{member_id}",
            why={"rule": "signup", "programme": programme.version},
            occurred_at=now,
            available_at=now,
            expires_at=expires_at,
        )
        ledger.write(tx, shop.shop_id, [account.moves], now)
    members.wants_review(tx, shop.shop_id, [member_id], now)
    queues.enqueue(tx, shop.shop_id, [mirror_of(member_id)], now)
    joined = members.by_id(tx, shop.shop_id, member_id)
    assert joined is not None
    return joined


def welcome_all(tx: Tx, shop: Shop, programme: Programme, customer_ids: Sequence[int], now: datetime) -> None:
    """Where every customer is a member: makes those active who only wait to be, whichever way we met them."""
    for member_id, member in sorted(members.load(tx, shop.shop_id, customer_ids).items()):
        if member.status == "unclaimed":
            activate(tx, shop, programme, member, member_id, None, now)


def held_out(shop: Shop, member_id: int, percent: int) -> bool:
    """Whether the member is in the holdout: drawn from the ids, so that it can be checked and never drawn again."""
    digest = hashlib.sha256(f"holdout:{shop.domain}:{member_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < percent


def tags_seen(tx: Tx, shop: Shop, customer_id: int, tags: Sequence[str], now: datetime) -> None:
    """The customer's tags were read: for a programme by tag, they decide who is a member."""
    programme = programmes.versions(tx, shop.shop_id).latest
    if programme is None or programme.membership != "tag" or programme.membership_tag is None:
        return
    member_id = members.resolved(tx, shop.shop_id, customer_id)
    member = members.by_id(tx, shop.shop_id, member_id)
    tagged = programme.membership_tag.casefold() in {tag.casefold() for tag in tags}
    if tagged and (member is None or member.status in ("unclaimed", "left")):
        activate(tx, shop, programme, member, member_id, None, now)
    elif not tagged and member is not None and member.status == "active":
        members.set_status(tx, shop.shop_id, member_id, "left")
        queues.enqueue(tx, shop.shop_id, [mirror_of(member_id)], now)


def read_customer(member_id: int) -> Effect:
    """The wish to read a customer's tags at the platform."""
    return Effect(f"member:{member_id}:read", "member.read", {"member_id": member_id})


def _seen(tx: Tx, shop: Shop, customer: CustomerFact, now: datetime) -> None:
    programme = programmes.versions(tx, shop.shop_id).latest
    known = members.refresh(tx, shop.shop_id, customer)
    if programme is None:
        return
    if programme.membership == "all":
        if not known and not members.resolve(tx, shop.shop_id, [customer.customer_id]):
            members.seen(tx, shop.shop_id, [customer], now, status="unclaimed")
        welcome_all(tx, shop, programme, [customer.customer_id], now)
    elif programme.membership == "tag":
        queues.enqueue(tx, shop.shop_id, [read_customer(customer.customer_id)], now)


def _merge(tx: Tx, shop: Shop, fact: CustomersMerged, now: datetime) -> None:
    if fact.status.casefold() not in MERGED:
        events.record(
            tx,
            shop.shop_id,
            [
                Event(
                    now,
                    "shopify",
                    "merge_not_done",
                    f"member:{fact.gone_id}",
                    {"kept": str(fact.kept_id), "status": fact.status[:40]},
                )
            ],
        )
        return
    kept_id = members.resolved(tx, shop.shop_id, fact.kept_id)
    gone_id = fact.gone_id
    if kept_id == gone_id or members.resolve(tx, shop.shop_id, [gone_id]):
        return
    # The alias comes first: whatever arrives late for the old id already finds the kept one.
    members.alias(tx, shop.shop_id, gone_id, kept_id, now)
    gone = members.by_id(tx, shop.shop_id, gone_id)
    if gone is None:
        return
    members.seen(tx, shop.shop_id, [CustomerFact(kept_id)], now, status="unclaimed")
    kept = members.by_id(tx, shop.shop_id, kept_id)
    assert kept is not None
    accounts = ledger.accounts(tx, shop.shop_id, [gone_id, kept_id])
    moved = _transfer(accounts[gone_id], accounts[kept_id], now)
    programme = programmes.versions(tx, shop.shop_id).latest
    _one_signup(tx, shop, accounts[kept_id], gone_id, programme, now)
    ledger.write(tx, shop.shop_id, [account.moves for account in accounts.values()], now)
    ledger.keep_age(tx, shop.shop_id, moved)
    for table in (orders, redemptions, surveys):
        table.rehome(tx, shop.shop_id, gone_id, kept_id)
    members.absorbed(tx, shop.shop_id, gone_id, kept_id)
    tier = tiers.higher(programme, kept.tier, gone.tier)
    if tier is not None and tier != kept.tier:
        members.tier_from(tx, shop.shop_id, kept_id, tier, "merged", now)
        members.reviewed(tx, shop.shop_id, kept_id, tier, now)
    members.wants_review(tx, shop.shop_id, [kept_id], now)
    queues.enqueue(tx, shop.shop_id, [mirror_of(kept_id)], now)
    events.record(
        tx,
        shop.shop_id,
        [Event(now, "shopify", "members_merged", f"member:{kept_id}", {"gone": str(gone_id)})],
    )


def _transfer(gone: Account, kept: Account, now: datetime) -> list[tuple[int, int]]:
    """Moves every open lot and deficit; lots keep their dates and their order (design 10.3).

    Returns (old lot, new lot) of what moved.
    """
    moved = []
    for lot in sorted(gone.lots.values(), key=lambda lot: lot.lot_id):
        remaining = lot.remaining
        why: dict[str, object] = {"from": str(gone.member_id), "to": str(kept.member_id)}
        key = f"merge:{gone.member_id}:{lot.lot_id}"
        if (
            gone.empty_lot("transfer_out", lot.lot_id, source_key=f"{key}:out", why=why, occurred_at=now)
            is None
        ):
            continue
        entry = kept.credit(
            "transfer_in",
            remaining,
            source_key=f"{key}:in",
            why=why,
            occurred_at=now,
            available_at=lot.available_at,
            expires_at=lot.expires_at,
            order_id=lot.order_id,
        )
        moved.append((lot.lot_id, entry.entry_id))
    for deficit in sorted(gone.deficits.values(), key=lambda deficit: deficit.debit_id):
        if deficit.remaining <= 0:
            continue
        why = {"from": str(gone.member_id), "to": str(kept.member_id)}
        key = f"merge:{gone.member_id}:{deficit.debit_id}"
        gone.settle_deficit(
            deficit.debit_id, kind="transfer_in", source_key=f"{key}:in", why=why, occurred_at=now
        )
        kept.take_back(
            "transfer_out", deficit.remaining, source_key=f"{key}:out", why=why, occurred_at=now, now=now
        )
    return moved


def _one_signup(
    tx: Tx, shop: Shop, kept: Account, gone_id: int, programme: Programme | None, now: datetime
) -> None:
    """A sign-up bonus that both had, under whatever name, stands once: the later one is taken back."""
    names = [kept.member_id, *members.old_ids(tx, shop.shop_id, kept.member_id)]
    for entry_id, points in ledger.signups(tx, shop.shop_id, names)[1:]:
        entry = kept.take_back(
            "clawback",
            points,
            source_key=f"merge:{gone_id}:signup:{entry_id}",
            occurred_at=now,
            now=now,
            why={"rule": "signup", "because": "merged"},
            reverses_id=entry_id,
        )
        if programme is not None and programme.clawback == "floor" and entry.entry_id in kept.deficits:
            kept.settle_deficit(
                entry.entry_id,
                kind="forgiven",
                source_key=f"forgiven:{entry.entry_id}",
                why={"rule": "floor", "programme": programme.version},
                occurred_at=now,
            )


def _hand_over(tx: Tx, shop: Shop, fact: DataRequested, now: datetime) -> None:
    if fact.customer_id is None:
        return
    member_id = members.resolved(tx, shop.shop_id, fact.customer_id)
    key = f"data_request:{fact.request_id}"
    if privacy.requested(tx, shop.shop_id, key, "data_request", member_id, now):
        privacy.fulfilled(
            tx, shop.shop_id, key, msgspec.json.encode(everything_of(tx, shop, member_id)).decode(), now
        )
        events.record(tx, shop.shop_id, [Event(now, "shopify", "data_requested", f"member:{member_id}", {})])


def everything_of(tx: Tx, shop: Shop, member_id: int) -> dict[str, object]:
    """All we hold of one person, for them to keep."""
    member = members.by_id(tx, shop.shop_id, member_id)
    if member is None:
        return {}
    history = ledger.history(tx, shop.shop_id, member_id, before=None, limit=100_000)
    return {
        "member": member,
        "entries": history,
        "codes": redemptions.of_member(tx, shop.shop_id, member_id, limit=10_000),
        "orders": [str(stored.order.order_id) for stored in orders.of_member(tx, shop.shop_id, member_id)],
        "answers": surveys.of_member(tx, shop.shop_id, member_id),
    }


def _forget(
    tx: Tx, shop: Shop, customer_id: int, order_ids: Sequence[int], now: datetime, *, because: str
) -> None:
    member_id = members.resolved(tx, shop.shop_id, customer_id)
    key = f"{because}:{customer_id}"
    privacy.requested(tx, shop.shop_id, key, because, member_id, now)
    answered = [response.order_id for response in surveys.of_member(tx, shop.shop_id, member_id)]
    known_orders = [stored.order.order_id for stored in orders.of_member(tx, shop.shop_id, member_id)]
    members.redact(tx, shop.shop_id, member_id)
    surveys.forget_words(tx, shop.shop_id, member_id)
    names = [member_id, *members.old_ids(tx, shop.shop_id, member_id)]
    privacy.forget_notes_of(tx, shop.shop_id, names)
    privacy.forget_requests_of(tx, shop.shop_id, names)
    privacy.forget_bodies_of(tx, shop.shop_id, sorted({*names, customer_id, *order_ids, *known_orders}))
    privacy.fulfilled(tx, shop.shop_id, key, None, now)
    queues.enqueue(
        tx,
        shop.shop_id,
        [
            Effect(
                f"member:{member_id}:erase",
                "member.erase",
                {"member_id": member_id, "orders": [str(order_id) for order_id in answered]},
            )
        ],
        now,
    )
    events.record(
        tx,
        shop.shop_id,
        [Event(now, "shopify", "member_forgotten", f"member:{member_id}", {"because": because})],
    )
