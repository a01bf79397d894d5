"""The web application for the storefront benchmark to serve, as app.py builds it but for the worker."""

from __future__ import annotations

import gc
import os
from datetime import UTC, datetime

import httpx
from cryptography.fernet import Fernet

from bench.load import SECRET
from plugin.config import Config
from plugin.pages.limits import Limits
from plugin.pages.web import Web, create_web
from plugin.shopify.tokens import TokenSource
from plugin.store.db import Database
from plugin.store.tokens import TokenShelf

_config = Config(
    database_url=os.environ["DATABASE_URL"],
    api_key="bench",
    api_secret=SECRET,
    app_url="https://bench.example",
    token_keys=(Fernet.generate_key().decode(),),
)
_db = Database.open(_config.database_url)
# One sender plays all shoppers, so one shopper may come more often than a person would.
_web = Web(
    config=_config,
    db=_db,
    now=lambda: datetime.now(UTC),
    tokens=TokenSource(TokenShelf(_db), _config, httpx.Client()),
    perform_now=lambda _shop_id, _effect_key: None,
    scopes=(),
    limits=Limits(reads_at_once=1_000_000),
)
app = create_web(_web).wsgi_app
gc.collect()
gc.freeze()
