"""The form of the chapter on referrals."""

from __future__ import annotations

from plugin.pages.chapters.form import Chapter, Field, Section

_SCORE = "Added to the score; 0 switches it off"

REFERRAL = Chapter(
    slug="referral",
    title="Referrals",
    intro="A member shares a link; a friend buys for the first time; both get something. Every order that came by a "
    "link is listed under Referrals, whatever became of it.",
    parts=(
        Section(
            "What each side gets",
            (
                Field("enabled", "Referrals are", "switch"),
                Field(
                    "friend.kind",
                    "The friend gets",
                    "choice",
                    options=(
                        ("amount_off", "An amount off"),
                        ("percent_off", "A percentage off"),
                        ("free_shipping", "Free shipping"),
                    ),
                    details="As a code that works once for each customer, made when a member first asks for the link",
                ),
                Field(
                    "friend.value_minor",
                    "Worth",
                    "money",
                    empty=True,
                    details="Of free shipping: the most it pays, empty for any. Codes that are out keep their worth",
                ),
                Field("friend.percent", "Or percent", suffix="%", details="0 where it is not a percentage"),
                Field("friend.minimum_minor", "On orders of at least", "money", empty=True),
                Field(
                    "points", "The member gets", suffix="points", details="0 where a reward is given instead"
                ),
                Field("reward", "Or a reward", "text", empty=True, details="Its key, such as five_off"),
            ),
            at="referral",
        ),
        Section(
            "When it counts",
            (
                Field("minimum_minor", "The friend’s order is worth at least", "money"),
                Field(
                    "delay_days",
                    "The member’s reward comes after delivery and",
                    empty=True,
                    suffix="days",
                    details="Empty: as long as the return window",
                ),
                Field("cap", "At most", empty=True, suffix="friends", details="Empty: as many as come"),
                Field(
                    "cap_period",
                    "per",
                    "choice",
                    options=(("month", "Month"), ("year", "Year"), ("ever", "All time")),
                    details="Calendar months and years of your shop’s time zone",
                ),
            ),
            at="referral",
        ),
        Section(
            "Against abuse",
            (
                Field(
                    "review_score", "You decide from a score of", details="Nothing is given before you say so"
                ),
                Field("reject_score", "Refused from a score of", details="Until you say otherwise"),
                Field("checks.same_customer", "The friend is the member", details=_SCORE),
                Field(
                    "checks.same_email", "Same e-mail address", details="But for dots and what follows a plus"
                ),
                Field("checks.same_phone", "Same phone number"),
                Field("checks.same_address", "Same shipping address"),
                Field("checks.device", "Same device"),
                Field("checks.device_limit", "Same device counts from", suffix="others"),
                Field("checks.network", "Same network", details="A family or an office shares one, too"),
                Field("checks.network_limit", "Same network counts from", suffix="others"),
                Field("checks.prior_purchase", "The friend had bought before"),
                Field("checks.cancelled", "Orders cancelled or sent back"),
                Field("checks.cancelled_limit", "Sent back counts from", suffix="orders"),
            ),
            at="referral",
            intro="Each sign adds to the score of a referral. Phone, address, device and network are kept as keyed "
            "hashes for 90 days and never as they are.",
        ),
    ),
)
