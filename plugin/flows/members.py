"""Members flow: facts about customers; joining, becoming a member by tag, and leaving."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from plugin.domain.facts import (
    ConsentSeen,
    CustomerDeleted,
    CustomerFact,
    CustomerRedacted,
    CustomerSeen,
    CustomersMerged,
    DataRequested,
    MemberFact,
)
from plugin.domain.programme import Programme
from plugin.domain.values import months_later
from plugin.errors import RegularsError
from plugin.flows import actions, grants, merges, privacy, referrals
from plugin.flows.spending import mirror_of, tags_of
from plugin.store import asking, ledger, members, newcomers, programmes, queues
from plugin.store.db import Tx, to_ms
from plugin.store.members import Member
from plugin.store.queues import Effect
from plugin.store.shops import Shop


class NotAMember(RegularsError):
    """The customer is not, or may not be, a member."""

    code = "not_a_member"
    status = 403


def apply(tx: Tx, shop: Shop, facts: Sequence[MemberFact], now: datetime) -> None:
    """Takes facts about customers, one after the other."""
    for fact in facts:
        if isinstance(fact, CustomerSeen):
            _seen(tx, shop, fact.customer, now)
        elif isinstance(fact, ConsentSeen):
            _consented(tx, shop, fact, now)
        elif isinstance(fact, CustomerDeleted):
            privacy.deleted(tx, shop, fact, now)
        elif isinstance(fact, CustomersMerged):
            _merged(tx, shop, fact, now)
        elif isinstance(fact, DataRequested):
            privacy.hand_over(tx, shop, fact, now)
        else:
            assert isinstance(fact, CustomerRedacted)
            privacy.redacted(tx, shop, fact, now)


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
    if programme.referral.enabled:
        referrals.around(tx, shop, member_id, now)  # a friend who was sent here may be owed their reward
    members.wants_review(tx, shop.shop_id, [member_id], now)
    wishes = [mirror_of(member_id)]
    if (programme.tag_tiers and programme.membership != "tag") or newcomers.anyone_awaited(tx, shop.shop_id):
        wishes.append(read_customer(member_id))
    if member is not None and member.tier is not None:
        wishes.append(tags_of(member_id))  # back to the tier they had, where the review finds nothing changed
    queues.enqueue(tx, shop.shop_id, wishes, now)
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
    """The customer's tags were read: they may grant a tier, and for a programme by tag decide who is a member."""
    programme = programmes.versions(tx, shop.shop_id).latest
    if programme is None:
        return
    member_id = members.resolved(tx, shop.shop_id, customer_id)
    member = members.by_id(tx, shop.shop_id, member_id)
    folded = frozenset(tag.casefold() for tag in tags)
    if member is not None and programme.tag_tiers:
        grants.tagged(tx, shop, programme, member_id, folded, now)
    if programme.membership != "tag" or programme.membership_tag is None:
        return
    tagged = programme.membership_tag.casefold() in folded
    if tagged and (member is None or member.status in ("unclaimed", "left")):
        activate(tx, shop, programme, member, member_id, None, now)
    elif not tagged and member is not None and member.status == "active":
        members.set_status(tx, shop.shop_id, member_id, "left")
        queues.enqueue(tx, shop.shop_id, [mirror_of(member_id), tags_of(member_id)], now)


def reads_tags(programme: Programme) -> bool:
    """Whether a customer's tags decide anything."""
    return programme.membership == "tag" or bool(programme.tag_tiers)


def read_customer(member_id: int) -> Effect:
    """The wish to read a customer's tags at the platform."""
    return Effect(f"member:{member_id}:read", "member.read", {"member_id": member_id})


def recognise(tx: Tx, shop: Shop, customers: Iterable[CustomerFact], now: datetime) -> None:
    """Asks the platform about customers whose e-mail address something that moved in waits for.

    What a webhook says of an address is a claim: only the shop's own token can tell whose it is.
    """
    emails = {one.email.lower(): one.customer_id for one in customers if one.email}
    if emails:
        awaited = newcomers.awaited(tx, shop.shop_id, emails)
        wishes = [read_customer(emails[email]) for email in sorted(awaited)]
        queues.enqueue(tx, shop.shop_id, wishes, now)


def _merged(tx: Tx, shop: Shop, fact: CustomersMerged, now: datetime) -> None:
    kept_id = merges.merge(tx, shop, fact, now)
    if kept_id is None:
        return
    members.wants_review(tx, shop.shop_id, [kept_id], now)
    # The platform gave the kept customer the tags of both.
    wishes = [mirror_of(kept_id), tags_of(kept_id)]
    programme = programmes.versions(tx, shop.shop_id).latest
    if programme is not None and reads_tags(programme):
        wishes.append(read_customer(kept_id))
    queues.enqueue(tx, shop.shop_id, wishes, now)


def _consented(tx: Tx, shop: Shop, fact: ConsentSeen, now: datetime) -> None:
    """A member takes the newsletter. Who joined in the same step has joined a moment later, by our own clock."""
    member_id = members.resolved(tx, shop.shop_id, fact.customer_id)
    asking.consented(tx, shop.shop_id, [(member_id, fact.subscribed, fact.updated_at)])
    programme = programmes.versions(tx, shop.shop_id).latest
    if not fact.subscribed or programme is None or programme.action_of("newsletter") is None:
        return
    if programme.membership == "all":
        _seen(tx, shop, CustomerFact(fact.customer_id), now)
    member = members.by_id(tx, shop.shop_id, members.resolved(tx, shop.shop_id, fact.customer_id))
    if member is None or member.status in ("merged", "redacted"):
        return
    at = max(fact.updated_at or now, member.joined_at or member.created_at)
    told = f"{fact.customer_id}:{to_ms(fact.updated_at) or 'undated'}"
    actions.of_kind(tx, shop, member.member_id, "newsletter", told, at, now, actor="shopify")


def subscribed(tx: Tx, shop: Shop, customers: Iterable[CustomerFact]) -> None:
    """Keeps of known members who takes the newsletter, where a read told."""
    told = [
        (one.customer_id, one.subscribed, one.updated_at) for one in customers if one.subscribed is not None
    ]
    asking.consented(tx, shop.shop_id, told)


def _seen(tx: Tx, shop: Shop, customer: CustomerFact, now: datetime) -> None:
    programme = programmes.versions(tx, shop.shop_id).latest
    known = members.refresh(tx, shop.shop_id, customer)
    recognise(tx, shop, [customer], now)
    if programme is None:
        return
    if programme.membership == "all":
        if not known and not members.resolve(tx, shop.shop_id, [customer.customer_id]):
            members.seen(tx, shop.shop_id, [customer], now, status="unclaimed")
        welcome_all(tx, shop, programme, [customer.customer_id], now)
    if reads_tags(programme) and (known or programme.membership == "tag"):
        queues.enqueue(tx, shop.shop_id, [read_customer(customer.customer_id)], now)
