"""Adds of what moment a member's data is, and how far the emptying of webhook bodies has come."""

import sqlalchemy as sa
from alembic import op

revision = "0005_members"
down_revision = "0004_install"


def upgrade() -> None:
    """Adds the columns, and the indexes that the worker's slices read."""
    op.add_column("members", sa.Column("seen_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "shops",
        sa.Column("bodies_emptied_to", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("privacy_requests", sa.Column("numbers", sa.Text(), nullable=True))
    op.add_column("privacy_requests", sa.Column("searched_to", sa.Text(), nullable=True))
    op.create_index(
        "ix_privacy_searching",
        "privacy_requests",
        ["shop_id"],
        sqlite_where=sa.text("numbers IS NOT NULL"),
        postgresql_where=sa.text("numbers IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_done",
        "outbox",
        ["shop_id", "done_at"],
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    )
