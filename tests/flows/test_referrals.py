"""Referrals end to end without a platform: noticed by code or link, judged, released, capped, taken back."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.domain.facts import CustomerRedacted, CustomersMerged, OrderDeleted, OrderFact, OrderSeen, Traces
from plugin.domain.programme import Checks, Ladder, OrderRules, Referral, Reward, Tier
from plugin.flows import clock, referrals, sharing, stops
from plugin.store import programmes, progress, referral_codes
from plugin.store import referrals as store
from plugin.store.db import Database
from plugin.store.referrals import Referred
from tests.books import Books
from tests.facts import DAY, T0, arrived, back, line, parcel, programme, refund, refunded, seen, sent

FRIEND = Reward("friend", "amount_off", "", 0, value_minor=1000)
ON = Referral(enabled=True, friend=FRIEND, points=200)
HOME = Traces(
    phone="+41 79 123 45 67", street="Seestrasse 1", zip="8001", country="CH", ip="203.0.113.7", device="A"
)


def rules(**changes: Any) -> Any:
    own = {name: changes.pop(name) for name in ("ladder", "tiers", "orders") if name in changes}
    return programme(referral=replace(ON, **changes), return_window_days=10, **own)


@pytest.fixture
def sharing_books(books: Books) -> Books:
    """Member 7 shares a code."""
    books.publish(rules(), at=T0 - DAY / 2)
    books.join(7)
    return books


def code_of(books: Books, member_id: int = 7) -> str:
    with books.db.write(books.shop_id) as tx:
        return sharing.share(tx, books.shop, member_id, books.now).code


def bought(
    books: Books,
    order_id: int,
    friend: int,
    *,
    traces: Traces | None = None,
    read: bool = True,
    **changes: Any,
) -> None:
    """A friend's order by the link, unless told otherwise, confirmed by a read."""
    given: dict[str, Any] = {"customer_id": friend, "processed_at": books.now, "at": books.now}
    if "discount_codes" not in changes:
        given["referral"] = code_of(books)
    books.tell(replace(seen(order_id, **{**given, **changes}), traces=traces))
    if read:
        books.read(order_id)


def delivered(books: Books, order_id: int, at: Any = None) -> None:
    moment = at or books.now + DAY
    books.tell(sent(order_id, parcel(order_id, at=moment)), arrived(order_id, order_id, moment))


def later(books: Books, days: float) -> None:
    books.now += timedelta(days=days)
    books.tick()


def of_order(books: Books, order_id: int) -> Referred:
    with books.db.read() as tx:
        (found,) = store.by_orders(tx, books.shop_id, [order_id])
    return found


def decided(books: Books, order_id: int, decision: Any, note: str = "Talked to them") -> Referred:
    number = of_order(books, order_id).referral_id
    with books.db.write(books.shop_id) as tx:
        return referrals.decide(tx, books.shop, number, decision, note, "staff:5", books.now)


def test_a_code_is_made_once_and_stays(sharing_books: Books) -> None:
    books = sharing_books
    code = code_of(books)
    assert code.startswith("REG-")
    assert code_of(books) == code
    assert books.effects("referral.make") == [f"referral:{code}:make"]
    assert code_of(books, 7) != _joined_code(books, 8)
    assert sharing.link_to(books.shop, code) == f"https://{books.shop.domain}/?ref={code}"


def _joined_code(books: Books, member_id: int) -> str:
    books.join(member_id)
    return code_of(books, member_id)


def test_who_is_no_member_or_has_no_programme_shares_nothing(sharing_books: Books) -> None:
    with pytest.raises(sharing.CannotShare) as refused:
        code_of(sharing_books, 99)
    assert refused.value.code == "not_a_member"
    sharing_books.publish(programme(), at=T0)
    with pytest.raises(sharing.CannotShare) as refused:
        code_of(sharing_books)
    assert refused.value.code == "no_referrals"


