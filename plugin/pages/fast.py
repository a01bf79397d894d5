"""The fast path: the two reads of the storefront, answered in front of Flask by the same functions as behind it.

Only the plain case is answered here. Whatever is refused, limited, new or broken goes on to Flask, whose views
decide it again, so that errors and the first visit exist once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from plugin.errors import RegularsError
from plugin.pages import identity, panel
from plugin.pages.answers import EVERYWHERE, JSON, encode
from plugin.pages.door import limit_key
from plugin.pages.identity import Visitor
from plugin.pages.storefront import MAY_READ, cursor, joins_by_itself
from plugin.shopify.verify import Refused

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from plugin.pages.web import Web

_HEADERS = [("Content-Type", JSON), *EVERYWHERE]


class FastReads:
    """The WSGI application that answers GET /proxy/me and /proxy/history of known customers itself."""

    def __init__(self, wsgi_app: WSGIApplication, web: Web) -> None:
        self._next = wsgi_app
        self._web = web
        # On SQLite one at a time: threads that read at once would only pass Python's own lock around at every row.
        self._gate: AbstractContextManager[Any] = threading.Lock() if web.reader.shared else nullcontext()
        self._secret = web.config.api_secret.encode()
        self._reads: dict[str, Callable[[Visitor, int], bytes | None]] = {
            "/proxy/me": self._me,
            "/proxy/history": self._history,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The answer, or whatever Flask says."""
        read = self._reads.get(environ["PATH_INFO"])
        if read is not None and environ["REQUEST_METHOD"] == "GET":
            with self._gate:
                body = self._read(environ, read)
            if body is not None:
                start_response("200 OK", [*_HEADERS, ("Content-Length", str(len(body)))])
                return (body,)
        return self._next(environ, start_response)

    def _read(self, environ: WSGIEnvironment, read: Callable[[Visitor, int], bytes | None]) -> bytes | None:
        web = self._web
        query, now_s = environ.get("QUERY_STRING", ""), web.wall_s()
        visitor: Visitor | Refused | None = identity.plain_customer(query, self._secret, now_s)
        if visitor is None:
            visitor = identity.from_proxy(query.encode("latin-1"), web.config, now_s)
        if isinstance(visitor, Refused) or visitor.customer_id is None:
            return None
        key = limit_key(visitor, environ)
        if web.reads.take(key):
            return None
        try:
            body = read(visitor, visitor.customer_id)
        except RegularsError:
            body = None
        if body is None:
            web.reads.give_back(key)  # the view takes it again
        return body

    def _me(self, visitor: Visitor, customer_id: int) -> bytes | None:
        web = self._web
        now = web.now()
        found = web.reader.shopper(visitor.shop, customer_id, now)
        if found is None or found.programme is None or joins_by_itself(found):
            return None
        nonce = web.signer.nonce(visitor.shop, customer_id, web.wall_s())
        return encode(panel.of_customer(found, found.programme, now, nonce, visitor.locale))

    def _history(self, visitor: Visitor, customer_id: int) -> bytes | None:
        limit, before = panel.page_size(visitor.page_size), cursor(visitor)
        page = self._web.reader.history(visitor.shop, customer_id, before, limit)
        if page is None or page[0] not in MAY_READ:
            return None
        return encode(panel.history(page[1], limit, visitor.locale))
