"""Adds to survey invitations how the parcel came, and to answers the reasons and whether the shop may write back."""

import sqlalchemy as sa
from alembic import op

revision = "0016_voice"
down_revision = "0015_referrals"


def upgrade() -> None:
    """Adds columns whose defaults say nothing, so that what is there stays true."""
    for column in (
        sa.Column("way", sa.Text(), server_default="", nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("fulfilled_at", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column("invitations", column)
    op.add_column("responses", sa.Column("reasons", sa.Text(), server_default="[]", nullable=False))
    op.add_column("responses", sa.Column("contact_ok", sa.SmallInteger(), nullable=True))
