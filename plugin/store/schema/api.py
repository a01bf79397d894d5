"""Other programs: keys, answers kept for repeats, addresses that are told."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table

from plugin.store.schema.columns import big_column, metadata, small_column, text_column

# Keys of the API. The token is kept as its SHA-256 only; `signing` is the sealed secret that signs inbound hooks.
api_keys = Table(
    "api_keys",
    metadata,
    big_column("shop_id"),
    big_column("key_id"),
    text_column("name"),
    text_column("token_hash"),
    Column("signing", LargeBinary, nullable=False),
    text_column("scopes"),
    big_column("created_at"),
    text_column("created_by"),
    big_column("used_at", null=True),
    big_column("revoked_at", null=True),
    PrimaryKeyConstraint("shop_id", "key_id", name="pk_api_keys"),
)

# What a request with an idempotency key was answered, sealed, written in the transaction that acted.
api_answers = Table(
    "api_answers",
    metadata,
    big_column("shop_id"),
    big_column("key_id"),
    text_column("idempotency_key"),
    text_column("request_hash"),
    small_column("status"),
    text_column("answer"),
    big_column("created_at"),
    PrimaryKeyConstraint("shop_id", "key_id", "idempotency_key", name="pk_api_answers"),
)

Index("ix_api_answers_created", api_answers.c.shop_id, api_answers.c.created_at)

# Addresses that are told what happened. failing_until_at: after a failure nothing is tried there before that moment.
webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    big_column("shop_id"),
    big_column("endpoint_id"),
    text_column("url"),
    text_column("topics"),
    small_column("active", default=1),
    Column("secret", LargeBinary, nullable=False),
    Column("old_secret", LargeBinary, nullable=True),
    big_column("old_until_at", null=True),
    big_column("failing_until_at", null=True),
    big_column("created_at"),
    text_column("created_by"),
    PrimaryKeyConstraint("shop_id", "endpoint_id", name="pk_webhook_endpoints"),
)

# Up to where each source of news was read for an endpoint.
webhook_positions = Table(
    "webhook_positions",
    metadata,
    big_column("shop_id"),
    big_column("endpoint_id"),
    text_column("source"),
    big_column("position"),
    PrimaryKeyConstraint("shop_id", "endpoint_id", "source", name="pk_webhook_positions"),
)
