"""What every action of a shop has at hand: its records, new ids, the time, and the way to announce what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from devshop.errors import DevshopError
from devshop.ids import Ids
from devshop.order_records import Customer, Fulfilment, Line, Order, Return
from devshop.records import Delivery, Shop
from devshop.webhooks_out import APP_TOPICS, COMPLIANCE_TOPICS, SCOPE_OF_TOPIC, Outgoing

Body = Mapping[str, object]


class Desk:
    """One shop's state with the services of the platform around it.

    `change()` is the lock of the platform; leaving it saves the state. Times are cut to whole seconds, as
    Shopify's are, so several topics of one action share one updated_at.
    """

    def __init__(
        self,
        shop: Shop,
        ids: Ids,
        clock: Callable[[], datetime],
        outgoing: Outgoing,
        change: Callable[[], AbstractContextManager[None]],
        topics: Callable[[], frozenset[str]],
    ) -> None:
        self.shop = shop
        self.ids = ids
        self.outgoing = outgoing
        self.change = change
        self._clock = clock
        self._topics = topics

    def now(self) -> datetime:
        return self._clock().astimezone(UTC).replace(microsecond=0)

    def local(self, moment: datetime | None) -> str | None:
        """A time as webhook bodies write it: ISO 8601 with the shop's own offset."""
        if moment is None:
            return None
        return moment.astimezone(ZoneInfo(self.shop.timezone)).isoformat(timespec="seconds")

    def may(self, scope: str, scopes: list[str] | None = None) -> bool:
        """Whether a scope is granted; write_x includes read_x."""
        granted = self.shop.scopes if scopes is None else scopes
        return scope in granted or scope.replace("read_", "write_", 1) in granted

    def approved(self, field: str) -> bool:
        """Whether the app may see a protected customer field: name, email, phone or address."""
        return field in self.shop.protected_data

    def announce(self, *messages: tuple[str, Body]) -> None:
        """Queues one webhook per message under one event id, if the app is installed and may receive it."""
        event_id = self.ids.uuid("event")
        encoded: dict[int, bytes] = {}
        for topic, body in messages:
            if not self._receives(topic):
                continue
            if id(body) not in encoded:
                encoded[id(body)] = msgspec.json.encode(body)
            self.outgoing.put(
                Delivery(
                    webhook_id=self.ids.uuid("webhook"),
                    event_id=event_id,
                    topic=topic,
                    shop=self.shop.domain,
                    body=encoded[id(body)],
                    triggered_at=self._clock().astimezone(UTC),
                )
            )

    def _receives(self, topic: str) -> bool:
        if topic not in self._topics():
            return False
        if topic in COMPLIANCE_TOPICS or topic == "app/uninstalled":
            return True
        if self.shop.installed_at is None:
            return False
        return topic in APP_TOPICS or self.may(SCOPE_OF_TOPIC[topic])

    def order(self, order: Order | int) -> Order:
        found = self.shop.orders.get(order if isinstance(order, int) else order.id)
        if found is None:
            raise DevshopError("order_unknown", "There is no such order in this shop; list the orders first.")
        return found

    def customer(self, customer: Customer | int) -> Customer:
        found = self.shop.customers.get(customer if isinstance(customer, int) else customer.id)
        if found is None:
            raise DevshopError(
                "customer_unknown", "There is no such customer in this shop; list the customers first."
            )
        return found

    def fulfilment(self, fulfilment: Fulfilment | int) -> tuple[Order, Fulfilment]:
        wanted = fulfilment if isinstance(fulfilment, int) else fulfilment.id
        for order in self._orders_of(fulfilment):
            for found in order.fulfilments:
                if found.id == wanted:
                    return order, found
        raise DevshopError(
            "fulfilment_unknown", "There is no such fulfilment in this shop; fulfil the order first."
        )

    def _orders_of(self, part: Fulfilment | Return | int) -> Iterable[Order]:
        """Where to look for a part of an order: in its own order if it is known, else everywhere."""
        if isinstance(part, int):
            return self.shop.orders.values()
        return [self.shop.orders[part.order_id]] if part.order_id in self.shop.orders else []

    def return_(self, returned: Return | int) -> tuple[Order, Return]:
        wanted = returned if isinstance(returned, int) else returned.id
        for order in self._orders_of(returned):
            for found in order.returns:
                if found.id == wanted:
                    return order, found
        raise DevshopError(
            "return_unknown", "There is no such return in this shop; start one for the order first."
        )


def line_of(order: Order, line: Line | int) -> Line:
    """The line of an order by record or id. Raises DevshopError("line_unknown")."""
    wanted = line if isinstance(line, int) else line.id
    for found in order.lines:
        if found.id == wanted:
            return found
    raise DevshopError("line_unknown", f"Order {order.name} has no such line; read its lines first.")
