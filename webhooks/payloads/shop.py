"""Bodies about the installation itself: app/*, bulk_operations/finish, shop/redact."""

from __future__ import annotations

from msgspec import Struct

from plugin.domain.facts import AppUninstalled, BulkFinished, ScopesUpdated, ShopChanged, ShopRedacted
from webhooks.payloads.reading import PayloadError, decode, decoder_of


class AnyObject(Struct, gc=False):
    """A body of which nothing is needed: which shop it is stands in the header."""


class ScopesBody(Struct, gc=False):
    """app/scopes_update."""

    current: list[str]


class BulkBody(Struct, gc=False):
    """bulk_operations/finish; it carries no address of the result, that has to be asked for."""

    admin_graphql_api_id: str
    status: str | None = None


_ANY = decoder_of(AnyObject)
_SCOPES = decoder_of(ScopesBody)
_BULK = decoder_of(BulkBody)


def app_uninstalled(body: bytes) -> AppUninstalled:
    """app/uninstalled: the shop object. Whether it is older than the installation, its header says."""
    decode(_ANY, body)
    return AppUninstalled()


def scopes_updated(body: bytes) -> ScopesUpdated:
    """app/scopes_update: what is granted now, in alphabetical order."""
    return ScopesUpdated(tuple(sorted(decode(_SCOPES, body).current)))


def shop_changed(body: bytes) -> ShopChanged:
    """shop/update: the shop object. What it says we read with the shop's own token, for the header is not signed."""
    decode(_ANY, body)
    return ShopChanged()


def bulk_finished(body: bytes) -> BulkFinished:
    """bulk_operations/finish, status in lower case: completed, failed, canceled, expired."""
    parsed = decode(_BULK, body)
    if not parsed.admin_graphql_api_id.startswith("gid://shopify/BulkOperation/"):
        raise PayloadError("`admin_graphql_api_id` is no bulk operation")
    return BulkFinished(parsed.admin_graphql_api_id, (parsed.status or "unknown").lower())


def shop_redacted(body: bytes) -> ShopRedacted:
    """shop/redact."""
    decode(_ANY, body)
    return ShopRedacted()
