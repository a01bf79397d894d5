"""The door of the API: proves the key, counts requests, reads the body, acts once per idempotency key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Response, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from plugin.errors import StorageBusy
from plugin.flows import api_keys as key_flow
from plugin.pages.answers import Refusal, encode, json_answer
from plugin.pages.api.route import MAX_BODY_BYTES, Call, Fault, Later, Route, number, said
from plugin.pages.guards import API_KEY, guard
from plugin.pages.identity import bearer
from plugin.store import api_answers, api_keys, shops
from plugin.store.api_answers import Kept
from plugin.store.api_keys import ApiKey
from plugin.store.db import Tx
from plugin.store.shops import Shop

if TYPE_CHECKING:
    from plugin.pages.web import Web

_IDEMPOTENCY = re.compile(r"[\x21-\x7e]{1,255}")
_JSON = "application/json"


def view(web: Web, route: Route) -> Callable[..., Response]:
    """The Flask view of a route."""

    @guard(API_KEY)
    def answered(**parts: str) -> Response:
        shop, key = caller(web)
        if route.scope not in key.scopes:
            raise Refusal(f"This key may not do this. Make a key with the scope {route.scope} under Settings.",
                          code="insufficient_scope", status=403)  # fmt: skip
        path = {name: _numbered(text) for name, text in parts.items()}
        raw = raw_body(route.largest) if route.method in ("POST", "PUT") else b""
        given = _given(route, raw)
        if route.repeatable:
            return _once(web, route, shop, key, path, raw, given)
        with _transaction(web, route, shop) as tx:
            call = Call(web, tx, _still(tx, shop), key, path, "", web.now())
            answer = route.handler(call, given)
            if route.method != "GET":
                _mark(tx, shop, key, web)
        if route.method == "GET":
            _mark_apart(web, shop, key)
        if isinstance(answer, Later):
            answer = answer.finish()
        if route.answer is None:
            return Response(status=204)
        return json_answer(answer, route.status)

    return answered


def caller(web: Web) -> tuple[Shop, ApiKey]:
    """The shop and the key behind the request, within the key's rate. Raises Refusal."""
    token = bearer(request.headers.get("Authorization", ""))
    claimed = key_flow.claimed(token) if token is not None else None
    shop = key = None
    if claimed is not None:
        with web.db.read() as tx:
            shop, key = shops.by_id(tx, claimed[0]), api_keys.by_id(tx, *claimed)
    if token is None or shop is None or key is None or not key_flow.proved(key, token):
        raise _unknown("Send a key of this shop: Authorization: Bearer rgk_… (Settings, Keys for other programs).",
                       "invalid_key")  # fmt: skip
    if key.revoked_at is not None:
        raise _unknown(
            "This key was revoked. Use another one, or make a new one under Settings.", "revoked_key"
        )
    limited(web, shop, key)
    if shop.state != "installed":
        raise Refusal("This shop does not run the app any more. Install it again to use the API.",
                      code="shop_not_installed", status=403)  # fmt: skip
    return shop, key


def limited(web: Web, shop: Shop, key: ApiKey) -> None:
    """Counts a request of a key; its headers tell how many are left. Raises Refusal."""
    bucket = shop.shop_id, key.key_id
    wait_s = web.api_calls.take(bucket)
    left, full_s = web.api_calls.level(bucket)
    g.api_headers = {
        "RateLimit-Limit": str(web.limits.api_at_once),
        "RateLimit-Remaining": str(left),
        "RateLimit-Reset": str(full_s),
    }
    if wait_s:
        raise Refusal(f"That was a lot at once. Try again in {wait_s} s.", code="too_many_requests", status=429,
                      headers={"Retry-After": str(wait_s)})  # fmt: skip


def _unknown(message: str, code: str) -> Refusal:
    return Refusal(
        message, code=code, status=401, headers={"WWW-Authenticate": 'Bearer realm="Regulars API"'}
    )


def _numbered(text: str) -> int:
    found = number(text)
    if found is None:
        raise Refusal(
            "There is nothing at this address. Check the number in it.", code="not_found", status=404
        )
    return found


def raw_body(largest: int = MAX_BODY_BYTES) -> bytes:
    """The raw body, of at most so many bytes. Raises Refusal."""
    request.max_content_length = largest
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Refusal(f"The body is larger than {largest} bytes. Send less at a time.",
                      code="body_too_large", status=413) from None  # fmt: skip


