"""Adds the API: keys, answers by idempotency key, and the endpoints that are told what happened."""

import sqlalchemy as sa
from alembic import op

revision = "0009_api"
down_revision = "0008_clustered"


def upgrade() -> None:
    """Adds the tables, and the indexes that deliveries and made codes are read by."""
    op.create_table(
        "api_answers",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "key_id", "idempotency_key", name="pk_api_answers"),
    )
    op.create_index(
        "ix_api_answers_created",
        "api_answers",
        ["shop_id", "created_at"],
    )
    op.create_table(
        "api_keys",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("signing", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("shop_id", "key_id", name="pk_api_keys"),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("active", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret", sa.LargeBinary(), nullable=True),
        sa.Column("old_until_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_until_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "endpoint_id", name="pk_webhook_endpoints"),
    )
    op.create_table(
        "webhook_positions",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "endpoint_id", "source", name="pk_webhook_positions"),
    )
    op.create_index(
        "ix_outbox_deliveries",
        "outbox",
        ["shop_id", "created_at", "effect_key"],
        unique=False,
        sqlite_where=sa.text("kind = 'webhook.deliver'"),
        postgresql_where=sa.text("kind = 'webhook.deliver'"),
    )
    op.create_index(
        "ix_redemptions_made",
        "redemptions",
        ["shop_id", "made_at"],
        unique=False,
        sqlite_where=sa.text("made_at IS NOT NULL"),
        postgresql_where=sa.text("made_at IS NOT NULL"),
    )
