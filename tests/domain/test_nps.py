"""The score and its interval: the published formula, its published examples, and the edges."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.nps import band, due_at, score
from plugin.domain.programme import Survey
from tests.facts import DAY, T0


@pytest.mark.parametrize(
    ("answer", "name"),
    [(0, "detractor"), (6, "detractor"), (7, "passive"), (8, "passive"), (9, "promoter"), (10, "promoter")],
)
def test_bands(answer: int, name: str) -> None:
    assert band(answer) == name
