"""What the fixtures promise: fresh, migrated databases, and a PostgreSQL that survives a power cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from plugin.store.db import Database
from plugin.store.migrate import current, head
from tests import postgres
from tests.pg_pool import PgPool
from tests.postgres import PgServer


def test_a_fresh_database_is_at_the_newest_revision(database_url: str) -> None:
    assert current(database_url) == head()


def test_a_blank_database_has_no_revision(blank_database_url: str) -> None:
    assert current(blank_database_url) is None


@pytest.mark.parametrize("turn", [1, 2])
def test_nothing_is_left_from_the_test_before(database: Database, turn: int) -> None:
    with database.write() as tx:
        assert tx.one("SELECT COUNT(*) FROM meta WHERE key = :k", k="left_behind") == (0,)
        tx.run("INSERT INTO meta (key, value) VALUES (:k, :v)", k="left_behind", v=str(turn))
    with database.read() as tx:
        assert tx.one("SELECT value FROM meta WHERE key = :k", k="left_behind") == (str(turn),)


CHANGED = {
    "a guard is off": "ALTER TABLE entries DISABLE TRIGGER ALL",
    "a column more": "ALTER TABLE meta ADD COLUMN more text",
    "an index less": "DROP INDEX ix_responses_answered",
    "a setting": "ALTER DATABASE {name} SET synchronous_commit = off",
}


@pytest.mark.parametrize("changed", ["", *CHANGED.values()], ids=["rows alone", *CHANGED])
def test_a_database_that_a_test_changed_is_never_taken_again(
    postgres_pool: PgPool, pg_server: PgServer, changed: str
) -> None:
    name = postgres_pool.take()
    with psycopg.connect(pg_server.url(name), autocommit=True) as connection:
        connection.execute("INSERT INTO meta (key, value) VALUES ('left_behind', 'yes')")
        connection.execute(changed.format(name=name) if changed else "SELECT 1")
        postgres_pool.give_back(name)  # and whoever is still connected is cut off
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    again = postgres_pool.take()
    assert (again == name) is not bool(changed)
    assert current(pg_server.url(again)) == head()
    with psycopg.connect(pg_server.url(again)) as connection:
        assert connection.execute("SELECT key FROM meta WHERE key = 'left_behind'").fetchall() == []
    postgres_pool.give_back(again)


def test_what_was_committed_survives_a_power_cut(pg_server: PgServer, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        connection.execute("INSERT INTO meta (key, value) VALUES ('kept', 'yes')")
        connection.commit()
        connection.execute("INSERT INTO meta (key, value) VALUES ('lost', 'yes')")
        pg_server.restart(immediate=True)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT key FROM meta WHERE key IN ('kept', 'lost')").fetchall() == [
            ("kept",)
        ]


def test_a_stopped_server_refuses_and_comes_back(pg_server: PgServer, postgres_url: str) -> None:
    pg_server.stop()
    assert not pg_server.running
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres_url, connect_timeout=5)
    pg_server.start()
    assert current(postgres_url) == head()


def test_without_a_server_it_says_what_to_install_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(postgres, "find_binaries", lambda: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert postgres.main() == 1
    assert "apt-get install postgresql" in capsys.readouterr().err


def test_as_root_on_debian_the_server_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **settings: Any) -> None:
        assert settings["env"]["RUNLEVEL"] == "1"
        ran.append(command)

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setattr(postgres, "find_binaries", lambda: tmp_path if len(ran) == 2 else None)
    assert postgres.ensure_binaries() == tmp_path
    assert [command[:2] for command in ran] == [["apt-get", "update"], ["apt-get", "install"]]
