"""The budget of a shop: what is left grows with time, and a document waits for what it asked for last time."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.shopify.pace import UNKNOWN_COST, Pace
from tests.shopify.scripted import Time, cost


def test_a_shop_never_asked_waits_for_nothing() -> None:
    assert Pace().wait_s("dev-one.myshopify.com", "order") == 0


def test_waits_for_exactly_what_is_missing_and_less_as_time_goes_by() -> None:
    time = Time()
    pace = Pace(clock=time.now)
    pace.learn("a", "order", cost(requested=700, available=200, rate=100))
    assert pace.wait_s("a", "order") == pytest.approx(5.0)
    time.at += 2
    assert pace.wait_s("a", "order") == pytest.approx(3.0)
    time.at += 3
    assert pace.wait_s("a", "order") == 0
    assert pace.wait_s("b", "order") == 0


def test_a_bucket_never_holds_more_than_it_can() -> None:
    time = Time()
    pace = Pace(clock=time.now)
    pace.learn("a", "order", cost(requested=2500, available=2000, rate=100))
    time.at += 1000
    # dearer than the whole bucket: waiting longer would not help
    assert pace.wait_s("a", "order") == 0


def test_an_unknown_document_is_thought_to_be_cheap() -> None:
    pace = Pace(clock=Time().now)
    pace.learn("a", "order", cost(requested=700, available=0, rate=100))
    assert pace.wait_s("a", "tags_add") == pytest.approx(UNKNOWN_COST / 100)


@pytest.mark.parametrize("said", [None, {}, {"throttleStatus": None}, {"throttleStatus": {}}])
def test_an_answer_without_a_budget_teaches_nothing_dangerous(said: dict[str, Any] | None) -> None:
    pace = Pace(clock=Time().now)
    pace.learn("a", "order", said)
    assert pace.wait_s("a", "order") == 0
