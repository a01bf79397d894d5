"""Sends one webhook to another program: signed as Standard Webhooks say, to public addresses only, within seconds.

The specification: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from plugin.channels import addresses
from plugin.channels.addresses import BadAddress

CONNECT_S, READ_S = 3.05, 5.0
# However slowly the other side drips, the whole call ends by then.
DEADLINE_S = 10.0
TOLERANCE_S = 300
_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call. `status` None: there was no answer. `gone`: the address asked never to be called again."""

    ok: bool
    status: int | None
    reason: str
    gone: bool = False
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """Calls other programs. `development`: a program on this machine may be called over plain http."""

    development: bool = False

    def send(self, url: str, secrets: Sequence[str], message_id: str, body: bytes, now_s: int) -> Outcome:
        """Posts a signed body and looks at the status only; redirects are not followed. Never raises."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Regulars-Webhooks/1",
            "webhook-id": message_id,
            "webhook-timestamp": str(now_s),
            "webhook-signature": " ".join(signature(secret, message_id, now_s, body) for secret in secrets),
        }
        try:
            addresses.check(url, development=self.development)
            with requests.Session() as session:
                # A proxy, or a netrc, of the machine's environment would go round the check of the address.
                session.trust_env = False
                session.mount("https://", _Adapter())
                session.mount("http://", _Adapter())
                with session.post(
                    url,
                    data=body,
                    headers=headers,
                    timeout=(CONNECT_S, READ_S),
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    return _outcome(answer.status_code)
        except BadAddress as error:
            return Outcome(False, None, error.message, forbidden=True)
        except requests.Timeout:
            return Outcome(False, None, "no answer in time")
        except requests.exceptions.SSLError:
            return Outcome(False, None, "its certificate is not valid")
        except (requests.RequestException, OSError, ValueError):
            return Outcome(False, None, "it could not be reached")


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome(True, status, "")
    if 300 <= status < 400:
        return Outcome(False, status, f"HTTP {status}: redirects are not followed")
    return Outcome(False, status, f"HTTP {status}", gone=status == 410)


def signature(secret: str, message_id: str, at_s: int, body: bytes) -> str:
    """The signature of a message: v1, HMAC-SHA256 over id, time and body."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = b".".join((message_id.encode(), str(at_s).encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


def signed_by(secret: str, message_id: str, at: str, given: str, body: bytes, now_s: float) -> bool:
    """Whether one of the signatures given is ours, of this body, and not older or newer than five minutes."""
    if not at.isascii() or not at.isdigit() or len(at) > 12 or abs(now_s - int(at)) > TOLERANCE_S:
        return False
    if not message_id.isascii() or not given.isascii():
        return False
    right = signature(secret, message_id, int(at), body)
    return any(hmac.compare_digest(right, one) for one in given.split(" ")[:10])


class _Checked:
    """A connection that looks its host up itself, connects to what it has checked, and ends by the deadline."""

    host: str
    port: int
    timeout: Any
    local = False

    def _new_conn(self) -> socket.socket:
        last: OSError = OSError("the host has no address")
        for family, place in addresses.resolved(self.host, self.port, local=self.local):
            made = socket.socket(family, socket.SOCK_STREAM)
            made.settimeout(CONNECT_S)
            try:
                made.connect(place)
            except OSError as error:
                made.close()
                last = error
                continue
            # A second handle on the same connection: TLS takes the first one away.
            self._handle = made.dup()
            self._deadline = threading.Timer(DEADLINE_S, _cut, [self._handle])
            self._deadline.daemon = True
            self._deadline.start()
            return made
        raise last

    def close(self) -> None:
        if hasattr(self, "_deadline"):
            self._deadline.cancel()
            self._handle.close()
        # Mixed in before urllib3's connections, whose close() comes next; its own type alone cannot say so.
        super().close()  # type: ignore[misc]  # what this is mixed into has it


def _cut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class _Https(_Checked, HTTPSConnection):
    """To the internet."""


class _Http(_Checked, HTTPConnection):
    """To this machine, in development."""

    local = True


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _Adapter(HTTPAdapter):
    """Opens every connection through the check."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        self.poolmanager = PoolManager(1, maxsize=1)
        self.poolmanager.pool_classes_by_scheme = {"https": _HttpsPool, "http": _HttpPool}
