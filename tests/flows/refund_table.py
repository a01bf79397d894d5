"""The decision table of refunds: what of an order's points stands, what comes back, and who owes what. One table.

The tests run every row through the flows; docs/refunds.md shows the same rows, and a test holds both together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plugin.domain.facts import (
    CustomerRedacted,
    CustomersMerged,
    Dispute,
    OrderChanged,
    OrderDeleted,
    OrderDisputed,
    OrderSeen,
)
from plugin.domain.facts import Line as OrderLine
from tests.books import Books
from tests.facts import DAY, T0, arrived, back, line, parcel, refund, refunded, seen, sent

# Order 1: two units of line 1 for CHF 60, line 2 for CHF 40, CHF 10 of shipping: 100 points. A code was used in it.
CODE = "REG-USED0-IN1"
LINES = (line(1, 6_000, 2), line(2, 4_000))
REMOVED = (line(1, 6_000, 2), line(2, 4_000, removed=1))
MORE = (*LINES, line(3, 5_000))


def snap(day: int, *lines: OrderLine, code: str = CODE, **changes: Any) -> OrderSeen:
    """The order as the platform states it on a day."""
    return seen(
        1, *(lines or LINES), at=T0 + day * DAY, shipping_minor=1_000, discount_codes=(code,), **changes
    )


def dispute(status: str, kind: str = "chargeback") -> OrderDisputed:
    """The shopper's bank has something to say."""
    return OrderDisputed(1, Dispute(1, kind, status, T0 + 40 * DAY if status in ("won", "lost") else None))


DELIVERED = (sent(1, parcel(1, ((1, 2), (2, 1)))), arrived(1))


@dataclass(frozen=True)
class Happening:
    """A row: `facts` come one by one; then so many of the order's 100 points stand, and so many of the 100 points
    spent on its code come back where the merchant says so."""

    what: str
    facts: tuple[Any, ...]
    stands: int
    returned: int


ALL_BACK = refund(1, back(1, 2, 6_000), back(2, 1, 4_000), paid=11_000, shipping=1_000)
OWED_BACK = refunded(1, refund(1, paid=4_000))
SENT_BACK = refunded(1, refund(1, back(2, 1, 4_000)))
CREDITED = refund(1, back(2, 1, 4_000), paid=4_000)

HAPPENINGS = (
    Happening("refunded in full", (refunded(1, ALL_BACK),), 0, 100),
    Happening("one of two units is refunded", (refunded(1, refund(1, back(1, 1, 3_000), paid=3_000)),), 70, 30),
    Happening("an amount of CHF 25 is refunded, no lines", (refunded(1, refund(1, paid=2_500)),), 75, 25),
    Happening("shipping alone is refunded", (refunded(1, refund(1, paid=1_000, shipping=1_000)),), 100, 0),
    Happening("line 2 is returned for store credit", (OrderChanged(1, "returned"), refunded(1, CREDITED)), 60, 40),
    Happening("line 2 is exchanged for one of CHF 50", (SENT_BACK, snap(2, *MORE)), 110, 26),
    Happening("an edit adds CHF 50, and it is paid", (snap(2, *MORE),), 150, 0),
    Happening("an edit adds CHF 50, not paid yet", (snap(2, *MORE, financial_status="partially_paid"),), 100, 0),
    Happening("an edit takes line 2 out", (snap(2, *REMOVED),), 60, 0),
    Happening("an edit takes line 2 out, and its money is refunded", (snap(2, *REMOVED), OWED_BACK), 60, 0),
    Happening("cancelled before delivery", (snap(2, cancelled_at=T0 + 2 * DAY),), 0, 100),
    Happening("cancelled after delivery", (*DELIVERED, snap(30, cancelled_at=T0 + 30 * DAY)), 0, 100),
    Happening("the payment is voided", (snap(2, financial_status="voided"),), 0, 0),
    Happening("the payment is voided, then paid again", (snap(2, financial_status="voided"), snap(3)), 100, 0),
    Happening("the bank opens a chargeback", (dispute("needs_response"),), 0, 0),
    Happening("a chargeback is lost", (dispute("needs_response"), dispute("lost")), 0, 0),
    Happening("a chargeback is won", (dispute("needs_response"), dispute("won")), 100, 0),
    Happening("the bank only inquires", (dispute("needs_response", "inquiry"),), 100, 0),
    Happening("the order is deleted", (OrderDeleted(1),), 0, 100),
)  # fmt: skip


def keep(books: Books) -> None:
    """The points are still there."""


def spend(books: Books) -> None:
    """All of them became a code that is not used yet."""
    code = books.redeem(7)
    books.made(code)


def spend_and_earn(books: Books) -> None:
    """They were spent, and 30 others came since."""
    spend(books)
    books.give(7, 30)


def lapse(books: Books) -> None:
    """They ran out unspent."""
    books.now += 800 * DAY
    books.tick()


def spend_some_lapse_rest(books: Books) -> None:
    """100 of 160 were spent, those that had come first; what is left of the order's ran out."""
    books.give(7, 60, ends=books.now + DAY)
    spend(books)
    lapse(books)


def merge(books: Books) -> None:
    """The member was merged into customer 9, who holds the points now."""
    books.join(9)
    books.people(CustomersMerged(9, 7, "success"))


def erase(books: Books) -> None:
    """The member was erased."""
    books.people(CustomerRedacted(7, ()))


def both(*steps: Callable[[Books], None]) -> Callable[[Books], None]:
    """One after the other."""

    def run(books: Books) -> None:
        for step in steps:
            step(books)

    return run


@dataclass(frozen=True)
class Left:
    """A row: what became of an order's 100 points before all of it is refunded, and what each policy then makes of it.

    `owes`: points owed under deficit; `reads`: the balance a shopper reads under negative; `forgiven`: what floor
    gives up. Points that ran out are forgiven under each policy, and are not counted here.
    """

    what: str
    before: Callable[[Books], None]
    owes: int
    reads: int
    forgiven: int
    member: int = 7


LEFT = (
    Left("the points are still there", keep, 0, 0, 0),
    Left("they were spent on a code", spend, 100, -100, 100),
    Left("they were spent, and 30 others came since", spend_and_earn, 70, -70, 70),
    Left("they ran out unspent", lapse, 0, 0, 0),
    Left("40 of them were spent, 60 ran out", spend_some_lapse_rest, 40, -40, 40),
    Left("the member was merged, the points moved along", merge, 0, 0, 0, member=9),
    Left("the member was merged after spending them", both(spend, merge), 100, -100, 100, member=9),
    Left("the member was erased, the points are still there", erase, 0, 0, 0),
    Left("the member was erased after spending them", both(spend, erase), 100, -100, 100),
)


def rows() -> list[str]:
    """The rows as docs/refunds.md shows them."""
    return [f"| {row.what} | {row.stands} | {row.returned} |" for row in HAPPENINGS] + [
        f"| {row.what} | {row.owes or 'nothing'} | {row.reads} | {row.forgiven or 'nothing'} |"
        for row in LEFT
    ]
