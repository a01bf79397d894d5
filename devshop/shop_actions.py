"""One development shop as tests and people handle it: install, sell, send, refund, merge, ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from devshop import bodies_shop, customers, fulfilments, orders, proxy, refunds, returns, tokens
from devshop.appconfig import AppConfig
from devshop.checkout import Basics, Basket, place
from devshop.desk import Desk, line_of
from devshop.errors import DevshopError
from devshop.graphql_cost import Bucket
from devshop.ids import gid
from devshop.order_records import (
    Customer,
    Fulfilment,
    FulfilmentEvent,
    Line,
    Order,
    Product,
    Refund,
    Return,
    Transaction,
)
from devshop.records import Definition, MetaobjectType

Counts = Mapping[int, int] | Sequence[tuple[Line | int, int]]


class DevShop:
    """Every method acts at the platform's `now`, queues the webhooks Shopify would send, and saves."""

    def __init__(self, desk: Desk, app: tokens.App, config: AppConfig, bucket: Bucket) -> None:
        self.desk = desk
        self.bucket = bucket
        self._app = app
        self._config = config

    @property
    def domain(self) -> str:
        return self.desk.shop.domain

    @property
    def id(self) -> int:
        return self.desk.shop.id

    @property
    def orders(self) -> dict[int, Order]:
        return self.desk.shop.orders

    @property
    def customers(self) -> dict[int, Customer]:
        return self.desk.shop.customers

    # -- the app

    def install(self, scopes: Sequence[str] | None = None, optional: Sequence[str] | None = None) -> str:
        """Managed install; answers the launch URL that the merchant's browser opens. Default: app.toml's scopes."""
        with self.desk.change():
            tokens.install(
                self.desk,
                list(self._config.scopes if scopes is None else scopes),
                list(self._config.optional_scopes if optional is None else optional),
            )
            self._declare()
            return tokens.launch_url(self.desk, self._app)

    def launch_url(self, path: str = "/", user_id: int | None = None) -> str:
        with self.desk.change():
            return tokens.launch_url(self.desk, self._app, user_id, path)

    def uninstall(self) -> None:
        """Kills the tokens and the installation's metafields; announces app/uninstalled."""
        with self.desk.change():
            shop = self.desk.shop
            if shop.installed_at is None:
                raise DevshopError("not_installed", "The app is not installed; install it first.")
            owner = gid("AppInstallation", shop.installation_id or 0)
            shop.metafields = {key: one for key, one in shop.metafields.items() if one.owner != owner}
            shop.grants.clear()
            shop.codes.clear()
            shop.installed_at, shop.installation_id, shop.scopes = None, None, []
            self.desk.announce(("app/uninstalled", bodies_shop.shop_body(self.desk)))

    def approve_scopes(self, *scopes: str) -> None:
        """The merchant grants more scopes; announces app/scopes_update."""
        with self.desk.change():
            before = list(self.desk.shop.scopes)
            self.desk.shop.scopes = list(dict.fromkeys([*before, *scopes]))
            after = list(self.desk.shop.scopes)
            self.desk.announce(("app/scopes_update", bodies_shop.scopes_body(self.desk, before, after)))

    def move_to(self, timezone: str) -> None:
        """The shop's clocks follow another time zone; announces shop/update."""
        with self.desk.change():
            self.desk.shop.timezone = timezone
            self.desk.announce(("shop/update", bodies_shop.shop_body(self.desk)))

    def redact(self) -> None:
        """Announces shop/redact, as Shopify does 48 hours after an uninstall."""
        with self.desk.change():
            self.desk.announce(("shop/redact", bodies_shop.shop_redact_body(self.desk)))

    def expire_tokens(self, refresh_too: bool = False) -> None:
        with self.desk.change():
            tokens.expire(self.desk, refresh_too)

    def id_token(self, user_id: int | None = None, **overrides: object) -> str:
        """An id token of the admin; `overrides` replace claims, None removes one, also `algorithm`, `secret`."""
        with self.desk.change():
            return tokens.id_token(self.desk, self._app, user_id, overrides)

    def customer_session_token(self, customer: Customer | int | None, **overrides: object) -> str:
        """A session token of a customer account extension."""
        with self.desk.change():
            record = None if customer is None else self.desk.customer(customer)
            owner = None if record is None else gid("Customer", record.id)
            return tokens.extension_token(self.desk, self._app, owner, overrides)

    def proxy_request(
        self,
        method: str,
        path: str,
        customer_id: int | None = None,
        query: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        json: object = None,
    ) -> proxy.ProxyRequest:
        """A signed storefront request as it reaches the app: (url with query, headers, body)."""
        del method  # the method is not signed
        pairs = list(query.items() if isinstance(query, Mapping) else query)
        return proxy.signed_request(
            self.desk, self._app, self._config.proxy, path, customer_id=customer_id, query=pairs, json=json
        )

    def _declare(self) -> None:
        """The definitions of app.toml appear with the installation."""
        shop, own = self.desk.shop, f"app--{self._app.app_id}"
        for rule in self._config.metafields:
            namespace = rule.namespace.replace("$app:", f"{own}--").replace("$app", own)
            known = {(one.owner_type, one.namespace, one.key) for one in shop.definitions}
            if (rule.owner_type, namespace, rule.key) not in known:
                shop.definitions.append(
                    Definition(
                        id=self.desk.ids.number("MetafieldDefinition"),
                        owner_type=rule.owner_type,
                        namespace=namespace,
                        key=rule.key,
                        name=rule.name,
                        type=rule.type,
                        admin=rule.admin,
                        storefront=rule.storefront,
                        customer_account=rule.customer_account,
                    )
                )
        for kind in self._config.metaobjects:
            name = kind.type.replace("$app:", f"{own}--")
            shop.metaobject_types.setdefault(
                name,
                MetaobjectType(
                    id=self.desk.ids.number("MetaobjectDefinition"),
                    type=name,
                    name=kind.name,
                    fields=dict(kind.fields),
                    required=list(kind.required),
                ),
            )

    # -- customers and products

    def create_customer(self, **fields: object) -> Customer:
        with self.desk.change():
            return customers.create(self.desk, fields)

    def update_customer(self, customer: Customer | int, **fields: object) -> Customer:
        with self.desk.change():
            return customers.update(self.desk, self.desk.customer(customer), fields)

    def tag_customer(
        self, customer: Customer | int, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> None:
        with self.desk.change():
            customers.tag(self.desk, self.desk.customer(customer), add, remove)

    def delete_customer(self, customer: Customer | int) -> None:
        with self.desk.change():
            customers.delete(self.desk, self.desk.customer(customer))

    def merge_customers(self, kept: Customer | int, gone: Customer | int, failed: bool = False) -> Customer:
        with self.desk.change():
            return customers.merge(self.desk, self.desk.customer(kept), self.desk.customer(gone), failed)

    def request_data(self, customer: Customer | int) -> None:
        with self.desk.change():
            record = self.desk.customer(customer)
            self.desk.announce(("customers/data_request", bodies_shop.data_request_body(self.desk, record)))

    def redact_customer(self, customer: Customer | int) -> None:
        with self.desk.change():
            record = self.desk.customer(customer)
            self.desk.announce(("customers/redact", bodies_shop.redact_body(self.desk, record)))

    def create_product(self, title: str, price: int, **fields: object) -> Product:
        """`price` in minor units of shop money."""
        with self.desk.change():
            return customers.create_product(self.desk, title, price, fields)

    def create_collection(self, title: str, *products: Product) -> int:
        """A collection that holds these products; returns its number."""
        with self.desk.change():
            number = self.desk.ids.number("Collection")
            self.desk.shop.collections[number] = title
            for product in products:
                product.collections.append(number)
            return number

    # -- orders

    def place_order(
        self,
        customer: Customer | int | None,
        lines: Basket,
        discount_codes: Sequence[str] = (),
        paid: bool = True,
        **basics: object,
    ) -> Order:
        """The checkout. `basics` are the fields of checkout.Basics: currency, source_name, gateway, shipping, tip,
        duties, processed_at, test, email, note, tags, company, attributes, client_ip, user_agent.
        Raises CheckoutRefused for a code that cannot be used.
        """
        told = msgspec.convert(basics, Basics)
        with self.desk.change():
            record = None if customer is None else self.desk.customer(customer)
            return place(self.desk, record, lines, discount_codes, paid, told)

    def pay(self, order: Order | int, amount: int | None = None, gateway: str | None = None) -> Transaction:
        with self.desk.change():
            return orders.pay(self.desk, self.desk.order(order), amount, gateway)

    def authorize(self, order: Order | int, gateway: str = "bogus") -> Transaction:
        with self.desk.change():
            return orders.authorize(self.desk, self.desk.order(order), gateway)

    def edit(self, order: Order | int, add: Basket = (), increase: Counts = (), remove: Counts = ()) -> Order:
        with self.desk.change():
            found = self.desk.order(order)
            return orders.edit(self.desk, found, add, _units(found, increase), _units(found, remove))

    def fulfil(
        self, order: Order | int, lines: Counts | None = None, carrier: str | None = "Swiss Post"
    ) -> Fulfilment:
        with self.desk.change():
            found = self.desk.order(order)
            return fulfilments.fulfil(
                self.desk, found, None if lines is None else _units(found, lines), carrier
            )

    def cancel_fulfilment(self, fulfilment: Fulfilment | int) -> Fulfilment:
        with self.desk.change():
            return fulfilments.cancel(self.desk, *self.desk.fulfilment(fulfilment))

    def deliver_parcel(
        self, fulfilment: Fulfilment | int, happened_at: datetime | None = None
    ) -> FulfilmentEvent:
        return self.shipment_event(fulfilment, "delivered", happened_at=happened_at)

    def shipment_event(
        self,
        fulfilment: Fulfilment | int,
        status: str,
        message: str = "",
        happened_at: datetime | None = None,
    ) -> FulfilmentEvent:
        with self.desk.change():
            order, found = self.desk.fulfilment(fulfilment)
            return fulfilments.shipment_event(self.desk, order, found, status.lower(), message, happened_at)

    def refund(
        self,
        order: Order | int,
        lines: Counts = (),
        amount: int | None = None,
        shipping: int | None = None,
        to_store_credit: bool = False,
        restock_type: str = "no_restock",
        note: str = "",
        return_: Return | int | None = None,
    ) -> Refund:
        """Amounts in minor units of shop money; see refunds.refund."""
        with self.desk.change():
            found = self.desk.order(order)
            named = None if return_ is None else self.desk.return_(return_)[1].id
            return refunds.refund(
                self.desk,
                found,
                lines=_units(found, lines),
                amount=amount,
                shipping=shipping,
                note=note,
                to_store_credit=to_store_credit,
                restock_type=restock_type,
                return_id=named,
            )

    def return_(self, order: Order | int, lines: Counts, requested: bool = False) -> Return:
        with self.desk.change():
            found = self.desk.order(order)
            return returns.start(self.desk, found, _units(found, lines), requested)

    def step_return(self, returned: Return | int, step: str) -> Return:
        """approve, decline, process, close, cancel or reopen."""
        if step not in returns.STEPS:
            raise DevshopError(
                "step_unknown", f"A return has no step {step}; use one of {', '.join(returns.STEPS)}."
            )
        with self.desk.change():
            return returns.step(self.desk, *self.desk.return_(returned), step)

    def cancel(self, order: Order | int, reason: str = "customer", refund: bool = True) -> Order:
        with self.desk.change():
            return orders.cancel(self.desk, self.desk.order(order), reason, refund)

    def delete_order(self, order: Order | int) -> None:
        with self.desk.change():
            orders.delete(self.desk, self.desk.order(order))

    def attach_customer(self, order: Order | int, customer: Customer | int | None) -> Order:
        with self.desk.change():
            record = None if customer is None else self.desk.customer(customer)
            return orders.attach_customer(self.desk, self.desk.order(order), record)

    def finish_bulk_operation(self, operation_id: int | None = None, status: str = "completed") -> int:
        """Announces bulk_operations/finish; answers the operation's id."""
        with self.desk.change():
            number = operation_id or self.desk.ids.number("BulkOperation")
            body = bodies_shop.bulk_body(self.desk, number, self.desk.now(), status)
            self.desk.announce(("bulk_operations/finish", body))
            return number


def _units(order: Order, counts: Counts) -> list[tuple[Line, int]]:
    """Lines with quantities, each line once. Raises DevshopError for a line of another order."""
    merged: dict[int, int] = {}
    for line, count in counts.items() if isinstance(counts, Mapping) else counts:
        found = line_of(order, line)
        merged[found.id] = merged.get(found.id, 0) + count
    return [(line_of(order, number), count) for number, count in merged.items()]