@pytest.mark.parametrize("via", ["link", "code"])
def test_the_referrer_is_rewarded_after_delivery_and_the_return_window(
    sharing_books: Books, via: str
) -> None:
    books = sharing_books
    carried: dict[str, Any] = {"discount_codes": (code_of(books),)} if via == "code" else {}
    bought(books, 1, 8, **carried)
    assert (of_order(books, 1).state, of_order(books, 1).via) == ("qualified", via)
    assert of_order(books, 1).release_at is None
    delivered(books, 1, T0 + DAY)
    assert of_order(books, 1).release_at == T0 + 11 * DAY
    later(books, 10.9)
    assert books.points(7) == (50, 0, 0)
    later(books, 0.2)
    assert books.points(7) == (250, 0, 0)
    assert books.entries(7) == [("signup", 50), ("referral", 200)]
    assert of_order(books, 1).state == "approved"
    later(books, 30)
    assert books.entries(7) == [("signup", 50), ("referral", 200)]
    assert books.audit() == []


@pytest.mark.parametrize("opens", ["at_once", "paid"])
def test_the_referrer_waits_for_the_parcel_also_where_points_open_sooner(
    sharing_books: Books, opens: Any
) -> None:
    books = sharing_books
    books.publish(rules(orders=OrderRules(opens=opens, paid_days=1)), at=T0 - DAY / 4)
    bought(books, 1, 8)
    later(books, 5)
    assert (of_order(books, 1).state, of_order(books, 1).release_at) == ("qualified", None)
    delivered(books, 1, T0 + 6 * DAY)
    assert of_order(books, 1).release_at == T0 + 16 * DAY
    later(books, 11)
    assert books.points(7) == (250, 0, 0)


def test_a_delay_of_its_own_and_a_reward_in_place_of_points(sharing_books: Books) -> None:
    books = sharing_books
    books.publish(rules(delay_days=30, points=0, reward="five_off"), at=T0 - DAY / 4)
    bought(books, 1, 8)
    delivered(books, 1, T0 + DAY)
    later(books, 30)
    assert books.codes(7) == []
    later(books, 2)
    (code,) = books.codes(7)
    assert (code.points, code.reward.key, code.state) == (0, "five_off", "debited")
    books.made(code)
    books.tell(seen(1, customer_id=8, cancelled_at=books.now, at=books.now, financial_status="refunded"))
    assert books.effects("code.withdraw") == [f"redemption:{code.redemption_id}:withdraw"]
    assert of_order(books, 1).state == "cancelled"


def test_who_came_by_the_link_gets_their_reward_as_soon_as_they_join(sharing_books: Books) -> None:
    books = sharing_books
    bought(books, 1, 8)
    assert of_order(books, 1).friend_reward == "owed"
    books.join(8)
    (code,) = books.codes(8)
    assert (code.reward, code.points) == (FRIEND, 0)
    assert of_order(books, 1).friend_reward == "given"
    bought(books, 2, 9, discount_codes=(code_of(books),))
    books.join(9)
    assert books.codes(9) == []  # it was taken off in the order


def test_nothing_qualifies_before_it_is_paid_and_read(sharing_books: Books) -> None:
    books = sharing_books
    bought(books, 1, 8, read=False, financial_status="pending")
    assert (of_order(books, 1).state, of_order(books, 1).why) == ("waiting", "not_paid")
    bought(books, 1, 8, read=False, at=T0 + DAY / 24)
    assert (of_order(books, 1).state, of_order(books, 1).why) == ("waiting", "not_read")
    books.read(1)
    assert of_order(books, 1).state == "qualified"
    bought(books, 2, 9, read=False)
    books.tell(refuted=[2])
    assert (of_order(books, 2).state, of_order(books, 2).why) == ("cancelled", "refuted")


def test_an_order_below_the_least_does_not_count(sharing_books: Books) -> None:
    books = sharing_books
    books.publish(rules(minimum_minor=10_001), at=T0 - DAY / 4)
    bought(books, 1, 8)
    assert (of_order(books, 1).state, of_order(books, 1).why) == ("cancelled", "too_small")


def test_cancelled_before_its_time_and_refunded_after_it(sharing_books: Books) -> None:
    books = sharing_books
    bought(books, 1, 8)
    bought(books, 2, 9)
    books.tell(seen(1, customer_id=8, cancelled_at=T0 + DAY, at=T0 + DAY, referral=code_of(books)))
    assert (of_order(books, 1).state, of_order(books, 1).why) == ("cancelled", "cancelled")
    delivered(books, 2)
    later(books, 12)
    assert books.points(7) == (250, 0, 0)
    books.tell(refunded(2, refund(1, back(1, 1, 10_000), paid=10_000)))
    assert (of_order(books, 2).state, of_order(books, 2).why) == ("cancelled", "refunded")
    assert books.entries(7) == [("signup", 50), ("referral", 200), ("clawback", -200)]
    assert books.points(7) == (50, 0, 0)
    assert books.audit() == []


