"""Lists that the API hands out, paged by key, newest first."""

from __future__ import annotations

from plugin.store import members, redemptions
from plugin.store.db import Tx
from plugin.store.members import Member
from plugin.store.redemptions import Redemption

_NEWEST = 1 << 62


def members_page(
    tx: Tx,
    shop_id: int,
    before: int | None,
    limit: int,
    *,
    email: str | None = None,
    status: str | None = None,
) -> list[Member]:
    """Members by number, the newest customer first; with an e-mail address (any case) or a status only those."""
    tests = (" AND lower(email) = :email" if email else "") + (" AND status = :status" if status else "")
    rows = tx.all(
        f"SELECT member_id FROM members WHERE shop_id = :s AND member_id < :before AND status <> 'merged'{tests} "
        "ORDER BY member_id DESC LIMIT :n",
        s=shop_id,
        before=before if before is not None else _NEWEST,
        n=limit,
        **({"email": email.lower()} if email else {}),
        **({"status": status} if status else {}),
    )
    found = members.load(tx, shop_id, [row[0] for row in rows])
    return [found[row[0]] for row in rows]


def redemptions_page(
    tx: Tx,
    shop_id: int,
    before: int | None,
    limit: int,
    *,
    member_id: int | None = None,
    state: str | None = None,
) -> list[Redemption]:
    """Redemptions, of one member or of all, in one state or in any."""
    tests = (" AND member_id = :m" if member_id is not None else "") + (
        " AND state = :state" if state else ""
    )
    rows = tx.all(
        f"SELECT redemption_id FROM redemptions WHERE shop_id = :s AND redemption_id < :before{tests} "
        "ORDER BY redemption_id DESC LIMIT :n",
        s=shop_id,
        before=before if before is not None else _NEWEST,
        n=limit,
        **({"m": member_id} if member_id is not None else {}),
        **({"state": state} if state else {}),
    )
    found = redemptions.by_ids(tx, shop_id, [row[0] for row in rows])
    return [found[row[0]] for row in rows]
