"""Rewarding flow: what a settled referral gives its two sides, and what is taken back when it no longer stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from plugin.domain.ledger import Account, floor_at_zero
from plugin.domain.programme import Programme
from plugin.domain.values import months_later
from plugin.flows import spending
from plugin.store import ledger, members, queues, redemptions
from plugin.store.db import Tx
from plugin.store.programmes import Versions
from plugin.store.referrals import Referred
from plugin.store.shops import Shop


def reward(
    tx: Tx, shop: Shop, several: Sequence[Referred], versions: Versions, now: datetime
) -> list[Referred]:
    """Gives and takes back as the states say; returns the referrals with what was given."""
    moving = {
        one.referrer_id for one in several if (one.state == "approved") != (one.released_at is not None)
    }
    accounts = ledger.accounts(tx, shop.shop_id, moving)
    final = []
    for one in several:
        programme = versions.numbered(one.version)
        assert programme is not None
        if one.state == "approved" and one.released_at is None:
            one = _give(tx, shop, one, accounts[one.referrer_id], programme, now)
        elif one.state != "approved" and one.released_at is not None:
            one = _take_back(tx, shop, one, accounts[one.referrer_id], programme, now)
        final.append(_for_friend(tx, shop, one, programme, now))
    ledger.write(tx, shop.shop_id, [accounts[m].moves for m in sorted(accounts)], now)
    queues.enqueue(tx, shop.shop_id, [spending.mirror_of(m) for m in sorted(accounts)], now)
    members.wants_review(tx, shop.shop_id, moving, now)  # a ladder may count referrals
    return final


def _give(
    tx: Tx, shop: Shop, one: Referred, account: Account, programme: Programme, now: datetime
) -> Referred:
    rule, n = programme.referral, one.posts + 1
    given = replace(one, released_at=now, posts=n)
    wanted = programme.reward(rule.reward) if rule.reward is not None else None
    if wanted is not None:
        made = spending.issue(tx, shop, one.referrer_id, wanted, f"referral:{one.referral_id}:{n}", now)
        return replace(given, redemption_id=made.redemption_id if made is not None else None)
    if rule.points == 0:
        return given
    account.credit(
        "referral",
        rule.points,
        source_key=f"referral:{one.referral_id}:{n}",
        why={"rule": "referral", "referral": str(one.referral_id), "programme": programme.version},
        occurred_at=now,
        available_at=now,
        expires_at=months_later(now, programme.expiry_months)
        if programme.expiry_months is not None
        else None,
    )
    return replace(given, points=rule.points)


def _take_back(
    tx: Tx, shop: Shop, one: Referred, account: Account, programme: Programme, now: datetime
) -> Referred:
    taken = replace(one, released_at=None, points=0, redemption_id=None)
    if one.redemption_id is not None:
        _end_code(tx, shop, one.redemption_id, now)
    if one.points == 0:
        return taken
    n = one.posts + 1
    entry = account.take_back(
        "clawback",
        one.points,
        source_key=f"referral:{one.referral_id}:{n}",
        why={"rule": "referral", "referral": str(one.referral_id), "because": "referral_fell"},
        occurred_at=now,
        now=now,
        reverses_id=ledger.entry_by_source(tx, shop.shop_id, f"referral:{one.referral_id}:{one.posts}"),
    )
    floor_at_zero(account, entry, programme)
    return replace(taken, posts=n)


def _for_friend(tx: Tx, shop: Shop, one: Referred, programme: Programme, now: datetime) -> Referred:
    """The friend who came by the link alone gets the reward as a code of their own, as soon as they are a member."""
    stands = one.state in ("qualified", "approved")
    if not stands and one.friend_reward == "given" and one.friend_redemption_id is not None:
        _end_code(tx, shop, one.friend_redemption_id, now)
        return replace(one, friend_reward="withdrawn")
    if not stands or one.friend_reward not in ("owed", "withdrawn"):
        return one
    friend = members.by_id(tx, shop.shop_id, one.friend_id)
    if friend is None or friend.status != "active":
        return one
    # A second code after a first was withdrawn has a cause of its own.
    again = f":{one.friend_redemption_id}" if one.friend_redemption_id is not None else ""
    cause = f"referred:{one.referral_id}{again}"
    made = spending.issue(tx, shop, one.friend_id, programme.referral.friend, cause, now)
    return replace(
        one,
        friend_reward="given",
        friend_redemption_id=made.redemption_id if made is not None else one.friend_redemption_id,
    )


def _end_code(tx: Tx, shop: Shop, redemption_id: int, now: datetime) -> None:
    """A reward that was handed out ends unused; one that was used stays used."""
    given = redemptions.by_id(tx, shop.shop_id, redemption_id)
    if given is not None:
        spending.withdraw(tx, shop, given.member_id, given.request_key.removeprefix("issue:"), now)
