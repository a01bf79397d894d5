"""Members move in: nothing twice, nothing lost, nobody forgotten, whatever the file is like and whenever it stops."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.domain.facts import CustomerFact, CustomerRedacted, CustomerSeen, CustomersMerged
from plugin.domain.programme import Referral, Reward
from plugin.flows import imports as flow
from plugin.flows.imports import CannotImport
from plugin.flows.offers import CannotRedeem
from plugin.pages import uploads
from plugin.store import birthdays, imports, newcomers, privacy, referrals, shops
from plugin.store.imports import Import, Policy, Purpose
from plugin.store.tabular import UnreadableFile
from tests.books import Books
from tests.facts import DAY, T0, programme, seen


def look(
    books: Books, text: str | bytes, policy: Policy = "add", purpose: Purpose = "members", reason: str | None = None
) -> Import:  # fmt: skip
    body = text.encode() if isinstance(text, str) else text
    return uploads.look_at(
        books.db, books.shop, body, "list.csv", purpose=purpose, policy=policy, app=None, reason=reason,
        actor="staff:5", now=books.now,
    )  # fmt: skip


def begin(books: Books, one: Import) -> None:
    with books.db.write(books.shop_id) as tx:
        flow.begin(tx, books.shop, one.import_id, "staff:5", books.now)


def run(books: Books, text: str | bytes, policy: Policy = "add", purpose: Purpose = "members", reason: str | None = None
        ) -> Import:  # fmt: skip
    one = look(books, text, policy, purpose, reason)
    begin(books, one)
    books.tick()
    with books.db.read() as tx:
        found = imports.by_id(tx, books.shop_id, one.import_id)
    assert found is not None
    assert found.state == "done"
    return found


def errors(books: Books, one: Import) -> list[str]:
    """The sentences of the error file, by line."""
    with books.db.read() as tx:
        return [
            f"{line}: {problem}" for line, _, problem in imports.problems(tx, books.shop_id, one.import_id)
        ]


def known(books: Books, member_id: int, email: str) -> None:
    """A customer of the shop who never joined."""
    order = seen(member_id, customer_id=member_id)
    books.tell(replace(order, customer=CustomerFact(member_id, T0, email=email)))


def anna(books: Books) -> None:
    """A member with 50 points for joining, known by her address in capitals."""
    books.join(7)
    books.people(CustomerSeen(CustomerFact(7, T0, email="Anna.K@Example.com")))


def test_the_dry_run_says_what_would_happen_and_does_nothing(books: Books) -> None:
    anna(books)
    one = look(
        books,
        "email,customer_id,points,vip tier,birthday\nanna.k@example.com,,100,Silver,1990-05-27\n,8,20,,\n"
        "late@example.com,,30.5,,\nnobody,,1,,\n,9,-4,,\nANNA.K@example.com,,5,,\n,10,1,Diamond,\n",
    )
    assert one.foreseen == {
        "rows": 7, "known": 1, "new": 1, "waiting": 1, "changed": 3, "points_in": 150, "points_out": 0, "newer": 0,
        "rounded": 1, "tiers": 1, "birthdays": 1, "referrals": 0, "rejected": 4,
    }  # fmt: skip
    assert errors(books, one) == [
        "5: “nobody” is no e-mail address.",
        "6: A balance below zero is not taken over. Write 0, or leave the row out.",
        "7: The same person stands on line 2 already.",
        "8: There is no tier “Diamond”. The tiers are: Bronze, Silver.",
    ]
    books.tick()
    assert books.points(7) == (50, 0, 0)
    assert books.rows("SELECT COUNT(*) FROM members WHERE shop_id = :s AND member_id = 8") == [(0,)]


def test_a_list_moves_in(books: Books) -> None:
    anna(books)
    done = run(
        books,
        "email,customer_id,points,vip tier,birthday,referral url,created at\n"
        "anna.k@example.com,,100,silver,1990-05-27,http://i.refs.cc/9qr5Pw,\n"
        ",8,20,,,,2024-02-03\n",
    )
    assert (done.figures["done"], done.figures["points_in"]) == (2, 120)
    assert books.points(7) == (150, 0, 0)
    assert books.entries(7) == [("signup", 50), ("import", 100)]
    assert books.member(7).tier == "silver"
    with books.db.read() as tx:
        assert newcomers.brought(tx, books.shop_id, 7) == {"referral": "http://i.refs.cc/9qr5Pw"}
        birthday = birthdays.of_member(tx, books.shop_id, 7)
    assert birthday is not None
    assert (birthday.month, birthday.day) == (5, 27)
    new = books.member(8)
    assert (new.status, new.posted, new.earned) == ("active", 20, 0)
    assert (new.joined_at or T0).year == 2024
    assert books.entries(8) == [("import", 20)]  # no points for joining: they had joined there
    assert books.audit() == []


def test_the_same_file_twice_gives_nothing_twice(books: Books) -> None:
    anna(books)
    text = "email,points\nanna.k@example.com,100\nlate@example.com,30\n"
    run(books, text)
    again = look(books, text)
    assert (again.foreseen["already"], again.foreseen["changed"]) == (1, 1)
    run(books, text)
    run(books, text, "set")
    assert books.points(7) == (150, 0, 0)
    claimed(books, 20, "Late@Example.com")
    assert books.points(20) == (30, 0, 0)
    assert books.audit() == []


def killed_within_a_slice(books: Books) -> None:
    with books.db.write(books.shop_id) as tx:
        flow.carry_on(tx, books.shop, books.now, size=7)
        raise KeyboardInterrupt


def test_killed_between_and_within_slices_it_goes_on_where_it_stood(books: Books) -> None:
    rows = "".join(f"{100 + n},{n + 1}\n" for n in range(50))
    one = look(books, f"customer_id,points\n{rows}")
    begin(books, one)
    for _ in range(3):
        with books.db.write(books.shop_id) as tx:
            assert flow.carry_on(tx, books.shop, books.now, size=7)
    with pytest.raises(KeyboardInterrupt):
        killed_within_a_slice(books)
    assert books.rows("SELECT COUNT(*) FROM entries WHERE shop_id = :s AND kind = 'import'") == [(21,)]
    books.tick()
    assert books.rows("SELECT COUNT(*), SUM(points) FROM entries WHERE shop_id = :s AND kind = 'import'") == [
        (50, 50 * 51 // 2)
    ]
    assert books.rows("SELECT COUNT(*) FROM import_rows WHERE shop_id = :s") == [
        (0,)
    ]  # what is done is not kept
    assert books.audit() == []


def test_a_list_that_was_only_half_looked_at_cannot_begin(books: Books) -> None:
    one = look(books, "customer_id,points\n8,1\n")
    with books.db.write(books.shop_id) as tx:
        imports.foreseen(tx, books.shop_id, one.import_id, 0, {})
    with pytest.raises(CannotImport, match="Send the file again"):
        begin(books, one)


@pytest.mark.parametrize(
    ("policy", "points", "entry"),
    [("add", 130, ("import", 80)), ("set", 80, ("import", 30))],
)
def test_add_and_set(books: Books, policy: Policy, points: int, entry: tuple[str, int]) -> None:
    anna(books)
    run(books, "customer_id,points\n7,80\n", policy)
    assert books.points(7)[0] == points
    assert books.entries(7)[-1] == entry


def test_set_takes_only_what_can_be_spent_and_says_whose_newer_balance_it_replaces(books: Books) -> None:
    anna(books)
    books.give_order(7)
    one = look(books, "customer_id,points\n7,20\n", "set")
    assert (one.foreseen["newer"], one.foreseen["points_out"]) == (1, 30)
    run(books, "customer_id,points\n7,20\n", "set")
    assert books.points(7) == (20, 100, 0)
    assert books.audit() == []


def test_set_pays_what_is_owed(books: Books) -> None:
    anna(books)
    run(books, "email,points\nanna.k@example.com,-80\n", "add", "adjustment", "Wrong account")
    assert books.points(7) == (0, 0, 30)
    run(books, "customer_id,points\n7,10\n", "set")
    assert books.points(7) == (10, 0, 0)
    assert books.audit() == []


def claimed(books: Books, member_id: int, email: str) -> None:
    with books.db.write(books.shop_id) as tx:
        flow.claim(tx, books.shop, member_id, email, books.now)


def test_an_unknown_address_waits_for_its_customer(books: Books) -> None:
    run(books, "email,points,tier\nLATE@example.com,30,Silver\n")
    assert "late@example.com" not in str(books.rows("SELECT * FROM waiting_imports WHERE shop_id = :s"))
    assert books.effects("member.read") == []
    known(books, 20, "Late@Example.com")
    assert books.effects("member.read") == ["member:20:read"]  # the platform says whose the address is
    assert books.points(20)[0] == 0
    claimed(books, 20, "Late@Example.com")
    claimed(books, 20, "late@example.com")
    assert books.entries(20)[-1] == ("import", 30)
    assert (books.member(20).status, books.member(20).tier) == ("active", "silver")
    assert books.rows("SELECT COUNT(*) FROM waiting_imports WHERE shop_id = :s") == [(0,)]
    assert books.audit() == []


def test_a_new_customer_and_one_who_joins_are_asked_for_too(books: Books) -> None:
    run(books, "email,points\nlate@example.com,30\n")
    books.people(CustomerSeen(CustomerFact(21, T0, email="late@example.com")))
    books.join(22)
    assert books.effects("member.read") == ["member:21:read", "member:22:read"]


def test_who_was_merged_away_is_the_kept_one(books: Books) -> None:
    anna(books)
    books.join(6)
    books.people(CustomersMerged(7, 6, "completed"))
    run(books, "customer_id,points,birthday\n6,100,2000-02-29\n")
    assert books.entries(7)[-1] == ("import", 100)
    one = look(books, "customer_id,points\n6,100\n7,5\n")
    assert errors(books, one) == ["3: The same person stands on line 2 already."]


def test_a_merge_between_two_runs_gives_nothing_twice_and_takes_along_what_was_known(books: Books) -> None:
    text = "customer_id,points,referral code\n6,100,ADA-1\n7,20,\n"
    run(books, text)
    books.people(CustomersMerged(7, 6, "completed"))
    run(books, text)
    assert books.points(7) == (120, 0, 0)
    with books.db.read() as tx:
        assert newcomers.brought(tx, books.shop_id, 7) == {"referral": "ADA-1"}
    assert books.audit() == []


def test_who_turns_out_to_stand_on_two_lines_counts_once(books: Books) -> None:
    one = look(books, "email,customer_id,points\n,20,100\nlate@example.com,,100\n")
    known(books, 20, "late@example.com")
    begin(books, one)
    books.tick()
    assert [points for kind, points in books.entries(20) if kind == "import"] == [100]


def test_a_former_apps_link_goes_on_naming_its_owner(books: Books) -> None:
    books.publish(programme(referral=Referral(True, Reward("friend", "amount_off", "", 0, 1000), 100)))
    anna(books)
    run(
        books,
        "email,customer_id,points,referral link\nanna.k@example.com,,1,https://tea.example/?referral_code=4DdQ6WlI95l5\n"
        ",9,1,https://tea.example/?referral_code=4DDQ6WLI95L5\n",
    )
    books.tell(seen(81, customer_id=8, processed_at=books.now, at=books.now, referral="4DDQ6WLI95L5"))
    with books.db.read() as tx:
        (sent,) = referrals.by_orders(tx, books.shop_id, [81])
    assert (sent.referrer_id, sent.friend_id, sent.via) == (7, 8, "link")


def test_the_forgotten_stay_forgotten(books: Books) -> None:
    anna(books)
    run(books, "email,points,referral code\nanna.k@example.com,10,ADA-1\n")
    books.people(CustomerRedacted(7, ()))
    with books.db.read() as tx:
        assert newcomers.brought(tx, books.shop_id, 7) == {}
    one = look(books, "customer_id,points\n7,80\n")
    assert errors(books, one) == ["2: This person asked to be forgotten. Nothing can be kept of them."]


def test_what_waits_for_somebody_goes_when_they_are_forgotten(books: Books) -> None:
    run(books, "email,points\nlate@example.com,30\n")
    known(books, 20, "late@example.com")
    books.people(CustomerRedacted(20, ()))
    assert books.rows("SELECT COUNT(*) FROM waiting_imports WHERE shop_id = :s") == [(0,)]


def test_what_changes_after_the_dry_run_ends_in_the_error_file(books: Books) -> None:
    anna(books)
    one = look(books, "customer_id,points\n7,80\n8,5\n")
    books.people(CustomerRedacted(7, ()))
    begin(books, one)
    books.tick()
    assert errors(books, one) == ["2: This person asked to be forgotten. Nothing can be kept of them."]
    assert books.points(8)[0] == 5


def test_a_member_who_was_blocked_there_is_frozen_here(books: Books) -> None:
    run(books, "customer_id,points,state\n8,5,disabled\n9,5,candidate\n")
    assert (books.member(8).status, books.member(9).status) == ("active", "unclaimed")
    with pytest.raises(CannotRedeem, match="cannot be spent"):
        books.redeem(8)
    assert (books.member(8).posted, books.member(9).posted) == (5, 5)


def test_points_last_until_the_date_of_the_list_or_one_full_period(books: Books) -> None:
    books.publish(programme(expiry_months=12))
    run(books, f"customer_id,points,points expiry\n8,5,{T0 + 30 * DAY:%Y-%m-%d}\n9,5,2020-01-01\n")
    ends = [lot.expires_at for m in (8, 9) for lot in books.account(m).lots.values()]
    assert ends == [(T0 + 30 * DAY).replace(hour=0), T0.replace(year=2027)]


def test_adjustments_by_list_have_reasons_and_a_trail(books: Books) -> None:
    anna(books)
    one = look(books, "email,points\nanna.k@example.com,-20\nlate@example.com,5\n", purpose="adjustment")
    assert errors(books, one) == [
        "2: Say why, in a column “reason” or for the whole list.",
        "3: This is no member of the programme.",
    ]
    run(books, "email,points,reason\nanna.k@example.com,-20,Broken cup\n", purpose="adjustment")
    assert books.entries(7) == [("signup", 50), ("adjust", -20)]
    assert books.rows("SELECT note FROM entry_notes WHERE shop_id = :s") == [("Broken cup",)]
    assert books.rows("SELECT actor FROM events WHERE shop_id = :s AND kind = 'points_adjusted'") == [
        ("staff:5",)
    ]


def test_lines_of_old_lists_go(books: Books) -> None:
    one = look(books, "email,points\nx,1\nlate@example.com,1\n")
    with books.db.write(books.shop_id) as tx:
        assert imports.forget_rows(tx, books.shop_id, books.now - timedelta(days=1), 10) == 0
        assert imports.forget_rows(tx, books.shop_id, books.now + timedelta(days=1), 10) == 2
    assert errors(books, one) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("points\n5\n", "No column holds an e-mail"),
        ("email,points\n", "no rows"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_a_useless_file_is_refused_whole(books: Books, text: str | bytes, sentence: str) -> None:
    with pytest.raises((CannotImport, UnreadableFile), match=sentence):
        look(books, text)
    assert books.rows("SELECT COUNT(*) FROM imports WHERE shop_id = :s") == [(0,)]


def test_a_shop_that_is_wiped_keeps_no_list(books: Books) -> None:
    run(books, "email,points\nlate@example.com,1\n")
    look(books, "email,points\nlate@example.com,2\n")
    with books.db.write(books.shop_id) as tx:
        shops.redacted(tx, books.shop_id)
        privacy.remove_shop(tx, books.shop_id, keep_inbox_row=None)
    for table in ("imports", "import_rows", "waiting_imports", "brought_along"):
        assert books.rows(f"SELECT COUNT(*) FROM {table} WHERE shop_id = :s") == [(0,)]
