"""Drains the inbox of DATABASE_URL as the worker does, for benchmarks that run it beside something or several times."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

import click

from plugin.errors import StorageBusy
from plugin.store.db import Database
from plugin.worker.beside import give_way
from webhooks.drain import BATCH, drain


@click.command()
@click.option("--until-empty", is_flag=True, help="Stop when nothing is left, instead of waiting for more.")
@click.option("--batch", default=BATCH, show_default=True)
def main(until_empty: bool, batch: int) -> None:
    give_way()
    db = Database.open(os.environ["DATABASE_URL"])
    empty_rounds = 0
    while empty_rounds < 3 or not until_empty:
        try:
            found = drain(db, datetime.now(UTC), batch=batch).total
        except StorageBusy:
            continue
        empty_rounds = 0 if found else empty_rounds + 1
        if not found:
            time.sleep(0.01)


if __name__ == "__main__":
    main()
