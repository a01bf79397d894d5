"""API, actions: what a member did beside buying, told by a program with a key or by a signed hook."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from flask import Flask, Response, request
from msgspec import Meta, Struct

from plugin.channels.outgoing import signed_by
from plugin.flows import actions as flow
from plugin.flows import api_keys as key_flow
from plugin.flows.actions import Outcome
from plugin.pages.answers import Refusal, json_answer
from plugin.pages.api.door import limited, raw_body, read_json
from plugin.pages.api.members import known
from plugin.pages.api.route import PREFIX, Body, Call, Fault, Id, Route, Text, number
from plugin.pages.guards import SIGNED_HOOK, guard
from plugin.store import api_keys, api_lists, shops
from plugin.store.api_keys import ApiKey
from plugin.store.shops import Shop

if TYPE_CHECKING:
    from plugin.pages.web import Web

HOOK = f"{PREFIX}/hooks/actions"
Key = Annotated[str, Meta(min_length=1, max_length=100, pattern="^[^\\u0000]*$")]
External = Annotated[str, Meta(min_length=1, max_length=100, pattern="^[A-Za-z0-9._:/-]+$")]


class Told(Body, frozen=True):
    """An action of the programme by its key. `external_id` names what was done: told again, it counts once."""

    action: Key
    external_id: External
    occurred_at: datetime | None = None


class Hook(Body, frozen=True):
    """The same from a hook, with the member by number or by e-mail address: one of the two."""

    action: Key
    external_id: External
    occurred_at: datetime | None = None
    member_id: Id | None = None
    email: Text | None = None


class Acted(Struct, frozen=True):
    """What became of it. `outcome`: earned or refused, and then `reason` says why; told again, the first answer."""

    member_id: Id
    action: str
    external_id: str
    outcome: str
    points: int
    reason: str | None
    again: bool


def tell_action(call: Call, told: Told) -> Acted:
    member_id = known(call, call.path["member_id"])
    at = _moment(told.occurred_at, call.now)
    return _shown(
        flow.happened(
            call.tx, call.shop, member_id, told.action, told.external_id, at, call.now, actor=call.actor
        )
    )


ROUTES = (
    Route("POST", "/members/{member_id}/actions", "write_actions", tell_action,
          "Tells what a member did; the programme says what it earns", given=Told, answer=Acted),
)  # fmt: skip


def register(app: Flask, web: Web) -> None:
    """Adds the address for programs that sign their messages and cannot send a key."""

    @app.post(HOOK, provide_automatic_options=False)
    @guard(SIGNED_HOOK)
    def action_hook() -> Response:
        return _hook(web)


def _hook(web: Web) -> Response:
    raw = raw_body()
    shop, key = _signer(web, raw)
    told = read_json(raw, Hook)
    with web.db.write(shop.shop_id) as tx:
        now = web.now()
        call = Call(web, tx, shops.by_id(tx, shop.shop_id) or shop, key, {}, "", now)
        member_id = known(call, _customer(call, told), "member_id" if told.member_id else "email")
        outcome = flow.happened(
            tx, call.shop, member_id, told.action, told.external_id, _moment(told.occurred_at, now), now,
            actor=call.actor,
        )  # fmt: skip
        if api_keys.wants_mark(key, now):
            api_keys.used(tx, shop.shop_id, key.key_id, now)
    return json_answer(_shown(outcome))


def _signer(web: Web, raw: bytes) -> tuple[Shop, ApiKey]:
    """The shop and the key whose secret signed the body. Raises Refusal, and never says what was wrong."""
    named = key_flow.named(request.args.get("key", ""))
    shop = key = None
    if named is not None:
        with web.db.read() as tx:
            shop, key = shops.by_id(tx, named[0]), api_keys.by_id(tx, *named)
    message_id, at, given = (
        request.headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature")
    )
    if (
        shop is None
        or key is None
        or key.revoked_at is not None
        or not signed_by(web.sealer.open(key.signing), message_id, at, given, raw, web.wall_s())
    ):
        raise Refusal("Sign the body as Standard Webhooks say, with the secret of a key of this shop and its name in "
                      "the address: ?key=rgk_…", code="invalid_signature", status=401)  # fmt: skip
    limited(web, shop, key)
    if shop.state != "installed":
        raise Refusal("This shop does not run the app any more. Install it again to use the API.",
                      code="shop_not_installed", status=403)  # fmt: skip
    if "write_actions" not in key.scopes:
        raise Refusal("This key may not do this. Make a key with the scope write_actions under Settings.",
                      code="insufficient_scope", status=403)  # fmt: skip
    return shop, key


def _customer(call: Call, told: Hook) -> int:
    if (told.member_id is None) is (told.email is None):
        raise Fault(
            "Name the member by member_id or by email: one of the two.",
            code="invalid_body",
            field="member_id",
        )
    if told.member_id is not None:
        found = number(told.member_id)
        if found is None:
            raise Fault("Give the customer's id at Shopify, a whole number as text.", code="invalid_id",
                        field="member_id")  # fmt: skip
        return found
    people = api_lists.members_page(call.tx, call.shop_id, None, 2, email=told.email or " ")
    if len(people) != 1:
        # The same answer for nobody and for several: an address tells nothing.
        raise Fault("No one member has this e-mail address. Use the customer's id at Shopify.", code="no_such_member",
                    field="email")  # fmt: skip
    return people[0].member_id


def _moment(at: datetime | None, now: datetime) -> datetime:
    if at is not None and at.tzinfo is None:
        raise Fault("Give occurred_at with its offset, such as 2026-11-25T09:00:00Z.", code="invalid_body",
                    field="occurred_at")  # fmt: skip
    return at or now


def _shown(one: Outcome) -> Acted:
    action = one.action
    return Acted(
        str(action.member_id), action.rule, action.external_id, action.outcome, action.points,
        one.merchant_reads or None, one.again,
    )  # fmt: skip
