"""The projection of one order: facts merged so that copies, disorder and lateness all end in the same state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from plugin.domain.facts import (
    IN_HAND,
    Buyer,
    Dispute,
    Fulfilment,
    FulfilmentSeen,
    Line,
    LineProduct,
    OrderChanged,
    OrderDeleted,
    OrderDisputed,
    OrderFact,
    OrderHead,
    OrderSeen,
    ParcelEvent,
    Payments,
    Refund,
    RefundMade,
)

PAID = frozenset({"paid", "partially_refunded", "refunded"})
# How far along a chargeback is; of two snapshots of one dispute the further stands.
DISPUTE = ("needs_response", "under_review", "prevented", "charge_refunded", "accepted", "lost", "won")
NOT_TAKEN = frozenset({"prevented", "charge_refunded", "won"})
DEAD_PARCEL = frozenset({"cancelled", "error", "failure"})


@dataclass(frozen=True, slots=True, order=True)
class FirstNamed:
    """Who placed an order, by the earliest snapshot that names a customer; of one second a webhook is the earlier."""

    updated_at: datetime
    by_read: bool
    customer_id: int


@dataclass(frozen=True, slots=True)
class Order:
    """All we know of an order. `head` is None until a whole snapshot was seen.

    `paid_at` is the earliest snapshot that called it paid. `wants_read` names why only a read can settle it.
    `paid_head`: while the head is not paid, the newest snapshot that was; it says what of an edited order is paid for.
    `buyer` and `products` are pinned: what the first read told stands, however products and customers change.
    """

    order_id: int
    head: OrderHead | None = None
    refunds: tuple[Refund, ...] = ()
    fulfilments: tuple[Fulfilment, ...] = ()
    deliveries: tuple[tuple[int, datetime], ...] = ()
    paid_at: datetime | None = None
    deleted: bool = False
    wants_read: str | None = None
    paid_head: OrderHead | None = None
    first_named: FirstNamed | None = None
    buyer: Buyer | None = None
    products: tuple[LineProduct, ...] = ()
    payments: Payments | None = None
    disputes: tuple[Dispute, ...] = ()


def merge(order: Order, fact: OrderFact) -> Order:
    """The order after one more fact. Merging the same facts in any order, any number of times, ends alike."""
    if isinstance(fact, OrderSeen):
        return _merge_seen(order, fact)
    if isinstance(fact, RefundMade):
        return replace(order, refunds=_merge_refunds(order.refunds, (fact.refund,)))
    if isinstance(fact, OrderDisputed):
        return replace(order, disputes=_merge_disputes(order.disputes, fact.dispute))
    if isinstance(fact, FulfilmentSeen):
        return replace(order, fulfilments=_merge_fulfilments(order.fulfilments, (fact.fulfilment,)))
    if isinstance(fact, ParcelEvent):
        if fact.status not in IN_HAND:
            return order
        return replace(
            order, deliveries=_merge_deliveries(order.deliveries, ((fact.fulfilment_id, fact.happened_at),))
        )
    if isinstance(fact, OrderDeleted):
        return replace(order, deleted=True)
    assert isinstance(fact, OrderChanged)
    return replace(order, wants_read=order.wants_read or fact.cause)


def _merge_seen(order: Order, seen: OrderSeen) -> Order:
    new, old, wants_read = seen.head, order.head, order.wants_read
    head = new if old is None else _last_word(old, new)
    if old is not None and old.updated_at == new.updated_at and replace(new, origin=old.origin) != old:
        # Two states of the same second (design 10.8): only a read that agrees with the last word ends the doubt,
        # because a read of that second may itself have been made before the change that a webhook tells of.
        wants_read = wants_read or "equal_updated_at"
    elif new.origin == "read" and head is new:
        wants_read = None
    paid_head = order.paid_head
    for one in (old, new):
        if one is not None and one.financial_status in PAID:
            paid_head = one if paid_head is None else _last_word(paid_head, one)
    first_named = order.first_named
    if new.customer_id is not None:
        named = FirstNamed(new.updated_at, new.origin == "read", new.customer_id)
        first_named = named if first_named is None else min(first_named, named)
    paid_at = order.paid_at
    if new.financial_status in PAID and (paid_at is None or new.updated_at < paid_at):
        paid_at = new.updated_at
    return replace(
        order,
        head=head,
        paid_head=None if head.financial_status in PAID else paid_head,
        first_named=first_named,
        refunds=_merge_refunds(order.refunds, seen.refunds) if seen.refunds else order.refunds,
        fulfilments=(
            _merge_fulfilments(order.fulfilments, seen.fulfilments) if seen.fulfilments else order.fulfilments
        ),
        deliveries=(
            _merge_deliveries(order.deliveries, seen.deliveries) if seen.deliveries else order.deliveries
        ),
        paid_at=paid_at,
        wants_read=wants_read,
        buyer=order.buyer or seen.buyer,
        products=_merge_products(order.products, seen.products) if seen.products else order.products,
        payments=_newest(order.payments, seen.payments),
    )


def _merge_products(known: tuple[LineProduct, ...], seen: tuple[LineProduct, ...]) -> tuple[LineProduct, ...]:
    by_line = {one.line_id: one for one in seen} | {one.line_id: one for one in known}
    return tuple(by_line[line_id] for line_id in sorted(by_line))


def _newest(known: Payments | None, seen: Payments | None) -> Payments | None:
    if known is None or seen is None:
        return known or seen
    return max(known, seen, key=lambda one: (one.updated_at, one.paid_minor, one.credit_minor))


def _last_word(old: OrderHead, new: OrderHead) -> OrderHead:
    """The one of two snapshots that stands: the newer, of one second a read, else one chosen alike in any order."""
    if new.updated_at != old.updated_at:
        return new if new.updated_at > old.updated_at else old
    if new.origin == "read":
        return new
    return old if old.origin == "read" else _first_of(old, new)


def _first_of(a: OrderHead, b: OrderHead) -> OrderHead:
    """One of two heads of the same second, chosen alike whichever came first: the further along, then by text."""

    def rank(head: OrderHead) -> tuple[bool, bool, str]:
        return (head.cancelled_at is not None, head.financial_status in PAID, repr(head))

    return max(a, b, key=rank)


def _merge_refunds(known: tuple[Refund, ...], seen: tuple[Refund, ...]) -> tuple[Refund, ...]:
    by_id = {refund.refund_id: refund for refund in known}
    for refund in seen:
        old = by_id.get(refund.refund_id)
        if old is None:
            by_id[refund.refund_id] = refund
        elif old != refund:
            # Transactions settle later, so amounts of one refund only grow; lines are stated once and whole.
            by_id[refund.refund_id] = Refund(
                refund_id=refund.refund_id,
                created_at=min(old.created_at, refund.created_at),
                lines=max(old.lines, refund.lines, key=lambda lines: (len(lines), repr(lines))),
                paid_minor=max(old.paid_minor, refund.paid_minor),
                shipping_minor=max(old.shipping_minor, refund.shipping_minor),
            )
    return tuple(by_id[key] for key in sorted(by_id))


def _merge_disputes(known: tuple[Dispute, ...], seen: Dispute) -> tuple[Dispute, ...]:
    def rank(one: Dispute) -> tuple[bool, datetime, int, str]:
        step = DISPUTE.index(one.status) if one.status in DISPUTE else -1
        decided = one.finalised_at or datetime.min.replace(tzinfo=UTC)
        return (one.finalised_at is not None, decided, step, repr(one))

    by_id = {one.dispute_id: one for one in known}
    by_id[seen.dispute_id] = max(by_id.get(seen.dispute_id, seen), seen, key=rank)
    return tuple(by_id[key] for key in sorted(by_id))


def charged_back(order: Order) -> bool:
    """Whether the shopper's bank took the order's money, or holds it while it decides.

    What the merchant refunded instead comes as a refund; a chargeback that was won gave the money back.
    """
    return any(one.kind == "chargeback" and one.status not in NOT_TAKEN for one in order.disputes)


def _merge_fulfilments(known: tuple[Fulfilment, ...], seen: tuple[Fulfilment, ...]) -> tuple[Fulfilment, ...]:
    by_id = {parcel.fulfilment_id: parcel for parcel in known}
    for parcel in seen:
        old = by_id.get(parcel.fulfilment_id)
        if old is None:
            by_id[parcel.fulfilment_id] = parcel
        elif old != parcel:
            newest = max(
                old,
                parcel,
                key=lambda p: (p.updated_at, p.status in DEAD_PARCEL, p.status, len(p.lines), repr(p)),
            )
            moments = [p.delivered_at for p in (old, parcel) if p.delivered_at is not None]
            by_id[parcel.fulfilment_id] = replace(newest, delivered_at=min(moments) if moments else None)
    return tuple(by_id[key] for key in sorted(by_id))


def _merge_deliveries(
    known: tuple[tuple[int, datetime], ...], seen: tuple[tuple[int, datetime], ...]
) -> tuple[tuple[int, datetime], ...]:
    earliest = dict(known)
    for fulfilment_id, happened_at in seen:
        before = earliest.get(fulfilment_id)
        earliest[fulfilment_id] = happened_at if before is None else min(before, happened_at)
    return tuple(sorted(earliest.items()))


def paid_share(order: Order) -> Order | None:
    """The order as it was when last paid in full, less what was refunded since; None unless an edit left it owing.

    What an edit adds counts once it is paid; until then the order keeps what was paid for (design 10.5, 10.10).
    A voided payment was given up, so nothing of it stands.
    """
    if order.head is None or order.paid_head is None or order.head.financial_status == "voided":
        return None
    return replace(order, head=order.paid_head)


def codes(order: Order) -> frozenset[str]:
    """The discount codes that the order carries."""
    return frozenset(order.head.discount_codes) if order.head is not None else frozenset()


def kept_units(order: Order) -> dict[int, int]:
    """Units of each line that the shopper still has: ordered less edited out less refunded, by any arrival order."""
    assert order.head is not None
    refunded: dict[int, int] = {}
    for refund in order.refunds:
        for line in refund.lines:
            refunded[line.line_id] = refunded.get(line.line_id, 0) + line.quantity
    return {
        line.line_id: max(0, line.quantity - line.removed - refunded.get(line.line_id, 0))
        for line in order.head.lines
    }


def line_value(line: Line, minor: int, kept: int) -> int:
    """The part of a line's money that `kept` of its units stand for; the removed part is rounded down."""
    return minor - minor * (line.quantity - kept) // line.quantity if line.quantity > 0 else 0


