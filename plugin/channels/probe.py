"""Asks a public address whether it answers."""

from __future__ import annotations

import time
from dataclasses import dataclass

import requests

TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Probe:
    """What an address said: an HTTP status, or the kind of trouble on the way; and how long it took."""

    status: int | None
    trouble: str | None
    took_ms: int


def probe(url: str) -> Probe:
    """One GET without following redirects. Never raises."""
    started = time.monotonic()
    try:
        answer = requests.get(url, timeout=TIMEOUT_S, allow_redirects=False)
        status, trouble = answer.status_code, None
    except requests.RequestException as error:
        status, trouble = None, type(error).__name__
    return Probe(status, trouble, int((time.monotonic() - started) * 1000))
