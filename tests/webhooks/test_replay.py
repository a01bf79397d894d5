"""Replay: recorded webhooks go through the real intake and drain, signed anew, and every outcome is counted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from plugin.store.db import Database
from plugin.store.intake import IntakeWriter
from tests.books import Books
from tests.books_fixtures import books, installation, mallory, shared
from tests.webhooks.post import order
from webhooks.receive import Intake
from webhooks.replay import BadRecording, recorded, replay

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["books", "installation", "mallory", "shared"]
SECRET = "the-secret-of-this-installation"


def nothing_else(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Length", "0")])
    return ()


@pytest.fixture
def intake(shared: Database) -> Iterator[Intake]:
    writer = IntakeWriter(shared.url)
    yield Intake(nothing_else, writer, (SECRET,))
    writer.close()


def play(books: Books, intake: Intake, *records: dict[str, Any], shop: str | None = None) -> dict[str, Any]:
    # The intake stamps real time, and what is replayed is due at once.
    return replay(
        records, intake, books.db, SECRET, lambda: datetime.now(UTC) + timedelta(minutes=1), shop=shop
    )


def record(books: Books, topic: str, body: Any, **headers: str) -> dict[str, Any]:
    return {"topic": topic, "shop": books.shop.domain, "headers": headers, "body": body}


def test_every_outcome_is_counted(books: Books, intake: Intake) -> None:
    first = record(books, "orders/paid", order(1), **{"X-Shopify-Webhook-Id": "w1"})
    result = play(
        books,
        intake,
        first,
        first,
        record(books, "orders/paid", json.dumps(order(2))),
        record(books, "orders/paid", {}),
        record(books, "themes/publish", {}),
    )
    assert sum(result["received"].values()) == 5
    assert all(answer.startswith("200") for answer in result["received"])
    assert result["drained"] == {"done": 2, "skipped": 1, "parked": 1, "failed": 0}
    [parked] = result["parked"]
    assert (parked["shop"], parked["topic"]) == (books.shop.domain, "orders/paid")
    assert "`id`" in parked["reason"]
    assert books.points(7) == (0, 200, 0)
    assert books.audit() == []


def test_another_shop_may_stand_in(books: Books, intake: Intake) -> None:
    stranger = {**record(books, "orders/paid", order(1)), "shop": "recorded-elsewhere.myshopify.com"}
    play(books, intake, stranger, shop=books.shop.domain)
    assert books.points(7) == (0, 100, 0)


def test_what_was_missed_can_be_told_by_hand(books: Books, intake: Intake) -> None:
    """The lines of docs/webhooks.md for what no reconciliation finds."""
    books.join(9)
    for number, customer in ((1, 7), (2, 9)):
        play(books, intake, record(books, "orders/paid", order(number, customer)))
    merge = {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/7",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/9",
        "status": "success",
    }
    play(books, intake, record(books, "orders/delete", {"id": 1}), record(books, "customers/merge", merge))
    assert books.points(7) == (50, 100, 0)
    assert books.audit() == []


def test_again_changes_nothing(books: Books, intake: Intake) -> None:
    records = [record(books, "orders/paid", order(n)) for n in range(1, 4)]
    play(books, intake, *records)
    before = books.entries(7)
    play(books, intake, *records)
    assert books.entries(7) == before


def test_a_recording_is_read_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "recorded.jsonl"
    file.write_text(
        '{"topic": "orders/paid", "shop": "a", "body": {"id": 1}}\n\n{"topic": "t", "body": "x"}\n'
    )
    assert [line["topic"] for line in recorded(file)] == ["orders/paid", "t"]


@pytest.mark.parametrize(
    "line", ["{", "[]", "1", '{"shop": "a"}', '{"topic": 1, "body": {}}', '{"topic": "t"}', "[" * 90_000]
)
def test_a_line_that_is_no_webhook_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "recorded.jsonl"
    file.write_text('{"topic": "t", "body": {}}\n' + line + "\n")
    with pytest.raises(BadRecording, match=r"Line 2 of recorded\.jsonl"):
        list(recorded(file))
