"""API keys flow: staff make and revoke the keys that other programs come with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from plugin.errors import RegularsError
from plugin.store import api_keys, events
from plugin.store.api_keys import ApiKey
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.ids import new_id
from plugin.store.shops import Shop

MAX_NAME, MAX_KEYS = 60, 50
# What a key may be allowed, and what that lets it do.
SCOPES = {
    "read_members": "Read members, their points and why they have them",
    "read_personal_data": "See names, e-mail addresses and the words of survey answers, where it may read members",
    "write_members": "Take members out of the programme and back in, and freeze them",
    "write_points": "Give and take points, with a reason",
    "read_rewards": "Read rewards and redemptions",
    "write_redemptions": "Redeem points for a member, undo it, and say what was handed over",
    "read_referrals": "Read referrals",
    "write_referrals": "Decide on referrals",
    "write_actions": "Report actions that earn points",
    "read_surveys": "Read survey answers and the score",
    "read_programme": "Read the programme",
    "write_programme": "Change and publish the programme",
    "read_moving": "Read how far lists and past orders have come",
    "write_moving": "Move members in, and read past orders",
    "read_webhooks": "Read webhook subscriptions and deliveries",
    "write_webhooks": "Change webhook subscriptions and send again",
}
_TOKEN = re.compile(r"rgk_([0-9a-f]{1,16})_([0-9a-f]{1,16})_[A-Za-z0-9_-]{43}")
_PUBLIC = re.compile(r"rgk_([0-9a-f]{1,16})_([0-9a-f]{1,16})")
_BIGGEST = 1 << 63


class CannotMakeKey(RegularsError):
    """The key was not made; `field` names the field of the form that has to change."""

    code = "cannot_make_key"
    status = 422

    def __init__(self, message: str, *, code: str, field: str) -> None:
        super().__init__(message, code=code)
        self.field = field


@dataclass(frozen=True, slots=True)
class Made:
    """A new key with its two secrets, which nobody can read again later."""

    key: ApiKey
    token: str
    signing_secret: str


def make(
    tx: Tx,
    shop: Shop,
    name: str,
    scopes: Iterable[str],
    actor: str,
    now: datetime,
    seal: Callable[[str], bytes],
) -> Made:
    """Makes a key. Raises CannotMakeKey (codes: no_name, no_scope, unknown_scope, too_many_keys)."""
    name, wanted = " ".join(name.split()), frozenset(scopes)
    if not 1 <= len(name) <= MAX_NAME:
        raise CannotMakeKey(f"Give the key a name of 1 to {MAX_NAME} characters, such as the program that will use it.",
                            code="no_name", field="name")  # fmt: skip
    if not wanted:
        raise CannotMakeKey("Choose at least one thing that the key may do.", code="no_scope", field="scopes")
    if wanted - SCOPES.keys():
        raise CannotMakeKey("Choose from the list.", code="unknown_scope", field="scopes")
    if sum(key.revoked_at is None for key in api_keys.every(tx, shop.shop_id)) >= MAX_KEYS:
        raise CannotMakeKey(f"A shop has at most {MAX_KEYS} keys. Revoke one that is not used any more.",
                            code="too_many_keys", field="name")  # fmt: skip
    key_id, signing = new_id(), new_secret()
    token = f"rgk_{shop.shop_id:x}_{key_id:x}_{secrets.token_urlsafe(32)}"
    key = ApiKey(key_id, name, hashed(token), seal(signing), wanted, now, actor, None, None)
    api_keys.insert(tx, shop.shop_id, key)
    detail: dict[str, object] = {"name": name, "scopes": sorted(wanted)}
    events.record(tx, shop.shop_id, [Event(now, actor, "api_key_made", f"api_key:{key_id}", detail)])
    return Made(key, token, signing)


def revoke(tx: Tx, shop: Shop, key_id: int, actor: str, now: datetime) -> bool:
    """Ends a key at once and for good; False when it was no key of this shop, or revoked before."""
    key = api_keys.by_id(tx, shop.shop_id, key_id)
    if key is None or not api_keys.revoke(tx, shop.shop_id, key_id, now):
        return False
    detail: dict[str, object] = {"name": key.name}
    events.record(tx, shop.shop_id, [Event(now, actor, "api_key_revoked", f"api_key:{key_id}", detail)])
    return True


def claimed(token: str) -> tuple[int, int] | None:
    """The (shop id, key id) that a token claims to be of; proved only once its hash is compared."""
    return _numbers(_TOKEN, token)


def named(public: str) -> tuple[int, int] | None:
    """The (shop id, key id) of a key's public name, the token's part before the secret."""
    return _numbers(_PUBLIC, public)


def _numbers(form: re.Pattern[str], text: str) -> tuple[int, int] | None:
    found = form.fullmatch(text)
    if found is None:
        return None
    shop_id, key_id = int(found[1], 16), int(found[2], 16)
    return (shop_id, key_id) if max(shop_id, key_id) < _BIGGEST else None


def public_name(shop_id: int, key_id: int) -> str:
    """What a key is called where it may be seen."""
    return f"rgk_{shop_id:x}_{key_id:x}"


def proved(key: ApiKey | None, token: str) -> bool:
    """Whether the token is this key's own, in constant time."""
    return key is not None and hmac.compare_digest(key.token_hash, hashed(token))


def hashed(token: str) -> str:
    """The token as it is stored. It holds 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_secret() -> str:
    """A secret to sign with, in the form of Standard Webhooks."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
