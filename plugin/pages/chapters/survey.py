"""The form of the chapter on the survey."""

from __future__ import annotations

from plugin.pages.chapters.form import Chapter, Field, Rows, Section

_DAYS = "days after"
_AS_DOMESTIC = "Empty: as domestic parcels"

SURVEY = Chapter(
    slug="survey",
    title="Survey",
    intro="One question after a parcel has really arrived: how likely is it that you would recommend us? Every "
    "question, asked or not and why, is listed under Surveys.",
    parts=(
        Section(
            "After the arrival",
            (
                Field("enabled", "The question is", "switch"),
                Field("delay_days", "Domestic parcels", suffix=_DAYS),
                Field("international_days", "Parcels abroad", suffix=_DAYS, empty=True, details=_AS_DOMESTIC),
                Field("pickup_days", "Fetched at a shop", suffix=_DAYS, empty=True, details=_AS_DOMESTIC),
                Field(
                    "local_days",
                    "Brought by your own delivery",
                    suffix=_DAYS,
                    empty=True,
                    details=_AS_DOMESTIC,
                ),
                Field(
                    "pos_days",
                    "Bought at the till",
                    suffix=_DAYS,
                    empty=True,
                    details="Empty: not asked about",
                ),
                Field(
                    "valid_days",
                    "Can be asked and answered for",
                    suffix="days",
                    details="A question that cannot be asked yet waits so long",
                ),
                Field("home", "Domestic countries", "words", details="Two letters each, such as CH, LI"),
                Field(
                    "pickup_methods",
                    "Shipping methods that are a pickup",
                    "words",
                    details="Their names at checkout, such as the name of your shop",
                ),
                Field("local_methods", "Shipping methods that are your own delivery", "words"),
            ),
            at="survey",
            intro="An order has arrived with its last parcel: when the carrier or Shopify says so.",
        ),
        Section(
            "When nobody reports the arrival",
            (
                Field(
                    "unreported",
                    "Such orders are",
                    "choice",
                    options=(("never", "Not asked about"), ("estimate", "Asked about by an estimate")),
                    details="From your own transit times: when four of five parcels of the carrier to the country had "
                    "arrived, once there are 20",
                ),
                Field("default_days", "Without transit times", suffix="days after sending"),
            ),
            at="survey",
            intro="The order is read once more before anybody is asked; a report that comes later moves the question.",
        ),
        Rows(
            "Countries with their own days",
            (
                Field("name", "Name", "text"),
                Field("countries", "Countries", "words", details="Two letters each, such as DE, AT"),
                Field("days", "Days after sending"),
            ),
            at="survey.assumed",
            noun="group",
            blank={"name": "", "countries": [], "days": 7},
            intro="For parcels to these countries without transit times.",
        ),
        Section(
            "Whom",
            (
                Field(
                    "quiet_days",
                    "Between two questions to a customer",
                    suffix="days",
                    details="About whatever order; 0 for no pause",
                ),
                Field(
                    "orders",
                    "Orders asked about",
                    "choice",
                    options=(("all", "All"), ("first", "A customer’s first"), ("every", "One of several")),
                ),
                Field("every", "One of", suffix="orders", details="The first, and then each so many-th"),
                Field("sample_new", "Of first orders", suffix="%", details="Drawn from the order’s number"),
                Field("sample_returning", "Of later orders", suffix="%"),
                Field(
                    "per_day", "At most a day", suffix="questions", empty=True, details="Empty for no limit"
                ),
                Field(
                    "consent_countries",
                    "By e-mail only to newsletter subscribers in",
                    "words",
                    details="Two letters each; the others are asked on your site",
                ),
            ),
            at="survey",
            intro="Left out: cancelled, refunded, returned and test orders, and customers who want no questions.",
        ),
        Rows(
            "Shares of tiers",
            (
                Field("name", "Name", "text"),
                Field("tier", "Tier", "choice", of="tiers"),
                Field("percent", "Of their orders", suffix="%"),
            ),
            at="survey.tier_samples",
            noun="share",
            blank={"name": "", "tier": "", "percent": 100},
            intro="Goes before the shares of first and later orders.",
        ),
        Section(
            "At which hours",
            (
                Field("from_hour", "From", suffix="o’clock", details="0 to 23"),
                Field("to_hour", "Until", suffix="o’clock", details="Up to 24"),
                Field(
                    "closed_days",
                    "Never on",
                    "words",
                    details="Every year as month-day, such as 12-25; once as year-month-day",
                ),
            ),
            at="survey",
            intro="By the clocks of the country that the parcel went to, else by yours.",
        ),
    ),
    beside=("/surveys/questions", "All questions, and why some are not asked"),
)
