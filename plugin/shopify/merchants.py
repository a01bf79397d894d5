"""Reads who a shop is and what it granted us, and who one of its customers is."""

from __future__ import annotations

from dataclasses import dataclass

from plugin.domain.facts import CustomerFact
from plugin.shopify.admin import AdminClient
from plugin.shopify.order_facts import legacy_id, takes_mail, utc


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """One shop as it describes itself. `partner_development`: a development store, its test orders count."""

    gid: str
    name: str
    currency: str
    timezone: str
    taxes_included: bool
    partner_development: bool
    installation_gid: str
    scopes: tuple[str, ...]


def shop_facts(client: AdminClient) -> ShopFacts:
    """Who the shop is, and our installation in it. Raises what `AdminClient.run` raises."""
    data = client.run("shop")
    shop, installation = data["shop"], data["currentAppInstallation"]
    return ShopFacts(
        gid=shop["id"],
        name=shop["name"],
        currency=shop["currencyCode"],
        timezone=shop["ianaTimezone"],
        taxes_included=shop["taxesIncluded"],
        partner_development=shop["plan"]["partnerDevelopment"],
        installation_gid=installation["id"],
        scopes=tuple(sorted(scope["handle"] for scope in installation["accessScopes"])),
    )


def customer_seen(client: AdminClient, customer_id: int) -> CustomerFact | None:
    """The customer as the platform knows them now, or None; names and e-mail only with data approval."""
    node = client.run("customer", {"id": f"gid://shopify/Customer/{customer_id}"})["customer"]
    if node is None:
        return None
    email = node["defaultEmailAddress"]
    return CustomerFact(
        customer_id=legacy_id(node["id"]),
        updated_at=utc(node["updatedAt"]),
        email=email["emailAddress"] if email else None,
        first_name=node["firstName"],
        last_name=node["lastName"],
        locale=node["locale"],
        subscribed=takes_mail(email),
    )


def customer_tags(client: AdminClient, customer_id: int) -> tuple[str, ...] | None:
    """The customer's tags, or None when there is no such customer."""
    node = client.run("customer", {"id": f"gid://shopify/Customer/{customer_id}"})["customer"]
    return None if node is None else tuple(node["tags"])


def customer_email(client: AdminClient, customer_id: int) -> str | None:
    """The customer's e-mail address, or None when there is no such customer or we may not know it."""
    node = client.run("customer", {"id": f"gid://shopify/Customer/{customer_id}"})["customer"]
    address = None if node is None else node["defaultEmailAddress"]
    return (address["emailAddress"] or None) if address else None
