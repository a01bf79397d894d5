"""Being forgotten: no personal data is left in any column, the ledger adds up, other people keep theirs."""

from __future__ import annotations

import json

import pytest

from plugin.domain.facts import CustomerDeleted, CustomerRedacted, CustomersMerged
from plugin.domain.programme import Programme
from plugin.flows import merchants
from plugin.flows import surveys as survey_flow
from plugin.store import privacy
from plugin.store.db import Database
from plugin.store.schema import metadata
from plugin.worker import forgetting
from plugin.worker.forgetting import forget_bodies
from tests.books import Books, everything
from tests.facts import DAY, T0, arrived, parcel, programme, sent
from tests.webhooks.post import Json, order, person, post
from webhooks.drain import drain_shop

ADA, BEN = 70_000_007, 70_000_008
EMAIL, NAME, WORDS = "ada.lovelace@example.com", "Lovelacia", "please call me, Lovelacia"
BENS = "ben.franklin@example.com"


def found(db: Database, shop_id: int, *needles: str) -> list[str]:
    """table.column of every text or blob that holds one of the needles, in all rows of a shop."""
    places = []
    with db.read() as tx:
        for table in metadata.sorted_tables:
            where = " WHERE shop_id = :s" if "shop_id" in table.c else ""
            parameters = {"s": shop_id} if where else {}
            names = [column.name for column in table.columns]
            for row in tx.all(f"SELECT {', '.join(names)} FROM {table.name}{where}", **parameters):
                for name, value in zip(names, row, strict=True):
                    text = (
                        bytes(value).decode("utf-8", "replace")
                        if isinstance(value, bytes | memoryview)
                        else str(value)
                    )
                    if any(needle.casefold() in text.casefold() for needle in needles):
                        places.append(f"{table.name}.{name}")
    return sorted(set(places))


def drained(books: Books) -> None:
    """The worker's share: drains, then searches old bodies to the end."""
    while (part := drain_shop(books.db, books.shop_id, books.now)) is not None and part.total:
        continue
    while forget_bodies(books.db, books.shop_id, books.now):
        continue


def live(
    books: Books, customer: int = ADA, email: str = EMAIL, name: str = NAME, number: int = 900_001
) -> None:
    """A customer orders, joins, redeems, answers in words, and once sends something that cannot be read."""
    post(books, "orders/paid", order(number, customer, email=email, person=name))
    post(books, "customers/update", person(customer, email, name))
    drained(books)
    books.join(customer)
    books.give(customer, 100)
    books.redeem(customer)
    books.tell(sent(number, parcel(number, ((number * 10, 1),))), arrived(number, number, T0))
    books.now = T0 + 3 * DAY
    books.tick()
    with books.db.write(books.shop_id) as tx:
        survey_flow.answer(
            tx,
            books.shop,
            customer,
            number,
            2,
            words=f"please call me, {name}",
            locale="de",
            channel="panel",
            now=books.now,
        )
        [entry] = tx.all(
            "SELECT MIN(entry_id) FROM entries WHERE shop_id = :s AND member_id = :m",
            s=books.shop_id,
            m=customer,
        )
        tx.run(
            "INSERT INTO entry_notes (shop_id, entry_id, note) VALUES (:s, :e, :n)",
            s=books.shop_id,
            e=entry[0],
            n=name,
        )
    post(
        books,
        "orders/updated",
        json.dumps({"id": number, "customer": {"id": customer, "email": email}}).encode(),
    )
    drained(books)


def redact(customer: int = ADA, *orders: int) -> Json:
    return {
        "shop_id": 1,
        "shop_domain": "x",
        "customer": {"id": customer, "email": EMAIL, "phone": "+41 44 000 00 00"},
        "orders_to_redact": list(orders),
    }


def test_there_is_something_to_forget(books: Books) -> None:
    live(books)
    assert set(found(books.db, books.shop_id, EMAIL, NAME)) == {
        "entry_notes.note", "inbox.body", "members.email", "members.first_name", "members.last_name", "responses.words",
    }  # fmt: skip


def test_a_redacted_customer_leaves_no_trace_and_the_ledger_adds_up(books: Books) -> None:
    live(books)
    live(books, BEN, BENS, "Benjaminus", 900_002)
    before = [books.entries(ADA), books.entries(BEN), books.points(BEN)]
    post(
        books, "customers/data_request", {"customer": {"id": ADA, "email": EMAIL}, "data_request": {"id": 9}}
    )
    drained(books)
    post(books, "customers/redact", redact(ADA, 900_001))
    drained(books)
    assert found(books.db, books.shop_id, EMAIL, NAME, WORDS) == []
    assert [books.entries(ADA), books.entries(BEN), books.points(BEN)] == before
    assert books.member(ADA).status == "redacted"
    assert found(books.db, books.shop_id, BENS) != []
    assert books.effects("member.erase") == [f"member:{ADA}:erase"]
    assert books.rows(
        "SELECT COUNT(done_at) FROM privacy_requests WHERE shop_id = :s AND kind = 'customers_redact'"
    ) == [(1,)]
    assert books.audit() == []