def test_a_ladder_by_referrals_counts_those_that_stand(sharing_books: Books) -> None:
    books = sharing_books
    ladder = Ladder(basis="referrals")
    tiers = (Tier("bronze", "Bronze", 0), Tier("gold", "Gold", 1))
    books.publish(rules(ladder=ladder, tiers=tiers), at=T0 - DAY / 4)
    bought(books, 1, 8)
    delivered(books, 1)
    later(books, 12)
    later(books, 0.1)
    assert books.member(7).tier == "gold"
    books.tell(OrderDeleted(1))
    with books.db.read() as tx:
        latest = programmes.versions(tx, books.shop_id).latest
        assert latest is not None
        assert progress.sums(tx, books.shop_id, [7], latest, T0, books.now) == {}


def test_a_partial_refund_that_leaves_enough_changes_nothing(sharing_books: Books) -> None:
    books = sharing_books
    books.publish(rules(minimum_minor=4_000), at=T0 - DAY / 4)
    bought(books, 1, 8)
    delivered(books, 1)
    later(books, 12)
    books.tell(refunded(1, refund(1, paid=5_000)))
    assert of_order(books, 1).state == "approved"
    books.tell(refunded(1, refund(2, paid=2_000)))
    assert of_order(books, 1).state == "cancelled"
    assert books.points(7) == (50, 0, 0)


def test_an_order_that_is_deleted_takes_it_back_also_when_spent(sharing_books: Books) -> None:
    books = sharing_books
    bought(books, 1, 8)
    delivered(books, 1)
    later(books, 12)
    books.redeem(7)
    books.tell(OrderDeleted(1))
    assert books.points(7) == (0, 0, 50)
    assert books.audit() == []


@pytest.mark.parametrize(
    ("friend", "mine", "theirs", "reasons", "state"),
    [
        (7, None, None, ("same_customer",), "rejected"),
        (8, Traces(phone="+41791234567"), Traces(phone="079 123 45 67"), ("same_phone",), "review"),
        (8, HOME, Traces(street="SEESTRASSE 1", zip="80 01", country="CH"), ("same_address",), "review"),
        (8, Traces(ip="203.0.113.7", device="A"), Traces(ip="203.0.113.7", device="A"), ("device",), "review"),
        (8, Traces(ip="203.0.113.7"), Traces(ip="203.0.113.7"), (), "qualified"),
        (8, HOME, HOME, ("same_phone", "same_address", "device"), "rejected"),
        (8, Traces(ip="nonsense", phone="12"), Traces(ip="nonsense", phone="12"), (), "qualified"),
    ],
)  # fmt: skip
def test_signs_of_abuse_are_scored(
    sharing_books: Books, friend: int, mine: Any, theirs: Any, reasons: tuple[str, ...], state: str
) -> None:
    books = sharing_books
    books.tell(replace(seen(50, customer_id=7, processed_at=T0 + DAY, at=T0 + DAY), traces=mine))
    bought(books, 1, friend, traces=theirs)
    found = of_order(books, 1)
    assert (found.reasons, found.state) == (reasons, state)
    assert found.score == sum(getattr(Checks(), name) for name in reasons)


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        ("ada.l+shop@gmail.com", "AdaL@googlemail.com", True),
        ("ada+1@example.com", "ada+2@example.com", True),
        ("a.da@example.com", "ada@example.com", False),
        ("ada@example.com", "bob@example.com", False),
    ],
)
def test_an_address_is_the_same_behind_plus_and_dots(
    sharing_books: Books, mine: str, theirs: str, same: bool
) -> None:
    books = sharing_books
    books.tell(seen(50, customer_id=7, email=mine, processed_at=T0 + DAY, at=T0 + DAY))
    bought(books, 1, 8, email=theirs)
    assert of_order(books, 1).reasons == (("same_email",) if same else ())


def test_a_network_counts_beyond_its_limit(sharing_books: Books) -> None:
    books = sharing_books
    for order_id in range(1, 5):
        bought(books, order_id, 10 + order_id, traces=Traces(ip=f"2001:db8::{order_id}"))
    # The first three were alone with two others at most; the fourth makes three others for each of the open ones.
    assert [of_order(books, n).reasons for n in range(1, 5)] == [("network",)] * 4
    assert [of_order(books, n).state for n in range(1, 5)] == [
        "qualified"
    ] * 4  # a score of 30 is no suspicion


