"""What others get wrong about moving: addresses in capitals, tiers left behind, a list counted twice, settings lost."""

from __future__ import annotations

import csv
import io
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from plugin.domain.facts import CustomerFact, CustomerSeen
from plugin.domain.programme import OrderRules, Tier
from plugin.flows import imports as flow
from plugin.flows.programme_documents import UnreadableProgramme, read, written
from plugin.pages import uploads
from plugin.store import exports, imports
from plugin.store.imports import Import
from tests.books import Books
from tests.facts import T0, programme


def look(books: Books, text: str) -> Import:
    """The dry run."""
    return uploads.look_at(
        books.db, books.shop, text.encode(), "list.csv", purpose="members", policy="add", app=None, reason=None,
        actor="staff:5", now=books.now,
    )  # fmt: skip


def run(books: Books, text: str) -> Import:
    one = look(books, text)
    with books.db.write(books.shop_id) as tx:
        flow.begin(tx, books.shop, one.import_id, "staff:5", books.now)
    books.tick()
    with books.db.read() as tx:
        found = imports.by_id(tx, books.shop_id, one.import_id)
    assert found is not None
    return found


@pytest.fixture
def anna(books: Books) -> Books:
    """Member 7 with 50 points, whose address the shop writes with capitals."""
    books.join(7)
    books.people(CustomerSeen(CustomerFact(7, T0, email="Anna.K@Example.com")))
    return books


@pytest.mark.parametrize("email", ["anna.k@example.com", "ANNA.K@EXAMPLE.COM", " Anna.K@Example.com "])
def test_import_finds_an_address_however_it_is_written(anna: Books, email: str) -> None:
    """Capitals make nobody another person, and the same list twice gives nothing twice."""
    for _ in range(2):
        run(anna, f"email,points\n{email},100\n")
    assert anna.points(7) == (150, 0, 0)
    assert anna.entries(7) == [("signup", 50), ("import", 100)]
    assert anna.audit() == []


def test_import_says_before_it_acts_and_line_by_line(anna: Books) -> None:
    """The dry run moves nothing, counts what would, and gives each faulty line with its sentence."""
    one = look(anna, "email,points,vip tier\nanna.k@example.com,10,Silver\nnobody,1,\n,-4,\n")
    assert (one.foreseen["rows"], one.foreseen["points_in"], one.foreseen["tiers"]) == (3, 10, 1)
    assert one.foreseen["rejected"] == 2
    anna.tick()
    assert anna.points(7) == (50, 0, 0)
    with anna.db.read() as tx:
        told = [(line, problem) for line, _, problem in imports.problems(tx, anna.shop_id, one.import_id)]
    assert [line for line, _ in told] == [3, 4]
    assert told[0][1] == "“nobody” is no e-mail address."


def test_import_is_no_earning_of_that_day(anna: Books) -> None:
    """Points that move in lift nobody's tier by the day of the move, and are marked as moved in."""
    run(anna, "email,points\nanna.k@example.com,5000\n")
    anna.tick()
    assert anna.member(7).tier == "bronze"
    assert anna.member(7).earned == 50


def test_export_holds_tiers_and_movements(anna: Books, tmp_path: Path) -> None:
    """Everything goes along without asking anybody: members with tier and balance, and each movement with its why."""
    run(anna, "email,points,vip tier\nanna.k@example.com,100,Silver\n")
    anna.redeem(7)
    with anna.db.read() as tx:
        [row] = csv.DictReader(io.StringIO("".join(exports.lines(tx, anna.shop_id, "members"))))
    with anna.db.read() as tx:
        exports.write_shop(tx, anna.shop_id, tmp_path / "shop.db")
    assert "silver" in row.values()
    assert "50" in row.values()
    with sqlite3.connect(tmp_path / "shop.db") as copy:
        moved = copy.execute("SELECT kind, points FROM entries ORDER BY entry_id").fetchall()
    assert moved == [("signup", 50), ("import", 100), ("redeem", -100)]


@pytest.mark.parametrize("form", ["json", "toml"])
def test_move_a_program_to_another_store_as_a_document(form: str) -> None:
    """Settings go along whole; a document of a newer version is refused by the field it does not know."""
    rules = programme(
        tiers=(Tier("bronze", "Bronze", 0), Tier("gold", "Gold", 900, retain=100)),
        orders=OrderRules(minimum_minor=500, excluded_tags=("staff",)), expiry_months=None,
    )  # fmt: skip
    text = written(rules, form)
    assert read(text.encode(), "CHF") == replace(rules, version=0)
    newer = text.replace("signup_points", "signup_stars")
    with pytest.raises(UnreadableProgramme) as refused:
        read(newer.encode(), "CHF")
    assert any("signup_stars" in where for where, _ in refused.value.problems)