def test_what_comes_after_the_redaction_is_not_remembered(books: Books) -> None:
    live(books)
    post(books, "customers/redact", redact(ADA, 900_001))
    drained(books)
    post(books, "customers/update", person(ADA, EMAIL, NAME))
    post(books, "orders/updated", order(900_001, ADA, at=T0 + DAY, email=EMAIL, person=NAME))
    drained(books)
    assert books.member(ADA).email is None
    # The bodies themselves wait 30 days like any other; nothing else has it.
    assert set(found(books.db, books.shop_id, EMAIL, NAME)) <= {"inbox.body"}
    assert books.audit() == []


def test_a_merged_customer_is_forgotten_under_every_name(books: Books) -> None:
    live(books)
    post(
        books, "customers/data_request", {"customer": {"id": ADA, "email": EMAIL}, "data_request": {"id": 9}}
    )
    drained(books)
    books.people(CustomersMerged(BEN, ADA, "success"))
    post(books, "customers/redact", redact(BEN))
    drained(books)
    assert found(books.db, books.shop_id, EMAIL, NAME) == []
    assert books.audit() == []


def test_a_deleted_customer_is_forgotten_too(books: Books) -> None:
    live(books)
    post(books, "customers/delete", {"id": ADA, "email": EMAIL})
    drained(books)
    assert found(books.db, books.shop_id, EMAIL, NAME) == []
    assert books.audit() == []


def test_a_guest_s_redaction_empties_the_orders_and_names_nobody(books: Books) -> None:
    live(books)
    post(books, "orders/paid", order(900_009, None, email="guest@example.com"))
    post(books, "customers/redact", {"customer": None, "orders_to_redact": [900_009]})
    drained(books)
    assert found(books.db, books.shop_id, "guest@example.com") == []
    assert found(books.db, books.shop_id, EMAIL) != []
    assert books.member(ADA).status == "active"


def test_a_redaction_under_a_merged_away_id_leaves_the_kept_member_alone(books: Books) -> None:
    live(books)
    live(books, BEN, BENS, "Benjaminus", 900_002)
    books.people(CustomersMerged(BEN, ADA, "success"))
    points = books.points(BEN)
    post(books, "customers/redact", redact(ADA, 900_001))
    drained(books)
    kept = books.member(BEN)
    assert (kept.status, kept.email, kept.first_name) == ("active", BENS, "Benjaminus")
    assert found(books.db, books.shop_id, EMAIL, NAME, WORDS) == []
    assert found(books.db, books.shop_id, "please call me, Benjaminus") == ["responses.words"]
    assert books.points(BEN) == points
    assert books.effects("member.erase") == [f"member:{ADA}:erase"]
    assert books.join(ADA).member_id == BEN
    assert books.audit() == []


@pytest.mark.parametrize("early", [CustomerDeleted(ADA), CustomerRedacted(ADA, ())])
def test_who_is_forgotten_before_the_merge_loses_no_points(
    books: Books, early: CustomerDeleted | CustomerRedacted
) -> None:
    live(books)
    books.people(early)
    before = books.points(ADA)
    assert before != (0, 0, 0)
    books.people(CustomersMerged(BEN, ADA, "success"))
    assert books.points(ADA) == (0, 0, 0)
    assert books.points(BEN) == before
    kept = books.member(BEN)
    # Deleted as a part of the merge: still the member who joined. Forgotten on request: to join is up to them.
    assert kept.status == ("active" if isinstance(early, CustomerDeleted) else "unclaimed")
    assert kept.joined_at == T0
    assert [code.member_id for code in books.codes(BEN)] == [BEN]
    assert books.join(BEN).status == "active"
    assert books.points(BEN) == before
    assert books.audit() == []


def test_bodies_are_searched_in_slices_that_survive_a_stop(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 3)
    for number in range(10):
        post(books, "customers/update", person(ADA, EMAIL, NAME), webhook_id=f"a-{number}")
        post(books, "customers/update", person(BEN, BENS, "Benjaminus"), webhook_id=f"b-{number}")
        # Digits that merely contain the number are another number.
        post(books, "customers/update", person(ADA * 10, "other@example.com"), webhook_id=f"c-{number}")
    post(books, "customers/redact", redact(ADA), webhook_id="z")
    while drain_shop(books.db, books.shop_id, books.now).total:  # type: ignore[union-attr]
        continue
    slices = [forget_bodies(books.db, books.shop_id, books.now) for _ in range(4)]
    assert slices == [True] * 4
    assert books.rows("SELECT done_at FROM privacy_requests WHERE shop_id = :s") == [(None,)]
    left = len(books.rows("SELECT 1 FROM inbox WHERE shop_id = :s AND LENGTH(body) = 0"))
    assert left == 10
    books.people(
        CustomerRedacted(BEN, ())
    )  # asked meanwhile: the first goes on, the second has a pass of its own
    while forget_bodies(books.db, books.shop_id, books.now):
        continue
    assert found(books.db, books.shop_id, EMAIL, BENS, NAME) == []
    assert len(books.rows("SELECT 1 FROM inbox WHERE shop_id = :s AND LENGTH(body) > 0")) == 10
    assert books.rows("SELECT numbers FROM privacy_requests WHERE shop_id = :s AND done_at IS NULL") == []