def test_who_bought_before_is_no_new_friend(sharing_books: Books) -> None:
    books = sharing_books
    books.tell(seen(40, customer_id=8, processed_at=T0 - DAY / 3, at=T0 - DAY / 3))
    bought(books, 1, 8)
    assert (of_order(books, 1).state, of_order(books, 1).reasons) == ("rejected", ("prior_purchase",))
    # An order that came to nothing is no purchase.
    books.tell(seen(40, customer_id=8, processed_at=T0 - DAY / 3, at=T0 + DAY, cancelled_at=T0 + DAY))
    assert of_order(books, 1).state == "qualified"


def test_only_the_first_order_of_a_friend_counts_whichever_is_told_first(sharing_books: Books) -> None:
    books = sharing_books
    bought(books, 2, 8, processed_at=T0 + DAY, at=T0 + DAY)
    bought(books, 1, 8)
    assert (of_order(books, 1).state, of_order(books, 2).why) == ("qualified", "again")
    books.tell(seen(1, customer_id=8, cancelled_at=T0 + DAY, at=T0 + DAY, referral=code_of(books)))
    assert (of_order(books, 1).state, of_order(books, 2).state) == ("cancelled", "qualified")


def test_many_orders_that_came_back_are_a_sign(sharing_books: Books) -> None:
    books = sharing_books
    for order_id in range(1, 4):
        bought(books, order_id, 10 + order_id)
        books.tell(
            OrderDeleted(99), seen(order_id, customer_id=10 + order_id, cancelled_at=T0 + DAY, at=T0 + DAY)
        )
    bought(books, 9, 19)
    assert of_order(books, 9).reasons == ("cancelled",)


def test_a_person_decides_with_a_reason_and_may_think_again(sharing_books: Books) -> None:
    books = sharing_books
    books.tell(replace(seen(50, customer_id=7, processed_at=T0 + DAY, at=T0 + DAY), traces=HOME))
    bought(books, 1, 8, traces=Traces(phone="0791234567"))
    delivered(books, 1)
    later(books, 12)
    assert (of_order(books, 1).state, books.points(7)[0]) == ("review", 50)
    with pytest.raises(referrals.CannotDecide) as refused:
        decided(books, 1, "approved", "  ")
    assert refused.value.code == "no_reason"
    found = decided(books, 1, "approved")
    assert (found.state, found.decided_by, found.note) == ("approved", "staff:5", "Talked to them")
    assert books.points(7)[0] == 250
    assert decided(books, 1, "rejected").state == "rejected"
    assert books.points(7)[0] == 50
    assert decided(books, 1, "approved").state == "approved"
    assert books.entries(7)[-3:] == [("referral", 200), ("clawback", -200), ("referral", 200)]
    trail = books.rows(
        "SELECT kind, actor FROM events WHERE shop_id = :s AND kind LIKE 'referral%' AND subject = 'member:7' "
        "ORDER BY event_id"
    )
    reviewed = ("referral_reviewed", "staff:5")
    assert trail == [
        reviewed, ("referral_decided", "system"), reviewed, ("referral_decided", "staff:5"),
        reviewed, ("referral_decided", "system"),
    ]  # fmt: skip
    with books.db.write(books.shop_id) as tx, pytest.raises(referrals.CannotDecide):
        referrals.decide(tx, books.shop, 5, "approved", "x", "staff:5", books.now)
    assert books.audit() == []


def test_a_cap_keeps_the_earliest_and_a_place_that_comes_free_is_filled(sharing_books: Books) -> None:
    books = sharing_books
    books.publish(rules(cap=2, cap_period="month"), at=T0 - DAY / 4)
    for order_id, hours in ((3, 3), (1, 1), (2, 2)):
        bought(books, order_id, 10 + order_id, processed_at=T0 + hours * DAY / 24, at=T0 + hours * DAY / 24)
    assert [of_order(books, n).why for n in (1, 2, 3)] == [None, None, "cap"]
    bought(books, 4, 14, processed_at=T0 + 40 * DAY, at=T0 + 40 * DAY)  # another month
    assert of_order(books, 4).state == "qualified"
    books.tell(seen(1, customer_id=11, cancelled_at=T0 + DAY, at=T0 + DAY, referral=code_of(books)))
    assert [of_order(books, n).state for n in (1, 2, 3)] == ["cancelled", "qualified", "qualified"]


