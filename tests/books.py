"""One shop's books without a platform: facts go in by the flows, standings come out. For store and flow tests.

Beside Alice's shop stands Mallory's, with the same customer numbers: nothing of it may ever move.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import count
from typing import Any

from plugin.domain.facts import MemberFact, MerchantFact, OrderFact
from plugin.domain.ledger import Account
from plugin.domain.programme import Programme
from plugin.flows import clock, members, merchants, orders, spending, standing
from plugin.flows.standing import Standing
from plugin.store import audit, ledger, redemptions, surveys
from plugin.store import members as member_store
from plugin.store import shops as shop_store
from plugin.store.db import Database, Row
from plugin.store.ids import new_id
from plugin.store.members import Member
from plugin.store.redemptions import Redemption
from plugin.store.shops import Shop
from tests.facts import DAY, T0, programme, seen

_numbers = count(1)


def shop_domain(name: str) -> str:
    """A shop that no other test has: tests share a database, as merchants do."""
    return f"{name}-{next(_numbers)}.myshopify.com"


class Books:
    """Alice's installed shop with a published programme; `now` is moved by the test."""

    def __init__(self, db: Database, rules: Programme | None = None, *, name: str = "alice") -> None:
        self.db = db
        self.now = T0
        domain = shop_domain(name)
        with db.write() as tx:
            self.shop: Shop = merchants.install(tx, domain, "read_orders", T0 - 2 * DAY)
            self.shop = merchants.set_up(
                tx, self.shop, name="Alice", currency="CHF", timezone="Europe/Zurich", platform_gid="gid://1",
                installation_gid="gid://2", scopes="read_orders", now=T0 - 2 * DAY,
            )  # fmt: skip
        self.publish(rules or programme(), at=T0 - DAY)

    @property
    def shop_id(self) -> int:
        return self.shop.shop_id

    def publish(self, rules: Programme, at: datetime | None = None) -> Programme:
        with self.db.write(self.shop_id) as tx:
            return merchants.publish(tx, self.shop, rules, "merchant", at or self.now)

    def tell(self, *facts: OrderFact, confirmed: Iterable[int] = (), refuted: Iterable[int] = ()) -> set[int]:
        """Facts about orders, in one transaction."""
        with self.db.write(self.shop_id) as tx:
            return orders.apply(tx, self.shop, facts, self.now, confirmed=confirmed, refuted=refuted)

    def read(self, *order_ids: int) -> None:
        """The platform confirmed these orders."""
        self.tell(confirmed=order_ids)

    def people(self, *facts: MemberFact) -> None:
        with self.db.write(self.shop_id) as tx:
            members.apply(tx, self.shop, facts, self.now)

    def merchant(
        self, fact: MerchantFact, *, webhook_id: str | None = None, at: datetime | None = None
    ) -> None:
        with self.db.write(self.shop_id) as tx:
            self.shop = self._row(shop_store.by_id(tx, self.shop_id))
            merchants.apply(tx, self.shop, fact, webhook_id, at or self.now, self.now)
        self.reload()

    def reload(self) -> Shop:
        with self.db.read() as tx:
            self.shop = self._row(shop_store.by_id(tx, self.shop_id))
        return self.shop

    def join(self, customer_id: int) -> Member:
        with self.db.write(self.shop_id) as tx:
            return members.join(tx, self.shop, customer_id, "de", self.now)

    def give(
        self, member_id: int, points: int, *, ends: datetime | None = None, opens: datetime | None = T0
    ) -> int:
        """Points as staff would give them; returns the lot."""
        with self.db.write(self.shop_id) as tx:
            account = ledger.accounts(tx, self.shop_id, [member_id])[member_id]
            entry = account.credit(
                "adjust", points, source_key=f"adjust:{new_id()}", why={"reason": "goodwill"}, occurred_at=self.now,
                available_at=opens, expires_at=ends, actor="staff:1",
            )  # fmt: skip
            ledger.write(tx, self.shop_id, [account.moves], self.now)
            return entry.entry_id

    def give_order(self, customer_id: int, order_id: int = 1) -> None:
        """A paid order worth 100 points that wait."""
        self.tell(seen(order_id, customer_id=customer_id))

    def redeem(self, member_id: int, reward: str = "five_off", request: str = "tap") -> Redemption:
        with self.db.write(self.shop_id) as tx:
            return spending.redeem(tx, self.shop, member_id, reward, request, self.now)

    def made(self, redemption: Redemption) -> None:
        with self.db.write(self.shop_id) as tx:
            spending.code_made(
                tx, self.shop, redemption.redemption_id, "gid://shopify/DiscountCodeNode/1", self.now
            )

    def withdrawn(self, redemption: Redemption, *, used: bool) -> None:
        with self.db.write(self.shop_id) as tx:
            spending.code_withdrawn(tx, self.shop, redemption.redemption_id, used, self.now)

    def refused(self, redemption: Redemption) -> None:
        with self.db.write(self.shop_id) as tx:
            spending.code_refused(tx, self.shop, redemption.redemption_id, "refused_blank", self.now)

    def undo(self, member_id: int, redemption: Redemption) -> Redemption:
        with self.db.write(self.shop_id) as tx:
            return spending.undo(tx, self.shop, member_id, redemption.redemption_id, self.now)

    def redemption(self, redemption: Redemption) -> Redemption:
        with self.db.read() as tx:
            found = redemptions.by_id(tx, self.shop_id, redemption.redemption_id)
        assert found is not None
        return found

    def codes(self, member_id: int) -> list[Redemption]:
        """A member's redemptions, newest first."""
        with self.db.read() as tx:
            return redemptions.of_member(tx, self.shop_id, member_id)

    def tick(self) -> None:
        """The clock's work at `now`, all of it."""
        more = True
        while more:
            with self.db.write(self.shop_id) as tx:
                more = clock.tick(tx, self.shop, self.now)

    def member(self, member_id: int) -> Member:
        with self.db.read() as tx:
            found = member_store.by_id(tx, self.shop_id, member_id)
        assert found is not None
        return found

    def account(self, member_id: int) -> Account:
        with self.db.read() as tx:
            return ledger.accounts(tx, self.shop_id, [member_id])[member_id]

    def stands(self, member_id: int) -> Standing:
        with self.db.read() as tx:
            found = standing.of_member(tx, self.shop, member_id, self.now)
        assert found is not None
        return found

    def points(self, member_id: int) -> tuple[int, int, int]:
        """(available, pending, owed) at `now`."""
        account = self.account(member_id)
        return account.available(self.now), account.pending(self.now), account.owed()

    def entries(self, member_id: int) -> list[tuple[str, int]]:
        """(kind, points) of a member, in the order they were posted."""
        return [
            (row[0], row[1])
            for row in self.rows("SELECT kind, points FROM entries WHERE shop_id = :s AND member_id = :m "
                                 "ORDER BY entry_id", m=member_id)
        ]  # fmt: skip

    def invitation(self, order_id: int) -> surveys.Invitation | None:
        with self.db.read() as tx:
            return surveys.by_order(tx, self.shop_id, order_id)

    def effects(self, kind: str | None = None) -> list[str]:
        """Keys of the effects that wait."""
        rows = self.rows(
            "SELECT effect_key, kind FROM outbox WHERE shop_id = :s AND state = 0 ORDER BY effect_key"
        )
        return [row[0] for row in rows if kind in (None, row[1])]

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        with self.db.read() as tx:
            return tx.all(sql, s=self.shop_id, **parameters)

    def audit(self) -> list[str]:
        with self.db.read() as tx:
            return list(audit.audit(tx, self.shop_id))

    @staticmethod
    def _row(found: Shop | None) -> Shop:
        assert found is not None
        return found


def everything(db: Database, shop_id: int) -> dict[str, list[Row]]:
    """Every row of a shop, table by table, to prove that nothing moved."""
    from plugin.store.schema import metadata

    with db.read() as tx:
        return {
            table.name: sorted(tx.all(f"SELECT * FROM {table.name} WHERE shop_id = :s", s=shop_id), key=repr)
            for table in metadata.sorted_tables
            if "shop_id" in table.c
        }
