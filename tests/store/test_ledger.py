"""The ledger's tables: sets written whole or not at all, causes that post once, accounts as they stand."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.domain.ledger import Account, NotEnough
from plugin.errors import SourceKeyConflict
from plugin.store import history, ledger
from plugin.store.db import Database
from tests.books import Books, everything
from tests.facts import DAY, T0, seen

SAID: dict[str, Any] = {"why": {"reason": "test"}, "occurred_at": T0, "available_at": T0, "expires_at": None}


def write(books: Books, *accounts: Account) -> None:
    with books.db.write(books.shop_id) as tx:
        ledger.write(tx, books.shop_id, [account.moves for account in accounts], T0)


@pytest.mark.parametrize("points", [100, 101])
def test_a_cause_that_stands_is_an_error_and_nothing_is_written(books: Books, points: int) -> None:
    books.join(7)
    books.join(8)
    first = books.account(7)
    first.credit("adjust", 100, source_key="adjust:1", **SAID)
    write(books, first)
    before = everything(books.db, books.shop_id)
    again, other = books.account(7), books.account(8)
    other.credit("adjust", 30, source_key="adjust:2", **SAID)
    again.credit("adjust", points, source_key="adjust:1", **SAID)
    with pytest.raises(SourceKeyConflict, match="adjust:1"):
        write(books, other, again)
    assert everything(books.db, books.shop_id) == before
    assert books.audit() == []


def test_the_same_cause_twice_in_one_set_is_an_error_too(books: Books) -> None:
    books.join(7)
    account = books.account(7)
    account.credit("adjust", 5, source_key="adjust:1", **SAID)
    account.credit("adjust", 5, source_key="adjust:1", **SAID)
    with pytest.raises(SourceKeyConflict):
        write(books, account)
    assert books.entries(7) == [("signup", 50)]


def test_the_same_cause_in_another_shop_is_another_cause(shared: Database) -> None:
    for books in (Books(shared), Books(shared)):
        books.join(7)
        account = books.account(7)
        account.credit("adjust", 5, source_key="adjust:1", **SAID)
        write(books, account)
        assert books.points(7) == (55, 0, 0)


def test_sets_of_many_accounts_at_once(books: Books) -> None:
    numbers = range(1, 701)
    books.tell(*[seen(n, customer_id=n) for n in numbers])
    with books.db.read() as tx:
        accounts = ledger.accounts(tx, books.shop_id, numbers)
    assert len(accounts) == 700
    for number, account in accounts.items():
        account.credit("adjust", number, source_key=f"adjust:{number}", **SAID)
        account.spend("redeem", number, T0 + DAY, source_key=f"redeem:{number}", why={})
    write(books, *accounts.values())
    [sums] = books.rows("SELECT SUM(posted), SUM(earned), SUM(spent) FROM members WHERE shop_id = :s")
    assert sums == (70_000, 70_000 + sum(numbers), sum(numbers))
    assert books.audit() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET points = points + 1 WHERE shop_id = :s",
        "DELETE FROM entries WHERE shop_id = :s",
        "DELETE FROM allocations WHERE shop_id = :s",
        "UPDATE allocations SET points = points - 1 WHERE shop_id = :s",
        "UPDATE tier_history SET tier = 'gold' WHERE shop_id = :s",
        "UPDATE programmes SET actor = 'me' WHERE shop_id = :s",
        "DELETE FROM programmes WHERE shop_id = :s",
    ],
)
def test_history_cannot_be_changed(books: Books, statement: str) -> None:
    books.join(7)
    books.give(7, 100)
    books.redeem(7)
    books.tick()
    refusal = (sqlite3.IntegrityError, psycopg.errors.RestrictViolation)
    with pytest.raises(refusal, match="append-only"), books.db.write(books.shop_id) as tx:
        tx.run(statement, s=books.shop_id)
    assert books.audit() == []


def test_a_page_of_history_reads_newest_first(books: Books) -> None:
    books.tell(seen(1), seen(2))
    books.join(7)
    with books.db.read() as tx:
        page = history.page(tx, books.shop_id, 7, before=None, limit=2)
        rest = history.page(tx, books.shop_id, 7, before=page[-1].entry_id, limit=10)
    assert [line.kind for line in page + rest] == ["signup", "earn", "earn"]
    assert (rest[0].order_name, rest[0].why["basis_minor"], rest[0].points) == ("#1001", 10_000, 100)
    assert page[0].order_id is None


def test_counts_and_lots_of_a_debit(books: Books) -> None:
    books.join(7)
    books.give(7, 60, ends=T0 + DAY)
    code = books.redeem(7)
    with books.db.read() as tx:
        debit = ledger.entry_by_source(tx, books.shop_id, f"redeem:{code.redemption_id}")
        assert debit is not None
        lots = ledger.lots_of_debit(tx, books.shop_id, debit)
        assert sorted(lot.points for lot in lots) == [50, 60]
        assert ledger.counts(tx, books.shop_id) == (1, 3, 2)
        assert ledger.entry_by_source(tx, books.shop_id, "redeem:0") is None
        assert [lot.remaining for lot in ledger.accounts(tx, books.shop_id, [7])[7].lots.values()] == [10]


steps = st.lists(
    st.tuples(st.sampled_from(["credit", "spend", "back", "expire"]), st.integers(1, 80), st.integers(0, 6)),
    max_size=14,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=steps)
def test_an_account_written_and_read_again_is_the_same(
    shared: Database, told: list[tuple[str, int, int]]
) -> None:
    books = Books(shared)
    books.join(7)
    for number, (what, points, days) in enumerate(told):
        account = books.account(7)
        moment = T0 + days * DAY
        if what == "credit":
            dates = {"available_at": moment, "expires_at": moment + 3 * DAY, "occurred_at": T0, "why": {}}
            account.credit("adjust", points, source_key=f"c{number}", order_id=None, **dates)  # type: ignore[arg-type]
        elif what == "spend":
            try:
                account.spend("redeem", points, moment, source_key=f"s{number}", why={})
            except NotEnough:
                continue
        elif what == "back":
            account.take_back("clawback", points, source_key=f"b{number}", why={}, occurred_at=T0, now=T0)
        elif account.lots:
            account.empty_lot("expire", min(account.lots), source_key=f"e{number}", why={}, occurred_at=T0)
        write(books, account)
        stored = books.account(7)
        assert stored.lots == {n: lot for n, lot in account.lots.items() if lot.remaining}
        assert stored.deficits == {n: owed for n, owed in account.deficits.items() if owed.remaining}
        assert books.audit() == []
