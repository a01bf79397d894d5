"""The versions of the programme, and how far work over all members or days has come."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from plugin.store.schema.columns import big_column, metadata, small_column, text_column

# Versions that were published to take effect later. state: 0 waiting, 1 in effect, 2 cancelled
schedules = Table(
    "schedules",
    metadata,
    big_column("shop_id"),
    big_column("version"),
    big_column("effective_at"),
    small_column("state"),
    PrimaryKeyConstraint("shop_id", "version", name="pk_schedules"),
)

programmes = Table(
    "programmes",
    metadata,
    big_column("shop_id"),
    big_column("version"),
    big_column("published_at"),
    text_column("actor"),
    text_column("document"),
    PrimaryKeyConstraint("shop_id", "version", name="pk_programmes"),
)

# What members did beside buying, each answered once. outcome: earned, refused, taken_back (by a merge)
actions = Table(
    "actions",
    metadata,
    big_column("shop_id"),
    text_column("rule"),
    text_column("external_id"),
    text_column("kind"),
    big_column("member_id"),
    big_column("occurred_at"),
    big_column("recorded_at"),
    text_column("outcome"),
    text_column("reason", null=True),
    big_column("points", default=0),
    big_column("entry_id", null=True),
    big_column("redemption_id", null=True),
    text_column("actor"),
    PrimaryKeyConstraint("shop_id", "rule", "external_id", name="pk_actions"),
)

Index("ix_actions_member", actions.c.shop_id, actions.c.member_id, actions.c.occurred_at)

# How far the clock has come with work that goes day by day, as the number of the day (its ordinal).
marks = Table(
    "marks",
    metadata,
    big_column("shop_id"),
    text_column("name"),
    big_column("day"),
    PrimaryKeyConstraint("shop_id", "name", name="pk_marks"),
)

# The merchant's trail: who did what, and what we skipped or refused and why. No personal data.
events = Table(
    "events",
    metadata,
    big_column("shop_id"),
    big_column("event_id"),
    big_column("at"),
    text_column("actor"),
    text_column("kind"),
    text_column("subject"),
    text_column("detail", default="{}"),
    PrimaryKeyConstraint("shop_id", "event_id", name="pk_events"),
)

Index("ix_events_at", events.c.shop_id, events.c.at)

# Orders counted again under another version, carried out by the clock along the primary key of orders.
corrections = Table(
    "corrections",
    metadata,
    big_column("shop_id"),
    big_column("correction_id"),
    big_column("since"),
    big_column("until"),
    big_column("version", null=True),
    text_column("actor"),
    big_column("created_at"),
    big_column("finished_at", null=True),
    big_column("at_order", default=0),
    big_column("orders", default=0),
    big_column("points", default=0),
    PrimaryKeyConstraint("shop_id", "correction_id", name="pk_corrections"),
)
