"""API, webhooks: which addresses are told what happened, and what became of each message."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from plugin.channels import addresses
from plugin.flows import outgoing as flow
from plugin.pages.api.route import Body, Call, Fault, Id, Page, Paged, Route, Text, paged
from plugin.store import outgoing
from plugin.store.db import to_ms
from plugin.store.outgoing import Delivery as Stored
from plugin.store.outgoing import Endpoint

Url = Annotated[str, Meta(min_length=1, max_length=addresses.MAX_URL, pattern="^[!-~]+$")]
Topics = Annotated[list[Text], Meta(max_length=50, description="Event types; empty: everything.")]


class Subscription(Struct, frozen=True):
    """An address that is told what happened."""

    id: Id
    url: str
    topics: list[str]
    active: bool
    created_at: datetime
    failing_until: datetime | None


class NewSubscription(Struct, frozen=True):
    """A subscription with its signing secret, which is shown this once."""

    id: Id
    url: str
    topics: list[str]
    active: bool
    created_at: datetime
    secret: str


class Subscriptions(Struct, frozen=True):
    """Every subscription of the shop."""

    data: list[Subscription]


class Subscribe(Body, frozen=True):
    """Whom to tell, and of what."""

    url: Url
    topics: Topics = field(default_factory=list)


class Change(Body, frozen=True):
    """A subscription as it should be. One that is switched on again hears of what happens from then on."""

    url: Url
    topics: Topics = field(default_factory=list)
    active: bool = True


class Delivery(Struct, frozen=True):
    """One message. `state`: waiting, delivered or parked; `reason` says why it has not arrived."""

    event_id: str
    type: str
    state: str
    attempts: int
    created_at: datetime
    delivered_at: datetime | None
    next_attempt_at: datetime | None
    reason: str | None


class Again(Body, frozen=True):
    """Which event to send once more."""

    event_id: Text


def list_webhooks(call: Call, _: None) -> Subscriptions:
    return Subscriptions([_shown(one) for one in outgoing.every(call.tx, call.shop_id)])


def get_webhook(call: Call, _: None) -> Subscription:
    return _shown(flow.known(call.tx, call.shop, call.path["endpoint_id"]))


def add_webhook(call: Call, wish: Subscribe) -> NewSubscription:
    _check(call, wish.url)
    made = flow.listen(call.tx, call.shop, wish.url, wish.topics, call.actor, call.now, call.web.sealer.seal)
    return _new(made)


def change_webhook(call: Call, wish: Change) -> Subscription:
    _check(call, wish.url)
    number = call.path["endpoint_id"]
    return _shown(
        flow.change(call.tx, call.shop, number, wish.url, wish.topics, wish.active, call.actor, call.now)
    )


def remove_webhook(call: Call, _: None) -> None:
    flow.forget(call.tx, call.shop, call.path["endpoint_id"], call.actor, call.now)


def rotate_webhook_secret(call: Call, _: None) -> NewSubscription:
    return _new(
        flow.rotate(call.tx, call.shop, call.path["endpoint_id"], call.actor, call.now, call.web.sealer.seal)
    )


def list_deliveries(call: Call, query: Paged) -> Page[Delivery]:
    endpoint = flow.known(call.tx, call.shop, call.path["endpoint_id"])
    before = _after(query.cursor, endpoint)
    found = outgoing.deliveries(
        call.tx, call.shop_id, before, query.limit + 1, endpoint_id=endpoint.endpoint_id
    )
    return paged(found, query.limit, _delivery, lambda one: f"{to_ms(one.created_at)}.{one.event_id}")


def send_again(call: Call, wish: Again) -> Delivery:
    key = outgoing.key_of(call.path["endpoint_id"], wish.event_id)
    return _delivery(flow.again(call.tx, call.shop, key, call.now))


def _after(text: str | None, endpoint: Endpoint) -> tuple[int, str] | None:
    if text is None:
        return None
    at, _, event_id = text.partition(".")
    if not (at.isascii() and at.isdigit() and len(at) <= 15 and event_id and "\0" not in event_id):
        raise Fault("Use next_cursor of the page before as it is, or leave cursor out to begin at the top.",
                    code="invalid_cursor", field="cursor")  # fmt: skip
    return int(at), outgoing.key_of(endpoint.endpoint_id, event_id)


def _check(call: Call, url: str) -> None:
    addresses.check(url, development=call.web.config.development)


def _shown(one: Endpoint) -> Subscription:
    return Subscription(
        str(one.endpoint_id), one.url, list(one.topics), one.active, one.created_at, one.failing_until_at
    )


def _new(made: flow.Secret) -> NewSubscription:
    one = made.endpoint
    return NewSubscription(
        str(one.endpoint_id), one.url, list(one.topics), one.active, one.created_at, made.secret
    )


def _delivery(one: Stored) -> Delivery:
    waiting = one.state == "waiting"
    reason = (one.reason or "").partition(": ")[2] or one.reason
    return Delivery(
        one.event_id, one.type, one.state, one.attempts, one.created_at, one.done_at,
        one.due_at if waiting else None, reason,
    )  # fmt: skip


ROUTES = (
    Route("GET", "/webhooks", "read_webhooks", list_webhooks, "The shop's webhook subscriptions",
          answer=Subscriptions),
    Route("POST", "/webhooks", "write_webhooks", add_webhook, "Subscribes an address; answers with its secret, once",
          given=Subscribe, answer=NewSubscription, status=201),
    Route("GET", "/webhooks/{endpoint_id}", "read_webhooks", get_webhook, "One subscription", answer=Subscription),
    Route("PUT", "/webhooks/{endpoint_id}", "write_webhooks", change_webhook, "Changes a subscription",
          given=Change, answer=Subscription),
    Route("DELETE", "/webhooks/{endpoint_id}", "write_webhooks", remove_webhook, "Removes a subscription"),
    Route("POST", "/webhooks/{endpoint_id}/secret", "write_webhooks", rotate_webhook_secret,
          "Makes a new secret; messages are signed with both for a day", answer=NewSubscription, status=201),
    Route("GET", "/webhooks/{endpoint_id}/deliveries", "read_webhooks", list_deliveries,
          "Messages to a subscription, the newest first", given=Paged, answer=Page[Delivery]),
    Route("POST", "/webhooks/{endpoint_id}/deliveries", "write_webhooks", send_again,
          "Sends a message that was delivered or parked once more", given=Again, answer=Delivery),
)  # fmt: skip
