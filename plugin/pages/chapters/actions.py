"""The form of the chapter on actions."""

from __future__ import annotations

from plugin.pages.chapters.form import Chapter, Field, Rows, Section
from plugin.pages.explain import ACTIONS as KINDS

ACTIONS = Chapter(
    slug="actions",
    title="Actions",
    intro="What a member does beside buying, and what it earns. Points for joining stand on the page Programme.",
    parts=(
        Rows(
            "Ways to earn",
            (
                Field("name", "Name", "text", details="What shoppers read, such as “Happy birthday”"),
                Field("kind", "What is rewarded", "choice", options=tuple(KINDS.items())),
                Field("points", "Points", details="0 where a reward is given instead"),
                Field("reward", "Or a reward", "text", empty=True, details="Its key, such as five_off"),
                Field("limit", "At most", suffix="times"),
                Field(
                    "period",
                    "per",
                    "choice",
                    options=(("day", "Day"), ("month", "Month"), ("year", "Year"), ("ever", "All time")),
                    details="Calendar days, months and years of your shop’s time zone",
                ),
                Field("delay_days", "Points can be spent after", suffix="days"),
                Field("url", "Address", "text", empty=True, details="Where it is done; a follow needs one"),
                Field("enabled", "Counts", "switch"),
            ),
            at="actions",
            noun="rule",
            blank={"name": "", "kind": "custom", "points": 0},
            intro="A survey earns the same for every score. A follow counts on the click, and shoppers are told so. "
            "Reviews and actions of your own are reported through the API by the key made from their first name.",
        ),
        Section(
            "Birthdays",
            (
                Field(
                    "birthday_notice_days",
                    "Earns when known",
                    suffix="days before",
                    details="A birthday that has passed or is nearer earns from the next year on",
                ),
            ),
        ),
    ),
)
