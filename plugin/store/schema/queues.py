"""The two queues: webhooks that came in, and effects that go out."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table, text

from plugin.store.schema.columns import big_column, metadata, small_column, text_column

# state of both queues: 0 waiting, 1 done, 2 parked, 3 skipped (unknown topic, or decided that nothing is to do).
# inbox.due_at: when a waiting row is due, and once it is done or skipped, when that was. One column, always of one
# size, and the body last: SQLite then marks a row done in place, on one page, instead of writing the whole body again.
inbox = Table(
    "inbox",
    metadata,
    big_column("shop_id"),
    text_column("webhook_id"),
    text_column("topic"),
    text_column("event_id", null=True),
    text_column("api_version", null=True),
    big_column("triggered_at", null=True),
    big_column("received_at"),
    small_column("state"),
    small_column("attempts"),
    big_column("due_at"),
    text_column("reason", null=True),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("shop_id", "webhook_id", name="pk_inbox"),
)

Index(
    "ix_inbox_waiting",
    inbox.c.shop_id,
    inbox.c.due_at,
    sqlite_where=text("state = 0"),
    postgresql_where=text("state = 0"),
)

Index(
    "ix_inbox_parked",
    inbox.c.shop_id,
    inbox.c.received_at,
    sqlite_where=text("state = 2"),
    postgresql_where=text("state = 2"),
)

Index(
    "ix_inbox_done",
    inbox.c.shop_id,
    inbox.c.due_at,
    sqlite_where=text("state IN (1, 3)"),
    postgresql_where=text("state IN (1, 3)"),
)

# revision counts how often the effect was asked for again while it waited or ran (mirrors are one row each)
outbox = Table(
    "outbox",
    metadata,
    big_column("shop_id"),
    text_column("effect_key"),
    text_column("kind"),
    text_column("payload", default="{}"),
    small_column("state"),
    small_column("attempts"),
    big_column("revision", default=1),
    big_column("due_at"),
    big_column("lease_until_at", null=True),
    text_column("lease_holder", null=True),
    big_column("created_at"),
    big_column("done_at", null=True),
    text_column("reason", null=True),
    PrimaryKeyConstraint("shop_id", "effect_key", name="pk_outbox"),
)

Index(
    "ix_outbox_waiting",
    outbox.c.shop_id,
    outbox.c.due_at,
    sqlite_where=text("state = 0"),
    postgresql_where=text("state = 0"),
)

Index(
    "ix_outbox_done",
    outbox.c.shop_id,
    outbox.c.done_at,
    sqlite_where=text("state = 1"),
    postgresql_where=text("state = 1"),
)

Index(
    "ix_outbox_deliveries",
    outbox.c.shop_id,
    outbox.c.created_at,
    outbox.c.effect_key,
    sqlite_where=text("kind = 'webhook.deliver'"),
    postgresql_where=text("kind = 'webhook.deliver'"),
)
