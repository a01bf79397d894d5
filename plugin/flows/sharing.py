"""Sharing flow: a member's link and code, made at the first ask, ended when referrals or the member end."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from plugin.domain import referrals as rules
from plugin.errors import RegularsError
from plugin.flows import referrals as referral_flow
from plugin.store import fingerprints, members, programmes, queues, referral_codes, referrals
from plugin.store.db import Tx
from plugin.store.queues import Effect
from plugin.store.referral_codes import ReferralCode
from plugin.store.shops import Shop

WORKS = ("wanted", "made")


class CannotShare(RegularsError):
    """There is no link to share."""

    code = "cannot_share"
    status = 409


def code_of(tx: Tx, shop: Shop, member_id: int) -> ReferralCode | None:
    """The code that the member shares now, or None before the first ask."""
    return next(
        (one for one in referral_codes.of_member(tx, shop.shop_id, member_id) if one.state in WORKS), None
    )


def share(tx: Tx, shop: Shop, member_id: int, now: datetime) -> ReferralCode:
    """The member's code, made at the first ask and always the same from then on.

    It keeps the friend's reward it was made with: it is in friends' hands. Raises CannotShare (codes: no_referrals,
    not_a_member).
    """
    member = members.by_id(tx, shop.shop_id, member_id)
    if member is None or member.status != "active":
        raise CannotShare("Join the programme first; joining is free.", code="not_a_member")
    programme = programmes.versions(tx, shop.shop_id).latest
    if programme is None or not programme.referral.enabled:
        raise CannotShare("The shop rewards no referrals at the moment.", code="no_referrals", status=404)
    before = referral_codes.of_member(tx, shop.shop_id, member_id)
    for one in before:
        if one.state in WORKS:
            return one
    attempt = len(before)
    while True:
        made = ReferralCode(
            code=rules.code_of(shop.domain, member_id, programme.code_prefix, attempt),
            member_id=member_id,
            state="wanted",
            reward=programme.referral.friend,
            currency=programme.currency,
            discount_gid=None,
            created_at=now,
        )
        if referral_codes.insert(tx, shop.shop_id, made):
            break
        attempt += 1
    queues.enqueue(
        tx, shop.shop_id, [Effect(f"referral:{made.code}:make", "referral.make", {"code": made.code})], now
    )
    return made


def adopt(tx: Tx, shop: Shop, member_id: int, text: str, now: datetime) -> bool:
    """A code or link that another app gave the member names them here too, so that old links go on counting.

    False when there is no code in it or it names somebody already.
    """
    code = rules.code_of_link(text)
    if code is None:
        return False
    return referral_codes.insert(
        tx, shop.shop_id, ReferralCode(code, member_id, "known", None, None, None, now)
    )


def link_to(shop: Shop, code: str) -> str:
    """The address that a member shares; the platform leads it on to the shop's own domain."""
    return f"https://{shop.domain}/?ref={code}"


def made(tx: Tx, shop: Shop, code: str, discount_gid: str) -> None:
    """The shop has the code."""
    referral_codes.settle(tx, shop.shop_id, code, "made", discount_gid)


def refused(tx: Tx, shop: Shop, code: str) -> None:
    """The shop will never take the code: the next ask makes another."""
    referral_codes.settle(tx, shop.shop_id, code, "refused")


def withdrawn(tx: Tx, shop: Shop, code: str) -> None:
    """The code takes nothing off any more; it still says who sent whom."""
    referral_codes.settle(tx, shop.shop_id, code, "withdrawn")


def retire(tx: Tx, shop: Shop, now: datetime, limit: int) -> bool:
    """The clock's slice: while referrals are off, codes that still take money off end. True: more may wait."""
    versions = programmes.versions(tx, shop.shop_id)
    if not versions.any_referrals or versions.latest is None or versions.latest.referral.enabled:
        return False
    found = referral_codes.working(tx, shop.shop_id, limit)
    queues.enqueue(tx, shop.shop_id, [_withdraw(code, None) for code in found], now)
    for code in found:
        referral_codes.settle(tx, shop.shop_id, code, "withdrawn")
    return len(found) == limit


def forget(tx: Tx, shop: Shop, member_id: int, names: Collection[int], now: datetime) -> None:
    """A member is forgotten: codes and fingerprints go, notes go, and what they sent no longer earns."""
    gone = referral_codes.forget(tx, shop.shop_id, names)
    queues.enqueue(
        tx,
        shop.shop_id,
        [_withdraw(one.code, one.discount_gid) for one in gone if one.state in WORKS],
        now,
    )
    fingerprints.forget(tx, shop.shop_id, names)
    referrals.forget_notes(tx, shop.shop_id, names)
    referral_flow.around(tx, shop, member_id, now)


def _withdraw(code: str, discount_gid: str | None) -> Effect:
    return Effect(f"referral:{code}:end", "referral.end", {"code": code, "gid": discount_gid})
