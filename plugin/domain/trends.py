"""Whether two periods really differ, so that a page never calls noise a trend."""

from __future__ import annotations

from math import sqrt

from plugin.domain.nps import Score, interval

_Z = 1.959964


def counts(now: int, before: int) -> int:
    """1 where there clearly were more events than in an equally long period before, -1 for fewer, else 0.

    Given their sum, each of two equal Poisson counts is binomial with one half (Przyborowski and Wilenski, 1940);
    normal approximation at 95 % with continuity correction.
    """
    gap = now - before
    return _sign(gap) if abs(gap) - 1 > _Z * sqrt(now + before) else 0


def scores(now: Score, before: Score) -> int:
    """1 where the score clearly rose, -1 where it fell, 0 where the answers cannot tell.

    Two independent scores differ when zero is outside the 95 % interval of their difference.
    """
    if not now.answers or not before.answers:
        return 0
    (a, half), (b, other) = (interval(one.promoters, one.detractors, one.answers) for one in (now, before))
    return _sign(a - b) if abs(a - b) > sqrt(half**2 + other**2) else 0


def _sign(gap: float) -> int:
    return (gap > 0) - (gap < 0)
