"""Mirrors into the merchant's own shop: balances, tier tags, the digest, survey answers; and erases them.

Nothing here carries value: every write states the whole present, so that doing it again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plugin.shopify.admin import AdminClient
from plugin.shopify.errors import Refused, Unavailable, UserError

NAMESPACE = "$app"
MEMBER_KEY = "loyalty"
# Liquid reads it as app.metafields.storefront.digest
DIGEST_NAMESPACE = "storefront"
DIGEST_KEY = "digest"
RESPONSE_TYPE = "$app:survey_response"
PER_CALL = 25
# Every tag of ours begins so, which is how erasing finds them without knowing the tiers of old programmes.
TAG_PREFIX = "regulars:"


@dataclass(frozen=True, slots=True)
class MemberState:
    """What the storefront shows of a member at once. `next_at`: when `next_delta` points open or expire.

    `balance`: `available`, or below zero where the programme shows what is owed. `tier_until`: when the tier ends if
    nothing more comes; `tier_notice`: the tier that follows, once the member has been told. `tier_next`: the next
    tier up, entered at `tier_needs` of what `tier_progress` counts.
    """

    customer_id: int
    joined: bool
    available: int
    pending: int
    next_at: datetime | None
    next_delta: int
    tier: str | None
    due_survey: str | None
    programme_version: int
    balance: int
    tier_until: datetime | None = None
    tier_notice: str | None = None
    tier_progress: int = 0
    tier_next: str | None = None
    tier_needs: int | None = None


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Which customers were written, and which the platform does not take: (customer id, its code)."""

    written: tuple[int, ...]
    skipped: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """One answer as the merchant sees it. The handle makes a changed answer an update."""

    handle: str
    order_name: str
    score: int
    comment: str | None
    answered_at: datetime


def mirror_members(client: AdminClient, members: Sequence[MemberState]) -> Mirrored:
    """Writes the members' metafields, 25 a call. Who is gone is skipped; the others are still written.

    Raises Throttled, Unavailable and so on for another try of all: repeating the earlier calls is harmless.
    """
    written: list[int] = []
    skipped: list[tuple[int, str]] = []
    for start in range(0, len(members), PER_CALL):
        batch = list(members[start : start + PER_CALL])
        # The platform writes all or nothing, so those it complains about are left out of the next try.
        while batch:
            refused = _set(client, [_metafield(member) for member in batch])
            if refused is None:
                written += [member.customer_id for member in batch]
                break
            named = {
                index: error for error in refused.errors if (index := _index(error, len(batch))) is not None
            }
            if not named:
                if len(batch) > 1:
                    one_by_one = [mirror_members(client, [member]) for member in batch]
                    written += [customer for one in one_by_one for customer in one.written]
                    skipped += [each for one in one_by_one for each in one.skipped]
                    break
                named = {0: refused.errors[0]}
            skipped += [
                (batch[index].customer_id, error.code or "refused") for index, error in sorted(named.items())
            ]
            batch = [member for index, member in enumerate(batch) if index not in named]
    return Mirrored(tuple(written), tuple(skipped))


def mirror_digest(client: AdminClient, installation_gid: str, digest: dict[str, Any]) -> None:
    """Writes the storefront digest of the programme to our own installation.

    Raises Refused when the platform does not take it (more than 128 KB, for one).
    """
    refused = _set(
        client,
        [
            {
                "ownerId": installation_gid,
                "namespace": DIGEST_NAMESPACE,
                "key": DIGEST_KEY,
                "type": "json",
                "value": _json(digest),
            }
        ],
    )
    if refused is not None:
        raise refused