def test_what_was_given_keeps_its_place(sharing_books: Books) -> None:
    books = sharing_books
    books.publish(rules(cap=1, cap_period="ever"), at=T0 - DAY / 4)
    bought(books, 2, 12, processed_at=T0 + DAY, at=T0 + DAY)
    delivered(books, 2)
    later(books, 12)
    bought(books, 1, 11, processed_at=T0, at=T0)
    assert (of_order(books, 2).state, of_order(books, 1).why) == ("approved", "cap")
    assert books.points(7)[0] == 250


def test_while_earning_stands_still_rewards_wait(sharing_books: Books) -> None:
    books = sharing_books
    bought(books, 1, 8)
    delivered(books, 1)
    with books.db.write(books.shop_id) as tx:
        stops.stop(tx, books.shop, "earning", "staff:5", T0 + 2 * DAY)
    books.reload()
    later(books, 12)
    assert (of_order(books, 1).state, books.points(7)[0]) == ("qualified", 50)
    with books.db.write(books.shop_id) as tx:
        stops.go_on(tx, books.shop, "earning", "staff:5", books.now)
    books.reload()
    later(books, 0.1)
    assert (of_order(books, 1).state, books.points(7)[0]) == ("approved", 250)


def test_a_merged_referrer_keeps_codes_and_friends(sharing_books: Books) -> None:
    books = sharing_books
    code = code_of(books)
    bought(books, 1, 8)
    books.people(CustomersMerged(20, 7, "success"))
    assert of_order(books, 1).referrer_id == 20
    bought(books, 2, 9, discount_codes=(code,))
    assert of_order(books, 2).referrer_id == 20
    delivered(books, 1)
    later(books, 12)
    assert books.points(20)[0] == 250
    assert books.audit() == []


def test_two_who_turn_out_to_be_one_refer_nobody(sharing_books: Books) -> None:
    books = sharing_books
    bought(books, 1, 8)
    books.people(CustomersMerged(7, 8, "success"))
    assert (of_order(books, 1).state, of_order(books, 1).reasons) == ("rejected", ("same_customer",))


def test_forgetting_ends_code_hashes_and_what_was_open(sharing_books: Books) -> None:
    books = sharing_books
    code = code_of(books)
    books.tell(replace(seen(50, customer_id=7, processed_at=T0 + DAY, at=T0 + DAY), traces=HOME))
    bought(books, 1, 8, traces=HOME)
    decided(books, 1, "approved", "Ada is fine")
    assert books.rows("SELECT COUNT(*) FROM fingerprints WHERE shop_id = :s AND member_id = 7") == [(4,)]
    books.people(CustomerRedacted(7, ()))
    assert books.rows("SELECT COUNT(*) FROM fingerprints WHERE shop_id = :s AND member_id = 7") == [(0,)]
    assert (of_order(books, 1).state, of_order(books, 1).why) == ("cancelled", "member_gone")
    assert of_order(books, 1).note is None
    assert books.effects("referral.end") == [f"referral:{code}:end"]
    assert books.rows("SELECT COUNT(*) FROM referral_codes WHERE shop_id = :s") == [(0,)]


def test_hashes_live_ninety_days_and_hide_what_they_are_of(sharing_books: Books) -> None:
    books = sharing_books
    bought(books, 1, 8, traces=HOME)
    rows = books.rows("SELECT kind, hash FROM fingerprints WHERE shop_id = :s ORDER BY kind")
    assert [kind for kind, _ in rows] == ["address", "device", "network", "phone"]
    text = "".join(digest for _, digest in rows)
    assert len(text) == 4 * 32
    assert not any(plain in text for plain in ("791234567", "203.0.113.7", "seestrasse"))
    books.now = T0 + 89 * DAY
    with books.db.write(books.shop_id) as tx:
        clock.tidy(tx, books.shop, books.now)
    assert len(books.rows("SELECT 1 FROM fingerprints WHERE shop_id = :s")) == 4
    books.now = T0 + 91 * DAY
    with books.db.write(books.shop_id) as tx:
        clock.tidy(tx, books.shop, books.now)
    assert books.rows("SELECT 1 FROM fingerprints WHERE shop_id = :s") == []
    # What has no referrals leaves no trace at all.
    books.publish(programme(), at=books.now)
    books.tell(replace(seen(60, customer_id=9, processed_at=books.now, at=books.now), traces=HOME))
    assert books.rows("SELECT 1 FROM fingerprints WHERE shop_id = :s") == []


