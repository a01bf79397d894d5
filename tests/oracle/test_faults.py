"""The proof that the oracle notices: each seeded fault makes one real function wrong, and the comparison must fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest

from plugin.domain import earning
from plugin.domain import ledger as ledger_domain
from plugin.domain import orders as orders_domain
from plugin.domain.earning.basis import Money, money_of
from plugin.domain.ledger import Account, Entry, Lot
from plugin.domain.orders import FirstNamed, Order
from plugin.domain.programme import Basis, Programme
from plugin.flows import clock, expiring, merges, spending, used_codes
from plugin.flows import orders as orders_flow
from plugin.store import ledger as ledger_store
from plugin.store import members as member_store
from plugin.store.programmes import Versions
from tests.oracle.conftest import FreshDatabase
from tests.oracle.events import World, world
from tests.oracle.oracle import Verdict, judge
from tests.oracle.rig import Rig
from webhooks.topics import TOPICS

Patch = pytest.MonkeyPatch
SEEDS = ((13, False), (10, False), (1, True))  # (seed, wild): between them every fault below shows itself
FAULTS: dict[str, Callable[[Patch], None]] = {}


def fault(seed: Callable[[Patch], None]) -> Callable[[Patch], None]:
    """Lists a fault under its name."""
    FAULTS[seed.__name__] = seed
    return seed


@pytest.fixture(scope="module")
def worlds() -> list[tuple[World, Verdict]]:
    """Worlds with a bit of everything, and what is right in them."""
    made = [world(seed, customers=30, epochs=16, events=70, wild=wild) for seed, wild in SEEDS]
    return [(one, judge(one.steps, one.end.isoformat())) for one in made]


def noticed(fresh: FreshDatabase, worlds: Sequence[tuple[World, Verdict]]) -> list[str]:
    """The oracle's objections in the first world that has any. The audit has no part in this."""
    for made, verdict in worlds:
        with fresh() as db:
            found = Rig(db, made.seed).play(made.steps).disagreements(made, verdict)
        if found:
            return found
    return []


def test_without_a_fault_the_oracle_has_nothing_to_say(
    fresh: FreshDatabase, worlds: list[tuple[World, Verdict]]
) -> None:
    assert noticed(fresh, worlds) == []


@fault
def double_award(patch: Patch) -> None:
    """Every credit for an order is posted twice."""
    credit = Account.credit

    def twice(self: Account, kind: Any, points: int, **rest: Any) -> Entry:
        if kind == "earn":
            credit(self, kind, points, **{**rest, "source_key": rest["source_key"] + ":again"})
        return credit(self, kind, points, **rest)

    patch.setattr(Account, "credit", twice)


@fault
def current_rule_instead_of_the_pinned_one(patch: Patch) -> None:
    """Orders earn by the latest programme."""
    patch.setattr(Versions, "at", lambda self, moment: self.latest)
    patch.setattr(Versions, "numbered", lambda self, version: self.latest)


@fault
def tier_of_today_instead_of_the_pinned_one(patch: Patch) -> None:
    """Orders earn by the tier that the member has now."""
    patch.setattr(member_store, "tier_at", lambda history, at: history[-1][1] if history else None)


@fault
def wrong_lot_debited_first(patch: Patch) -> None:
    """Spending and taking back begin with what ends last."""
    never = datetime.max.replace(tzinfo=UTC)
    patch.setattr(
        ledger_domain, "_spend_order", lambda lot: (-(lot.expires_at or never).timestamp(), lot.lot_id)
    )


@fault
def other_lots_before_the_orders_own(patch: Patch) -> None:
    """A clawback does not begin with the order's own lots."""
    take_back = Account.take_back

    def anyhow(self: Account, kind: Any, points: int, **rest: Any) -> Entry:
        return take_back(self, kind, points, **{**rest, "order_id": None})

    patch.setattr(Account, "take_back", anyhow)


@fault
def lost_merge(patch: Patch) -> None:
    """customers/merge does nothing."""
    patch.setattr(merges, "merge", lambda *rest: None)


@fault
def late_webhook_of_a_gone_customer(patch: Patch) -> None:
    """Orders do not resolve the ids of merged customers."""
    patch.setattr(member_store, "resolve", lambda tx, shop_id, ids: {})


