"""Surroundings of referrals: what orders, people and fingerprints say about them, read once for all that are judged."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from plugin.domain import earning
from plugin.domain import referrals as rules
from plugin.domain.orders import Order, arrival
from plugin.domain.programme import Referral
from plugin.domain.referrals import Case, Signs, Verdict
from plugin.store import fingerprints, members, referrals
from plugin.store import orders as order_store
from plugin.store.db import Tx
from plugin.store.members import Member
from plugin.store.orders import StoredOrder
from plugin.store.programmes import Versions
from plugin.store.referrals import Referred
from plugin.store.shops import Shop

PRINT_DAYS = 90


def rule_of(versions: Versions, one: Referred) -> Referral:
    """The rules that a referral counts by: those in force when its order was placed."""
    programme = versions.numbered(one.version)
    assert programme is not None
    return programme.referral


class Surroundings:
    """What is known around some referrals, read once for all of them."""

    def __init__(
        self, tx: Tx, shop: Shop, rows: Collection[Referred], versions: Versions, now: datetime
    ) -> None:
        shop_id = shop.shop_id
        self.shop, self.versions, self.now = shop, versions, now
        self.orders = order_store.load(tx, shop_id, {one.order_id for one in rows})
        friends = {self._friend(one) for one in rows}
        referrers = {one.referrer_id for one in rows}
        self.people: dict[int, Member] = members.load(tx, shop_id, friends | referrers)
        self.purchases = referrals.purchases(tx, shop_id, friends)
        self.given_back = referrals.given_back(tx, shop_id, referrers)
        self.rings = referrals.ring(tx, shop_id, referrers)
        known = friends.union(*self.rings.values())
        oldest = now - timedelta(days=PRINT_DAYS)
        self.prints = fingerprints.of_members(tx, shop_id, known, oldest)
        self.rewarded = {
            (one.friend_id, one.referral_id)
            for one in referrals.of_friends(tx, shop_id, friends)
            if one.released_at is not None
        }

    def _friend(self, one: Referred) -> int:
        stored = self.orders.get(one.order_id)
        return stored.member_id if stored is not None and stored.member_id is not None else one.friend_id

    def judged(self, one: Referred) -> tuple[Referred, Verdict]:
        """The referral with its signs and score of now, and what becomes of it."""
        rule = rule_of(self.versions, one)
        one = replace(one, friend_id=self._friend(one))
        if one.released_at is None:
            # What was seen once stays seen, though its fingerprint has faded since.
            kept = [name for name in one.reasons if name in rules.PRINT_REASONS]
            found = {*rules.reasons(self._signs(one), rule.checks), *kept}
            told = tuple(name for name in rules.REASONS if name in found)
            one = replace(one, reasons=told, score=rules.score(told, rule.checks))
        return one, rules.judge(self._case(one, rule), rule, self.now)

    def _case(self, one: Referred, rule: Referral) -> Case:
        stored = self.orders.get(one.order_id) or StoredOrder(Order(one.order_id))
        referrer = self.people.get(one.referrer_id)
        programme = self.versions.numbered(one.version)
        assert programme is not None
        came, days = arrival(stored.order, no_delivery_days=programme.no_delivery_days), rule.delay_days
        why_not = earning.why_nothing_counts(stored.order, count_test_orders=self.shop.counts_test_orders)
        if why_not is None and not stored.counted and stored.confirmed != "refuted":
            why_not = "other_currency"
        return Case(
            why_not=why_not,
            confirmed=stored.confirmed == "yes",
            refuted=stored.confirmed == "refuted",
            basis_minor=stored.basis_minor,
            over_at=earning.over_at(
                stored.order, came, programme.return_window_days if days is None else days
            ),
            again=self._again(one),
            member_gone=referrer is None or referrer.status != "active",
            score=one.score,
            decision=one.decision,
            released=one.released_at is not None,
        )

    def _earlier(self, one: Referred) -> list[tuple[datetime, int, bool]]:
        place = (one.placed_at, one.order_id)
        return [bought for bought in self.purchases.get(one.friend_id, ()) if bought[:2] < place]

    def _again(self, one: Referred) -> bool:
        rewarded = any(f == one.friend_id and r != one.referral_id for f, r in self.rewarded)
        return rewarded or any(is_referral for _, _, is_referral in self._earlier(one))

    def _signs(self, one: Referred) -> Signs:
        friend, referrer = self.people.get(one.friend_id), self.people.get(one.referrer_id)
        theirs = self.prints.get(one.friend_id, set())
        mine = self.prints.get(one.referrer_id, set())
        others = self.rings.get(one.referrer_id, set()) - {one.friend_id}
        email = rules.plain_email(friend.email) if friend is not None else None
        shared = {kind for kind, _ in theirs & mine}

        def seen_at(kind: str) -> int:
            places = {one for one in theirs if one[0] == kind}
            return sum(1 for other in others if places & self.prints.get(other, set()))

        return Signs(
            same_customer=one.friend_id == one.referrer_id,
            same_email=one.friend_id != one.referrer_id
            and email is not None
            and referrer is not None
            and email == rules.plain_email(referrer.email),
            same_phone="phone" in shared and one.friend_id != one.referrer_id,
            same_address="address" in shared and one.friend_id != one.referrer_id,
            seen_at_device=seen_at("device"),
            seen_at_network=seen_at("network"),
            prior_purchase=bool(self._earlier(one)),
            given_back=self.given_back.get(one.referrer_id, 0),
        )
