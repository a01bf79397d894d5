"""Reads the app's own TOML configuration, as Shopify does when a version of the app is released."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from devshop.proxy import ProxySettings
from devshop.webhooks_out import SCOPE_OF_TOPIC, TOPICS

_OWNERS = {"customer": "CUSTOMER", "order": "ORDER", "product": "PRODUCT", "shop": "SHOP"}
_WRITES = (
    "write_discounts",
    "write_customers",
    "write_orders",
    "write_metaobjects",
    "write_metaobject_definitions",
    "write_fulfillments",
    "write_app_proxy",
    "write_gift_cards",
    "read_store_credit_accounts",
    "write_store_credit_account_transactions",
    "read_products",
)


class FieldRule(Struct):
    """A metafield definition: owner type, key below $app (or another namespace), type and access."""

    owner_type: str
    key: str
    type: str
    name: str
    namespace: str = "$app"
    admin: str = "MERCHANT_READ"
    storefront: str = "NONE"
    customer_account: str = "NONE"


class ObjectRule(Struct):
    """A metaobject definition of the app."""

    type: str
    name: str
    fields: dict[str, str]
    required: list[str]


class AppConfig(Struct):
    """What the platform knows from app.toml. Without a file: every topic to /webhooks, every scope."""

    scopes: list[str] = field(default_factory=lambda: sorted({*SCOPE_OF_TOPIC.values(), *_WRITES}))
    optional_scopes: list[str] = field(default_factory=list)
    topics: dict[str, str] = field(default_factory=lambda: dict.fromkeys(TOPICS, "/webhooks"))
    proxy: ProxySettings = field(default_factory=ProxySettings)
    metafields: list[FieldRule] = field(default_factory=list)
    metaobjects: list[ObjectRule] = field(default_factory=list)


def read_config(path: Path) -> AppConfig:
    """The parts of app.toml that the shop acts on. Raises tomllib.TOMLDecodeError or OSError."""
    document = tomllib.loads(path.read_text())
    access, proxy = document.get("access_scopes", {}), document.get("app_proxy", {})
    topics: dict[str, str] = {}
    for subscription in document.get("webhooks", {}).get("subscriptions", []):
        for topic in (*subscription.get("topics", []), *subscription.get("compliance_topics", [])):
            topics[str(topic)] = str(subscription["uri"])
    return AppConfig(
        scopes=_listed(access.get("scopes", "")),
        optional_scopes=_listed(access.get("optional_scopes", [])),
        topics=topics,
        proxy=ProxySettings(
            url=str(proxy.get("url", "/proxy")),
            prefix=str(proxy.get("prefix", "apps")),
            subpath=str(proxy.get("subpath", "rewards")),
        ),
        metafields=list(_metafields(document)),
        metaobjects=list(_metaobjects(document)),
    )


def _listed(value: object) -> list[str]:
    if isinstance(value, str):
        return [one.strip() for one in value.split(",") if one.strip()]
    return [str(one) for one in value] if isinstance(value, list) else []


def _metafields(document: Mapping[str, object]) -> Iterator[FieldRule]:
    for owner, owner_type in _OWNERS.items():
        section = document.get(owner)
        spaces = section.get("metafields", {}) if isinstance(section, dict) else {}
        for namespace, fields in spaces.items():
            for key, rule in fields.items():
                access = rule.get("access", {})
                yield FieldRule(
                    owner_type=owner_type,
                    key=key,
                    type=rule["type"],
                    name=rule.get("name", key),
                    namespace="$app" if namespace == "app" else f"$app:{namespace}",
                    admin=str(access.get("admin", "merchant_read")).upper(),
                    storefront=str(access.get("storefront", "none")).upper(),
                    customer_account=str(access.get("customer_account", "none")).upper(),
                )


def _metaobjects(document: Mapping[str, object]) -> Iterator[ObjectRule]:
    section = document.get("metaobjects")
    for kind, rule in (section.get("app", {}) if isinstance(section, dict) else {}).items():
        fields = rule.get("fields", {})
        yield ObjectRule(
            type=f"$app:{kind}",
            name=rule.get("name", kind),
            fields={key: _field_type(one) for key, one in fields.items()},
            required=[key for key, one in fields.items() if isinstance(one, dict) and one.get("required")],
        )


def _field_type(rule: object) -> str:
    return str(rule.get("type")) if isinstance(rule, dict) else str(rule)