def parcels(order: Order) -> tuple[Fulfilment, ...]:
    """The parcels that count: not cancelled, not failed."""
    return tuple(parcel for parcel in order.fulfilments if parcel.status not in DEAD_PARCEL)


def parcel_delivered_at(order: Order, parcel: Fulfilment) -> datetime | None:
    """When the parcel arrived: its delivered event, else what the fulfilment itself said."""
    for fulfilment_id, happened_at in order.deliveries:
        if fulfilment_id == parcel.fulfilment_id:
            return happened_at
    return parcel.delivered_at


@dataclass(frozen=True, slots=True)
class Arrival:
    """When everything the shopper keeps was in their hands. `basis` says how we know, `last` came last.

    delivered: an event of the parcel; platform: the platform's word; handed_over: at the till; nothing_to_ship. What
    nobody reported has the basis of whoever reckoned it.
    """

    at: datetime
    basis: str
    last: Fulfilment | None = field(default=None, compare=False)


# What a parcel counts as whose arrival nobody reported: (when, on what basis), or None while nobody can say.
Reckon = Callable[[Fulfilment], tuple[datetime, str] | None]
# The less sure of several bases names the whole order's.
_SURENESS = ("delivered", "platform")


def arrival(order: Order, *, no_delivery_days: int) -> Arrival | None:
    """When the last parcel arrived, or None while something is still to be shipped or delivered.

    A parcel with no delivery ever reported counts as delivered `no_delivery_days` after it was fulfilled
    (design 10.5), on the basis "assumed".
    """
    return arrived(order, lambda parcel: (parcel.created_at + timedelta(days=no_delivery_days), "assumed"))


