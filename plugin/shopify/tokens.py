"""Gives every call a living access token: acquires, keeps encrypted, renews in time, one worker per shop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import httpx
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from plugin.config import Config
from plugin.domain import tokens as rules
from plugin.domain.tokens import SealedToken
from plugin.shopify.errors import NeedsReauth, TokenUnavailable
from plugin.shopify.grants import Grant, GrantRefused, by_code, by_id_token, by_refresh_token

# Longer than the slowest renewal: the library tries three times, each within the client's time-out.
LEASE = timedelta(seconds=60)
WAIT_FOR_OTHER_S = 5.0
LOOK_AGAIN_S = 0.05
LOOKS = int(WAIT_FOR_OTHER_S / LOOK_AGAIN_S)
_BUSY = "This shop's token is being renewed. Try again in a moment."
_GONE = "Shopify no longer accepts our access. Open Regulars in the Shopify admin once."
_KEY_MISSING = (
    "A stored token cannot be decrypted with TOKEN_KEYS. Put the old key back at the end of TOKEN_KEYS,"
    " or open Regulars in the Shopify admin once."
)


class Shelf(Protocol):
    """Where tokens are kept; `plugin.store.tokens.TokenShelf` is one."""

    def find(self, shop_id: int) -> SealedToken | None: ...
    def put(self, shop_id: int, token: SealedToken) -> None: ...
    def replace(self, shop_id: int, token: SealedToken, *, seen: datetime) -> bool: ...
    def ended(self, shop_id: int, at: datetime, *, seen: datetime) -> None: ...
    def forget(self, shop_id: int) -> None: ...
    def shops(self) -> list[int]: ...
    def idle_since(self, before: datetime, limit: int) -> list[tuple[int, str]]: ...
    def take_lease(self, shop_id: int, holder: str, now: datetime, ttl: timedelta) -> bool: ...
    def drop_lease(self, shop_id: int, holder: str) -> None: ...
    def leased(self, shop_id: int, now: datetime) -> bool: ...


@dataclass(frozen=True, slots=True)
class TokenSource:
    """The tokens of all shops. Safe for any number of processes and threads over one shelf.

    `now` must be real time, never the development clock: the platform's clock decides what has expired.
    """

    shelf: Shelf
    config: Config
    http_client: httpx.Client
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep

    def acquire(self, domain: str, id_token: str) -> Grant:
        """Exchanges a verified id token for an offline token (managed install); stores nothing.

        Raises NeedsReauth when the platform rejects the id token, TokenUnavailable when it does not answer.
        """
        return _granted(lambda: by_id_token(self.config, self.http_client, domain, id_token, self.now()))

    def acquire_by_code(self, domain: str, code: str) -> Grant:
        """Exchanges the code of an authorization-code grant (one merchant's own app); errors as `acquire`."""
        return _granted(lambda: by_code(self.config, self.http_client, domain, code, self.now()))

    def sealed(self, grant: Grant) -> SealedToken:
        """The grant as it may be stored: both secrets encrypted with the first key."""
        box = _box(self.config.token_keys)
        return SealedToken(
            kind="offline" if grant.expires_at is None else "offline_expiring",
            access=box.encrypt(grant.access.encode()),
            refresh=None if grant.refresh is None else box.encrypt(grant.refresh.encode()),
            expires_at=grant.expires_at,
            refresh_expires_at=grant.refresh_expires_at,
            scopes=grant.scopes,
            refreshed_at=self.now(),
        )

    def keep(self, shop_id: int, grant: Grant) -> None:
        """Stores an acquired grant in a transaction of its own (`store.tokens.put` joins an open one)."""
        self.shelf.put(shop_id, self.sealed(grant))

    @contextmanager
    def alone(self, shop_id: int) -> Iterator[None]:
        """Nobody else acquires or renews this shop's token meanwhile: an acquisition retires older refresh tokens,
        so the one that is stored last must be the one that was made last.

        Raises TokenUnavailable when another one takes longer than five seconds.
        """
        holder, looks = os.urandom(8).hex(), 0
        while not self.shelf.take_lease(shop_id, holder, self.now(), LEASE):
            looks = self._wait(shop_id, looks + 1)
            if looks >= LOOKS:
                raise TokenUnavailable(_BUSY, after_s=5.0)
        try:
            yield
        finally:
            self.shelf.drop_lease(shop_id, holder)

    def access_token(self, shop_id: int, domain: str) -> str:
        """An access token that is valid now, renewed first when it is about to end.

        Raises NeedsReauth when only the merchant can help, TokenUnavailable when it is worth trying again.
        """
        token = self._find(shop_id)
        if rules.fresh(token, self.now()):
            return self._open(token.access)
        return self._renewed(shop_id, domain, token)

    def after_refusal(self, shop_id: int, domain: str, refused: str) -> str:
        """Another access token than the one the platform just refused with 401; errors as `access_token`."""
        token = self._find(shop_id)
        if self._open(token.access) != refused:
            return self._open(token.access)
        # Kept as ended: if renewing does not help, the merchant's next opening exchanges anew.
        ended = replace(token, expires_at=self.now())
        self.shelf.ended(shop_id, self.now(), seen=token.refreshed_at)
        return self._renewed(shop_id, domain, ended)

    def keep_alive(self, shop_id: int, domain: str) -> None:
        """Renews the token of an idle shop, so that the platform does not forget us after 90 days."""
        token = self._find(shop_id)
        if token.kind == "offline_expiring":
            self._renewed(shop_id, domain, token)

    def due_for_refresh(self, now: datetime, limit: int = 100) -> list[tuple[int, str]]:
        """(shop id, domain) of installed shops that did not renew for a week: for `keep_alive`."""
        return self.shelf.idle_since(now - rules.IDLE_RENEWAL, limit)

    def forget(self, shop_id: int) -> None:
        """Deletes the shop's token after an uninstall. Idempotent."""
        self.shelf.forget(shop_id)

    def rotate_tokens(self) -> int:
        """Encrypts every token with the first of TOKEN_KEYS; returns how many. Then drop the old keys."""
        box, done = _box(self.config.token_keys), 0
        for shop_id in self.shelf.shops():
            # A token renewed meanwhile was already encrypted with the first key.
            token = self.shelf.find(shop_id)
            while token is not None:
                refresh = None if token.refresh is None else _rotated(box, token.refresh)
                turned = replace(token, access=_rotated(box, token.access), refresh=refresh)
                if self.shelf.replace(shop_id, turned, seen=token.refreshed_at):
                    done += 1
                    break
                token = self.shelf.find(shop_id)
        return done

    def _renewed(self, shop_id: int, domain: str, token: SealedToken) -> str:
        """Renews under the shop's lease, or waits for the worker that has it."""
        if not rules.renewable(token, self.now()):
            if token.kind == "offline_expiring" and rules.usable(token, self.now()):
                return self._open(token.access)
            raise NeedsReauth(_GONE)
        holder, looks = os.urandom(8).hex(), 0
        while not self.shelf.take_lease(shop_id, holder, self.now(), LEASE):
            if rules.usable(token, self.now()):  # another worker renews it; the old one lives out its hour
                return self._open(token.access)
            looks = self._wait(shop_id, looks)
            if looks >= LOOKS:
                raise TokenUnavailable(_BUSY)
            theirs = self._find(shop_id)
            if theirs.refreshed_at != token.refreshed_at:
                return self._open(theirs.access)
        try:
            return self._renew(shop_id, domain, token)
        finally:
            self.shelf.drop_lease(shop_id, holder)

    def _wait(self, shop_id: int, looks: int) -> int:
        """Waits while another one holds the lease; returns how often it looked in all, at most LOOKS times."""
        while looks < LOOKS and self.shelf.leased(shop_id, self.now()):
            self.sleep(LOOK_AGAIN_S)
            looks += 1
        return looks

    def _renew(self, shop_id: int, domain: str, token: SealedToken) -> str:
        stored = self._find(shop_id)
        if stored.refreshed_at != token.refreshed_at:  # renewed between our look and our lease
            return self._open(stored.access)
        assert stored.refresh is not None
        try:
            grant = by_refresh_token(
                self.config, self.http_client, domain, self._open(stored.refresh), self.now()
            )
        except GrantRefused as refused:
            now_stored = self._find(shop_id)
            if now_stored.refreshed_at != stored.refreshed_at:  # the merchant opened the app meanwhile
                return self._open(now_stored.access)
            raise NeedsReauth(_GONE) from refused
        except TokenUnavailable:
            # Nothing was stored, so the next try sends the same refresh token. The platform honours it even
            # when it had already rotated, until the new one is used (changelog of 28 August 2026).
            if rules.usable(token, self.now()):
                return self._open(token.access)
            raise
        if grant.refresh is None:
            grant = replace(
                grant, refresh=self._open(stored.refresh), refresh_expires_at=stored.refresh_expires_at
            )
        sealed = self.sealed(grant)
        later = max(sealed.refreshed_at, stored.refreshed_at + timedelta(milliseconds=1))
        if self.shelf.replace(shop_id, replace(sealed, refreshed_at=later), seen=stored.refreshed_at):
            return grant.access
        return self._open(self._find(shop_id).access)

    def _find(self, shop_id: int) -> SealedToken:
        token = self.shelf.find(shop_id)
        if token is None:
            raise NeedsReauth("This shop has not given us access. Open Regulars in the Shopify admin once.")
        return token

    def _open(self, secret: bytes) -> str:
        try:
            return _box(self.config.token_keys).decrypt(secret).decode()
        except InvalidToken:
            raise NeedsReauth(_KEY_MISSING, code="token_key_missing") from None


def _granted(ask: Callable[[], Grant]) -> Grant:
    try:
        return ask()
    except GrantRefused as refused:
        raise NeedsReauth(
            "Shopify did not accept this sign-in. Close the app and open it again.", code=refused.code
        ) from refused


def _box(keys: Sequence[str]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _rotated(box: MultiFernet, secret: bytes) -> bytes:
    try:
        return box.rotate(secret)
    except InvalidToken:
        raise NeedsReauth(_KEY_MISSING, code="token_key_missing") from None
