"""Wiring: puts the rooms together as a web app and a worker; with commands.py the only file that knows them all."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from plugin.channels.outgoing import Sender
from plugin.channels.sealed import Sealer
from plugin.config import Config, from_environment
from plugin.pages.web import Web, create_web
from plugin.shopify import http
from plugin.shopify.admin import AdminClients
from plugin.shopify.tokens import TokenSource
from plugin.store import audit as audits
from plugin.store import programmes, redemptions, shops
from plugin.store.clock import Clock
from plugin.store.db import Database
from plugin.store.intake import IntakeWriter
from plugin.store.migrate import migrate
from plugin.store.tokens import TokenShelf
from plugin.worker.effects import Bench, perform_now
from plugin.worker.loop import Worker
from webhooks.drain import SLICE, drain
from webhooks.receive import Intake

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


APP_TOML = Path(__file__).resolve().parent / "app.toml"


@dataclass(frozen=True, slots=True)
class Installation:
    """One process's view of an installation: every room opened on the same settings."""

    config: Config
    db: Database
    now: Callable[[], datetime]
    scopes: tuple[str, ...]
    tokens: TokenSource
    bench: Bench
    writer: IntakeWriter

    def worker(self) -> Worker:
        """The worker, with the drain handed to it: `plugin` does not know `webhooks`."""
        return Worker(self.bench, lambda now: drain(self.db, now, limit=SLICE).total, self.tokens)

    def wsgi(self) -> WSGIApplication:
        """The web app: the intake of webhooks in front, everything else behind it in Flask."""
        web = create_web(
            Web(
                config=self.config,
                db=self.db,
                now=self.now,
                tokens=self.tokens,
                scopes=self.scopes,
                perform_now=lambda shop_id, effect: perform_now(self.bench, shop_id, effect),
            )
        )
        return Intake(web.wsgi_app, self.writer, self.config.secrets, clock=self.now)

    def close(self) -> None:
        """Stores what waits and closes every connection."""
        self.writer.close()
        self.db.close()


def assemble(
    config: Config, *, http_client: httpx.Client | None = None, now: Callable[[], datetime] | None = None
) -> Installation:
    """Opens every room. Tests and the demo hand in a client that reaches a development shop in this process."""
    db = Database.open(config.database_url)
    client = http_client or http.client(config)
    tokens = TokenSource(TokenShelf(db), config, client)
    clock = now or Clock(db, movable=config.development).now
    bench = Bench(
        db,
        AdminClients(tokens, client, api_version=config.api_version),
        clock,
        sender=Sender(development=config.development),
        sealer=Sealer(config.token_keys),
    )
    return Installation(config, db, clock, _scopes(), tokens, bench, IntakeWriter(config.database_url))


class DemoApp:
    """The app as the demo sees it: its doors, its worker, and a look into what it remembers of one shop."""

    def __init__(self, installation: Installation, domain: str) -> None:
        self.installation = installation
        self.domain = domain
        self.wsgi = installation.wsgi()
        self.settle = installation.worker().settle

    @classmethod
    def open(
        cls, settings: Mapping[str, str], client: httpx.Client, now: Callable[[], datetime], domain: str
    ) -> DemoApp:
        """Migrates the database and opens every room, with a client that reaches the shop in this process."""
        config = from_environment(settings)
        migrate(config.database_url)
        return cls(assemble(config, http_client=client, now=now), domain)

    def look(self, redemption_id: int | None = None) -> dict[str, object]:
        """Programme version, audit differences, and the state of one redemption."""
        with self.installation.db.read() as tx:
            shop = shops.by_domain(tx, self.domain)
            if shop is None:
                return {}
            latest = programmes.versions(tx, shop.shop_id).latest
            redemption = redemptions.by_id(tx, shop.shop_id, redemption_id) if redemption_id else None
            return {
                "programme": latest.version if latest else None,
                "redemption": redemption.state if redemption else None,
                "differences": list(audits.audit(tx, shop.shop_id)),
            }

    def close(self) -> None:
        """Closes every connection."""
        self.installation.close()


def _scopes() -> tuple[str, ...]:
    """The scopes the app needs, from its own app.toml."""
    access = tomllib.loads(APP_TOML.read_text())["access_scopes"]
    return tuple(scope.strip() for scope in access["scopes"].split(",") if scope.strip())


def create_app(config: Config | None = None) -> WSGIApplication:
    """The WSGI application of a served process, from the environment."""
    return assemble(config or from_environment()).wsgi()
