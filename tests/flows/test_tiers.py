"""Tiers flow: what counts, bought and tagged and granted tiers, gifts, codes, notice, merges, versions for later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from plugin.domain.facts import CustomerFact, CustomerSeen, CustomersMerged, Line, OrderFact
from plugin.domain.programme import EarningRule, Ladder, PaidMembership, Programme, TagTier, Tier
from plugin.domain.values import Rate, Ratio
from plugin.flows import clock, members, merchants, tiers
from plugin.flows.merchants import VersionScheduled
from plugin.flows.offers import CannotRedeem
from plugin.flows.tiers import CannotGrant
from plugin.store import events, grants, ladder, ledger
from plugin.store.events import Event
from plugin.store.ladder import Placed
from tests.books import Books
from tests.facts import DAY, T0, back, line, programme, refund, refunded, seen

BRONZE = Tier("bronze", "Bronze", 0)
SILVER = Tier("silver", "Silver", 500, Ratio(5, 4))
GOLD = Tier("gold", "Gold", 1500, Ratio(3, 2))
CARD = 4711


def rules(*steps: Tier, **changes: Any) -> Programme:
    return programme(tiers=steps or (BRONZE, SILVER, GOLD), **changes)


def placed(books: Books, member_id: int = 7) -> Placed:
    with books.db.read() as tx:
        found = ladder.of_member(tx, books.shop_id, member_id)
    assert found is not None
    return found


def holds(books: Books, member_id: int = 7) -> tuple[str | None, str | None]:
    """The tier that holds after the clock's work, and by what."""
    books.tick()
    now = placed(books, member_id)
    return now.tier, now.tier_by


def trail(books: Books, kind: str) -> list[Event]:
    with books.db.read() as tx:
        return [one for one in events.latest(tx, books.shop_id) if one.kind == kind]


def membership(order_id: int, at: datetime, seen_at: datetime | None = None, **changes: Any) -> OrderFact:
    """An order of the membership card and of something else."""
    card = Line(1, 1, 0, 3_000, 0, gift_card=False, requires_shipping=False, product_id=CARD)
    return seen(order_id, card, line(2, 1_000), processed_at=at, at=seen_at or at, **changes)


CLUB = (PaidMembership("club", "Club", "gold", 12, (str(CARD),)),)


# What counts


