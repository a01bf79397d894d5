"""The chapter on the survey: when the one question is asked, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugin.domain.programme.check import Problem, checking

if TYPE_CHECKING:
    from plugin.domain.programme.document import Programme


@dataclass(frozen=True, slots=True)
class Survey:
    """When the NPS question falls due after the last parcel, and until when it may be answered."""

    enabled: bool = True
    delay_days: int = 2
    valid_days: int = 30


def problems_of_survey(programme: Programme) -> list[Problem]:
    """What is wrong with the survey."""
    found, check = checking()
    check(0 <= programme.survey.delay_days <= 365, "survey.delay_days", "Choose 0 to 365 days.")
    check(1 <= programme.survey.valid_days <= 365, "survey.valid_days", "Choose 1 to 365 days.")
    return found