def test_switched_off_codes_end_and_promises_are_kept(sharing_books: Books) -> None:
    books = sharing_books
    code = code_of(books)
    with books.db.write(books.shop_id) as tx:
        sharing.made(tx, books.shop, code, "gid://shopify/DiscountCodeNode/9")
    bought(books, 1, 8)
    delivered(books, 1)
    books.publish(programme(), at=T0 + DAY)
    later(books, 12)
    assert books.effects("referral.end") == [f"referral:{code}:end"]
    assert books.points(7)[0] == 250
    books.publish(rules(), at=books.now)
    assert code_of(books) != code  # the old one has ended in the shop, and still says who sent whom
    bought(books, 2, 9, referral=code)
    assert of_order(books, 2).referrer_id == 7


def test_a_code_of_another_app_goes_on_counting(sharing_books: Books) -> None:
    books = sharing_books
    with books.db.write(books.shop_id) as tx:
        assert sharing.adopt(tx, books.shop, 7, "smile-ada-123", books.now)
        assert not sharing.adopt(tx, books.shop, 9, "SMILE-ADA-123", books.now)
        assert not sharing.adopt(tx, books.shop, 9, "<script>", books.now)
        assert referral_codes.owners(tx, books.shop_id, ["SMILE-ADA-123"]) == {"SMILE-ADA-123": 7}
    bought(books, 1, 8, referral="SMILE-ADA-123")
    assert of_order(books, 1).referrer_id == 7


def _story(code: str, cancelled: set[int]) -> list[tuple[list[OrderFact], bool]]:
    """Orders of six friends with their parcels; some are cancelled. Each with whether it must be read after."""
    told: list[tuple[list[OrderFact], bool]] = []
    for n in range(1, 7):
        friend, placed = 10 + n // 2, T0 + n * DAY / 24
        order: OrderSeen = seen(n, customer_id=friend, processed_at=placed, at=placed, referral=code)
        told.append(([order], True))
        told.append(([sent(n, parcel(n, at=T0 + DAY)), arrived(n, n, T0 + 2 * DAY)], False))
        if n in cancelled:
            told.append(([replace(order, head=replace(order.head, updated_at=T0 + 3 * DAY,
                                                      cancelled_at=T0 + 3 * DAY))], False))  # fmt: skip
    told.append(([seen(40, line(), customer_id=12, processed_at=T0 - DAY / 3, at=T0 - DAY / 3)], False))
    return told


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cap=st.sampled_from([None, 1, 2]), cancelled=st.sets(st.integers(1, 6)), seed=st.integers(0, 1 << 30))
def test_any_order_of_events_ends_alike_and_no_cap_is_exceeded(
    shared: Database, cap: int | None, cancelled: set[int], seed: int
) -> None:
    ends = []
    for shuffle in (None, random.Random(seed)):
        books = Books(shared, rules(cap=cap, cap_period="month"))
        books.publish(rules(cap=cap, cap_period="month"), at=T0 - DAY / 2)
        books.join(7)
        story = _story(code_of(books), cancelled)
        books.now = T0 + 4 * DAY
        if shuffle is not None:
            story = story + shuffle.sample(story, 4)
            shuffle.shuffle(story)
        for facts, _ in story:
            books.tell(*facts)
            known = {row[0] for row in books.rows("SELECT order_id FROM orders WHERE shop_id = :s AND "
                                                  "updated_at IS NOT NULL AND confirmed = 'no'")}  # fmt: skip
            books.read(*known)
        later(books, 20)
        with books.db.read() as tx:
            found = store.by_orders(tx, books.shop_id, range(1, 7))
        # What was cancelled is not looked at again, so its signs are those of the day it ended.
        ends.append(sorted(
            (one.order_id, one.state, one.why, () if one.state == "cancelled" else one.reasons, one.points)
            for one in found
        ))  # fmt: skip
        approved = [one for one in found if one.state == "approved"]
        assert cap is None or len(approved) <= cap
        assert len({one.friend_id for one in approved}) == len(approved)
        assert books.points(7)[0] == 50 + 200 * len(approved)
        assert books.audit() == []
    assert ends[0] == ends[1]
