"""The installation itself and its shops: settings, leases, shops, tokens, privacy requests."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from plugin.store.schema.columns import big_column, metadata, text_column

# Reference tables: the installation's own, and the list of shops. Everything else starts with shop_id.
meta = Table("meta", metadata, Column("key", String(64), primary_key=True), text_column("value"))

leases = Table(
    "leases",
    metadata,
    Column("name", String(128), primary_key=True),
    text_column("holder"),
    big_column("until_at"),
)

# state: waiting (webhooks came before the install), installed, uninstalled, redacted
shops = Table(
    "shops",
    metadata,
    Column("shop_id", BigInteger, primary_key=True, autoincrement=False),
    text_column("domain"),
    text_column("state", default="waiting"),
    text_column("name", null=True),
    text_column("currency", null=True),
    text_column("timezone", null=True),
    text_column("platform_gid", null=True),
    text_column("installation_gid", null=True),
    text_column("scopes", default=""),
    big_column("first_seen_at"),
    big_column("installed_at", null=True),
    big_column("uninstalled_at", null=True),
    big_column(
        "proved_at", null=True
    ),  # issued at: the last id token or code that Shopify exchanged for an access token
    big_column("scopes_at", null=True),  # as of when `scopes` is known
    big_column("orders_watermark_at", null=True),
    big_column("reconciled_at", null=True),
    text_column("settings", default="{}"),
    text_column("theme", null=True),  # what App Bridge last said of the published theme, as JSON
    big_column("bodies_emptied_to", default=0),  # webhooks done before this moment have no body any more
    text_column(
        "pauses", default="[]"
    ),  # stretches in which earning, redeeming or messages stood still, as JSON
    UniqueConstraint("domain", name="uq_shops_domain"),
)

tokens = Table(
    "tokens",
    metadata,
    big_column("shop_id"),
    text_column("kind"),  # offline_expiring, offline
    Column("access_token", LargeBinary, nullable=False),
    Column("refresh_token", LargeBinary, nullable=True),
    big_column("expires_at", null=True),
    big_column("refresh_expires_at", null=True),
    text_column("scopes"),
    big_column("refreshed_at"),
    PrimaryKeyConstraint("shop_id", name="pk_tokens"),
)

privacy_requests = Table(
    "privacy_requests",
    metadata,
    big_column("shop_id"),
    text_column("request_key"),
    text_column("kind"),
    big_column("member_id", null=True),
    big_column("received_at"),
    big_column("done_at", null=True),
    text_column("result", null=True),
    # While webhook bodies are searched for what is to be forgotten: which numbers, and up to which webhook id.
    text_column("numbers", null=True),
    text_column("searched_to", null=True),
    PrimaryKeyConstraint("shop_id", "request_key", name="pk_privacy_requests"),
)

Index(
    "ix_privacy_searching",
    privacy_requests.c.shop_id,
    sqlite_where=text("numbers IS NOT NULL"),
    postgresql_where=text("numbers IS NOT NULL"),
)
