"""The form of the chapter on expiry."""

from __future__ import annotations

from plugin.pages.chapters.form import Chapter, Field, Section

EXPIRY = Chapter(
    slug="expiry",
    title="Expiry",
    intro="Unspent points may run out: each so long after it could be spent, the whole balance when a member is not "
    "active, or on fixed days of the year. Whatever you choose, what expires first is spent first.",
    parts=(
        Section(
            "Points of their own",
            (
                Field(
                    "expiry_months",
                    "Points run out after",
                    suffix="months",
                    empty=True,
                    details="From when they can be spent. Leave empty for never",
                ),
            ),
            intro="Points keep the end they were promised: a change here is for points of new orders.",
        ),
        Section(
            "The whole balance",
            (
                Field(
                    "balance",
                    "The balance runs out",
                    "choice",
                    options=(
                        ("never", "Never"),
                        ("inactivity", "When a member is not active"),
                        ("dates", "On fixed days of the year"),
                    ),
                ),
                Field("months", "Months without activity", suffix="months"),
                Field(
                    "activity",
                    "Activity is",
                    "choice",
                    options=(("any", "Earning or spending points"), ("earning", "Earning points")),
                ),
                Field(
                    "dates",
                    "Days of the year",
                    "words",
                    details="Month-day, such as 12-31, with commas between. Points run out at the end of the day, "
                    "in your time zone",
                ),
                Field(
                    "least_months",
                    "Points stay at least",
                    suffix="months",
                    details="Younger points wait for the next of these days",
                ),
            ),
            at="expiry",
            intro="This holds for all points at once, also those earned before. Whenever you switch it on or make it "
            "stricter, nobody's points run out sooner than one full period from that day: the months you chose, "
            "or a year for fixed days.",
        ),
        Section(
            "Reminders",
            (
                Field(
                    "first_days", "First reminder", suffix="days before", empty=True, details="Empty for none"
                ),
                Field(
                    "last_days", "Last reminder", suffix="days before", empty=True, details="Empty for none"
                ),
            ),
            at="expiry",
            intro="They are noted under Activity and told to the systems that you connect.",
        ),
    ),
)
