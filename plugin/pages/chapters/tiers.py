"""The form of the chapter on tiers."""

from __future__ import annotations

from plugin.pages.chapters.form import Chapter, Field, Rows, Section

TIERS = Chapter(
    slug="tiers",
    title="Tiers",
    intro="A member reaches a tier by points earned from orders. It multiplies what later orders earn.",
    parts=(
        Section(
            "How tiers are reached",
            (
                Field(
                    "tier_months",
                    "Counted over the last",
                    suffix="months",
                    details="Points earned in this time count for a tier",
                ),
            ),
        ),
        Rows(
            "The ladder",
            (
                Field("name", "Name", "text"),
                Field("threshold", "From", suffix="points"),
                Field("multiplier", "Earns", "ratio", details="2 doubles what an order earns"),
            ),
            at="tiers",
            noun="tier",
            blank={"name": "", "threshold": 0},
        ),
    ),
)
