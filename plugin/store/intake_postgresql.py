"""The intake's statement on PostgreSQL, spoken to libpq itself: psycopg's own way there costs as much as six rows."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

if TYPE_CHECKING:
    from plugin.store.intake import Delivery

# Ordered, so that two web processes that hold the same webhooks cannot deadlock. The shop is looked up by the
# statement itself: a cache here could outlive a redacted shop and lose webhooks.
_INSERT = (
    b"WITH stored AS (INSERT INTO inbox (shop_id, webhook_id, topic, event_id, api_version, triggered_at, received_at,"
    b" body, due_at) SELECT s.shop_id, d.w, d.t, d.e, d.v, d.g, d.r, d.b, d.r"
    b" FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::bytea[])"
    b" AS d (d, w, t, e, v, g, r, b) JOIN shops s ON s.domain = d.d AND s.state IN ('installed', 'uninstalled')"
    b" ORDER BY s.shop_id, d.w ON CONFLICT DO NOTHING RETURNING shop_id, webhook_id)"
    b" SELECT s.domain, i.webhook_id FROM stored i JOIN shops s ON s.shop_id = i.shop_id"
)
_NAME = b"intake"
_TEXT, _INT8, _BYTEA = 25, 20, 17  # as pg_type calls them, the same on every server
_BINARY = [pq.Format.BINARY] * 8
# An array of one dimension: how many of them, whether one may be null, of what; how long, from which number on.
_head = Struct("!5i").pack
_length = Struct("!i").pack
_number = Struct("!q").pack
_NULL = _length(-1)


class FastInsert:
    """Inserts webhooks of shops that are known, with one prepared statement that commits by itself."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._pgconn = connection.pgconn
        self._checked(self._pgconn.prepare(_NAME, _INSERT), pq.ExecStatus.COMMAND_OK)

    def __call__(self, rows: Sequence[Delivery]) -> set[tuple[str, str]]:
        """(shop domain, webhook id) of each row that it took. Raises psycopg's errors."""
        domains, ids, topics, events, versions, triggered, received, bodies = zip(*rows, strict=True)
        # In binary: as text a bytea[] is hex-escaped twice, which costs more than the insert.
        texts, numbers = (domains, ids, topics, events, versions), (triggered, received)
        parameters = [_array(_TEXT, [_encoded(text) for text in column]) for column in texts]
        parameters += [_array(_INT8, [_packed(number) for number in column]) for column in numbers]
        parameters.append(_array(_BYTEA, bodies))
        # Waits without Python's lock.
        result = self._pgconn.exec_prepared(_NAME, parameters, _BINARY)
        self._checked(result, pq.ExecStatus.TUPLES_OK)
        return {
            ((result.get_value(row, 0) or b"").decode(), (result.get_value(row, 1) or b"").decode())
            for row in range(result.ntuples)
        }

    def _checked(self, result: pq.abc.PGresult, wanted: pq.ExecStatus) -> None:
        if self._pgconn.status == pq.ConnStatus.BAD:
            raise psycopg.OperationalError("the connection to PostgreSQL is lost")
        if result.status != wanted:
            raise error_from_result(result)


def _array(kind: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_head(1, 1, kind, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts += (_length(len(value)), value)
    return b"".join(parts)


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _packed(number: int | None) -> bytes | None:
    return None if number is None else _number(number)
