"""The delivery of outgoing webhooks: retried with longer pauses, parked, sent again, and never in anybody's way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import NoReturn

import pytest
import responses

from plugin.channels.outgoing import Sender, signed_by
from plugin.flows import outgoing as flow
from plugin.store import outgoing, queues
from plugin.store.outgoing import Delivery
from plugin.store.queues import Effect
from plugin.worker.effects import Bench, perform_due
from plugin.worker.outgoing import LEFT_ALONE, PAUSES
from tests.books import Books
from tests.books_fixtures import books, installation, mallory, shared
from tests.channels.test_addresses import looked_up
from tests.flows.test_outgoing import SEALER, URL, listen, told

__all__ = ["books", "installation", "mallory", "shared"]
OTHER = "https://other.example.org/hooks"


class Away:
    """The platform is away; other programs do not need it."""

    def of(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("no delivery needs the platform")


@pytest.fixture
def bench(books: Books) -> Bench:
    return Bench(
        books.db, Away(), lambda: books.now, sender=Sender(), sealer=SEALER, real_s=lambda: 1_700_000_000.0
    )


@pytest.fixture(autouse=True)
def outside() -> Iterator[responses.RequestsMock]:
    """The other programs."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def something_happens(books: Books, count: int = 1) -> list[Delivery]:
    """Points are given, and what listens is told; the effects of the platform are out of the way."""
    for _ in range(count):
        books.give(7, 5)
    books.tick()
    with books.db.write(books.shop_id) as tx:
        tx.run("DELETE FROM outbox WHERE shop_id = :s AND kind <> 'webhook.deliver'", s=books.shop_id)
    return told(books)


def work(bench: Bench, books: Books) -> int:
    return perform_due(bench, books.shop_id)


def test_delivered_signed_and_marked(books: Books, bench: Bench, outside: responses.RequestsMock) -> None:
    books.join(7)
    secret = listen(books, "points.adjusted").secret
    something_happens(books)
    outside.post(URL, status=200)
    assert work(bench, books) == 1
    (one,) = told(books)
    assert (one.state, one.attempts, one.reason) == ("delivered", 1, None)
    sent = outside.calls[0].request
    body = sent.body
    assert isinstance(body, bytes)
    assert json.loads(body)["type"] == "points.adjusted"
    assert set(json.loads(body)) == {"type", "timestamp", "data"}
    assert sent.headers["webhook-id"] == one.event_id
    assert signed_by(secret, one.event_id, sent.headers["webhook-timestamp"], sent.headers["webhook-signature"],
                     body, 1_700_000_000)  # fmt: skip
    assert work(bench, books) == 0


def test_a_new_secret_signs_beside_the_one_before_for_a_day(
    books: Books, bench: Bench, outside: responses.RequestsMock
) -> None:
    books.join(7)
    made = listen(books, "points.adjusted")
    with books.db.write(books.shop_id) as tx:
        flow.rotate(tx, books.shop, made.endpoint.endpoint_id, "staff:1", books.now, SEALER.seal)
    outside.post(URL, status=200)
    for hours, count in ((0, 2), (25, 1)):
        books.now += timedelta(hours=hours)
        something_happens(books)
        work(bench, books)
        assert len(outside.calls[-1].request.headers["webhook-signature"].split(" ")) == count


def test_retried_with_longer_pauses_then_parked_then_sent_again(
    books: Books, bench: Bench, outside: responses.RequestsMock
) -> None:
    books.join(7)
    listen(books, "points.adjusted")
    something_happens(books)
    outside.post(URL, status=500)
    tries = []
    for _ in range(60):
        before = len(outside.calls)
        work(bench, books)
        if len(outside.calls) > before:
            tries.append(books.now)
        (one,) = told(books)
        if one.state == "parked":
            break
        books.now = max(books.now + timedelta(seconds=1), one.due_at)
    assert len(tries) == queues.MAX_ATTEMPTS
    assert [later - earlier for earlier, later in pairwise(tries)] == list(PAUSES)
    (one,) = told(books)
    assert one.reason == "endpoint_failed: HTTP 500"
    outside.reset()
    outside.post(URL, status=204)
    with books.db.write(books.shop_id) as tx:
        flow.again(tx, books.shop, one.key, books.now)
    work(bench, books)
    (one,) = told(books)
    assert (one.state, one.reason) == ("delivered", None)


