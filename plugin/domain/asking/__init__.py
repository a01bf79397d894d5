"""Asking: when an order has arrived, when its question falls due, and which of the due questions are asked now."""

from __future__ import annotations

from plugin.domain.asking.arrived import REPORTED, Came, Transits, came, transits_of, way_of, why_not
from plugin.domain.asking.moment import due_at, waking, zones_of
from plugin.domain.asking.plan import FINAL, Due, Verdict, counts_turns, may_mail, plan, sampled

__all__ = [
    "FINAL",
    "REPORTED",
    "Came",
    "Due",
    "Transits",
    "Verdict",
    "came",
    "counts_turns",
    "due_at",
    "may_mail",
    "plan",
    "sampled",
    "transits_of",
    "waking",
    "way_of",
    "why_not",
    "zones_of",
]
