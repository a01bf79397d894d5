"""A shop's data leaves as one file and comes back whole, into either engine; lists are harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.flows import adjustments, moves
from plugin.pages import uploads
from plugin.store import exports
from plugin.store.backup import BackupError
from plugin.store.db import Database
from plugin.store.migrate import migrate
from tests.books import Books
from tests.facts import T0, arrived, parcel, programme, seen, sent

SECRET = {"tokens", "api_keys", "inbox", "outbox"}


def live(books: Books) -> None:
    """A little of everything."""
    books.join(7)
    books.give(7, 200)
    books.redeem(7)
    books.tell(seen(1, email="ada@example.com"), sent(1, parcel()), arrived(1), seen(2, customer_id=8))
    with books.db.write(books.shop_id) as tx:
        adjustments.adjust(tx, books.shop, 7, 5, "=HYPERLINK(1)", "form", "staff:1", books.now)
    uploads.look_at(
        books.db, books.shop, b"email,points\na@b.io,1\n", "a.csv", purpose="members", policy="add", app=None,
        reason=None, actor="staff:1", now=books.now,
    )  # fmt: skip
    books.publish(programme(signup_points=10))


def write(books: Books, path: Path) -> dict[str, int]:
    with books.db.read() as tx:
        return exports.write_shop(tx, books.shop_id, path)


def data(db: Database, shop_id: int) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a shop's data, without the shop's number."""
    with db.read() as tx:
        return {
            one.name: sorted(
                tx.all(
                    f"SELECT {', '.join(c.name for c in one.columns if c.name != 'shop_id')} FROM {one.name} "
                    "WHERE shop_id = :s",
                    s=shop_id,
                ),
                key=repr,
            )
            for one in exports.tables()
        }


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Another installation, of either engine, with a shop of its own before ours."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    else:
        server = request.getfixturevalue("pg_server")
        url = str(server.url(server.create()))
    migrate(url)
    opened = Database.open(url)
    yield opened
    opened.close()


def test_a_shop_moves_to_another_installation_whole(
    books: Books, mallory: Books, elsewhere: Database, tmp_path: Path
) -> None:
    live(books)
    file = tmp_path / "shop.sqlite"
    wrote = write(books, file)
    assert (wrote["members"], wrote["programmes"]) == (2, 3)
    assert exports.is_shop_file(file)
    Books(elsewhere, name="other")
    there = Books(elsewhere)
    before = data(books.db, books.shop_id)
    with elsewhere.write(there.shop_id) as tx:
        assert exports.read_shop(tx, there.shop_id, file) == wrote
        moves.arrived(tx, there.shop, there.now)
    after = data(elsewhere, there.shop_id)
    after["events"].pop(next(at for at, row in enumerate(after["events"]) if "shop_moved_in" in row))
    assert after == before
    assert there.audit() == []
    assert there.points(7) == books.points(7)
    assert "member:7:mirror" in there.effects()
    there.tell(seen(3))
    assert there.audit() == []


def test_no_secret_and_nothing_of_another_shop_is_in_the_file(
    books: Books, mallory: Books, tmp_path: Path
) -> None:
    live(books)
    file = tmp_path / "shop.sqlite"
    assert not SECRET & write(books, file).keys()
    assert mallory.shop.domain.encode() not in file.read_bytes()
    with pytest.raises(BackupError, match="exists already"):
        write(books, file)


def test_a_shop_with_movements_takes_no_file(books: Books, elsewhere: Database, tmp_path: Path) -> None:
    live(books)
    file = tmp_path / "shop.sqlite"
    write(books, file)
    there = Books(elsewhere)
    there.join(7)
    before = data(elsewhere, there.shop_id)
    with pytest.raises(BackupError, match="has movements here already"), elsewhere.write(there.shop_id) as tx:
        exports.read_shop(tx, there.shop_id, file)
    assert data(elsewhere, there.shop_id) == before


def test_what_is_no_file_of_a_shop_changes_nothing(books: Books, tmp_path: Path) -> None:
    for name, body in (
        ("empty", b""),
        ("list.csv", b"email,points\n"),
        ("half.sqlite", b"SQLite format 3\x00" * 9),
    ):
        file = tmp_path / name
        file.write_bytes(body)
        assert not exports.is_shop_file(file)
        with (
            pytest.raises(BackupError, match="is not the data of a shop"),
            books.db.write(books.shop_id) as tx,
        ):
            exports.read_shop(tx, books.shop_id, file)


def test_another_currency_and_another_version_are_refused(
    books: Books, elsewhere: Database, tmp_path: Path
) -> None:
    live(books)
    file = tmp_path / "shop.sqlite"
    write(books, file)
    there = Books(elsewhere)
    with elsewhere.write() as tx:
        tx.run("UPDATE shops SET currency = 'EUR' WHERE shop_id = :s", s=there.shop_id)
    with pytest.raises(BackupError, match="CHF, and this one sells in EUR"), elsewhere.write() as tx:
        exports.read_shop(tx, there.shop_id, file)


@pytest.mark.parametrize("what", sorted(exports.LISTS))
def test_each_list_is_a_table_without_formulas(books: Books, what: str) -> None:
    live(books)
    with books.db.read() as tx:
        text = "".join(exports.lines(tx, books.shop_id, what))
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [key for key in rows[0] if not key] == [] if rows else what == "responses"
    if what == "entries":
        assert sum(int(row["points"]) for row in rows) == books.member(7).posted + books.member(8).posted
        assert "'=HYPERLINK(1)" in {row["note"] for row in rows}
        assert rows[0]["occurred_at"] == T0.isoformat(timespec="milliseconds")
    if what == "members":
        assert {row["customer_id"]: int(row["points"]) for row in rows} == {
            "7": books.member(7).posted,
            "8": books.member(8).posted,
        }
