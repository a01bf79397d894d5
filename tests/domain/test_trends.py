"""A change is a change only when chance does not make one as large: by exact numbers and by simulation."""

from __future__ import annotations

import random
from math import comb

import pytest

from plugin.domain.nps import score
from plugin.domain.trends import counts, scores


def exact_p(now: int, before: int) -> float:
    """Two-sided p of the exact conditional test: binomial with one half."""
    n, least = now + before, min(now, before)
    return min(1.0, 2 * float(sum(comb(n, k) for k in range(least + 1))) / float(2**n))


@pytest.mark.parametrize("now", range(0, 60, 3))
@pytest.mark.parametrize("before", range(0, 60, 4))
def test_counts_against_the_exact_test(now: int, before: int) -> None:
    p = exact_p(now, before)
    if not 0.03 < p < 0.07:  # where approximation and exact test may part
        assert (counts(now, before) != 0) is (p < 0.05)
    assert counts(now, before) in (0, (now > before) - (now < before))
    assert counts(before, now) == -counts(now, before)


@pytest.mark.parametrize(
    ("now", "before", "said"), [(31, 38, 0), (5, 0, 0), (7, 0, 1), (0, 7, -1), (120, 80, 1), (0, 0, 0)]
)
def test_counts_a_merchant_may_see(now: int, before: int, said: int) -> None:
    assert counts(now, before) == said


def test_a_score_that_did_not_change_is_seldom_called_changed() -> None:
    chance = random.Random(7)
    called = 0
    for _ in range(1_000):
        now, before = (
            score(*(drawn.count(band) for band in "pnd"))
            for drawn in (
                chance.choices("pnd", (60, 25, 15), k=40),
                chance.choices("pnd", (60, 25, 15), k=50),
            )
        )
        called += scores(now, before) != 0
    assert called < 70, "about one in twenty"


def test_a_score_that_clearly_moved_is_seen() -> None:
    high, low = score(80, 10, 10), score(40, 20, 40)
    assert (scores(high, low), scores(low, high)) == (1, -1)
    assert scores(high, score(0, 0, 0)) == scores(score(0, 0, 0), low) == 0
    assert scores(score(2, 0, 0), score(0, 0, 2)) == 0, "four answers prove nothing"