def _given(route: Route, raw: bytes) -> Any:
    if route.method in ("GET", "DELETE"):
        return _query(route)
    if request.args:
        raise Fault("This address takes no query. Put everything into the body.", code="invalid_query")
    if route.given is None:
        if raw.strip() not in (b"", b"{}"):
            raise Fault("This address takes no body. Leave it out.", code="invalid_body")
        return None
    if request.mimetype != _JSON:
        raise Refusal("Send the body as application/json.", code="unsupported_media_type", status=415)
    return read_json(raw, route.given)


def read_json(raw: bytes, kind: Any) -> Any:
    """A body as its type. Raises Fault: 400 when it is no JSON, 422 when it does not fit."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        field, sentence = said(error)
        raise Fault(sentence, code="invalid_body", field=field) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Fault(
            "The body is not JSON. Send one JSON object in UTF-8.", code="invalid_json", status=400
        ) from None


def _query(route: Route) -> Any:
    names = set(route.given.__struct_fields__) if route.given is not None else set()
    for name in request.args:
        if name not in names or len(request.args.getlist(name)) > 1:
            shown = name if name.isidentifier() else "this parameter"
            raise Fault(f"Leave {shown} out, or give it once: the query takes {', '.join(sorted(names)) or 'nothing'}.",
                        code="invalid_query", field=name if name in names else "")  # fmt: skip
    if route.given is None:
        return None
    try:
        return msgspec.convert(request.args.to_dict(), route.given, strict=False)
    except msgspec.ValidationError as error:
        field, sentence = said(error)
        raise Fault(sentence, code="invalid_query", field=field) from None


def _transaction(web: Web, route: Route, shop: Shop) -> AbstractContextManager[Tx]:
    return web.db.read() if route.method == "GET" or not route.moves else web.db.write(shop.shop_id)


def _still(tx: Tx, shop: Shop) -> Shop:
    """The shop as this transaction sees it."""
    return shops.by_id(tx, shop.shop_id) or shop


def _once(
    web: Web, route: Route, shop: Shop, key: ApiKey, path: dict[str, int], raw: bytes, given: Any
) -> Response:
    """Acts and keeps the answer in one transaction; the same request again gets the kept answer."""
    named = request.headers.get("Idempotency-Key", "")
    if _IDEMPOTENCY.fullmatch(named) is None:
        raise Fault("Send a header Idempotency-Key, new for each thing you want done and the same when you try again: "
                    "1 to 255 visible characters.", code="invalid_idempotency_key", status=400)  # fmt: skip
    asked = hashlib.sha256(b"\n".join((route.method.encode(), request.path.encode(), raw))).hexdigest()
    with web.db.write(shop.shop_id) as tx:
        kept = api_answers.find(tx, shop.shop_id, key.key_id, named)
        if kept is not None and kept.request_hash != asked:
            raise Fault("This Idempotency-Key was used for another request. Use a new one.",
                        code="idempotency_key_reused")  # fmt: skip
        if kept is not None:
            return _kept(web, kept, replayed=True)
        answer = route.handler(Call(web, tx, _still(tx, shop), key, path, named, web.now()), given)
        later = answer if isinstance(answer, Later) else None
        kept = Kept(asked, route.status, _sealed(web, later.answer if later else answer))
        api_answers.keep(tx, shop.shop_id, key.key_id, named, kept, web.now())
        _mark(tx, shop, key, web)
    if later is not None:
        kept = Kept(asked, route.status, _sealed(web, later.finish()))
        with web.db.write() as tx:
            api_answers.keep(tx, shop.shop_id, key.key_id, named, kept, web.now())
    return _kept(web, kept, replayed=False)


def _sealed(web: Web, answer: Any) -> str:
    """An answer as it is kept: it may hold a secret that was shown this once."""
    return web.sealer.seal(encode(answer).decode()).decode()


def _kept(web: Web, kept: Kept, *, replayed: bool) -> Response:
    answer = Response(web.sealer.open(kept.answer.encode()), kept.status, content_type=_JSON)
    if replayed:
        answer.headers["Idempotency-Replayed"] = "true"
    return answer


def _mark(tx: Tx, shop: Shop, key: ApiKey, web: Web) -> None:
    if api_keys.wants_mark(key, web.now()):
        api_keys.used(tx, shop.shop_id, key.key_id, web.now())


def _mark_apart(web: Web, shop: Shop, key: ApiKey) -> None:
    """Notes the use of a key that only read; a database that is busy writing is left alone."""
    if not api_keys.wants_mark(key, web.now()):
        return
    try:
        with web.db.write() as tx:
            api_keys.used(tx, shop.shop_id, key.key_id, web.now())
    except StorageBusy:
        return