@pytest.mark.parametrize(
    ("basis", "amounts", "tier"),
    [
        ("money", [49_999], "bronze"),
        ("money", [40_000, 10_000], "silver"),
        ("orders", [100, 100], "bronze"),
        ("orders", [100, 100, 100], "silver"),
    ],
)
def test_money_and_orders_count(books: Books, basis: Any, amounts: list[int], tier: str) -> None:
    silver = replace(SILVER, threshold=3 if basis == "orders" else 500)
    books.publish(rules(BRONZE, silver, ladder=Ladder(basis=basis)))
    books.join(7)
    for n, amount in enumerate(amounts):
        books.tell(seen(n + 1, line(1, amount), processed_at=books.now, at=books.now))
    assert holds(books) == (tier, "earned")
    rank = books.stands(7).rank
    assert rank is not None
    assert rank.progress == (len(amounts) if basis == "orders" else sum(amounts) // 100)


@pytest.mark.parametrize("basis", ["money", "orders"])
def test_orders_that_are_worth_no_points_count_too(books: Books, basis: Any) -> None:
    silver = replace(SILVER, threshold=1)
    books.publish(
        rules(BRONZE, silver, ladder=Ladder(basis=basis), earning=(EarningRule(Rate(1, 1_000_000)),))
    )
    books.join(7)
    assert holds(books)[0] == "bronze"
    books.tell(seen(1, line(1, 5_000), processed_at=books.now, at=books.now))
    assert books.points(7)[0] == 50  # for joining alone
    assert holds(books)[0] == "silver"


def test_an_order_that_was_given_back_counts_no_more(books: Books) -> None:
    books.publish(rules(BRONZE, replace(SILVER, threshold=1), ladder=Ladder(basis="orders")))
    books.join(7)
    books.tell(seen(1, line(1, 5_000)))
    assert holds(books)[0] == "silver"
    books.tell(refunded(1, refund(1, back(1, 1, 5_000), paid=5_000)))
    assert books.stands(7).tier_progress == 0
    assert holds(books)[0] == "silver"  # until its period is over (design 10.14)


def test_referrals_count_until_they_are_taken_back_and_follow_a_merge(books: Books) -> None:
    books.publish(rules(BRONZE, replace(SILVER, threshold=2), ladder=Ladder(basis="referrals")))
    for who in (7, 8):
        books.join(who)
        with books.db.write(books.shop_id) as tx:
            account = ledger.accounts(tx, books.shop_id, [who])[who]
            entry = account.credit("referral", 100, source_key=f"referral:{who}", why={}, occurred_at=T0,
                                   available_at=T0, expires_at=None)  # fmt: skip
            ledger.write(tx, books.shop_id, [account.moves], T0)
    assert holds(books) == ("bronze", "earned")
    books.people(CustomersMerged(7, 8, "success"))
    assert holds(books) == ("silver", "earned")
    with books.db.write(books.shop_id) as tx:
        account = ledger.accounts(tx, books.shop_id, [8])[8]
        account.take_back("clawback", 100, source_key="referral:8:back", why={}, occurred_at=T0, now=T0,
                          reverses_id=entry.entry_id)  # fmt: skip
        ledger.write(tx, books.shop_id, [account.moves], T0)
    assert books.stands(7).tier_progress == 1


def test_money_begins_anew_with_another_currency(books: Books) -> None:
    money = Ladder(basis="money")
    books.publish(rules(ladder=money))
    books.join(7)
    books.tell(seen(1, line(1, 60_000), processed_at=books.now, at=books.now))
    assert holds(books)[0] == "silver"
    books.now += DAY
    books.publish(rules(ladder=money, currency="EUR"))
    assert books.stands(7).tier_progress == 0


def test_a_year_ends_at_the_shops_midnight(books: Books) -> None:
    books.publish(rules(ladder=Ladder(window="year")))
    books.join(7)
    books.now = datetime(2026, 12, 31, 22, 30, tzinfo=UTC)
    books.tell(seen(1, line(1, 50_000), processed_at=books.now, at=books.now))
    assert holds(books)[0] == "silver"
    assert placed(books).tier_until == datetime(2026, 12, 31, 23, tzinfo=UTC)
    books.now = datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)
    assert holds(books)[0] == "silver"
    books.now = datetime(2026, 12, 31, 23, tzinfo=UTC)  # midnight in Zurich
    assert holds(books)[0] == "bronze"


# Notice


def test_notice_comes_before_a_fall_and_is_shown(books: Books) -> None:
    books.publish(rules(ladder=Ladder(notice_days=30)))
    books.join(7)
    books.tell(seen(1, line(1, 50_000)))
    assert holds(books)[0] == "silver"
    until = placed(books).tier_until
    assert until is not None
    books.now = until - 30 * DAY - timedelta(seconds=1)
    assert holds(books)[0] == "silver"
    assert trail(books, "tier_warning") == []
    books.now = until - 30 * DAY
    assert holds(books)[0] == "silver"
    [told] = trail(books, "tier_warning")
    assert (told.subject, told.detail) == (
        "member:7", {"tier": "silver", "to": "bronze", "at": until.isoformat()},
    )  # fmt: skip
    rank = books.stands(7).rank
    assert rank is not None
    assert rank.notice is not None
    assert (rank.notice.key, rank.placed.tier_until) == ("bronze", until)
    books.now = until
    assert holds(books)[0] == "bronze"
    assert len(trail(books, "tier_warning")) == 1


# Granted tiers


def test_the_end_of_a_granted_tier_is_told_once_before_it_and_again_when_it_moves(books: Books) -> None:
    books.publish(rules(memberships=CLUB, ladder=Ladder(notice_days=30)))
    books.join(7)
    books.tell(membership(1, T0), confirmed=[1])
    assert holds(books) == ("gold", "order")
    first = T0.replace(year=2027)
    books.now = first - 30 * DAY - timedelta(seconds=1)
    holds(books)
    assert trail(books, "tier_warning") == []
    books.now = first - 30 * DAY
    holds(books)
    books.tell(membership(1, T0, seen_at=books.now), confirmed=[1])  # the same order again
    holds(books)
    [told] = trail(books, "tier_warning")
    assert told.detail == {"tier": "gold", "to": "bronze", "at": first.isoformat()}
    books.tell(membership(2, books.now), confirmed=[2])  # renewed: another end, of which another word comes
    holds(books)
    second = first.replace(year=2028)
    assert placed(books).tier_until == second
    for moment in (second - 30 * DAY, second):
        books.now = moment
        holds(books)
    assert [one.detail["at"] for one in trail(books, "tier_warning")] == [
        second.isoformat(),
        first.isoformat(),
    ]
    assert holds(books)[0] == "bronze"


