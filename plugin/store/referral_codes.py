"""Referral codes: which member each names, and whether it works as a discount in the shop."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from plugin.domain.programme import Reward
from plugin.store.db import Row, Tx, moment, to_ms

_decode = msgspec.json.Decoder(Reward).decode
_encode = msgspec.json.Encoder().encode
_COLUMNS = "code, member_id, state, reward, currency, discount_gid, created_at"


@dataclass(frozen=True, slots=True)
class ReferralCode:
    """One code. `state`: wanted (being made), made, refused, withdrawn, or known (named by another app before).

    `reward`: what it takes off in `currency`, as it was when the code was made.
    """

    code: str
    member_id: int
    state: str
    reward: Reward | None
    currency: str | None
    discount_gid: str | None
    created_at: datetime


def _code(row: Row) -> ReferralCode:
    return ReferralCode(
        row[0],
        row[1],
        row[2],
        None if row[3] is None else _decode(row[3]),
        row[4],
        row[5],
        moment(row[6]),
    )


def insert(tx: Tx, shop_id: int, made: ReferralCode) -> bool:
    """Stores a new code; False when it names somebody already."""
    return (
        tx.run(
            f"INSERT INTO referral_codes (shop_id, {_COLUMNS}) VALUES (:s, :code, :m, :state, :reward, :currency, "
            ":gid, :t) ON CONFLICT (shop_id, code) DO NOTHING",
            s=shop_id,
            code=made.code,
            m=made.member_id,
            state=made.state,
            reward=None if made.reward is None else _encode(made.reward).decode(),
            currency=made.currency,
            gid=made.discount_gid,
            t=to_ms(made.created_at),
        )
        > 0
    )


def by_code(tx: Tx, shop_id: int, code: str) -> ReferralCode | None:
    """One code."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM referral_codes WHERE shop_id = :s AND code = :code", s=shop_id, code=code
    )
    return None if row is None else _code(row)


def owners(tx: Tx, shop_id: int, codes: Iterable[str]) -> dict[str, int]:
    """Whom these codes name."""
    rows = tx.among(
        "SELECT code, member_id FROM referral_codes WHERE shop_id = :s AND code IN (:among)", codes, s=shop_id
    )
    return {row[0]: row[1] for row in rows}


def of_member(tx: Tx, shop_id: int, member_id: int) -> list[ReferralCode]:
    """A member's codes, the newest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM referral_codes WHERE shop_id = :s AND member_id = :m "
        "ORDER BY created_at DESC, code",
        s=shop_id,
        m=member_id,
    )
    return [_code(row) for row in rows]


def settle(tx: Tx, shop_id: int, code: str, state: str, discount_gid: str | None = None) -> None:
    """What has become of a code in the shop."""
    tx.run(
        "UPDATE referral_codes SET state = :state, discount_gid = COALESCE(:gid, discount_gid) "
        "WHERE shop_id = :s AND code = :code",
        s=shop_id,
        code=code,
        state=state,
        gid=discount_gid,
    )


def working(tx: Tx, shop_id: int, limit: int) -> list[str]:
    """Codes that work in the shop."""
    rows = tx.all(
        "SELECT code FROM referral_codes WHERE shop_id = :s AND state = 'made' ORDER BY code LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [row[0] for row in rows]


def rehome(tx: Tx, shop_id: int, old_member: int, member_id: int) -> None:
    """A merged-away member's codes name the kept one."""
    tx.run(
        "UPDATE referral_codes SET member_id = :m WHERE shop_id = :s AND member_id = :old",
        s=shop_id,
        m=member_id,
        old=old_member,
    )


def forget(tx: Tx, shop_id: int, member_ids: Collection[int]) -> list[ReferralCode]:
    """Removes the codes of forgotten members; returns them, for what works in the shop must end there too."""
    gone = [
        _code(row)
        for row in tx.among(
            f"SELECT {_COLUMNS} FROM referral_codes WHERE shop_id = :s AND member_id IN (:among)",
            member_ids,
            s=shop_id,
        )
    ]
    tx.run_among(
        "DELETE FROM referral_codes WHERE shop_id = :s AND member_id IN (:among)", member_ids, s=shop_id
    )
    return gone
