"""Adds when a question was first due, transit times, who takes the newsletter, and who is asked no questions."""

import sqlalchemy as sa
from alembic import op

revision = "0017_asking"
down_revision = "0016_voice"


def upgrade() -> None:
    """What waits was planned for when it is due; transit times are learned from now on."""
    op.add_column("invitations", sa.Column("planned_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE invitations SET planned_at = due_at")
    op.create_index(
        "ix_invitations_asked", "invitations", ["shop_id", "asked_at"],
        sqlite_where=sa.text("asked_at IS NOT NULL"), postgresql_where=sa.text("asked_at IS NOT NULL"),
    )  # fmt: skip
    op.create_index("ix_invitations_newest", "invitations", ["shop_id", "due_at", "order_id"])
    op.create_table(
        "transit_times",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("days", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("parcels", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "country", "carrier", "days", name="pk_transit_times"),
    )
    op.add_column("members", sa.Column("subscribed", sa.SmallInteger(), nullable=True))
    op.add_column("members", sa.Column("subscribed_at", sa.BigInteger(), nullable=True))
    op.add_column("members", sa.Column("unasked_at", sa.BigInteger(), nullable=True))
