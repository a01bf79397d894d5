"""Every movement has a sentence: each kind, each reason, each rule that ends points, and each event of expiry."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any, get_args

import pytest

from plugin.domain import expiry
from plugin.domain.ledger import Kind, Lot
from plugin.domain.programme import Expiry
from plugin.pages import explain
from plugin.store.events import Event
from plugin.store.history import HistoryLine
from tests.facts import T0
from tests.house.sources import ROOT


def line(kind: str, **why: Any) -> HistoryLine:
    return HistoryLine(1, kind, -10, T0, why, None, None)


def test_every_kind_has_a_title() -> None:
    assert set(explain.KINDS) == set(get_args(Kind))


def test_every_reason_that_the_code_gives_has_words() -> None:
    """Reasons are written as `"because": "x"`, or returned by why_nothing_counts."""
    given: set[str] = set()
    for path in (ROOT / "plugin").rglob("*.py"):
        given |= set(re.findall(r'"because": "(\w+)"', path.read_text(encoding="utf-8")))
    counting = (ROOT / "plugin/domain/earning/target.py").read_text(encoding="utf-8")
    nothing = counting.partition("def why_nothing_counts")[2].partition("\n\ndef ")[0].partition("\n\n@")[0]
    given |= set(re.findall(r'return "(\w+)"', nothing)) | {"undone", "undone_by_shop", "refunded"}
    # The first is never posted, because no entry stands before an order is seen; the second is of the trail.
    assert given - {"not_seen", "reinstalled"} <= set(explain._BECAUSE)


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ({"rule": "expiry"}, "Not spent in time."),
        ({"rule": "inactivity", "because": "inactive", "months": 6}, "6 months passed without activity."),
        ({"rule": "inactivity", "because": "inactive", "months": 1}, "1 month passed without activity."),
        ({"rule": "dates", "because": "closing_day"}, "The closing day of the programme had come."),
    ],
)
def test_the_merchant_reads_why_points_ran_out(why: dict[str, Any], said: str) -> None:
    assert explain.entry(line("expire", **why)) == said


def test_what_expiry_posts_is_what_is_explained() -> None:
    kinds = (Expiry("inactivity", months=6), Expiry("dates"))
    for kind in kinds:
        lot = Lot(1, 7, 10, 10, T0, T0)
        why = expiry.why(lot, expiry.Rule(kind, T0, UTC))
        assert explain.entry(line("expire", **why)) != "Not spent in time."


def test_a_chargeback_reads_as_one() -> None:
    why = {"rule": "purchase", "basis_minor": 0, "target": 0, "before": 100, "because": "disputed"}
    assert (
        explain.entry(line("clawback", **why)) == "The payment was disputed at the bank. It had earned 100."
    )


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("points_expiring", "5 points will expire on 2027-01-31."),
        ("points_extended", "5 points now last until 2027-01-31."),
        ("extension_begun", "Points that would expire before 2027-01-31 are to last until then."),
        ("extension_done", "An extension is done: 5 points last longer."),
    ],
)
def test_events_of_expiry_read_as_sentences(kind: str, said: str) -> None:
    detail: dict[str, object] = {"points": 5, "ends_at": "2027-01-31T22:59:59+00:00"}
    assert explain.event(Event(T0, "system", kind, "member:7", detail)) == said
