"""Bodies of customers/*, the two compliance topics about a customer, and the customer inside an order."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from plugin.domain.facts import (
    ConsentSeen,
    CustomerDeleted,
    CustomerFact,
    CustomerRedacted,
    CustomerSeen,
    CustomersMerged,
    DataRequested,
)
from webhooks.payloads.reading import Id, Moment, PayloadError, decode, decoder_of, numeric_id, utc


class CustomerBody(Struct, gc=False):
    """A customer. Every field but the id may be null: shops without protected-data approval send null."""

    id: Id | None = None
    updated_at: Moment | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class ConsentState(Struct, gc=False):
    """Whether mail is wanted; `state` is null where personal data is kept from us."""

    state: str | None = None
    consent_updated_at: Moment | None = None


class ConsentBody(Struct, gc=False):
    """customers_email_marketing_consent/update names the customer by number."""

    customer_id: Id | None = None
    email_marketing_consent: ConsentState | None = None


class MergeBody(Struct, gc=False):
    """customers/merge names customers by gid only."""

    admin_graphql_api_customer_kept_id: str | int | None = None
    admin_graphql_api_customer_deleted_id: str | int | None = None
    status: str | None = None


class RequestBody(Struct, gc=False):
    """The request a customers/data_request answers to."""

    id: int | str | None = None


class PrivacyBody(Struct, gc=False):
    """customers/data_request and customers/redact; a guest has orders and no customer."""

    customer: CustomerBody | None = None
    orders_requested: list[Id] | None = None
    orders_to_redact: list[Id] | None = None
    data_request: RequestBody | None = None


_CUSTOMER = decoder_of(CustomerBody)
_CONSENT = decoder_of(ConsentBody)
_MERGE = decoder_of(MergeBody)
_PRIVACY = decoder_of(PrivacyBody)


def customer_fact(
    body: CustomerBody | None, locale: str | None = None, seen_at: datetime | None = None
) -> CustomerFact | None:
    """The customer, or None for a guest. `locale` is the order's: a customer's own body has none.

    `seen_at` is the order's time, for a customer that is not dated by itself.
    """
    if body is None or body.id is None:
        return None
    return CustomerFact(
        customer_id=body.id,
        updated_at=seen_at if body.updated_at is None else utc(body.updated_at, "customer.updated_at"),
        email=body.email or None,
        first_name=body.first_name or None,
        last_name=body.last_name or None,
        locale=locale or None,
    )


def customer_seen(body: bytes) -> CustomerSeen:
    """customers/create and customers/update."""
    fact = customer_fact(decode(_CUSTOMER, body))
    if fact is None:
        raise PayloadError("`id` is missing")
    return CustomerSeen(fact)


def consent_seen(body: bytes) -> ConsentSeen:
    """customers_email_marketing_consent/update. Only "subscribed" is a yes: "pending" waits for a click in a mail."""
    parsed = decode(_CONSENT, body)
    if parsed.customer_id is None:
        raise PayloadError("`customer_id` is missing")
    given = parsed.email_marketing_consent or ConsentState()
    at = given.consent_updated_at
    return ConsentSeen(
        parsed.customer_id,
        (given.state or "").lower() == "subscribed",
        None if at is None else utc(at, "email_marketing_consent.consent_updated_at"),
    )


def customer_deleted(body: bytes) -> CustomerDeleted:
    """customers/delete."""
    parsed = decode(_CUSTOMER, body)
    if parsed.id is None:
        raise PayloadError("`id` is missing")
    return CustomerDeleted(parsed.id)


def customers_merged(body: bytes) -> CustomersMerged:
    """customers/merge. The status is handed on as it is: a failed merge comes by this topic too."""
    parsed = decode(_MERGE, body)
    kept = numeric_id(parsed.admin_graphql_api_customer_kept_id, "admin_graphql_api_customer_kept_id")
    gone = numeric_id(parsed.admin_graphql_api_customer_deleted_id, "admin_graphql_api_customer_deleted_id")
    if kept == gone:
        raise PayloadError("`admin_graphql_api_customer_deleted_id` is the customer that is kept")
    return CustomersMerged(kept, gone, (parsed.status or "unknown").lower())


def data_requested(body: bytes) -> DataRequested:
    """customers/data_request."""
    parsed = decode(_PRIVACY, body)
    request = parsed.data_request.id if parsed.data_request is not None else None
    return DataRequested(
        customer_id=parsed.customer.id if parsed.customer is not None else None,
        request_id="" if request is None else str(request),
        orders=tuple(parsed.orders_requested or ()),
    )


def customer_redacted(body: bytes) -> CustomerRedacted:
    """customers/redact."""
    parsed = decode(_PRIVACY, body)
    return CustomerRedacted(
        customer_id=parsed.customer.id if parsed.customer is not None else None,
        orders=tuple(parsed.orders_to_redact or ()),
    )
