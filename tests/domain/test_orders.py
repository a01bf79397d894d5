"""The projection of an order: whatever comes first, twice or late, the same facts end in the same state."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.facts import (
    Dispute,
    OrderChanged,
    OrderDeleted,
    OrderDisputed,
    OrderFact,
    OrderSeen,
    ParcelEvent,
    removed_by_edit,
)
from plugin.domain.orders import FirstNamed, Order, kept_units, line_value, merge
from tests.facts import DAY, T0, arrived, back, head, line, order, parcel, refund, refunded, seen, sent

minutes = st.integers(0, 5).map(lambda n: T0 + n * DAY / 24)
statuses = st.sampled_from(["pending", "partially_paid", "paid", "partially_refunded", "refunded", "voided"])
refunds = st.builds(
    lambda number, units, paid, at: refund(number, back(1, units, 100 * units), paid=paid, at=at),
    st.integers(1, 3), st.integers(0, 2), st.integers(0, 900), minutes,
)  # fmt: skip
parcels = st.builds(
    lambda number, at, status, came: parcel(number, at=at, status=status, delivered_at=came),
    st.integers(1, 3), minutes, st.sampled_from(["success", "cancelled", "pending"]), st.none() | minutes,
)  # fmt: skip
snapshots = st.builds(
    lambda at, status, cancelled, back_, out, code, customer: seen(
        1, line(1, 5000, 3), at=at, financial_status=status, cancelled_at=cancelled, refunds=tuple(back_),
        parcels=tuple(out), discount_codes=code, customer_id=customer,
    ),
    minutes, statuses, st.none() | minutes, st.lists(refunds, max_size=2, unique_by=lambda r: r.refund_id),
    st.lists(parcels, max_size=2, unique_by=lambda p: p.fulfilment_id), st.sampled_from([(), ("A",), ("B",)]),
    st.sampled_from([None, 7, 8]),
)  # fmt: skip
disputes = st.builds(
    lambda number, kind, status, at: OrderDisputed(1, Dispute(number, kind, status, at)),
    st.integers(1, 2), st.sampled_from(["chargeback", "inquiry"]),
    st.sampled_from(["needs_response", "under_review", "lost", "won", "new_word"]), st.none() | minutes,
)  # fmt: skip
facts = st.one_of(
    snapshots,
    refunds.map(lambda made: refunded(1, made)),
    disputes,
    parcels.map(lambda out: sent(1, out)),
    st.builds(lambda number, at: arrived(1, number, at), st.integers(1, 3), minutes),
    st.just(OrderDeleted(1)),
)


@given(st.lists(facts, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_arrival_is_irrelevant_and_copies_are_harmless(
    told: list[OrderFact], chance: random.Random
) -> None:
    mixed = told + [fact for fact in told if chance.random() < 0.5]
    chance.shuffle(mixed)
    # Whether two bodies of one old second ever met decides only whether a (harmless) read is wished for.
    assert replace(order(*mixed), wants_read=None) == replace(order(*told), wants_read=None)


@given(st.lists(facts, min_size=1, max_size=6))
def test_a_fact_told_twice_changes_nothing(told: list[OrderFact]) -> None:
    once = order(*told)
    assert merge(once, told[-1]) == once
    for fact in told:
        assert merge(once, fact) == replace(once, wants_read=merge(once, fact).wants_read)


@given(snapshots, snapshots)
def test_an_older_snapshot_never_overwrites_a_newer_one(one: OrderSeen, other: OrderSeen) -> None:
    old, new = sorted((one, other), key=lambda fact: fact.head.updated_at)
    after = order(new, old)
    assert after.head is not None
    if old.head.updated_at < new.head.updated_at:
        assert after.head == new.head
    assert {r.refund_id for r in after.refunds} == {r.refund_id for r in (*old.refunds, *new.refunds)}


def test_two_bodies_of_one_second_that_disagree_ask_for_a_read() -> None:
    paid, pending = seen(1, financial_status="paid"), seen(1, financial_status="pending")
    for told in ((paid, pending), (pending, paid)):
        after = order(*told)
        assert after.head is not None
        assert after.wants_read == "equal_updated_at"
        assert after.head.financial_status == "paid"
    read = replace(pending, head=replace(pending.head, origin="read"))
    # Whichever of the two came first, the read may have been made before the change that the other tells of.
    doubtful = merge(order(paid, pending), read)
    assert (doubtful.head, doubtful.wants_read) == (read.head, "equal_updated_at")
    settled = merge(doubtful, read)
    assert (settled.head, settled.wants_read) == (read.head, None)
    late = merge(settled, paid)
    assert (late.head, late.wants_read) == (read.head, "equal_updated_at")
    assert merge(settled, pending) == settled  # it agrees


def test_an_older_read_does_not_settle_a_newer_edit() -> None:
    edited = merge(order(seen(1, at=T0 + DAY)), OrderChanged(1, "edited"))
    old_read = replace(seen(1, at=T0), head=head(at=T0, origin="read"))
    assert merge(edited, old_read).wants_read == "edited"
    assert merge(edited, replace(old_read, head=head(at=T0 + DAY, origin="read"))).wants_read is None


def test_refund_before_and_after_the_snapshot_that_contains_it_counts_once() -> None:
    # 3 units ordered, 1 refunded: the snapshot says 2 are current, the refund says which one came back.
    made = refund(9, back(1, 1, 1000))
    removed = removed_by_edit(3, 2, 1)
    assert removed == 0
    snapshot = seen(1, line(1, 3000, 3, removed=removed), at=T0 + DAY, refunds=(made,))
    first = seen(1, line(1, 3000, 3))
    for told in (
        (first, refunded(1, made), snapshot),
        (refunded(1, made), first),
        (snapshot, refunded(1, made)),
    ):
        assert kept_units(order(*told)) == {1: 2}


def test_units_an_edit_took_out_are_not_refunded_units() -> None:
    # 5 ordered, 2 edited out, then 1 refunded: current 2.
    removed = removed_by_edit(5, 2, 1)
    assert removed == 2
    after = order(seen(1, line(1, 5000, 5, removed=removed), refunds=(refund(1, back(1, 1, 1000)),)))
    assert kept_units(after) == {1: 2}
    assert removed_by_edit(5, None, 0) == 0  # old bodies do not say
    assert removed_by_edit(5, 5, 2) == 0  # a refund that restocked nothing leaves current as it was


def test_more_refunded_than_ordered_keeps_nothing_and_never_less() -> None:
    after = order(
        seen(1, line(1, 3000, 3)),
        refunded(1, refund(1, back(1, 2, 1))),
        refunded(1, refund(2, back(1, 2, 1))),
    )
    assert kept_units(after) == {1: 0}


def test_money_of_units_gone_is_rounded_down_in_the_shoppers_favour() -> None:
    # 1000 for 3 units; one gone: 1000 - floor(1000 x 1 / 3) = 1000 - 333
    assert line_value(line(1, 1000, 3), 1000, 2) == 667
    assert line_value(line(1, 1000, 3), 1000, 0) == 0
    assert line_value(line(1, 0, 0), 500, 0) == 0


def test_amounts_of_one_refund_only_grow() -> None:
    pending, settled = refund(1, paid=0), refund(1, paid=700, at=T0 + DAY)
    for told in ((pending, settled), (settled, pending)):
        [known] = order(*(refunded(1, one) for one in told)).refunds
        assert (known.paid_minor, known.created_at) == (700, T0)


def test_a_parcel_keeps_its_newest_state_and_its_earliest_delivery() -> None:
    early = parcel(1, at=T0 + DAY, delivered_at=T0 + 2 * DAY)
    late = parcel(1, at=T0 + 3 * DAY, status="cancelled", delivered_at=T0 + 3 * DAY)
    for told in ((early, late), (late, early)):
        [known] = order(*(sent(1, one) for one in told)).fulfilments
        assert (known.status, known.delivered_at) == ("cancelled", T0 + 2 * DAY)


def test_only_a_delivered_event_delivers() -> None:
    assert order(ParcelEvent(1, 1, "in_transit", T0)).deliveries == ()
    again = order(arrived(1, 1, T0 + 2 * DAY), arrived(1, 1, T0 + DAY))
    assert again.deliveries == ((1, T0 + DAY),)


def test_paid_at_is_the_earliest_snapshot_that_called_it_paid() -> None:
    pending = seen(1, financial_status="pending")
    paid = seen(1, at=T0 + DAY, financial_status="paid")
    later = seen(1, at=T0 + 5 * DAY, financial_status="partially_refunded")
    assert order(later, pending, paid).paid_at == T0 + DAY


def test_while_an_edit_is_unpaid_the_newest_paid_snapshot_is_kept() -> None:
    paid, refunded_ = seen(1), seen(1, at=T0 + DAY, financial_status="partially_refunded")
    owing = seen(1, line(1), line(2), at=T0 + 2 * DAY, financial_status="partially_paid")
    settled = seen(1, line(1), line(2), at=T0 + 3 * DAY)
    for told in itertools.permutations((paid, refunded_, owing)):
        assert order(*told).paid_head == refunded_.head
    for told in itertools.permutations((paid, owing, settled)):
        assert order(*told).paid_head is None
    assert order(owing).paid_head is None


def test_who_placed_the_order_is_whom_the_earliest_snapshot_names() -> None:
    guest = seen(1, customer_id=None)
    gone, kept = seen(1, at=T0 + DAY, customer_id=8), seen(1, at=T0 + 2 * DAY, customer_id=7)
    same_second = replace(kept, head=replace(kept.head, updated_at=T0 + DAY, origin="read"))
    for told in itertools.permutations((guest, gone, kept, same_second)):
        assert order(*told).first_named == FirstNamed(T0 + DAY, False, 8)
    assert order(guest).first_named is None


def test_deleted_stays_deleted() -> None:
    assert order(OrderDeleted(1), seen(1, at=T0 + DAY)).deleted
    assert Order(1).head is None