def test_a_bought_membership_lasts_is_prolonged_and_ends_with_its_order(books: Books) -> None:
    books.publish(rules(memberships=CLUB))
    books.join(7)
    books.tell(membership(1, T0))
    assert holds(books) == ("bronze", "earned")  # a webhook's word is not enough for something of value
    books.read(1)
    assert holds(books) == ("gold", "order")
    assert placed(books).tier_until == T0.replace(year=2027)
    books.now = T0 + 300 * DAY
    books.tell(membership(2, books.now), confirmed=[2])
    books.tick()
    assert placed(books).tier_until == T0.replace(year=2028)
    books.tell(membership(1, T0, seen_at=books.now, cancelled_at=books.now), confirmed=[1])
    books.tick()
    assert placed(books).tier_until == (T0 + 300 * DAY).replace(year=2027)
    books.tell(refunded(2, refund(9, back(1, 1, 3_000), paid=3_000)))
    assert holds(books) == ("bronze", "earned")
    assert books.audit() == []


def test_memberships_come_out_alike_in_any_order_of_deliveries(books: Books) -> None:
    books.publish(rules(memberships=CLUB))
    ends = set()
    for n, order in enumerate(permutations(range(3))):
        who = 100 + n
        books.join(who)
        for step in order:
            books.now = T0 + 200 * DAY
            order_id = who * 10 + step
            books.tell(membership(order_id, T0 + step * 60 * DAY, customer_id=who), confirmed=[order_id])
        books.tick()
        ends.add((placed(books, who).tier, placed(books, who).tier_until))
    assert ends == {("gold", T0.replace(year=2029))}


def test_a_tag_grants_a_tier_for_as_long_as_it_is_there(books: Books) -> None:
    books.publish(rules(tag_tiers=(TagTier("vip", "VIP", "gold"),)))
    books.join(7)
    assert books.effects("member.read") == ["member:7:read"]
    with books.db.write(books.shop_id) as tx:
        members.tags_seen(tx, books.shop, 7, ["vip", "other"], books.now)
    assert holds(books) == ("gold", "tag")
    books.tell(seen(1, line(1, 10_000), processed_at=books.now + DAY, at=books.now + DAY))
    assert books.entries(7)[-1] == ("earn", 150)
    books.people(CustomerSeen(CustomerFact(7, T0 + DAY)))
    assert books.effects("member.read") == ["member:7:read"]
    books.now += 2 * DAY
    with books.db.write(books.shop_id) as tx:
        members.tags_seen(tx, books.shop, 7, ["other"], books.now)
    assert holds(books) == ("bronze", "earned")
    books.publish(rules())
    assert books.member(7).status == "active"


def give(books: Books, tier: str, until: datetime | None, key: str = "form", member_id: int = 7) -> bool:
    with books.db.write(books.shop_id) as tx:
        return tiers.grant(
            tx, books.shop, member_id, tier, until, "Loyal for years", key, "staff:1", books.now
        )


def test_a_tier_by_hand_holds_until_its_day_and_never_lowers_one_that_was_earned(books: Books) -> None:
    books.publish(rules())
    books.join(7)
    books.tick()
    assert give(books, "silver", T0 + 10 * DAY)
    assert not give(books, "silver", T0 + 10 * DAY)  # the same form again
    assert (placed(books).tier, placed(books).tier_by, placed(books).tier_until) == (
        "silver", "staff", T0 + 10 * DAY,
    )  # fmt: skip
    books.now = T0 + DAY
    books.tell(seen(1, line(1, 200_000), processed_at=books.now, at=books.now))
    assert holds(books) == ("gold", "earned")
    assert give(books, "silver", T0 + 20 * DAY, "lower")
    assert holds(books) == ("gold", "earned")
    books.now = T0 + 30 * DAY
    assert holds(books) == ("gold", "earned")
    for tier, until, code in (("none", None, "no_such_tier"), ("gold", T0, "past_date")):
        with pytest.raises(CannotGrant) as refused:
            give(books, tier, until, "wrong")
        assert refused.value.code == code
    with pytest.raises(CannotGrant, match="Only members"):
        give(books, "gold", None, "stranger", 99)


