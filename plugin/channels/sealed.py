"""Seals the secrets that we share with others: encrypted at rest with TOKEN_KEYS, like access tokens."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from plugin.errors import RegularsError


class CannotUnseal(RegularsError):
    """A secret was sealed with a key that is no longer among TOKEN_KEYS."""

    code = "token_key_missing"
    status = 503


class Sealer:
    """Encrypts with the first key, decrypts with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._box = MultiFernet([Fernet(key) for key in keys])

    def seal(self, secret: str) -> bytes:
        """The secret as it may be stored."""
        return self._box.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """The secret again. Raises CannotUnseal."""
        try:
            return self._box.decrypt(sealed).decode()
        except InvalidToken as error:
            raise CannotUnseal(
                "A stored secret cannot be decrypted with TOKEN_KEYS. Put the old key back at the end of TOKEN_KEYS, "
                "or make a new secret."
            ) from error