def arrived(order: Order, reckon: Reckon) -> Arrival | None:
    """When the last parcel arrived, `reckon` standing in where nobody reported it; None while something is under way.

    Digital orders have nothing to ship; a sale at the till is handed over at once.
    """
    head = order.head
    if head is None:
        return None
    kept = kept_units(order)
    to_ship = {line.line_id: kept[line.line_id] for line in head.lines if line.requires_shipping}
    to_ship = {line_id: units for line_id, units in to_ship.items() if units > 0}
    if not to_ship:
        return Arrival(order.paid_at or head.processed_at, "nothing_to_ship")
    if head.source_name == "pos" and head.shipping_minor == 0:  # the till writes a fulfilment of its own
        return Arrival(head.processed_at, "handed_over")
    moments: list[tuple[datetime, str, Fulfilment]] = []
    covered: dict[int, int] = {}
    reported = dict(order.deliveries)
    for parcel in parcels(order):
        if not any(to_ship.get(line_id) for line_id, _ in parcel.lines):
            continue  # nothing of it is left with the shopper (design 10.5: every unrefunded shippable line)
        at = parcel_delivered_at(order, parcel)
        known = (
            (at, "delivered" if parcel.fulfilment_id in reported else "platform") if at else reckon(parcel)
        )
        if known is None:
            return None
        moments.append((*known, parcel))
        for line_id, units in parcel.lines:
            covered[line_id] = covered.get(line_id, 0) + units
    if not moments or any(covered.get(line_id, 0) < units for line_id, units in to_ship.items()):
        return None
    at, _, last = max(moments, key=lambda one: (one[0], one[2].fulfilment_id))
    basis = max((basis for _, basis, _ in moments), key=_unsureness)
    return Arrival(at, basis, last)


def _unsureness(basis: str) -> tuple[int, bool]:
    return (_SURENESS.index(basis) if basis in _SURENESS else len(_SURENESS), basis == "default")
