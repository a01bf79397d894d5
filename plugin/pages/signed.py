"""What this app signs itself: nonces of the storefront, survey tickets, form tickets, OAuth states.

Everything is stateless and names its purpose, so that one kind never passes for another. Times are real time.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

NONCE_S = 3600
FORM_TICKET_S = 3600
STATE_S = 600
SURVEY_TICKET_S = 30 * 86_400
_MAX_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class SurveyTicket:
    """Lets its bearer answer one invitation, and nothing else."""

    shop_id: int
    order_id: int
    member_id: int


@dataclass(frozen=True, slots=True)
class FormTicket:
    """Lets one staff member of one shop send one form."""

    shop: str
    user_id: int


class Signer:
    """Signs with the current client secret and accepts the one being rotated out, as Shopify does."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._nonce_keys = [hmac.digest(secret.encode(), b"regulars nonce 1", "sha256") for secret in secrets]
        self._secrets = list(reversed(secrets))  # itsdangerous signs with the last

    def nonce(self, shop: str, customer_id: int, now_s: float) -> str:
        """Proof that a later request comes from a page this customer loaded: good for an hour, for this shop."""
        expires_s = int(now_s) + NONCE_S
        return f"{expires_s}.{_nonce_mac(self._nonce_keys[0], shop, customer_id, expires_s)}"

    def nonce_ok(self, nonce: str, shop: str, customer_id: int, now_s: float) -> bool:
        """Whether the nonce is ours, for this customer of this shop, and still good."""
        expires, _, mac = nonce.partition(".")
        if not (expires.isascii() and expires.isdigit() and len(expires) < 13 and mac.isascii()):
            return False
        signed = any(
            hmac.compare_digest(_nonce_mac(key, shop, customer_id, int(expires)), mac)
            for key in self._nonce_keys
        )
        return signed and now_s < int(expires)

    def survey_ticket(
        self, shop_id: int, order_id: int, member_id: int, now_s: float, *, valid_s: int = SURVEY_TICKET_S
    ) -> str:
        """A ticket for the link in a mail: it answers this invitation until it expires."""
        return self._dump("survey", [shop_id, order_id, member_id, int(now_s) + valid_s])

    def read_survey_ticket(self, text: str, now_s: float) -> SurveyTicket | None:
        """The ticket, or None when it is forged or has expired."""
        fields = self._load("survey", text, 4, now_s)
        return None if fields is None else SurveyTicket(fields[0], fields[1], fields[2])

    def form_ticket(self, shop: str, user_id: int, action: str, now_s: float) -> str:
        """A ticket for one form of an admin page: for this shop, staff member and action, for an hour."""
        return self._dump(f"form {action}", [shop, user_id, int(now_s) + FORM_TICKET_S])

    def read_form_ticket(self, text: str, action: str, now_s: float) -> FormTicket | None:
        """The ticket, or None when it is forged, expired or for another action."""
        fields = self._load(f"form {action}", text, 3, now_s)
        return None if fields is None else FormTicket(fields[0], fields[1])

    def state(self, shop: str, now_s: float) -> str:
        """The `state` of an authorization-code grant: ours, for this shop, for ten minutes."""
        return self._dump("state", [shop, int(now_s) + STATE_S])

    def state_ok(self, text: str, shop: str, now_s: float) -> bool:
        """Whether the state was made by us for this shop, and lately."""
        fields = self._load("state", text, 2, now_s)
        return fields is not None and fields[0] == shop

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._secrets,
            salt=f"regulars {purpose}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def _dump(self, purpose: str, fields: list[Any]) -> str:
        return str(self._serializer(purpose).dumps(fields))

    def _load(self, purpose: str, text: str, count: int, now_s: float) -> list[Any] | None:
        """The signed fields, of which the last is when they end."""
        if len(text) > _MAX_CHARACTERS:
            return None
        try:
            fields = self._serializer(purpose).loads(text)
        except BadData:
            return None
        if not isinstance(fields, list) or len(fields) != count or now_s >= fields[-1]:
            return None
        return fields


def _nonce_mac(key: bytes, shop: str, customer_id: int, expires_s: int) -> str:
    return hmac.digest(key, f"{shop} {customer_id} {expires_s}".encode(), "sha256").hex()[:40]
