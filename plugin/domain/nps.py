"""Net Promoter Score: what the answers say, and with how much certainty."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

ANSWER_CHANGE_HOURS = 24
REASONS = ("delivery", "product", "price", "service", "packaging", "customs")
MAX_REASONS = 3


@dataclass(frozen=True, slots=True)
class Score:
    """An NPS from -100 to 100 with its 95 % interval; all None without answers."""

    answers: int
    promoters: int
    passives: int
    detractors: int
    nps: float | None
    low: float | None
    high: float | None


def band(score: int) -> str:
    """promoter (9, 10), passive (7, 8) or detractor (0 to 6)."""
    return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"


def score(promoters: int, passives: int, detractors: int) -> Score:
    """The score and its adjusted-Wald 95 % interval.

    Adds 3 imaginary answers, ¾ promoter, 1½ passive, ¾ detractor, then takes the Wald interval of a trinomial
    difference: Jeff Sauro and James R. Lewis, "Quantifying the User Experience" (2nd ed.), and MeasuringU,
    "Confidence intervals for Net Promoter Scores" (2020), after Agresti and Min (2005).
    """
    answers = promoters + passives + detractors
    if answers == 0:
        return Score(0, 0, 0, 0, None, None, None)
    centre, half = interval(promoters, detractors, answers)
    nps = round(100 * (promoters - detractors) / answers, 1)
    low, high = centre - half, centre + half
    return Score(
        answers, promoters, passives, detractors, nps, max(-100.0, round(low, 1)), min(100.0, round(high, 1))
    )


def interval(promoters: int, detractors: int, answers: int) -> tuple[float, float]:
    """Middle and half width of the 95 % interval, in points of the score and not cut at -100 and 100."""
    n = answers + 3
    p = Fraction(4 * promoters + 3, 4 * n)
    d = Fraction(4 * detractors + 3, 4 * n)
    centre = p - d
    return 100 * float(centre), 100 * 1.959964 * sqrt((p + d - centre**2) / n)
