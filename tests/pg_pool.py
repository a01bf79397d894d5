"""Migrated PostgreSQL databases that tests take one after the other, emptied in between.

Copying a migrated database makes some hundred files, which takes half a second; emptying one takes milliseconds.
"""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg.types.json import Jsonb

from tests.postgres import PgServer

# Columns, indexes, constraints, triggers with their state, functions, settings: what no test may leave changed.
_SHAPE: LiteralString = """
SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
  SELECT concat_ws('|', c.relname, c.relkind, c.reloptions, a.attname, a.atttypid, a.attnotnull, a.attstorage,
    a.attcompression, pg_get_expr(d.adbin, d.adrelid))
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'public'::regnamespace
  UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indrelid
  WHERE c.relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws('|', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws('|', tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT concat_ws('|', proname, prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT setconfig::text FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS lines(line)
"""
_TABLES: LiteralString = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
# The guards of the ledger stand still while it is emptied; whether they stood is part of the shape.
_EMPTY: LiteralString = """
DO $$ DECLARE name text; filled boolean; BEGIN
  SET LOCAL session_replication_role = replica;
  FOR name IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO filled;
    IF filled THEN EXECUTE format('DELETE FROM %I', name); END IF;
  END LOOP;
END $$
"""
_CUT: LiteralString = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class PgPool:
    """Databases as a migration leaves them; `template` is one that nobody touches."""

    def __init__(self, server: PgServer, template: str) -> None:
        self._server, self._template = server, template
        self._clean: list[str] = []
        with psycopg.connect(server.url(template)) as connection:
            self._shape = _value(connection, _SHAPE)
            # A migrated database is not quite empty: it holds its version.
            self._rows = {
                name: rows
                for (name,) in connection.execute(_TABLES).fetchall()
                if (rows := _value(connection, f'SELECT jsonb_agg(t) FROM "{name}" AS t')) is not None
            }

    def take(self) -> str:
        """The name of a database that is as the migration left it."""
        return self._clean.pop() if self._clean else self._server.create(self._template)

    def give_back(self, name: str) -> None:
        """Empties it for the next test; one whose tables, triggers or settings changed is dropped."""
        with psycopg.connect(self._server.url(name), autocommit=True) as connection:
            connection.execute(_CUT)
            if same := _value(connection, _SHAPE) == self._shape:
                with connection.transaction():
                    connection.execute(_EMPTY)
                    for table, rows in self._rows.items():
                        connection.execute(
                            f'INSERT INTO "{table}" SELECT * FROM jsonb_populate_recordset(null::"{table}", %s)',
                            [Jsonb(rows)],
                        )
        if same:
            self._clean.append(name)
        else:
            self._server.drop(name)


def _value(connection: psycopg.Connection[tuple[Any, ...]], sql: LiteralString) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else None
