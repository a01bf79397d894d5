"""Bodies of app/*, customers/*, bulk_operations/finish and the three compliance topics."""

from __future__ import annotations

from datetime import datetime

from devshop.bodies_parts import Json, customer, customer_address
from devshop.desk import Desk
from devshop.ids import gid
from devshop.order_records import Customer


def customer_body(desk: Desk, record: Customer) -> Json:
    """customers/create and update: 17 keys, without tags, consent or sums (facts of 2026-07)."""
    return {
        **customer(desk, record),
        "addresses": [
            customer_address(desk, record, one, index == 0) for index, one in enumerate(record.addresses)
        ],
    }


def consent_body(desk: Desk, record: Customer) -> Json:
    """customers_email_marketing_consent/update: who, and whether they take mail from now on."""
    return {
        "customer_id": record.id,
        "email_address": record.email if desk.approved("email") else None,
        "email_marketing_consent": {
            "state": "subscribed" if record.accepts_marketing else "unsubscribed",
            "opt_in_level": "single_opt_in",
            "consent_updated_at": desk.local(desk.now()),
        },
    }


def customer_deleted(record: Customer) -> Json:
    return {"id": record.id, "tax_exemptions": [], "admin_graphql_api_id": gid("Customer", record.id)}


def merge_body(desk: Desk, kept: Customer, gone: Customer, status: str) -> Json:
    """customers/merge; `status` may be failed, and then nothing was merged."""
    errors: list[Json] = []
    if status == "failed":
        errors = [
            {
                "customer_ids": [gone.id],
                "field": "merge_in_progress",
                "message": "The customer is currently being merged.",
            }
        ]
    return {
        "admin_graphql_api_customer_kept_id": gid("Customer", kept.id),
        "admin_graphql_api_customer_deleted_id": gid("Customer", gone.id),
        "admin_graphql_api_job_id": None
        if status == "failed"
        else f"gid://shopify/Job/{desk.ids.uuid('job')}",
        "status": status,
        "errors": errors,
    }


def shop_body(desk: Desk) -> Json:
    """app/uninstalled and shop/update: the REST shop object."""
    shop = desk.shop
    pattern = f"{shop.currency} {{{{amount}}}}"
    return {
        "id": shop.id,
        "name": shop.name,
        "email": shop.email,
        "domain": shop.domain,
        "province": "Zurich",
        "country": shop.country_code,
        "address1": "Example Street 1",
        "zip": "8001",
        "city": "Zurich",
        "source": None,
        "phone": "+41445550100",
        "latitude": None,
        "longitude": None,
        "primary_locale": shop.locale,
        "address2": None,
        "created_at": desk.local(shop.created_at),
        "updated_at": desk.local(desk.now()),
        "country_code": shop.country_code,
        "country_name": "Switzerland",
        "currency": shop.currency,
        "customer_email": shop.email,
        "timezone": shop.timezone,
        "iana_timezone": shop.timezone,
        "shop_owner": "Alice Owner",
        "money_format": pattern,
        "money_with_currency_format": pattern,
        "weight_unit": "kg",
        "province_code": "ZH",
        "taxes_included": shop.taxes_included,
        "auto_configure_tax_inclusivity": None,
        "tax_shipping": True,
        "county_taxes": False,
        "plan_display_name": shop.plan,
        "plan_name": "partner_test",
        "has_discounts": bool(shop.discounts),
        "has_gift_cards": True,
        "myshopify_domain": shop.domain,
        "google_apps_domain": None,
        "google_apps_login_enabled": None,
        "money_in_emails_format": pattern,
        "money_with_currency_in_emails_format": pattern,
        "eligible_for_payments": True,
        "requires_extra_payments_agreement": False,
        "password_enabled": False,
        "has_storefront": True,
        "finances": True,
        "primary_location_id": shop.location_id,
        "checkout_api_supported": True,
        "multi_location_enabled": False,
        "setup_required": False,
        "pre_launch_enabled": False,
        "enabled_presentment_currencies": [shop.currency, *shop.rates],
        "marketing_sms_consent_enabled_at_checkout": False,
        "transactional_sms_disabled": False,
    }


def scopes_body(desk: Desk, previous: list[str], current: list[str]) -> Json:
    return {
        "id": desk.shop.installation_id or 0,
        "shop_id": gid("Shop", desk.shop.id),
        "previous": previous,
        "current": current,
        "updated_at": desk.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    }


def bulk_body(desk: Desk, operation_id: int, created_at: datetime, status: str) -> Json:
    """bulk_operations/finish; it carries no url, the app has to ask for the operation."""
    return {
        "admin_graphql_api_id": gid("BulkOperation", operation_id),
        "completed_at": desk.local(desk.now()),
        "created_at": desk.local(created_at),
        "status": status,
        "type": "query",
        "error_code": None if status == "completed" else "internal_server_error",
    }


def _named(desk: Desk, record: Customer) -> Json:
    return {
        "shop_id": desk.shop.id,
        "shop_domain": desk.shop.domain,
        "customer": {"id": record.id, "email": record.email, "phone": record.phone or ""},
    }


def _orders_of(desk: Desk, record: Customer) -> list[int]:
    return [order.id for order in desk.shop.orders.values() if order.customer_id == record.id]


def data_request_body(desk: Desk, record: Customer) -> Json:
    return {
        **_named(desk, record),
        "orders_requested": _orders_of(desk, record),
        "data_request": {"id": desk.ids.number("DataRequest")},
    }


def redact_body(desk: Desk, record: Customer) -> Json:
    return {**_named(desk, record), "orders_to_redact": _orders_of(desk, record)}


def shop_redact_body(desk: Desk) -> Json:
    return {"shop_id": desk.shop.id, "shop_domain": desk.shop.domain}
