"""Adds what pages read: members by name, e-mail and joining, orders that count, the panel from indexes alone."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# Prefixes are compared byte by byte; the operator class lets PostgreSQL do so whatever the database's language.
_FOLDED = (
    ("ix_members_email", "email"),
    ("ix_members_first_name", "first_name"),
    ("ix_members_last_name", "last_name"),
)


def upgrade() -> None:
    """Makes the indexes; the plain one over e-mail, which nothing asked, gives its name to the folded one."""
    op.add_column("shops", sa.Column("theme", sa.Text(), nullable=True))
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.drop_index("ix_members_email", table_name="members")
    for name, column in _FOLDED:
        folded = f"lower({column}) text_pattern_ops" if postgresql else f"lower({column})"
        op.execute(f"CREATE INDEX {name} ON members (shop_id, {folded})")
    op.create_index("ix_members_joined", "members", ["shop_id", "status", "joined_at", "member_id"])
    op.drop_index("ix_orders_member", table_name="orders")
    op.create_index(
        "ix_orders_member", "orders", ["shop_id", "member_id", "processed_at", "counted", "points"]
    )
    op.drop_index("ix_lots_open", table_name="lots")
    op.create_index(
        "ix_lots_open",
        "lots",
        ["shop_id", "member_id", "remaining", "available_at", "expires_at"],
        sqlite_where=sa.text("remaining > 0"),
        postgresql_where=sa.text("remaining > 0"),
    )
    op.create_index(
        "ix_orders_counted",
        "orders",
        ["shop_id", "processed_at", "order_id", "member_id"],
        sqlite_where=sa.text("counted = 1"),
        postgresql_where=sa.text("counted = 1"),
    )