def test_a_request_that_comes_again_is_searched_for_again(books: Books) -> None:
    for number in (900_001, 900_002):
        post(books, "orders/paid", order(number, ADA, email=EMAIL))
        post(books, "customers/redact", redact(ADA, number))
        drained(books)
        assert found(books.db, books.shop_id, EMAIL) == []
    assert books.rows("SELECT COUNT(*), COUNT(done_at) FROM privacy_requests WHERE shop_id = :s") == [(1, 1)]


def test_a_shop_that_left_is_searched_too(books: Books) -> None:
    live(books)
    post(books, "app/uninstalled", {"id": 1}, triggered_at=books.now)
    post(books, "customers/redact", redact(ADA, 900_001))
    drained(books)
    assert books.reload().state == "uninstalled"
    assert found(books.db, books.shop_id, EMAIL, NAME) == []


def test_data_requests_without_a_number_are_each_answered(books: Books) -> None:
    for customer in (ADA, BEN):
        post(books, "customers/data_request", {"customer": {"id": customer}}, webhook_id=f"ask-{customer}")
    drained(books)
    with books.db.read() as tx:
        asked = {(key, member) for key, member, _ in privacy.data_requests(tx, books.shop_id)}
    assert asked == {(f"data_request:webhook:ask-{customer}", customer) for customer in (ADA, BEN)}


def test_a_data_request_holds_everything_and_is_answered_once(books: Books) -> None:
    live(books)
    body = {"customer": {"id": ADA, "email": EMAIL}, "orders_requested": [], "data_request": {"id": 9}}
    for _ in range(2):
        post(books, "customers/data_request", body)
        drained(books)
    with books.db.read() as tx:
        [(key, member_id, answer)] = privacy.data_requests(tx, books.shop_id)
    assert (key, member_id) == ("data_request:9", ADA)
    assert answer is not None
    told = json.loads(answer)
    assert told["member"]["email"] == EMAIL
    assert [line["points"] for line in told["entries"]] == [points for _, points in books.entries(ADA)][::-1]
    assert told["orders"] == ["900001"]
    assert len(told["codes"]) == 1
    assert told["answers"][0]["words"] == WORDS


def test_data_of_a_stranger_is_none(books: Books) -> None:
    post(books, "customers/data_request", {"customer": {"id": 5}, "data_request": {"id": 9}})
    drained(books)
    with books.db.read() as tx:
        assert privacy.data_requests(tx, books.shop_id) == [("data_request:9", 5, "{}")]


def test_a_redacted_shop_is_gone_but_for_its_row(books: Books) -> None:
    live(books)
    post(books, "app/uninstalled", {"id": 1}, triggered_at=books.now)
    drained(books)
    post(books, "shop/redact", {"shop_id": 1, "shop_domain": "x"}, webhook_id="the-end")
    drained(books)
    left = {table: rows for table, rows in everything(books.db, books.shop_id).items() if rows}
    assert set(left) == {"shops", "inbox"}
    assert len(left["inbox"]) == 1
    assert found(books.db, books.shop_id, EMAIL, NAME, "Alice") == ["shops.domain"]
    assert books.reload().state == "redacted"
    with books.db.write() as tx:
        shop = merchants.install(tx, books.shop.domain, "read_orders", books.now)
    books.shop = shop
    books.publish(books_programme(books))
    post(books, "orders/paid", order(900_003, ADA, at=books.now, processed_at=books.now.isoformat()))
    drained(books)
    assert books.points(ADA) == (0, 100, 0)
    assert books.audit() == []


def books_programme(books: Books) -> Programme:

    assert books.rows("SELECT 1 FROM programmes WHERE shop_id = :s") == []
    return programme()


@pytest.mark.parametrize("days", [0, 1])
def test_a_shop_that_came_back_keeps_everything(books: Books, days: int) -> None:
    live(books)
    points = books.points(ADA)
    post(books, "app/uninstalled", {"id": 1}, triggered_at=books.now)
    drained(books)
    assert books.reload().state == "uninstalled"
    books.now += days * DAY
    with books.db.write() as tx:
        merchants.install(tx, books.shop.domain, "read_orders", books.now)
    books.reload()
    post(books, "app/uninstalled", {"id": 1}, triggered_at=books.now - 2 * DAY)
    books.now += 2 * DAY
    post(books, "shop/redact", {"shop_id": 1})
    drained(books)
    assert books.reload().state == "installed"
    assert books.points(ADA) == points
    assert books.rows("SELECT 1 FROM events WHERE shop_id = :s AND kind = 'redact_ignored'") == [(1,)]
    assert books.audit() == []