@fault
def sign_up_points_of_both(patch: Patch) -> None:
    """Two merged members keep both bonuses."""
    patch.setattr(merges, "_one_signup", lambda *rest: None)


def _lines(order: Order, change: Callable[[Any], Any]) -> Order:
    assert order.head is not None
    return replace(order, head=replace(order.head, lines=tuple(change(line) for line in order.head.lines)))


# By name, because the package gives the names of some files to functions in them.
EARNING = [
    import_module(f"plugin.domain.earning.{name}") for name in ("basis", "worth", "target", "campaigns")
]


def _everywhere(patch: Patch, name: str, wrong: Any) -> None:
    """Puts a wrong function in place of one of earning's in every file that calls it."""
    for file in EARNING:
        if hasattr(file, name):
            patch.setattr(file, name, wrong)


@fault
def rounding_per_line(patch: Patch) -> None:
    """Every line is cut to whole francs before they are added."""

    def by_line(order: Order, rules: Basis) -> Money:
        money = money_of(order, rules)
        cut = tuple((line, minor - minor % 100) for line, minor in money.lines)
        cents = sum(minor % 100 for _, minor in money.lines)
        return replace(money, lines=cut, goods_minor=max(0, money.goods_minor - cents))

    _everywhere(patch, "money_of", by_line)


