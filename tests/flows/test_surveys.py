"""Surveys flow: one question per order, dated by its last parcel, withdrawn in time, changeable for a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from plugin.domain.facts import OrderFact
from plugin.flows import surveys as flow
from plugin.flows.surveys import CannotAnswer
from plugin.store import surveys
from plugin.store.surveys import Response
from tests.books import Books
from tests.facts import DAY, T0, arrived, back, line, parcel, programme, refund, refunded, seen, sent


@pytest.fixture
def asked(books: Books) -> Books:
    """Order 1 of member 7 was delivered on day 3 and the question is on show since day 5."""
    books.join(7)
    books.tell(seen(1), sent(1, parcel()), arrived(1, at=T0 + 3 * DAY))
    books.now = T0 + 5 * DAY
    books.tick()
    return books


def answer(
    books: Books,
    score: int,
    words: str | None = None,
    *,
    member_id: int = 7,
    order_id: int = 1,
    reasons: tuple[str, ...] = (),
    contact_ok: bool | None = None,
) -> Response:
    with books.db.write(books.shop_id) as tx:
        return flow.answer(
            tx,
            books.shop,
            member_id,
            order_id,
            score,
            words=words,
            locale="de",
            channel="panel",
            now=books.now,
            reasons=reasons,
            contact_ok=contact_ok,
        )


def refusal(books: Books, score: int = 9, *, member_id: int = 7, order_id: int = 1) -> str:
    with pytest.raises(CannotAnswer) as refused:
        answer(books, score, member_id=member_id, order_id=order_id)
    return refused.value.code


def state(books: Books, order_id: int = 1) -> str | None:
    found = books.invitation(order_id)
    return None if found is None else found.state


def test_the_question_waits_for_the_last_parcel(books: Books) -> None:
    books.tell(seen(1, line(1), line(2)), sent(1, parcel(1, ((1, 1),))), arrived(1, 1, T0 + 2 * DAY))
    assert state(books) is None
    books.tell(sent(1, parcel(2, ((2, 1),))), arrived(1, 2, T0 + 6 * DAY))
    found = books.invitation(1)
    assert found is not None
    assert (found.state, found.due_at, found.basis) == ("waiting", T0 + 8 * DAY, "delivered")


def test_it_is_asked_once_when_due_and_shown_to_the_storefront(asked: Books) -> None:
    assert state(asked) == "asked"
    assert asked.stands(7).due_survey == 1
    assert "member:7:mirror" in asked.effects()
    asked.tell(seen(1, at=T0 + 6 * DAY), arrived(1, at=T0 + 2 * DAY))
    found = asked.invitation(1)
    assert found is not None
    assert (found.state, found.delivered_at) == ("asked", T0 + 3 * DAY)


def test_an_assumed_delivery_asks_nobody(books: Books) -> None:
    books.tell(seen(1), sent(1, parcel()))
    assert state(books) is None


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        pytest.param(refunded(1, refund(1, back(1, 1, 10_000), paid=10_000)), "withdrawn", id="all lines"),
        pytest.param(refunded(1, refund(1, paid=10_000)), "withdrawn", id="all money"),
        pytest.param(refunded(1, refund(1, paid=5_000)), "kept", id="half"),
        pytest.param(seen(1, at=T0 + 4 * DAY, cancelled_at=T0 + 4 * DAY), "withdrawn", id="cancelled"),
    ],
)
@pytest.mark.parametrize("when", ["waiting", "asked"])
def test_a_full_refund_before_the_answer_withdraws_it(
    books: Books, fact: OrderFact, expected: str, when: str
) -> None:
    books.tell(seen(1), sent(1, parcel()), arrived(1, at=T0 + 3 * DAY))
    if when == "asked":
        books.now = T0 + 5 * DAY
        books.tick()
    books.tell(fact)
    assert state(books) == (when if expected == "kept" else "withdrawn")
    books.now = T0 + 9 * DAY
    books.tick()
    assert state(books) == ("asked" if expected == "kept" else "withdrawn")


def test_a_refund_after_the_answer_keeps_it(asked: Books) -> None:
    answer(asked, 3, "it broke")
    asked.tell(refunded(1, refund(1, paid=10_000)))
    assert state(asked) == "answered"
    assert asked.rows("SELECT score, words FROM responses WHERE shop_id = :s") == [(3, "it broke")]


def test_a_parcel_that_was_cancelled_after_all_takes_the_question_along(books: Books) -> None:
    books.tell(seen(1), sent(1, parcel()), arrived(1, at=T0 + 3 * DAY))
    assert state(books) == "waiting"
    books.tell(sent(1, parcel(at=T0 + 4 * DAY, status="cancelled")))
    assert state(books) == "withdrawn"
    books.tell(sent(1, parcel(2, at=T0 + 5 * DAY)), arrived(1, 2, T0 + 8 * DAY))
    found = books.invitation(1)
    assert found is not None
    assert (found.state, found.due_at) == ("waiting", T0 + 10 * DAY)


def test_something_more_to_come_postpones_a_question_not_yet_asked(books: Books) -> None:
    books.tell(seen(1), sent(1, parcel()), arrived(1, at=T0 + 3 * DAY))
    books.tell(seen(1, line(), line(2), at=T0 + 4 * DAY))
    books.now = T0 + 6 * DAY
    books.tick()
    assert state(books) == "withdrawn"
    books.tell(sent(1, parcel(2, ((2, 1),), at=T0 + 6 * DAY)), arrived(1, 2, T0 + 9 * DAY))
    found = books.invitation(1)
    assert found is not None
    assert (found.state, found.due_at) == ("waiting", T0 + 11 * DAY)


def test_something_more_to_come_leaves_a_question_that_is_on_show(asked: Books) -> None:
    asked.tell(seen(1, line(), line(2), at=T0 + 6 * DAY))
    assert state(asked) == "asked"


def test_an_answer_is_dated_once_and_changeable_for_a_day(asked: Books) -> None:
    first = answer(asked, 6, "  slow  ")
    assert (first.answered_at, first.words, state(asked)) == (T0 + 5 * DAY, "slow", "answered")
    asked.now += timedelta(hours=23, minutes=59)
    better = answer(asked, 9)
    assert (better.score, better.words, better.answered_at) == (9, "slow", T0 + 5 * DAY)
    assert better.changed_at == asked.now
    asked.now += timedelta(minutes=1)
    assert refusal(asked) == "closed"
    assert asked.stands(7).due_survey is None
    assert "response:1:mirror" in asked.effects("response.mirror")


def test_what_is_no_answer(asked: Books, mallory: Books) -> None:
    assert refusal(asked, 11) == "bad_score"
    assert refusal(asked, -1) == "bad_score"
    assert refusal(asked, member_id=8) == "no_such_survey"
    assert refusal(asked, order_id=99) == "no_such_survey"
    assert refusal(mallory) == "no_such_survey"  # the same order number in another shop
    assert len(answer(asked, 0, "x" * 9_000).words or "") == 5_000


def test_too_early_and_too_late(books: Books) -> None:
    books.join(7)
    books.tell(seen(1), sent(1, parcel()), arrived(1, at=T0 + 3 * DAY))
    books.now = T0 + 4 * DAY
    books.tick()
    assert refusal(books) == "not_due"
    books.now = T0 + 5 * DAY
    books.tick()
    books.now = T0 + 35 * DAY
    books.tick()
    assert state(books) == "asked"
    books.now += DAY
    books.tick()
    assert state(books) == "missed"
    assert refusal(books) == "withdrawn"


def test_a_programme_without_a_survey_asks_nobody(books: Books) -> None:
    quiet = programme()
    books.publish(programme(survey=type(quiet.survey)(enabled=False)))
    books.tell(seen(1, processed_at=books.now), sent(1, parcel()), arrived(1))
    books.now = T0 + 30 * DAY
    books.tick()
    assert state(books) is None


def test_reasons_and_the_leave_to_write_back_stay_when_a_later_step_leaves_them_open(asked: Books) -> None:
    assert answer(asked, 3).contact_ok is None  # a half-finished answer is kept
    stored = answer(asked, 3, reasons=("delivery", "customs"), contact_ok=True)
    assert (stored.reasons, stored.contact_ok) == (("delivery", "customs"), True)
    stored = answer(asked, 3, "Three weeks.")
    assert (stored.reasons, stored.contact_ok, stored.words) == (
        ("delivery", "customs"),
        True,
        "Three weeks.",
    )
    assert answer(asked, 3, contact_ok=False).contact_ok is False


@pytest.mark.parametrize(
    "reasons", [("weather",), ("price", "price"), ("delivery", "product", "price", "service")]
)
def test_a_reason_that_is_not_on_the_list_twice_or_one_too_many_is_refused(
    asked: Books, reasons: tuple[str, ...]
) -> None:
    with pytest.raises(CannotAnswer) as refused:
        answer(asked, 3, reasons=reasons)
    assert refused.value.code == "bad_reasons"
    with asked.db.read() as tx:
        assert surveys.response(tx, asked.shop_id, 1) is None
