"""Every row of the decision table of refunds, through the flows, told once, twice, and in the other order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.domain.facts import OrderSeen
from plugin.domain.programme import Clawback, Reward, shown_balance
from plugin.store.db import Database
from tests.books import Books
from tests.facts import DAY, T0, line, programme, seen
from tests.flows import refund_table
from tests.flows.refund_table import CODE, HAPPENINGS, LEFT, Happening, Left, snap
from tests.house.sources import ROOT

POLICIES: tuple[Clawback, ...] = ("deficit", "negative", "floor")


def shop(db: Database, **rules: Any) -> Books:
    books = Books(db, programme(signup_points=0, tiers=(), **rules))
    books.join(7)
    return books


def with_code(books: Books, fact: Any, code: str) -> Any:
    if isinstance(fact, OrderSeen) and fact.head.discount_codes == (CODE,):
        return replace(fact, head=replace(fact.head, discount_codes=(code,)))
    return fact


@pytest.mark.parametrize("told", ["once", "twice", "backwards"])
@pytest.mark.parametrize("returns", [True, False], ids=["spent come back", "spent stay spent"])
@pytest.mark.parametrize("row", HAPPENINGS, ids=lambda row: row.what)
def test_what_stands_and_what_comes_back(shared: Database, row: Happening, returns: bool, told: str) -> None:
    books = shop(shared, return_spent_points=returns)
    books.give(7, 100)
    code = books.redeem(7)
    books.made(code)
    facts = [with_code(books, fact, code.code) for fact in (snap(0), *row.facts)]
    if told == "backwards":
        facts = [facts[0], *reversed(facts)]
    for fact in facts:
        for _ in range(2 if told == "twice" else 1):
            books.tell(fact)
        books.read(1)
    [(stands,)] = books.rows("SELECT points FROM orders WHERE shop_id = :s AND order_id = 1")
    assert stands == row.stands
    assert books.redemption(code).returned == (row.returned if returns else 0)
    assert books.redemption(code).state == "used", "a refund never reopens a redemption"
    available, pending, owed = books.points(7)
    assert available + pending - owed == row.stands + (row.returned if returns else 0)
    assert books.audit() == []


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("row", LEFT, ids=lambda row: row.what)
def test_who_owes_what_when_the_points_are_gone(shared: Database, row: Left, policy: Clawback) -> None:
    books = shop(shared, clawback=policy)
    goods = line(requires_shipping=False)
    books.tell(seen(1, goods))
    books.read(1)
    books.now = T0 + 20 * DAY
    row.before(books)
    books.tell(seen(1, goods, at=books.now, cancelled_at=books.now))
    available, pending, owed = books.points(row.member)
    assert (available, pending) == (0, 0)
    rules = programme(clawback=policy)
    forgiven = books.rows("SELECT COALESCE(SUM(points), 0) FROM entries WHERE shop_id = :s AND kind = 'forgiven' "
                          "AND source_key LIKE 'forgiven:%'")  # fmt: skip
    assert owed == (0 if policy == "floor" else row.owes)
    assert shown_balance(rules, available, owed) == (row.reads if policy == "negative" else 0)
    assert forgiven == [(row.forgiven if policy == "floor" else 0,)]
    assert all(code.state == "made" for code in books.codes(row.member)), "a code in hand stays good"
    books.give(row.member, 150, opens=T0)
    assert books.points(row.member)[0] == 150 - owed, "the next credits pay what is owed"
    assert books.audit() == []


@pytest.mark.parametrize("by", ["by_member", "by_shop"])
def test_an_unused_code_gives_all_its_points_back_when_it_is_gone(shared: Database, by: str) -> None:
    from plugin.flows import spending

    books = shop(shared)
    books.give(7, 100)
    code = books.redeem(7)
    books.made(code)
    with books.db.write(books.shop_id) as tx:
        spending.undo(tx, books.shop, 7, code.redemption_id, books.now, by=by)
    assert books.points(7)[0] == 0, "first the code leaves the shop"
    books.withdrawn(code, used=False)
    assert (books.points(7)[0], books.redemption(code).reason) == (100, by)
    [row] = books.rows("SELECT why FROM entries WHERE shop_id = :s AND kind = 'redeem_return'")
    assert ("undone_by_shop" in row[0]) is (by == "by_shop")


def give(books: Books) -> Any:
    from plugin.flows import spending

    with books.db.write(books.shop_id) as tx:
        return spending.issue(
            tx,
            books.shop,
            7,
            Reward("gift", "amount_off", "A gift", 1, value_minor=500),
            "tier:gold",
            books.now,
        )


def withdraw(books: Books) -> bool:
    from plugin.flows import spending

    with books.db.write(books.shop_id) as tx:
        return spending.withdraw(tx, books.shop, 7, "tier:gold", books.now)


def test_an_unused_gift_is_withdrawn_and_costs_nobody_points(books: Books) -> None:
    books.join(7)
    gift = give(books)
    books.made(gift)
    assert withdraw(books)
    assert books.effects("code.withdraw") == [f"redemption:{gift.redemption_id}:withdraw"]
    books.withdrawn(gift, used=False)
    assert (books.redemption(gift).state, books.redemption(gift).reason) == ("undone", "withdrawn")
    assert not withdraw(books)
    assert books.entries(7) == [("signup", 50)]


def test_a_gift_that_is_still_being_made_leaves_as_soon_as_it_is(books: Books) -> None:
    books.join(7)
    gift = give(books)
    assert withdraw(books)
    assert books.effects("code.withdraw") == []
    books.made(gift)
    assert books.effects("code.withdraw") == [f"redemption:{gift.redemption_id}:withdraw"]


def test_a_gift_that_was_used_stays(books: Books) -> None:
    books.join(7)
    gift = give(books)
    books.made(gift)
    books.tell(seen(5, discount_codes=(gift.code,)), confirmed=[5])
    assert not withdraw(books)
    books.tell(seen(5, at=T0 + DAY, cancelled_at=T0 + DAY, discount_codes=(gift.code,)))
    assert books.redemption(gift).state == "used"
    assert books.audit() == []


def test_the_documentation_shows_these_very_rows() -> None:
    text = (ROOT / "docs/refunds.md").read_text(encoding="utf-8")
    tables = [row for row in text.splitlines() if row.startswith("| ") and not row.startswith("| what")]
    assert [row for row in tables if row.count("|") in (4, 5)] == refund_table.rows()
