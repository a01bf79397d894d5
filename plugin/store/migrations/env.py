"""Lets Alembic run a revision on the connection that `plugin.store.migrate` holds open and locked."""

from __future__ import annotations

from alembic import context

from plugin.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
