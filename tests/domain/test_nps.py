"""The score and its interval: the published formula, its published examples, and the edges."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.nps import Score, band, score


@pytest.mark.parametrize(
    ("answer", "name"),
    [(0, "detractor"), (6, "detractor"), (7, "passive"), (8, "passive"), (9, "promoter"), (10, "promoter")],
)
def test_bands(answer: int, name: str) -> None:
    assert band(answer) == name


def test_the_interval_against_the_published_formula_in_decimals() -> None:
    # 60 promoters, 20 passives, 20 detractors. n' = 103, p' = 60.75/103 = 0.589806, d' = 20.75/103 = 0.201456,
    # p' - d' = 0.388350, var = p' + d' - 0.388350^2 = 0.640446, se = sqrt(0.640446/103) = 0.0788537,
    # 1.959964 x se = 0.154550: 38.835 ± 15.455.
    found = score(60, 20, 20)
    assert found == Score(100, 60, 20, 20, 40.0, 23.4, 54.3)
    # The width that a merchant may expect at this split (n = 100: about ± 15.5).
    assert found.high is not None
    assert found.low is not None
    assert abs((found.high - found.low) / 2 - 15.45) < 0.06


@pytest.mark.parametrize(
    ("promoters", "passives", "detractors", "nps"),
    [(1, 0, 0, 100.0), (0, 1, 0, 0.0), (0, 0, 1, -100.0), (1, 1, 1, 0.0), (2, 0, 1, 33.3), (0, 500, 0, 0.0)],
)
def test_few_answers_are_uncertain_but_never_absurd(
    promoters: int, passives: int, detractors: int, nps: float
) -> None:
    found = score(promoters, passives, detractors)
    assert found.nps == nps
    assert found.low is not None
    assert found.high is not None
    assert -100 <= found.low < found.high <= 100


def test_no_answer_has_no_score() -> None:
    assert score(0, 0, 0) == Score(0, 0, 0, 0, None, None, None)


counts = st.integers(0, 2_000)


@given(counts, counts, counts)
def test_the_interval_is_the_adjusted_wald_one(promoters: int, passives: int, detractors: int) -> None:
    found = score(promoters, passives, detractors)
    answers = promoters + passives + detractors
    if not answers:
        return
    n = answers + 3.0
    p, d = (promoters + 0.75) / n, (detractors + 0.75) / n
    half = 1.959964 * sqrt((p + d - (p - d) ** 2) / n)
    assert found.nps == pytest.approx(100 * (promoters - detractors) / answers, abs=0.051)
    assert found.low == pytest.approx(max(-100.0, 100 * (p - d - half)), abs=0.051)
    assert found.high == pytest.approx(min(100.0, 100 * (p - d + half)), abs=0.051)


@given(counts, counts, counts)
def test_the_mirror_image_has_the_mirrored_score(promoters: int, passives: int, detractors: int) -> None:
    one, other = score(promoters, passives, detractors), score(detractors, passives, promoters)
    if one.low is not None and one.high is not None and one.nps is not None:
        assert (other.nps, other.low, other.high) == (-one.nps, -one.high, -one.low)
