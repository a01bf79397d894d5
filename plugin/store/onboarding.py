"""Onboarding: what a new shop has done so far, and what its theme was last seen to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from plugin.store.db import Tx, from_ms, to_ms


@dataclass(frozen=True, slots=True)
class Steps:
    """How far the shop is. `embed` and `block` are None until a browser with App Bridge reported them."""

    published: bool
    member: bool
    order: bool
    embed: bool | None
    block: bool | None
    theme_seen_at: datetime | None

    @property
    def done(self) -> bool:
        """Whether nothing is left to do. The product block is welcome, not required."""
        return self.published and self.member and self.order and bool(self.embed)


def steps(tx: Tx, shop_id: int) -> Steps:
    """What is done, by the first row of each kind."""
    row = tx.one(
        "SELECT EXISTS (SELECT 1 FROM programmes WHERE shop_id = :s), "
        "EXISTS (SELECT 1 FROM members WHERE shop_id = :s AND status = 'active'), "
        "EXISTS (SELECT 1 FROM orders WHERE shop_id = :s), (SELECT theme FROM shops WHERE shop_id = :s)",
        s=shop_id,
    )
    assert row is not None
    theme: dict[str, Any] = msgspec.json.decode(row[3] or "{}")
    return Steps(
        bool(row[0]),
        bool(row[1]),
        bool(row[2]),
        theme.get("embed"),
        theme.get("block"),
        from_ms(theme.get("at")),
    )


def theme_seen(tx: Tx, shop_id: int, *, embed: bool, block: bool, now: datetime) -> None:
    """Remembers what App Bridge said of the shop's published theme."""
    seen = {"embed": embed, "block": block, "at": to_ms(now)}
    tx.run("UPDATE shops SET theme = :v WHERE shop_id = :s", s=shop_id, v=msgspec.json.encode(seen).decode())