def test_a_granted_tier_ends_by_hand_and_on_its_day(books: Books) -> None:
    books.publish(rules())
    books.join(7)
    books.tick()
    give(books, "gold", T0 + 10 * DAY, "day")
    books.now = T0 + 10 * DAY - timedelta(milliseconds=1)
    assert holds(books) == ("gold", "staff")
    books.now = T0 + 10 * DAY
    assert holds(books) == ("bronze", "earned")
    give(books, "gold", None, "open")
    assert (placed(books).tier, placed(books).tier_until) == ("gold", None)
    with books.db.write(books.shop_id) as tx:
        assert not tiers.end_grant(tx, books.shop, 8, "staff:open", "staff:1", books.now)
        assert tiers.end_grant(tx, books.shop, 7, "staff:open", "staff:1", books.now)
        assert not tiers.end_grant(tx, books.shop, 7, "staff:open", "staff:1", books.now)
    assert placed(books).tier == "bronze"


# What a tier brings


GIFTED = replace(SILVER, gift_points=200, gift_reward="shipping")


def test_a_gift_comes_once_for_each_tier_on_the_way_and_its_unused_rest_goes_with_the_order(
    books: Books,
) -> None:
    books.publish(rules(BRONZE, GIFTED, replace(GOLD, gift_points=30)))
    books.join(7)
    books.tick()
    books.tell(seen(1, line(1, 200_000)))
    books.tick()
    assert [e for e in books.entries(7) if e[0] == "gift"] == [("gift", 200), ("gift", 30)]
    [code] = books.codes(7)
    assert (code.points, code.reward.key) == (0, "shipping")
    books.redeem(7)  # 100 of the 280 that can be spent
    books.tell(refunded(1, refund(1, back(1, 1, 200_000), paid=200_000)))
    taken = books.entries(7)
    assert taken[-2:] == [("clawback", -150), ("clawback", -30)]  # what was spent stays
    assert books.points(7) == (0, 0, 0)
    assert books.effects("code.withdraw") == [f"redemption:{code.redemption_id}:withdraw"]
    books.tell(refunded(1, refund(1, back(1, 1, 200_000), paid=200_000)))
    assert books.entries(7) == taken
    assert books.audit() == []


def test_two_orders_bring_the_gifts_that_one_of_both_would(books: Books) -> None:
    books.publish(rules(BRONZE, GIFTED, replace(GOLD, gift_points=30)))
    for who, amounts in ((7, [200_000]), (8, [60_000, 140_000])):
        books.join(who)
        for n, amount in enumerate(amounts):
            books.tell(seen(who * 10 + n, line(1, amount), customer_id=who))
            books.tick()
    gifts = [[e for e in books.entries(who) if e[0] == "gift"] for who in (7, 8)]
    assert gifts[0] == gifts[1] == [("gift", 200), ("gift", 30)]


def test_a_gift_that_both_had_stands_once_after_a_merge(books: Books) -> None:
    books.publish(rules(BRONZE, GIFTED))
    for who in (7, 8):
        books.join(who)
        books.tell(seen(who, line(1, 60_000), customer_id=who))
        books.tick()
        books.now += DAY
    books.people(CustomersMerged(7, 8, "success"))
    books.tick()
    with books.db.read() as tx:
        [gift] = grants.gifts_of(tx, books.shop_id, [7, 8]).values()
    assert (gift.member_id, gift.order_id, gift.withdrawn_at) == (7, 7, None)
    available, _, owed = books.points(7)
    assert (available, owed) == (50 + 200, 0)
    assert books.audit() == []


def test_a_free_shipping_code_comes_every_period_and_not_sooner(books: Books) -> None:
    books.publish(rules(BRONZE, replace(SILVER, shipping_months=1)))
    books.join(7)
    books.tell(seen(1, line(1, 60_000)))
    for day, codes in ((0, 1), (20, 1), (31, 2), (32, 2), (200, 3)):
        books.now = T0 + day * DAY
        books.tick()
        assert len(books.codes(7)) == codes, day
    newest = books.codes(7)[0]
    assert (newest.reward.kind, newest.points) == ("free_shipping", 0)
    assert newest.expires_at is not None
    assert newest.expires_at <= T0 + 232 * DAY