def test_what_was_delivered_can_be_sent_again(
    books: Books, bench: Bench, outside: responses.RequestsMock
) -> None:
    books.join(7)
    listen(books, "points.adjusted")
    (one,) = something_happens(books)
    outside.post(URL, status=200)
    work(bench, books)
    with books.db.write(books.shop_id) as tx:
        flow.again(tx, books.shop, one.key, books.now)
        flow.again(tx, books.shop, one.key, books.now)
    work(bench, books)
    ids = [call.request.headers["webhook-id"] for call in outside.calls]
    assert ids == [one.event_id, one.event_id]


def test_one_call_finds_out_whether_a_failing_endpoint_is_back(
    books: Books, bench: Bench, outside: responses.RequestsMock
) -> None:
    books.join(7)
    listen(books, "points.adjusted")
    something_happens(books, 12)
    outside.post(URL, status=503)
    work(bench, books)
    assert len(outside.calls) == 1
    assert {one.attempts for one in told(books)} == {0, 1}
    outside.reset()
    outside.post(URL, status=200)
    books.now += LEFT_ALONE
    for _ in range(3):
        work(bench, books)
    assert {one.state for one in told(books)} == {"delivered"}


def test_a_failing_endpoint_keeps_no_other_waiting(
    books: Books, bench: Bench, outside: responses.RequestsMock
) -> None:
    books.join(7)
    listen(books, "points.adjusted")
    with books.db.write(books.shop_id) as tx:
        other = flow.listen(tx, books.shop, OTHER, ["points.adjusted"], "staff:1", books.now, SEALER.seal)
    something_happens(books, 5)
    outside.post(URL, status=500)
    outside.post(OTHER, status=200)
    work(bench, books)
    states = {(one.endpoint_id, one.state) for one in told(books)}
    assert (other.endpoint.endpoint_id, "delivered") in states
    assert (other.endpoint.endpoint_id, "waiting") not in states


def test_the_shops_own_work_comes_first(books: Books, bench: Bench, outside: responses.RequestsMock) -> None:
    books.join(7)
    listen(books, "points.adjusted")
    something_happens(books, 3)
    outside.post(URL, status=200)
    ticks = iter(range(0, 1000, 2))
    order: list[str] = []

    class Clients:
        def of(self, *_: object, **__: object) -> NoReturn:
            order.append(f"platform after {len(outside.calls)} calls")
            raise AssertionError("enough")

    with books.db.write(books.shop_id) as tx:
        queues.enqueue(tx, books.shop_id, [Effect("shop:digest", "shop.digest", {})], books.now)
    slow = replace(bench, clients=Clients(), elapsed=lambda: float(next(ticks)))
    perform_due(slow, books.shop_id)
    assert order == ["platform after 0 calls"]
    # The slice of time ends before all is sent, and what is left is given back untried.
    assert 0 < len(outside.calls) < 3
    assert {one.attempts for one in told(books)} == {0, 1}
    for _ in range(3):
        work(bench, books)
    assert {one.state for one in told(books)} == {"delivered"}


def test_gone_switches_the_endpoint_off(books: Books, bench: Bench, outside: responses.RequestsMock) -> None:
    books.join(7)
    number = listen(books, "points.adjusted").endpoint.endpoint_id
    something_happens(books, 2)
    outside.post(URL, status=410)
    work(bench, books)
    work(bench, books)
    assert len(outside.calls) == 1
    with books.db.read() as tx:
        found = outgoing.by_id(tx, books.shop_id, number)
    assert found is not None
    assert not found.active
    assert sorted(str(one.reason) for one in told(books)) == ["endpoint_gone: HTTP 410", "endpoint_off"]


def test_what_was_on_its_way_to_a_removed_endpoint_is_dropped(
    books: Books, bench: Bench, outside: responses.RequestsMock
) -> None:
    books.join(7)
    number = listen(books, "points.adjusted").endpoint.endpoint_id
    something_happens(books)
    with books.db.write(books.shop_id) as tx:
        flow.forget(tx, books.shop, number, "staff:1", books.now)
    work(bench, books)
    assert [one.reason for one in told(books)] == ["endpoint_off"]
    assert len(outside.calls) == 0


def test_a_name_that_came_to_lead_inside_is_not_called(books: Books, bench: Bench, monkeypatch: pytest.MonkeyPatch,
                                                       outside: responses.RequestsMock) -> None:  # fmt: skip
    books.join(7)
    listen(books, "points.adjusted")
    something_happens(books)
    outside.add_passthru(re.compile("https://example.com/.*"))
    looked_up(monkeypatch, "10.0.0.1")
    work(bench, books)
    (one,) = told(books)
    assert (one.state, str(one.reason).split(":")[0]) == ("waiting", "endpoint_forbidden")
