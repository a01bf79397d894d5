"""Outgoing webhooks, from what was written: everything once, to whom it may concern, and nothing about the person."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, get_args

import pytest
from cryptography.fernet import Fernet

from plugin.channels.sealed import Sealer
from plugin.domain.ledger import Kind
from plugin.flows import outgoing as flow
from plugin.flows import surveys as survey_flow
from plugin.flows.outgoing import CannotListen, Secret
from plugin.store import events, outgoing, queues, surveys
from plugin.store.events import Event
from plugin.store.outgoing import Delivery
from plugin.store.surveys import Invitation
from tests.books import Books
from tests.facts import DAY, T0, seen

SEALER = Sealer([Fernet.generate_key().decode()])
URL = "https://example.com/hooks"


def listen(books: Books, *topics: str) -> Secret:
    with books.db.write(books.shop_id) as tx:
        return flow.listen(tx, books.shop, URL, topics, "staff:1", books.now, SEALER.seal)


def announce(books: Books) -> None:
    for _ in range(100):
        with books.db.write(books.shop_id) as tx:
            if not flow.announce(tx, books.shop, books.now):
                return
    raise AssertionError("it never comes to an end")


def told(books: Books) -> list[Delivery]:
    """Every delivery, the oldest first."""
    with books.db.read() as tx:
        return outgoing.deliveries(tx, books.shop_id, None, 1000)[::-1]


def types(books: Books) -> list[str]:
    return sorted(one.type for one in told(books))


def test_every_kind_of_entry_has_its_event() -> None:
    assert set(flow.OF_ENTRIES) == set(get_args(Kind))
    named = {*flow.OF_ENTRIES.values(), *flow.OF_TRAIL.values(), "survey.answered", "reward.issued"}
    assert named == set(flow.EVENTS)


def test_a_shop_without_an_endpoint_writes_nothing(books: Books) -> None:
    books.join(7)
    books.give(7, 500)
    books.tick()
    assert told(books) == []
    with books.db.read() as tx:
        assert outgoing.positions(tx, books.shop_id, 0) == {}


def test_an_endpoint_hears_of_what_happens_from_then_on_once(books: Books) -> None:
    books.join(7)
    books.tick()
    listen(books)
    announce(books)
    assert told(books) == []
    books.give(7, 500)
    books.tick()
    books.tick()
    (one,) = told(books)
    data = one.payload["data"]
    assert (one.type, data["points"], data["member_id"], data["kind"]) == (
        "points.adjusted",
        500,
        "7",
        "adjust",
    )
    assert one.event_id == f"entry-{data['entry_id']}"
    assert one.payload["timestamp"] == "2026-03-01T12:00:00Z"
    assert one.state == "waiting"


def test_points_tiers_codes_and_answers_are_told_and_nothing_personal(books: Books) -> None:
    listen(books)
    books.tell(seen(1, customer_id=7), confirmed=[1])
    books.join(7)
    books.give(7, 1000)
    code = books.redeem(7)
    books.made(code)
    with books.db.write(books.shop_id) as tx:
        surveys.invite(
            tx, books.shop_id, [Invitation(1, 7, "asked", "delivered", T0, T0, T0, None)], books.now
        )
        survey_flow.answer(
            tx, books.shop, 7, 1, 9, words="Sent to Anna Keller", locale="de", channel="panel", now=books.now
        )
        events.record(
            tx,
            books.shop_id,
            [Event(books.now, "system", "tier_changed", "member:7", {"from": None, "to": "silver"})],
        )
        events.record(
            tx,
            books.shop_id,
            [Event(books.now, "system", "referral_decided", "referral:5", {"accepted": True})],
        )
    books.tick()
    assert set(types(books)) >= {
        "points.earned", "points.adjusted", "points.spent", "reward.issued", "survey.answered", "tier.changed",
        "referral.decided",
    }  # fmt: skip
    by_type = {one.type: one.payload["data"] for one in told(books)}
    assert by_type["reward.issued"]["code"] == code.code
    assert by_type["survey.answered"] == {"order_id": "1", "member_id": "7", "score": 9, "channel": "panel"}
    assert by_type["referral.decided"] == {"referral_id": "5", "accepted": True}
    everything = json.dumps([one.payload for one in told(books)])
    assert "Anna" not in everything
    assert "Keller" not in everything


def test_a_changed_answer_is_told_again(books: Books) -> None:
    listen(books, "survey.answered")
    books.join(7)
    with books.db.write(books.shop_id) as tx:
        surveys.invite(
            tx, books.shop_id, [Invitation(1, 7, "asked", "delivered", T0, T0, T0, None)], books.now
        )
    for score in (3, 9):
        with books.db.write(books.shop_id) as tx:
            survey_flow.answer(
                tx, books.shop, 7, 1, score, words=None, locale=None, channel="link", now=books.now
            )
        books.tick()
        books.tick()
        books.now += timedelta(hours=20)
    assert [one.payload["data"]["score"] for one in told(books)] == [3, 9]


def test_only_what_was_asked_for(books: Books) -> None:
    listen(books, "points.spent", "points.expired")
    books.join(7)
    books.give(7, 200, ends=T0 + DAY)
    books.redeem(7)
    books.tick()
    books.now += 2 * DAY
    books.tick()
    books.tick()
    assert types(books) == ["points.expired", "points.spent"]


def test_more_than_a_slice_is_told_in_slices_and_nothing_twice(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "SLICE", 7)
    listen(books)
    books.join(7)
    for _ in range(40):
        books.give(7, 1)
    announce(books)
    assert types(books).count("points.adjusted") == 40
    announce(books)
    assert len(told(books)) == 41
    assert len({one.event_id for one in told(books)}) == 41


def test_what_a_slow_clock_wrote_earlier_is_told_all_the_same(books: Books) -> None:
    """Ids are made by several processes: one may be a little older than what was told already."""
    made = listen(books)
    books.join(7)
    books.give(7, 1)
    books.give(7, 2)
    announce(books)
    with books.db.write(books.shop_id) as tx:
        tx.run("DELETE FROM outbox WHERE shop_id = :s AND kind = 'webhook.deliver' AND payload LIKE '%\"points\":1,%'",
               s=books.shop_id)  # fmt: skip
    announce(books)
    assert sorted(one.payload["data"]["points"] for one in told(books)) == [1, 2, 50]
    assert made.endpoint.active


def test_two_endpoints_are_told_apart(books: Books) -> None:
    first, second = listen(books, "points.adjusted"), listen(books, "points.adjusted", "points.earned")
    books.join(7)
    books.give(7, 10)
    books.tick()
    counts = [one.endpoint_id for one in told(books)]
    assert counts.count(first.endpoint.endpoint_id) == 1
    assert counts.count(second.endpoint.endpoint_id) == 2


def test_switched_off_hears_nothing_and_on_again_from_then_on(books: Books) -> None:
    number = listen(books, "points.adjusted").endpoint.endpoint_id
    books.join(7)
    books.tick()

    def switch(active: bool) -> None:
        with books.db.write(books.shop_id) as tx:
            flow.change(tx, books.shop, number, URL, ("points.adjusted",), active, "staff:1", books.now)

    switch(False)
    books.give(7, 10)
    books.tick()
    switch(True)
    books.tick()
    books.give(7, 20)
    books.tick()
    assert [one.payload["data"]["points"] for one in told(books)] == [20]


def test_an_endpoint_that_is_removed_leaves_no_place_behind(books: Books) -> None:
    number = listen(books).endpoint.endpoint_id
    with books.db.write(books.shop_id) as tx:
        flow.forget(tx, books.shop, number, "staff:1", books.now)
    with books.db.read() as tx:
        assert outgoing.every(tx, books.shop_id) == []
        assert outgoing.positions(tx, books.shop_id, number) == {}


def test_a_secret_is_sealed_and_the_one_before_stays_for_a_day(books: Books) -> None:
    made = listen(books)
    with books.db.write(books.shop_id) as tx:
        turned = flow.rotate(tx, books.shop, made.endpoint.endpoint_id, "staff:1", books.now, SEALER.seal)
    with books.db.read() as tx:
        stored = outgoing.by_id(tx, books.shop_id, made.endpoint.endpoint_id)
    assert stored is not None
    assert stored.old_secret is not None
    assert (SEALER.open(stored.secret), SEALER.open(stored.old_secret)) == (turned.secret, made.secret)
    assert stored.old_until_at == books.now + timedelta(hours=24)
    assert made.secret.encode() not in stored.secret + stored.old_secret


def test_what_cannot_be_listened_to(books: Books, mallory: Books) -> None:
    with pytest.raises(CannotListen, match="from the list"):
        listen(books, "points.invented")
    theirs = listen(books).endpoint.endpoint_id
    calls: list[Any] = [
        lambda tx: flow.known(tx, mallory.shop, theirs),
        lambda tx: flow.forget(tx, mallory.shop, theirs, "staff:9", T0),
        lambda tx: flow.rotate(tx, mallory.shop, theirs, "staff:9", T0, SEALER.seal),
        lambda tx: flow.change(tx, mallory.shop, theirs, URL, (), False, "staff:9", T0),
    ]
    for call in calls:
        with books.db.write(mallory.shop_id) as tx, pytest.raises(CannotListen) as refused:
            call(tx)
        assert refused.value.status == 404
    for _ in range(flow.MAX_ENDPOINTS - 1):
        listen(books)
    with pytest.raises(CannotListen, match="at most 20"):
        listen(books)


def test_sent_again_by_another_shop_finds_nothing(books: Books, mallory: Books) -> None:
    listen(books, "points.earned")
    books.join(7)
    books.tick()
    (one,) = told(books)
    with books.db.write(mallory.shop_id) as tx, pytest.raises(CannotListen) as refused:
        flow.again(tx, mallory.shop, one.key, T0)
    assert refused.value.code == "no_such_delivery"
    with books.db.read() as tx:
        assert queues.open_effect(tx, books.shop_id, one.key)
