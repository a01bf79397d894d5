"""What one Admin API call knows, and the errors it can answer with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from graphql import GraphQLError

from devshop.desk import Desk
from devshop.faults import Faults
from devshop.money import Bag, in_graphql
from devshop.order_records import Order
from devshop.tokens import App

View = dict[str, object]
Resolver = Callable[..., object]
_PROTECTED = "https://shopify.dev/docs/apps/launch/protected-customer-data"


@dataclass(frozen=True, slots=True)
class Call:
    desk: Desk
    app: App
    faults: Faults
    operation: str

    def need(self, scope: str, what: str) -> None:
        """Raises ACCESS_DENIED unless the scope is granted."""
        if not self.desk.may(scope):
            raise access_denied(what, scope)

    @property
    def app_namespace(self) -> str:
        return f"app--{self.app.app_id}"


def access_denied(what: str, scope: str) -> GraphQLError:
    required = f"`{scope}` access scope."
    return GraphQLError(
        f"Access denied for {what} field. Required access: {required}",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": required,
        },
    )


def protected(call: Call, field: str, what: str, value: object) -> Resolver:
    """A field of protected customer data: its value, or null with ACCESS_DENIED when it is not approved."""

    def resolve(_info: object) -> object:
        if not call.desk.approved(field):
            raise GraphQLError(
                f"This app is not approved to use the {what} field. See {_PROTECTED} for more details.",
                extensions={"code": "ACCESS_DENIED", "documentation": _PROTECTED},
            )
        return value

    return resolve


def bad_request(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(value: object) -> datetime | None:
    """A DateTime argument. Raises GraphQLError for what is no ISO 8601 time."""
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise GraphQLError(f"Variable of type DateTime was provided invalid value {value!r}") from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def money(minor: int, currency: str) -> View:
    return {"amount": in_graphql(minor, currency), "currencyCode": currency}


def bag(order: Order, amount: Bag) -> View:
    return {
        "shopMoney": money(amount.shop, order.currency),
        "presentmentMoney": money(amount.presentment, order.presentment_currency),
    }
