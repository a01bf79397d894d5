"""Settings from the environment, frozen at start; refuses to start when wrong and says what to set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from plugin.errors import ConfigError

API_VERSION = "2026-10"


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of the app. Secrets never show in `repr`."""

    database_url: str
    api_key: str
    api_secret: str = field(repr=False)
    app_url: str
    token_keys: tuple[str, ...] = field(repr=False)
    api_secret_old: str | None = field(default=None, repr=False)
    devshop_url: str | None = None
    api_version: str = API_VERSION

    @property
    def secrets(self) -> tuple[str, ...]:
        """The client secrets that may have signed a message: the current one, then the one being rotated out."""
        return (self.api_secret,) if self.api_secret_old is None else (self.api_secret, self.api_secret_old)

    @property
    def development(self) -> bool:
        """True when a development shop stands in for Shopify; only then may the clock be moved."""
        return self.devshop_url is not None


def from_environment(environ: Mapping[str, str] | None = None) -> Config:
    """Reads and checks the settings. Raises ConfigError naming each wrong variable and what to set."""
    env = os.environ if environ is None else environ
    problems: list[str] = []

    def need(name: str, hint: str) -> str:
        value = env.get(name, "").strip()
        if not value:
            problems.append(f"{name} is not set: {hint}")
        return value

    database_url = need("DATABASE_URL", "use sqlite:///regulars.db or postgresql://user@host/name")
    api_key = need("SHOPIFY_API_KEY", "copy the client id of your app from the Dev Dashboard")
    api_secret = need("SHOPIFY_API_SECRET", "copy the client secret of your app from the Dev Dashboard")
    app_url = need("APP_URL", "the public https address of this app").rstrip("/")
    keys = tuple(key.strip() for key in need("TOKEN_KEYS", _KEY_HINT).split(",") if key.strip())
    devshop_url = env.get("DEVSHOP_URL", "").strip() or None

    if database_url and not database_url.startswith(("sqlite:///", "postgresql://", "postgres://")):
        problems.append("DATABASE_URL must begin with sqlite:/// or postgresql://")
    if app_url:
        parts = urlsplit(app_url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            problems.append("APP_URL must be a full address such as https://regulars.example.com")
        elif parts.scheme == "http" and devshop_url is None:
            problems.append("APP_URL must be https (plain http only beside DEVSHOP_URL)")
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key.encode("ascii"))
        except (ValueError, UnicodeEncodeError):
            problems.append(f"key {number} of TOKEN_KEYS is not a Fernet key: {_KEY_HINT}")
    if problems:
        raise ConfigError("Regulars cannot start:\n- " + "\n- ".join(problems))
    return Config(
        database_url=database_url,
        api_key=api_key,
        api_secret=api_secret,
        api_secret_old=env.get("SHOPIFY_API_SECRET_OLD", "").strip() or None,
        app_url=app_url,
        token_keys=keys,
        devshop_url=devshop_url,
    )


_KEY_HINT = (
    "make one with python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
)
