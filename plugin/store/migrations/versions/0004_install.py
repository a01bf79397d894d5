"""Adds to a shop when Shopify last vouched for its installation, and as of when its scopes are known."""

import sqlalchemy as sa
from alembic import op

revision = "0004_install"
down_revision = "0003"


def upgrade() -> None:
    """Adds both times; what is known of an installed shop so far is when it installed."""
    op.add_column("shops", sa.Column("proved_at", sa.BigInteger(), nullable=True))
    op.add_column("shops", sa.Column("scopes_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE shops SET proved_at = installed_at")
