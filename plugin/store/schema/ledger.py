"""Orders, and the ledger they make: entries, lots, allocations, deficits, expiry."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint, text

from plugin.store.schema.columns import big_column, metadata, small_column, text_column

# projection: everything the platform told us of the order. standing: what the ledger holds of it, by rule.
orders = Table(
    "orders",
    metadata,
    big_column("shop_id"),
    big_column("order_id"),
    big_column("member_id", null=True),
    text_column("name", null=True),
    big_column("processed_at", null=True),
    big_column("updated_at", null=True),
    big_column("programme_version", null=True),
    text_column("tier", null=True),
    text_column("currency", null=True),
    big_column("basis_minor", default=0),
    big_column("points", default=0),
    small_column("counted"),
    big_column("available_at", null=True),
    big_column("delivered_at", null=True),
    text_column("confirmed", default="no"),  # no, yes, refuted
    text_column("projection"),
    text_column("standing", default="{}"),
    small_column("earns"),  # whether it is one of those that bonuses for the n-th order count
    PrimaryKeyConstraint("shop_id", "order_id", name="pk_orders"),
)

# `counted` at the end, so that counting a member's orders never reads their projections.
# With points and money, so that a member's tier progress is read from the index alone.
Index(
    "ix_orders_member",
    orders.c.shop_id,
    orders.c.member_id,
    orders.c.processed_at,
    orders.c.counted,
    orders.c.points,
    orders.c.basis_minor,
)

# Orders that count, by date: the sample of a preview, and the list of members' orders.
Index(
    "ix_orders_counted",
    orders.c.shop_id,
    orders.c.processed_at,
    orders.c.order_id,
    orders.c.member_id,
    sqlite_where=text("counted = 1"),
    postgresql_where=text("counted = 1"),
)

entries = Table(
    "entries",
    metadata,
    big_column("shop_id"),
    big_column("entry_id"),
    big_column("member_id"),
    text_column("kind"),
    big_column("points"),
    big_column("occurred_at"),
    big_column("recorded_at"),
    text_column("source_key"),
    text_column("why"),
    text_column("actor"),
    big_column("order_id", null=True),
    text_column(
        "order_name", null=True
    ),  # of entries that an order caused: a page of history then touches no order
    big_column("reverses_id", null=True),
    # A member's entries lie side by side on SQLite, so that a page of history touches one or two pages of the file.
    PrimaryKeyConstraint("shop_id", "member_id", "entry_id", name="pk_entries"),
    UniqueConstraint("shop_id", "entry_id", name="uq_entries_entry"),
    UniqueConstraint("shop_id", "source_key", name="uq_entries_source_key"),
    sqlite_with_rowid=False,
)

# Free text a person typed about an entry stands beside the ledger, so that it can be redacted.
entry_notes = Table(
    "entry_notes",
    metadata,
    big_column("shop_id"),
    big_column("entry_id"),
    text_column("note"),
    PrimaryKeyConstraint("shop_id", "entry_id", name="pk_entry_notes"),
    ForeignKeyConstraint(["shop_id", "entry_id"], ["entries.shop_id", "entries.entry_id"]),
)

# One lot per credit entry, with the same id. available_at empty: not yet known when.
lots = Table(
    "lots",
    metadata,
    big_column("shop_id"),
    big_column("lot_id"),
    big_column("member_id"),
    big_column("order_id", null=True),
    big_column("points"),
    big_column("remaining"),
    big_column("available_at", null=True),
    big_column("expires_at", null=True),
    big_column("created_at"),
    big_column("mirrored_at", null=True),
    # expires_at is what counts: the sooner of the lot's own date and what a rule on whole balances says of it, but
    # not before kept_until.
    big_column("own_expires_at", null=True),
    big_column("kept_until", null=True),
    PrimaryKeyConstraint("shop_id", "lot_id", name="pk_lots"),
    ForeignKeyConstraint(["shop_id", "lot_id"], ["entries.shop_id", "entries.entry_id"]),
)

Index(
    "ix_lots_open",
    lots.c.shop_id,
    lots.c.member_id,
    # The panel reads a member's open lots from the index alone.
    lots.c.remaining,
    lots.c.available_at,
    lots.c.expires_at,
    sqlite_where=text("remaining > 0"),
    postgresql_where=text("remaining > 0"),
)

Index(
    "ix_lots_order",
    lots.c.shop_id,
    lots.c.order_id,
    sqlite_where=text("order_id IS NOT NULL"),
    postgresql_where=text("order_id IS NOT NULL"),
)

Index(
    "ix_lots_expiring",
    lots.c.shop_id,
    lots.c.expires_at,
    lots.c.lot_id,
    sqlite_where=text("remaining > 0 AND expires_at IS NOT NULL"),
    postgresql_where=text("remaining > 0 AND expires_at IS NOT NULL"),
)

Index(
    "ix_lots_opening",
    lots.c.shop_id,
    lots.c.available_at,
    sqlite_where=text("remaining > 0 AND mirrored_at IS NULL"),
    postgresql_where=text("remaining > 0 AND mirrored_at IS NULL"),
)

# Work over all open lots of a shop, by the clock along the primary key. kind: redate (the rule changed), extend
expiry_runs = Table(
    "expiry_runs",
    metadata,
    big_column("shop_id"),
    big_column("run_id"),
    text_column("kind"),
    big_column("ends_at", null=True),
    text_column("tier", null=True),
    big_column("alive_after"),
    text_column("actor"),
    big_column("created_at"),
    big_column("finished_at", null=True),
    big_column("at_lot", default=0),
    big_column("lots", default=0),
    big_column("points", default=0),
    PrimaryKeyConstraint("shop_id", "run_id", name="pk_expiry_runs"),
)

Index(
    "ix_expiry_runs_open",
    expiry_runs.c.shop_id,
    expiry_runs.c.run_id,
    sqlite_where=text("finished_at IS NULL"),
    postgresql_where=text("finished_at IS NULL"),
)

# How far along (expires_at, lot_id) each reminder has come. reminder: first, last
expiry_marks = Table(
    "expiry_marks",
    metadata,
    big_column("shop_id"),
    text_column("reminder"),
    big_column("at"),
    big_column("at_lot"),
    PrimaryKeyConstraint("shop_id", "reminder", name="pk_expiry_marks"),
)

# Reminders that fell due: one per member, reminder and day on which points end.
expiry_notices = Table(
    "expiry_notices",
    metadata,
    big_column("shop_id"),
    big_column("member_id"),
    text_column("reminder"),
    text_column("day"),
    big_column("ends_at"),
    big_column("points"),
    big_column("noted_at"),
    PrimaryKeyConstraint("shop_id", "member_id", "reminder", "day", name="pk_expiry_notices"),
)

# Which debit took what from which lot. (debit, lot) may meet twice, so n counts.
allocations = Table(
    "allocations",
    metadata,
    big_column("shop_id"),
    big_column("debit_id"),
    big_column("lot_id"),
    big_column("points"),
    PrimaryKeyConstraint("shop_id", "debit_id", "lot_id", name="pk_allocations"),
    ForeignKeyConstraint(["shop_id", "debit_id"], ["entries.shop_id", "entries.entry_id"]),
    ForeignKeyConstraint(["shop_id", "lot_id"], ["lots.shop_id", "lots.lot_id"]),
)

Index("ix_allocations_lot", allocations.c.shop_id, allocations.c.lot_id)

# The part of a debit that no lot could cover; the next credits absorb it.
deficits = Table(
    "deficits",
    metadata,
    big_column("shop_id"),
    big_column("debit_id"),
    big_column("member_id"),
    big_column("points"),
    big_column("remaining"),
    PrimaryKeyConstraint("shop_id", "debit_id", name="pk_deficits"),
    ForeignKeyConstraint(["shop_id", "debit_id"], ["entries.shop_id", "entries.entry_id"]),
)

Index(
    "ix_deficits_open",
    deficits.c.shop_id,
    deficits.c.member_id,
    sqlite_where=text("remaining > 0"),
    postgresql_where=text("remaining > 0"),
)
