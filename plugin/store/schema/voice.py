"""The question after a delivery: invitations, how long parcels take, answers."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint, SmallInteger, Table, text

from plugin.store.schema.columns import big_column, metadata, small_column, text_column

# One invitation per order. state: waiting, asked, answered, withdrawn, missed
invitations = Table(
    "invitations",
    metadata,
    big_column("shop_id"),
    big_column("order_id"),
    big_column("member_id"),
    text_column("state", default="waiting"),
    text_column("basis"),
    big_column("delivered_at"),
    big_column("due_at"),
    big_column("asked_at", null=True),
    big_column("created_at"),
    text_column("reason", null=True),
    # How the parcel came: domestic, international, pickup, local, pos; '' is not known. channel: '' until it is asked.
    text_column("way", default=""),
    text_column("country", null=True),
    text_column("carrier", null=True),
    big_column("fulfilled_at", null=True),
    text_column("channel", default=""),
    # When it first fell due: `due_at` moves when it is put off, and `reason` then says why.
    big_column("planned_at", null=True),
    PrimaryKeyConstraint("shop_id", "order_id", name="pk_invitations"),
)

Index(
    "ix_invitations_asked",
    invitations.c.shop_id,
    invitations.c.asked_at,
    sqlite_where=text("asked_at IS NOT NULL"),
    postgresql_where=text("asked_at IS NOT NULL"),
)

Index("ix_invitations_newest", invitations.c.shop_id, invitations.c.due_at, invitations.c.order_id)

Index("ix_invitations_member", invitations.c.shop_id, invitations.c.member_id, invitations.c.due_at)

Index(
    "ix_invitations_due",
    invitations.c.shop_id,
    invitations.c.due_at,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)

# How many of a shop's parcels took so many days, by carrier ('' where nobody said) and country.
transit_times = Table(
    "transit_times",
    metadata,
    big_column("shop_id"),
    text_column("country"),
    text_column("carrier"),
    small_column("days"),
    big_column("parcels"),
    PrimaryKeyConstraint("shop_id", "country", "carrier", "days", name="pk_transit_times"),
)

responses = Table(
    "responses",
    metadata,
    big_column("shop_id"),
    big_column("order_id"),
    big_column("member_id"),
    small_column("score"),
    text_column("words", null=True),
    text_column("locale", null=True),
    text_column("channel"),
    big_column("answered_at"),
    big_column("changed_at"),
    text_column("reasons", default="[]"),
    # May the shop write back? NULL: not asked, or left open.
    Column("contact_ok", SmallInteger, nullable=True),
    PrimaryKeyConstraint("shop_id", "order_id", name="pk_responses"),
    ForeignKeyConstraint(["shop_id", "order_id"], ["invitations.shop_id", "invitations.order_id"]),
)

Index("ix_responses_answered", responses.c.shop_id, responses.c.answered_at)
