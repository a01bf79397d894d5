"""Members flow: joining once, what waited, merges of every shape, and customers who change or go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plugin.domain.facts import CustomerDeleted, CustomerFact, CustomerSeen, CustomersMerged
from plugin.domain.programme import Programme
from plugin.flows import members as flow
from plugin.flows.members import NotAMember
from plugin.flows.offers import CannotRedeem
from plugin.store import members as store
from plugin.store.db import Database
from tests.books import Books
from tests.facts import DAY, T0, arrived, line, parcel, programme, refund, refunded, seen, sent


def merged(kept: int = 7, gone: int = 9, status: str = "success") -> CustomersMerged:
    return CustomersMerged(kept, gone, status)


def test_joining_brings_the_bonus_once(books: Books) -> None:
    first = books.join(7)
    books.now = T0 + DAY
    again = books.join(7)
    assert (first.status, first.joined_at, first.locale) == ("active", T0, "de")
    assert again.joined_at == T0
    assert books.entries(7) == [("signup", 50)]
    assert "member:7:mirror" in books.effects()
    with books.db.write(books.shop_id) as tx:
        store.set_status(tx, books.shop_id, 7, "left")
    assert books.join(7).status == "active"
    assert books.entries(7) == [("signup", 50)]


def test_what_waited_is_claimed_on_joining(books: Books) -> None:
    books.tell(seen(1, line(requires_shipping=False)))
    books.read(1)
    books.now = T0 + 20 * DAY
    assert books.member(7).status == "unclaimed"
    with pytest.raises(CannotRedeem) as refused:
        books.redeem(7)
    assert refused.value.code == "not_a_member"
    books.join(7)
    assert books.points(7) == (150, 0, 0)
    assert books.redeem(7).points == 100
    assert books.audit() == []


@pytest.mark.parametrize(
    ("rules", "code", "status"),
    [
        (programme(membership="tag", membership_tag="vip"), "by_invitation", 403),
        (None, "not_ready", 503),
    ],
)
def test_who_may_not_join(books: Books, rules: Programme | None, code: str, status: int) -> None:
    if rules is None:
        with books.db.write() as tx:  # a shop whose set-up is still to come
            bare = replace(books.shop, shop_id=books.shop_id + 10**6)
            with pytest.raises(NotAMember) as refused:
                flow.join(tx, bare, 7, None, books.now)
    else:
        books.publish(rules)
        with pytest.raises(NotAMember) as refused:
            books.join(7)
    assert (refused.value.code, refused.value.status) == (code, status)


def test_a_tag_makes_a_member_and_its_loss_ends_it(books: Books) -> None:
    books.publish(programme(membership="tag", membership_tag="VIP"))
    books.people(CustomerSeen(CustomerFact(7, T0)))
    assert books.effects("member.read") == ["member:7:read"]

    def tags(*found: str) -> None:
        with books.db.write(books.shop_id) as tx:
            flow.tags_seen(tx, books.shop, 7, found, books.now)

    tags("wholesale")
    tags("vip", "wholesale")
    assert books.member(7).status == "active"
    tags("wholesale")
    assert books.member(7).status == "left"
    tags("Vip")
    assert books.member(7).status == "active"
    assert books.entries(7) == [("signup", 50)]


def test_where_all_customers_are_members_it_does_not_matter_how_we_met(shared: Database) -> None:
    books = Books(shared, programme(membership="all", holdout_percent=50))
    customer = CustomerSeen(CustomerFact(7, T0, "ada@example.com", "Ada", None))
    books.tell(seen(1))
    books.people(customer)
    books.people(replace(customer, customer=replace(customer.customer, customer_id=8)))
    books.tell(seen(2, customer_id=8))
    for number in (7, 8):
        member = books.member(number)
        assert (member.status, member.joined_at) == ("active", T0)
        assert sorted(books.entries(number)) == [("earn", 100), ("signup", 50)]
        assert member.holdout == flow.held_out(books.shop, number, 50)
    assert books.audit() == []


def test_the_holdout_is_drawn_from_the_ids_and_about_as_large_as_asked(books: Books) -> None:
    drawn = [flow.held_out(books.shop, number, 20) for number in range(2_000)]
    assert 300 < sum(drawn) < 500
    assert drawn == [flow.held_out(books.shop, number, 20) for number in range(2_000)]
    assert not any(flow.held_out(books.shop, number, 0) for number in range(200))


def test_a_strangers_change_keeps_them_a_stranger(books: Books) -> None:
    books.people(CustomerSeen(CustomerFact(77, T0, "eve@example.com")))
    assert books.rows("SELECT 1 FROM members WHERE shop_id = :s AND member_id = 77") == []


def test_a_change_never_erases_what_is_known(books: Books) -> None:
    books.tell(seen(1, email="ada@example.com"))
    books.people(CustomerSeen(CustomerFact(7, T0 + DAY, None, "Augusta", None)))
    member = books.member(7)
    assert (member.email, member.first_name, member.last_name) == ("ada@example.com", "Augusta", "Lovelace")


def test_two_members_become_one_with_all_their_points_and_dates(books: Books) -> None:
    books.join(7)
    books.now = T0 + DAY
    books.join(9)
    books.tell(seen(1, customer_id=9), sent(1, parcel()), arrived(1, at=T0 + 3 * DAY), seen(2))
    books.read(1)
    pending = {(lot.points, lot.available_at, lot.expires_at) for lot in books.account(9).lots.values()}
    books.people(merged())
    moved = {
        (lot.points, lot.available_at, lot.expires_at)
        for lot in books.account(7).lots.values()
        if lot.order_id == 1 or lot.points == 50
    }
    assert pending <= moved | {(50, T0, None)}
    assert books.points(9) == (0, 0, 0)
    assert books.points(7) == (50, 200, 0)  # one bonus of the two
    gone, kept = books.member(9), books.member(7)
    assert (gone.status, gone.posted, gone.email, kept.status, kept.joined_at) == (
        "merged",
        0,
        None,
        "active",
        T0,
    )
    assert kept.posted == 250
    assert books.audit() == []


def test_a_merge_told_twice_moves_nothing_twice(books: Books) -> None:
    books.give_order(9)
    books.people(merged(), merged())
    before = books.entries(7)
    books.people(merged())
    assert books.entries(7) == before
    assert books.points(7) == (0, 100, 0)


def test_a_failed_merge_moves_nothing_and_leaves_a_trace(books: Books) -> None:
    books.give_order(9)
    books.people(merged(status="failed"))
    assert books.points(9) == (0, 100, 0)
    assert books.rows("SELECT kind FROM events WHERE shop_id = :s AND kind = 'merge_not_done'") != []
    books.people(merged(status="completed"))
    assert books.points(7) == (0, 100, 0)


def test_late_facts_of_the_gone_customer_find_the_kept_one(books: Books) -> None:
    books.people(merged())  # before we knew either
    books.tell(seen(1, customer_id=9))
    assert books.points(7) == (0, 100, 0)
    assert books.rows("SELECT 1 FROM members WHERE shop_id = :s AND member_id = 9") == []
    books.tell(refunded(1, refund(1, paid=5_000)))
    books.tell(seen(1, customer_id=9, at=T0 + DAY), sent(1, parcel()), arrived(1))
    assert books.points(7) == (0, 50, 0)
    invited = books.invitation(1)
    assert invited is not None
    assert invited.member_id == 7
    assert books.join(9).member_id == 7
    assert books.audit() == []


def test_orders_codes_and_questions_move_along(books: Books) -> None:
    books.join(9)
    books.give(9, 200)
    books.tell(seen(1, customer_id=9), sent(1, parcel()), arrived(1, at=T0))
    code = books.redeem(9, request="same-tap")
    books.made(code)
    books.join(7)
    books.give(7, 200)
    books.redeem(7, request="same-tap")
    books.people(merged())
    moved = books.redemption(code)
    assert moved.member_id == 7
    assert moved.request_key != "same-tap"
    invited = books.invitation(1)
    assert invited is not None
    assert invited.member_id == 7
    books.undo(7, code)
    books.withdrawn(code, used=False)
    assert books.redemption(code).state == "undone"
    assert books.entries(7)[-1] == ("redeem_return", 100)
    books.tell(refunded(1, refund(1, paid=10_000)))
    assert books.audit() == []


def test_what_the_gone_member_owed_is_owed_by_the_kept_one(books: Books) -> None:
    books.join(9)
    books.tell(seen(1, line(requires_shipping=False), customer_id=9))
    books.read(1)
    books.now = T0 + 20 * DAY
    books.redeem(9)
    books.tell(seen(1, line(requires_shipping=False), customer_id=9, at=T0 + DAY, cancelled_at=T0 + DAY))
    assert books.points(9) == (0, 0, 50)
    books.tell(seen(2, line(requires_shipping=False)))
    books.read(2)
    books.people(merged())
    assert books.points(9) == (0, 0, 0)
    assert books.points(7) == (50, 0, 0)
    assert books.audit() == []


@pytest.mark.parametrize("joined", [(7, 8, 9), (9, 7, 8), (8, 9, 7), (9, 7), (9,), (8, 7), ()])
@pytest.mark.parametrize("late", [False, True])
def test_a_chain_of_merges_ends_with_one_bonus_and_one_member(
    books: Books, joined: tuple[int, ...], late: bool
) -> None:
    for number in (9, 8, 7):
        books.tell(seen(number, line(1, 10_000), customer_id=number))
    for days, number in enumerate(joined):
        books.now = T0 + days * DAY
        books.join(number)
    books.now = T0 + 9 * DAY
    # 9 into 8 and 8 into 7; told the other way round when the first one comes late.
    steps = [merged(8, 9), merged(7, 8)]
    for step in reversed(steps) if late else steps:
        books.people(step)
    assert books.points(7) == (50 if joined else 0, 300, 0)
    assert books.member(7).status == ("active" if joined else "unclaimed")
    with books.db.read() as tx:
        assert {number: store.resolved(tx, books.shop_id, number) for number in (7, 8, 9)} == {
            7: 7,
            8: 7,
            9: 7,
        }
        assert sorted(store.old_ids(tx, books.shop_id, 7)) == [8, 9]
    books.tell(seen(11, customer_id=9))
    assert books.points(7) == (50 if joined else 0, 400, 0)
    if not joined:
        books.join(8)
        assert books.points(7) == (50, 400, 0)
    assert books.audit() == []


def test_the_higher_tier_stands_until_review(books: Books) -> None:
    books.join(9)
    books.tell(seen(1, line(1, 60_000), customer_id=9))
    books.tick()
    assert books.member(9).tier == "silver"
    books.join(7)
    books.tick()
    assert books.member(7).tier == "bronze"
    books.now = T0 + DAY
    books.people(merged())
    assert books.member(7).tier == "silver"
    books.tick()
    assert books.member(7).tier == "silver"
    # An order of the gone customer from before the merge keeps the tier that it was placed under.
    books.tell(seen(1, line(1, 40_000), customer_id=9, at=books.now))
    assert books.points(7)[1] == 400


def test_membership_and_holdout_of_the_gone_member_are_kept(books: Books) -> None:
    books.publish(programme(holdout_percent=50))
    gone = next(number for number in range(100, 200) if flow.held_out(books.shop, number, 50))
    books.join(gone)
    books.tell(seen(1, customer_id=7))
    books.people(merged(7, gone))
    member = books.member(7)
    assert (member.status, member.joined_at, member.holdout) == ("active", T0, True)


def test_a_deleted_customer_is_forgotten_and_the_ledger_stays(books: Books) -> None:
    books.tell(seen(1, email="ada@example.com"))
    books.join(7)
    books.people(CustomerDeleted(7))
    member = books.member(7)
    assert (member.status, member.email, member.posted) == ("redacted", None, 150)
    with pytest.raises(NotAMember):
        books.join(7)
    assert books.audit() == []


def test_the_deletion_that_is_part_of_a_merge_does_not_touch_the_kept_member(books: Books) -> None:
    books.join(9)
    books.give_order(9)
    books.tell(seen(2, email="ada@example.com"))
    books.join(7)
    books.people(merged(), CustomerDeleted(9))
    kept = books.member(7)
    assert (kept.status, kept.email, books.points(7)) == ("active", "ada@example.com", (50, 200, 0))
    assert books.effects("member.erase") == []
    assert books.join(7).status == "active"
    assert books.audit() == []


def test_a_merge_and_leaving_ask_for_the_tag_anew(books: Books) -> None:
    for number in (9, 7):
        books.join(number)
    books.tick()
    _performed(books)
    books.people(merged())
    assert books.effects("member.tags") == ["member:7:tags"]
    assert books.effects("member.read") == []
    books.publish(programme(membership="tag", membership_tag="vip"))
    _performed(books)
    with books.db.write(books.shop_id) as tx:
        flow.tags_seen(tx, books.shop, 7, ["wholesale"], books.now)
    assert books.effects("member.tags") == ["member:7:tags"]
    _performed(books)
    with books.db.write(books.shop_id) as tx:
        flow.tags_seen(tx, books.shop, 7, ["vip"], books.now)
    books.tick()
    assert books.effects("member.tags") == ["member:7:tags"]
    books.people(merged(7, 12))
    books.tell(seen(5, customer_id=13))
    books.people(merged(7, 13))
    assert books.effects("member.read") == ["member:7:read"]


def _performed(books: Books) -> None:
    with books.db.write(books.shop_id) as tx:
        tx.run("UPDATE outbox SET state = 1 WHERE shop_id = :s", s=books.shop_id)


@pytest.mark.parametrize("by_order", [False, True])
def test_an_older_notice_does_not_overwrite_a_newer_one(books: Books, by_order: bool) -> None:
    books.tell(seen(1, email="ada@example.com"))

    def told(days: int, name: str | None, email: str | None = None) -> str | None:
        customer = CustomerFact(7, T0 + days * DAY, email, name, None, None)
        if by_order:
            books.tell(replace(seen(100 + next(orders)), customer=customer))
        else:
            books.people(CustomerSeen(customer))
        return books.member(7).first_name

    orders = iter(range(100))
    assert told(5, "Augusta") == "Augusta"
    assert told(3, "Ada") == "Augusta"
    assert told(5, "Augusta Ada") == "Augusta Ada"  # of equal times the later arrival
    assert told(7, "Augusta Ada") == "Augusta Ada"  # says nothing new, but is newer
    assert told(6, "Countess") == "Augusta Ada"
    assert told(8, None, "lovelace@example.com") == "Augusta Ada"
    member = books.member(7)
    assert (member.email, member.last_name, member.locale) == ("lovelace@example.com", "Lovelace", None)
    assert told(4, "Ada", "old@example.com") == "Augusta Ada"
    assert books.member(7).email == "lovelace@example.com"


def test_what_is_older_still_fills_a_gap(books: Books) -> None:
    books.tell(replace(seen(1), customer=CustomerFact(7, T0 + 5 * DAY, None, "Ada")))
    books.people(CustomerSeen(CustomerFact(7, T0, "ada@example.com", "Augusta", "Lovelace")))
    member = books.member(7)
    assert (member.email, member.first_name, member.last_name) == ("ada@example.com", "Ada", "Lovelace")


def test_of_two_orders_in_one_batch_the_newer_names_the_customer(books: Books) -> None:
    facts = [
        replace(seen(number), customer=CustomerFact(7, T0 + days * DAY, None, name))
        for number, days, name in ((1, 2, "Augusta"), (2, 1, "Ada"))
    ]
    books.tell(*facts)
    assert books.member(7).first_name == "Augusta"


def test_a_retry_across_a_merge_finds_what_the_first_tap_made(books: Books) -> None:
    books.join(9)
    books.give(9, 400)
    books.join(7)
    tapped = books.redeem(9, request="one-tap")
    books.people(merged())
    again = books.redeem(7, request="one-tap")
    assert again.redemption_id == tapped.redemption_id
    assert [points for kind, points in books.entries(9) + books.entries(7) if kind == "redeem"] == [-100]
    books.people(merged(5, 7))
    assert books.redeem(5, request="one-tap").redemption_id == tapped.redemption_id
    assert books.audit() == []
