"""Frozen members earn and see and do not spend; who is taken out comes back to what they had."""

from __future__ import annotations

import pytest

from plugin.domain.facts import CustomerRedacted, CustomersMerged
from plugin.flows import memberships, privacy
from plugin.flows.memberships import CannotChange, Change
from plugin.flows.offers import CannotRedeem
from plugin.store import freezes
from tests.books import Books
from tests.facts import line, seen


def change(books: Books, what: Change, member_id: int = 7, reason: str = "Looks like fraud") -> bool:
    with books.db.write(books.shop_id) as tx:
        return memberships.change(tx, books.shop, member_id, what, reason, "staff:5", books.now)


def trail(books: Books) -> list[str]:
    return [
        row[0]
        for row in books.rows(
            "SELECT kind FROM events WHERE shop_id = :s AND kind LIKE 'member_%' ORDER BY event_id"
        )
    ]


def test_a_frozen_member_earns_and_cannot_redeem_until_unfrozen(books: Books) -> None:
    books.join(7)
    books.give(7, 200)
    assert change(books, "freeze")
    assert not change(books, "freeze")
    with pytest.raises(CannotRedeem, match="cannot be spent at the moment") as refused:
        books.redeem(7)
    assert refused.value.code == "frozen"
    books.tell(seen(1, line(requires_shipping=False)), confirmed=[1])
    books.join(7)  # a tap on Join thaws nobody
    assert books.stands(7).available == 250
    with pytest.raises(CannotRedeem):
        books.redeem(7)
    assert change(books, "unfreeze")
    assert not change(books, "unfreeze")
    books.redeem(7)
    assert trail(books) == ["member_frozen", "member_unfrozen"]
    assert books.audit() == []


def test_who_is_taken_out_comes_back_to_what_they_had(books: Books) -> None:
    books.join(7)
    books.give(7, 200)
    assert change(books, "opt_out")
    assert not change(books, "opt_out")
    assert books.member(7).status == "left"
    with pytest.raises(CannotRedeem):
        books.redeem(7)
    assert change(books, "opt_in")
    assert (books.member(7).status, books.points(7)[0]) == ("active", 250)  # no points for joining again
    assert trail(books) == ["member_opted_out", "member_opted_in"]
    assert "member:7:mirror" in books.effects()


def test_a_freeze_survives_a_merge_and_its_reason_is_handed_over_and_forgotten(books: Books) -> None:
    books.join(6)
    books.join(7)
    change(books, "freeze", 6)
    books.people(CustomersMerged(7, 6, "completed"))
    with books.db.read() as tx:
        frozen = freezes.of_member(tx, books.shop_id, 7)
        assert frozen is not None
        assert frozen.reason == "Looks like fraud"
        assert privacy.everything_of(tx, books.shop, 7)["frozen"] == frozen
    books.people(CustomerRedacted(7, ()))
    assert books.rows("SELECT reason FROM freezes WHERE shop_id = :s") == [("",)]


@pytest.mark.parametrize(
    ("what", "member_id", "reason", "code"),
    [("freeze", 99, "x", "no_such_member"), ("freeze", 7, " ", "no_reason"), ("opt_in", 8, "", "forgotten")],
)
def test_what_cannot_be_changed_says_why(
    books: Books, what: Change, member_id: int, reason: str, code: str
) -> None:
    books.join(7)
    books.join(8)
    books.people(CustomerRedacted(8, ()))
    with pytest.raises(CannotChange) as refused:
        change(books, what, member_id, reason)
    assert refused.value.code == code
