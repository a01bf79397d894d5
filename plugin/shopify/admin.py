"""The one client of the Admin API: sends our documents, keeps to the budget, and never guesses an outcome."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from plugin.config import API_VERSION
from plugin.shopify.documents import Document, document
from plugin.shopify.errors import AccessDenied, NeedsReauth, Refused, Throttled, Unavailable, UserError
from plugin.shopify.pace import Pace
from plugin.shopify.tokens import TokenSource

TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 20_000_000
# How long one call may wait for the budget before the outbox should rather come back later.
MAX_WAIT_S = 5.0
THROTTLED_TRIES = 3
QUERY_TRIES = 3

# What the platform refuses while a data approval or an optional scope is missing: null, and no failure.
_MAY_BE_DENIED = {
    "firstName",
    "lastName",
    "defaultEmailAddress",
    "emailAddress",
    "shippingAddress",
    "phone",
    "clientIp",
    "countryCodeV2",
    "locale",
    "customerLocale",
    "product",
    "variant",
}
_OVERLOADED = "Shopify could not answer. Try again in a moment."


@dataclass(slots=True)
class AdminClient:
    """Runs documents for one shop. One per shop and piece of work; `pace` is shared by all of a process.

    `on_unauthorized(refused_token)` gives another token after a 401, once a call. Neither tokens nor bodies
    are ever logged or put into an error.
    """

    domain: str
    token: Callable[[], str]
    http_client: httpx.Client = field(repr=False)
    api_version: str = API_VERSION
    sleep: Callable[[float], None] = time.sleep
    on_unauthorized: Callable[[str], str] | None = None
    pace: Pace = field(default_factory=Pace)
    timeout_s: float = TIMEOUT_S
    max_wait_s: float = MAX_WAIT_S

    def run(self, name: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The `data` of one document.

        Raises Refused (userErrors, invalid), AccessDenied, Throttled (wait `after_s`; nothing was done),
        Unavailable (`outcome_unknown` says whether a mutation may have acted), NeedsReauth, TokenUnavailable.
        Queries are tried up to three times; a mutation only when it surely did nothing.
        """
        doc = document(name)
        started = time.monotonic()
        for attempt in range(1, QUERY_TRIES + 1):
            try:
                return self._in_budget(doc, variables or {})
            except Unavailable:
                late = time.monotonic() - started > self.timeout_s
                if doc.kind == "mutation" or attempt == QUERY_TRIES or late:
                    raise
                self.sleep(0.2 * attempt)
        raise AssertionError("the last try raises")

    def _in_budget(self, doc: Document, variables: dict[str, Any]) -> dict[str, Any]:
        waited = 0.0
        for _ in range(THROTTLED_TRIES):
            wait = self.pace.wait_s(self.domain, doc.name)
            if waited + wait > self.max_wait_s:
                raise Throttled(wait)
            if wait > 0:
                self.sleep(wait)
                waited += wait
            try:
                return self._judged(doc, self._answer(doc, variables))
            except Throttled as throttled:
                if throttled.after_s <= 0 or waited + throttled.after_s > self.max_wait_s:
                    raise
                self.sleep(throttled.after_s)
                waited += throttled.after_s
        raise Throttled(max(1.0, self.pace.wait_s(self.domain, doc.name)))

    def _answer(self, doc: Document, variables: dict[str, Any]) -> dict[str, Any]:
        token = self.token()
        status, body, retry_after = self._send(doc, variables, token)
        if status == 401 and self.on_unauthorized is not None:
            status, body, retry_after = self._send(doc, variables, self.on_unauthorized(token))
        if status == 200:
            return _parsed(doc, body)
        if status == 401:
            raise NeedsReauth(
                "Shopify no longer accepts our access. Open Regulars in the Shopify admin once."
            )
        if status == 403:
            raise AccessDenied(
                "Shopify does not allow this. Approve the app's permissions in the Shopify admin."
            )
        if status == 429:
            raise Throttled(retry_after)
        if status >= 500:
            raise Unavailable(_OVERLOADED, outcome_unknown=doc.kind == "mutation", code="platform_failed")
        # 402 frozen, 404 gone, 423 locked and the like: the platform turned us away at the door.
        raise Unavailable(
            f"Shopify turned the call away (HTTP {status}). Is the shop open and the app installed?",
            outcome_unknown=False,
            code=f"http_{status}",
        )

    def _send(self, doc: Document, variables: dict[str, Any], token: str) -> tuple[int, bytes, float]:
        """Status, body and Retry-After of one HTTP exchange, bounded in time and size as a whole."""
        url = f"https://{self.domain}/admin/api/{self.api_version}/graphql.json"
        headers = {"X-Shopify-Access-Token": token, "Accept": "application/json"}
        body = {"query": doc.text, "variables": variables}
        unknown = doc.kind == "mutation"
        deadline = time.monotonic() + self.timeout_s
        received = bytearray()
        try:
            with self.http_client.stream(
                "POST", url, json=body, headers=headers, timeout=self.timeout_s
            ) as answer:
                for chunk in answer.iter_bytes():
                    received += chunk
                    if len(received) > MAX_ANSWER_BYTES or time.monotonic() > deadline:
                        raise Unavailable(_OVERLOADED, outcome_unknown=unknown, code="timeout")
                return answer.status_code, bytes(received), _seconds(answer.headers.get("retry-after"))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol):
            # nothing was sent
            raise Unavailable(_OVERLOADED, outcome_unknown=False, code="unreachable") from None
        except (httpx.HTTPError, httpx.StreamError):
            raise Unavailable(_OVERLOADED, outcome_unknown=unknown, code="timeout") from None

    def _judged(self, doc: Document, answer: dict[str, Any]) -> dict[str, Any]:
        cost = (answer.get("extensions") or {}).get("cost")
        self.pace.learn(self.domain, doc.name, cost)
        errors, data = answer.get("errors") or [], answer.get("data")
        if errors:
            self._raise_for(doc, errors, data)
        if not isinstance(data, dict):
            raise Unavailable(_OVERLOADED, outcome_unknown=doc.kind == "mutation", code="unreadable_answer")
        if doc.kind == "mutation":
            complaints = [
                error for payload in data.values() for error in (payload or {}).get("userErrors") or []
            ]
            if complaints:
                raise Refused(doc.name, tuple(_user_error(error) for error in complaints))
            if any(payload is None for payload in data.values()):
                raise Unavailable(_OVERLOADED, outcome_unknown=True, code="unreadable_answer")
        return data

    def _raise_for(self, doc: Document, errors: Any, data: Any) -> None:
        """Raises for top-level errors; returns when all that was denied is data we can do without."""
        listed = errors if isinstance(errors, list) else [{"message": str(errors)}]
        codes = {_top_level(error).code for error in listed}
        if "THROTTLED" in codes:
            raise Throttled(max(0.1, self.pace.wait_s(self.domain, doc.name)))
        if codes & {"INTERNAL_SERVER_ERROR", "TIMEOUT"}:
            raise Unavailable(_OVERLOADED, outcome_unknown=doc.kind == "mutation", code="platform_failed")
        if codes == {"ACCESS_DENIED"}:
            if (
                doc.kind == "query"
                and isinstance(data, dict)
                and all(_dispensable(error) for error in listed)
            ):
                return
            raise AccessDenied(
                f"Shopify does not allow {doc.name}. Approve the app's permissions in the Shopify admin."
            )
        raise Refused(doc.name, tuple(_top_level(error) for error in listed), top_level=True)


