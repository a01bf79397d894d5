"""The intake alone, for the benchmark to serve; in the real app Flask stands behind it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bench.load import SECRET
from plugin.store.intake import IntakeWriter
from webhooks.receive import Intake

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def nothing_else(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Stands where Flask stands in the real app."""
    start_response("404 Not Found", [("Content-Length", "0")])
    return ()


app = Intake(nothing_else, IntakeWriter(os.environ["DATABASE_URL"]), (SECRET,))