def test_a_reward_costs_what_the_tier_pays_and_may_be_for_a_tier_only(books: Books) -> None:
    five = programme().rewards[0]
    books.publish(
        rules(
            BRONZE,
            replace(SILVER, reward_discount_percent=15),
            rewards=(five, replace(five, key="vip", tiers=("silver",))),
        )
    )
    books.join(7)
    books.tick()
    books.give(7, 500)
    with pytest.raises(CannotRedeem) as refused:
        books.redeem(7, "vip")
    assert refused.value.code == "wrong_tier"
    assert books.redeem(7, request="bronze").points == 100
    give(books, "silver", None)
    assert books.redeem(7, "vip", "silver").points == 85
    assert books.points(7)[0] == 550 - 100 - 85
    assert books.audit() == []


# Versions for later


def test_a_version_for_later_takes_effect_at_its_moment(books: Books) -> None:
    books.join(7)
    books.tell(seen(1, line(1, 45_000)))
    assert holds(books)[0] == "bronze"
    later = books.now + 5 * DAY
    easier = rules(BRONZE, replace(SILVER, threshold=400))
    with books.db.write(books.shop_id) as tx:
        second = merchants.publish(tx, books.shop, easier, "merchant", books.now, later)
        with pytest.raises(VersionScheduled):
            merchants.publish(tx, books.shop, rules(), "merchant", books.now)
    assert books.stands(7).programme != second
    books.now = later - timedelta(milliseconds=1)
    assert holds(books)[0] == "bronze"
    books.now = later
    # Orders are pinned by the moment they were placed, whether or not the clock has come round.
    books.tell(seen(2, processed_at=later - DAY, at=later), seen(3, processed_at=later, at=later))
    assert books.rows("SELECT order_id, programme_version FROM orders WHERE shop_id = :s ORDER BY order_id")[1:] == [
        (2, second.version - 1), (3, second.version),
    ]  # fmt: skip
    assert holds(books)[0] == "silver"
    assert books.stands(7).programme == second
    assert [one.kind for one in trail(books, "programme_in_force")] == ["programme_in_force"]
    assert "shop:digest" in books.effects("shop.digest")


def test_a_cancelled_version_never_was(books: Books) -> None:
    later = books.now + 5 * DAY
    with books.db.write(books.shop_id) as tx:
        second = merchants.publish(tx, books.shop, rules(), "merchant", books.now, later)
        assert merchants.cancel_scheduled(tx, books.shop, second.version, "merchant", books.now)
        assert not merchants.cancel_scheduled(tx, books.shop, second.version, "merchant", books.now)
    third = books.publish(rules(signup_points=7), at=books.now)
    assert third.version == second.version + 1
    books.now = later + DAY
    books.tick()
    books.tell(seen(1, processed_at=later, at=later))
    assert books.rows("SELECT programme_version FROM orders WHERE shop_id = :s") == [(third.version,)]
    assert books.stands(7).programme == third


def test_a_new_name_moves_nobody(books: Books) -> None:
    books.publish(rules())
    books.join(7)
    books.tell(seen(1, line(1, 60_000)))
    assert holds(books)[0] == "silver"
    books.now += DAY
    books.publish(rules(BRONZE, replace(SILVER, name="Argent"), GOLD))
    assert holds(books) == ("silver", "earned")
    assert len(trail(books, "tier_changed")) == 1  # joined and bought before the first review


def test_a_sweep_of_many_slices_reviews_everybody_once(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "SWEEP_SLICE", 2)
    books.publish(programme(tiers=()))
    for who in range(20, 25):
        books.join(who)
        books.tell(seen(who, line(1, 60_000), customer_id=who))
    books.tick()
    books.now += DAY
    books.publish(rules())
    books.tick()
    assert [placed(books, who).tier for who in range(20, 25)] == ["silver"] * 5
    assert books.rows("SELECT COUNT(*) FROM tier_sweeps WHERE shop_id = :s") == [(0,)]
    assert books.rows("SELECT COUNT(*) FROM tier_history WHERE shop_id = :s") == [(5,)]