@dataclass(frozen=True, slots=True)
class AdminClients:
    """Makes the client of each shop over one HTTP client, one token source and one pace."""

    tokens: TokenSource
    http_client: httpx.Client = field(repr=False)
    pace: Pace = field(default_factory=Pace)
    api_version: str = API_VERSION

    def of(
        self, shop_id: int, domain: str, *, timeout_s: float = TIMEOUT_S, max_wait_s: float = MAX_WAIT_S
    ) -> AdminClient:
        """The client of that shop. A web request that a shopper waits for asks for shorter times."""
        return AdminClient(
            domain,
            lambda: self.tokens.access_token(shop_id, domain),
            self.http_client,
            api_version=self.api_version,
            sleep=self.tokens.sleep,
            on_unauthorized=lambda refused: self.tokens.after_refusal(shop_id, domain, refused),
            pace=self.pace,
            timeout_s=timeout_s,
            max_wait_s=max_wait_s,
        )


def _parsed(doc: Document, body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise Unavailable(_OVERLOADED, outcome_unknown=doc.kind == "mutation", code="unreadable_answer")
    return answer


def _seconds(text: str | None) -> float:
    try:
        return min(600.0, max(0.1, float(text))) if text else 1.0
    except ValueError:
        return 1.0


def _dispensable(error: dict[str, Any]) -> bool:
    path = error.get("path")
    return isinstance(path, list) and any(step in _MAY_BE_DENIED for step in path)


def _user_error(error: dict[str, Any]) -> UserError:
    field_path = tuple(str(step) for step in error.get("field") or ())
    element = error.get("elementIndex")
    return UserError(error.get("code"), field_path, str(error.get("message", "")), element)


def _top_level(error: Any) -> UserError:
    said = error if isinstance(error, dict) else {}
    path: Iterable[Any] = said.get("path") or ()
    code = (said.get("extensions") or {}).get("code")
    return UserError(code, tuple(str(step) for step in path), str(said.get("message", "")))