@fault
def presentment_money_used(patch: Patch) -> None:
    """Lines are read in the shopper's currency."""

    def in_presentment(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        def wrong(raw: bytes) -> Any:
            body = json.loads(raw)
            for line in body["line_items"]:
                line["price_set"]["shop_money"]["amount"] = line["price_set"]["presentment_money"]["amount"]
            return parse(json.dumps(body).encode())

        return wrong

    for topic in ("orders/create", "orders/paid", "orders/updated", "orders/fulfilled", "orders/cancelled"):
        patch.setitem(TOPICS, topic, replace(TOPICS[topic], parse=in_presentment(TOPICS[topic].parse)))


@fault
def gift_card_earns(patch: Patch) -> None:
    """Gift-card lines count."""

    def wrong(order: Order, rules: Basis) -> Money:
        return money_of(_lines(order, lambda line: replace(line, gift_card=False)), rules)

    _everywhere(patch, "money_of", wrong)


@fault
def refund_counted_twice(patch: Patch) -> None:
    """A refund's money counts beside its lines."""

    def wrong(order: Order, index: int) -> int:
        return max(0, order.refunds[index].paid_minor - order.refunds[index].shipping_minor)

    _everywhere(patch, "amount_without_lines", wrong)


@fault
def amount_only_refund_ignored(patch: Patch) -> None:
    """Money refunded without lines changes nothing."""
    _everywhere(patch, "amount_without_lines", lambda order, index: 0)


@fault
def older_snapshot_overwrites_newer(patch: Patch) -> None:
    """The last body to arrive wins."""
    patch.setattr(orders_domain, "_last_word", lambda old, new: new)


@fault
def pending_counted_as_available(patch: Patch) -> None:
    """Points may be spent before their day."""

    def too_soon(lot: Lot, now: datetime) -> bool:
        return lot.remaining > 0 and (lot.expires_at is None or lot.expires_at > now)

    patch.setattr(ledger_domain, "is_available", too_soon)


@fault
def available_without_a_read_of_the_order(patch: Patch) -> None:
    """The payload's word alone gives points a date."""
    right = earning.target
    patch.setattr(earning, "target", lambda *rest, **named: right(*rest, **{**named, "confirmed": True}))


@fault
def shipped_taken_for_delivered(patch: Patch) -> None:
    """The window begins when the parcel leaves."""
    patch.setattr(orders_domain, "parcel_delivered_at", lambda order, parcel: parcel.created_at)


@fault
def window_forgotten(patch: Patch) -> None:
    """Points may be spent on arrival."""
    right = earning.target

    def at_once(order: Order, programme: Programme | None, *rest: Any, **named: Any) -> Any:
        short = None if programme is None else replace(programme, return_window_days=0)
        return right(order, short, *rest, **named)

    patch.setattr(earning, "target", at_once)


@fault
def expiry_ignored(patch: Patch) -> None:
    """The clock lets points live on."""
    patch.setattr(expiring, "expire", lambda *rest: False)


@fault
def expiry_counted_from_the_order(patch: Patch) -> None:
    """Points end counted from when the order was placed, not from when they may be spent."""
    right = earning.target

    def early(order: Order, *rest: Any, **named: Any) -> Any:
        target = right(order, *rest, **named)
        if target.expires_at is None or target.available_at is None or order.head is None:
            return target
        return replace(target, expires_at=order.head.processed_at + (target.expires_at - target.available_at))

    patch.setattr(earning, "target", early)


@fault
def strangers_keep_points_for_ever(patch: Patch) -> None:
    """Unclaimed points are never void."""
    patch.setattr(clock, "_void", lambda *rest: False)


@fault
def deficit_dropped(patch: Patch) -> None:
    """What cannot be taken back is forgotten."""
    take_back = Account.take_back

    def forgetful(self: Account, *rest: Any, **named: Any) -> Entry:
        entry = take_back(self, *rest, **named)
        owed = self.deficits.get(entry.entry_id)
        if owed is not None:
            self._set_deficit(replace(owed, remaining=0))
        return entry

    patch.setattr(Account, "take_back", forgetful)


@fault
def cancelled_order_keeps_points(patch: Patch) -> None:
    """A cancellation changes nothing."""
    right = earning.why_nothing_counts

    def stubborn(order: Order, **named: Any) -> str | None:
        reason = right(order, **named)
        return None if reason == "cancelled" else reason

    _everywhere(patch, "why_nothing_counts", stubborn)


@fault
def orders_of_a_test_earn(patch: Patch) -> None:
    """Test orders count."""
    right = earning.target
    patch.setattr(
        earning, "target", lambda *rest, **named: right(*rest, **{**named, "count_test_orders": True})
    )


@fault
def used_code_returns_nothing(patch: Patch) -> None:
    """Points of a used code stay spent when its order is refunded."""
    patch.setattr(used_codes, "codes_seen", lambda *rest: None)


@fault
def returned_points_are_never_taken_again(patch: Patch) -> None:
    """What came back for a used code stays, though less of its order is refunded now."""
    patch.setattr(used_codes, "_take_again", lambda *rest: None)


@fault
def code_counts_without_a_read_of_the_order(patch: Patch) -> None:
    """The payload's word alone returns the points of a code."""
    # Of dates the settling still asks for a read.
    patch.setattr(orders_flow, "is_confirmed", lambda work: True)


@fault
def unpaid_edit_takes_everything_back(patch: Patch) -> None:
    """An order that was paid loses its points while an edit is not paid for."""
    _everywhere(patch, "paid_share", lambda order: None)


@fault
def unpaid_edit_counts_at_once(patch: Patch) -> None:
    """What an edit adds earns before it is paid for."""
    right = orders_domain.paid_share
    _everywhere(patch, "paid_share", lambda order: order if right(order) else None)


@fault
def tier_of_whom_the_newest_body_names(patch: Patch) -> None:
    """An order earns by the tier of the customer it was renamed to, not of the one who placed it."""
    patch.setattr(FirstNamed, "__lt__", lambda self, other: self.updated_at > other.updated_at)


@fault
def expired_points_taken_a_second_time(patch: Patch) -> None:
    """A clawback takes other points for those of the order that ran out unused."""
    patch.setattr(ledger_store, "lapsed", lambda *rest: {})


@fault
def refused_code_returns_nothing(patch: Patch) -> None:
    """Points of a code that the platform refused stay spent."""
    patch.setattr(spending, "code_refused", lambda *rest: None)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_the_oracle_notices(
    name: str, fresh: FreshDatabase, worlds: list[tuple[World, Verdict]], monkeypatch: Patch
) -> None:
    FAULTS[name](monkeypatch)
    assert noticed(fresh, worlds), FAULTS[name].__doc__


def test_there_are_at_least_twelve_faults_of_different_kinds() -> None:
    assert len({seed.__doc__ for seed in FAULTS.values()}) == len(FAULTS) >= 12