def set_tier_tag(client: AdminClient, customer_id: int, tag: str | None) -> bool:
    """Leaves the customer with this tag of ours and no other; False when there is no such customer.

    The tags are read first, for those of tiers that were renamed or removed are known to the platform alone.
    """
    gid = f"gid://shopify/Customer/{customer_id}"
    customer = client.run("customer", {"id": gid})["customer"]
    if customer is None:
        return False
    ours = [one for one in customer["tags"] if one.lower().startswith(TAG_PREFIX)]
    stale = [one for one in ours if one != tag]
    if stale:
        client.run("tags_remove", {"id": gid, "tags": stale})
    if tag is not None and tag not in ours:
        client.run("tags_add", {"id": gid, "tags": [tag]})
    return True


def mirror_response(client: AdminClient, answer: SurveyAnswer) -> str:
    """Writes a survey answer to the merchant's own admin, over an earlier version of it; returns its gid."""
    fields = {
        "order_name": answer.order_name,
        "score": str(answer.score),
        "comment": answer.comment or "",
        "answered_at": answer.answered_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    data = client.run(
        "metaobject_upsert",
        {
            "handle": {"type": RESPONSE_TYPE, "handle": answer.handle},
            "metaobject": {"fields": [{"key": key, "value": value} for key, value in fields.items()]},
        },
    )
    return str(data["metaobjectUpsert"]["metaobject"]["id"])


def erase_response(client: AdminClient, handle: str) -> None:
    """Deletes a survey answer at the platform; nothing when it is not there."""
    found = client.run("metaobject_by_handle", {"handle": {"type": RESPONSE_TYPE, "handle": handle}})
    node = found["metaobjectByHandle"]
    if node is None:
        return
    try:
        client.run("metaobject_delete", {"id": node["id"]})
    except Refused as refused:
        if "RECORD_NOT_FOUND" not in refused.codes():
            raise


def erase_customer(client: AdminClient, customer_id: int, response_handles: Iterable[str]) -> None:
    """Deletes all we ever wrote about a customer: survey answers, tags, metafield. Idempotent."""
    for handle in response_handles:
        erase_response(client, handle)
    gid = f"gid://shopify/Customer/{customer_id}"
    customer = client.run("customer", {"id": gid})["customer"]
    if customer is None:
        return
    ours = [tag for tag in customer["tags"] if tag.lower().startswith(TAG_PREFIX)]
    if ours:
        client.run("tags_remove", {"id": gid, "tags": ours})
    client.run(
        "metafields_delete", {"metafields": [{"ownerId": gid, "namespace": NAMESPACE, "key": MEMBER_KEY}]}
    )


def _set(client: AdminClient, metafields: list[dict[str, Any]]) -> Refused | None:
    try:
        client.run("metafields_set", {"metafields": metafields})
    except Refused as refused:
        if "INTERNAL_ERROR" in refused.codes():
            raise Unavailable(
                "Shopify could not answer. Try again in a moment.", outcome_unknown=False
            ) from refused
        if refused.top_level:
            raise
        return refused
    return None


def _metafield(member: MemberState) -> dict[str, Any]:
    value = {
        "joined": member.joined,
        "available": member.available,
        "balance": member.balance,
        "pending": member.pending,
        "next_at": _moment(member.next_at),
        "next_delta": member.next_delta,
        "tier": member.tier,
        "tier_until": _moment(member.tier_until),
        "tier_notice": member.tier_notice,
        "tier_progress": member.tier_progress,
        "tier_next": member.tier_next,
        "tier_needs": member.tier_needs,
        "due_survey": member.due_survey,
        "programme_version": member.programme_version,
    }
    return {
        "ownerId": f"gid://shopify/Customer/{member.customer_id}",
        "namespace": NAMESPACE,
        "key": MEMBER_KEY,
        "type": "json",
        "value": _json(value),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _index(error: UserError, size: int) -> int | None:
    """Which metafield a complaint is about: by elementIndex, else by a path like metafields.3.ownerId."""
    named = error.element
    if named is None and len(error.field) > 1 and error.field[1].isdigit():
        named = int(error.field[1])
    return named if named is not None and 0 <= named < size else None


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
