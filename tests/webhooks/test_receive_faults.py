"""The served intake under load while things break: killed, the database restarted, the disk full."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plugin.store import shops
from plugin.store.db import Database
from tests.postgres import PgServer
from tests.webhooks.sender import ALICE, BODY, Load, headers, missing, post

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 22, 8, 0, 0, tzinfo=UTC)


class Served:
    """A granian process group that serves the intake."""

    def __init__(self, url: str, log: Path, prepare: Callable[[], None] | None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.log = log
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1"]
        command += ["--blocking-threads", "16", "--host", "127.0.0.1", "--port", str(self.port)]
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                [*command, "tests.webhooks.served:app"],
                cwd=ROOT,
                env=os.environ | {"DATABASE_URL": url},
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                preexec_fn=prepare,
            )

    def wait(self) -> None:
        """Returns when it answers."""
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(self.log.read_text())

    def kill(self, how: signal.Signals) -> None:
        """Ends the server and its workers, all at the same moment."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
        self.process.wait(30)


@contextmanager
def _serve(url: str, folder: Path, prepare: Callable[[], None] | None = None) -> Iterator[Served]:
    served = Served(url, folder / "granian.log", prepare)
    try:
        served.wait()
        yield served
    finally:
        served.kill(signal.SIGKILL)


def _install(url: str) -> None:
    database = Database.open(url)
    with database.write() as tx:
        shops.installed(tx, shops.ensure(tx, ALICE, NOW), "", NOW)
    database.close()


def _stored(url: str) -> list[str]:
    database = Database.open(url)
    with database.read() as tx:
        if tx.engine == "sqlite":
            assert tx.one("PRAGMA integrity_check") == ("ok",)
        rows = tx.all("SELECT webhook_id, body FROM inbox")
    database.close()
    assert {bytes(row[1]) for row in rows} <= {BODY}
    return [row[0] for row in rows]


def test_what_was_acknowledged_survives_sigkill(database_url: str, tmp_path: Path) -> None:
    _install(database_url)
    for _ in range(2):
        with _serve(database_url, tmp_path) as served:
            load = Load(served.port)
            load.start()
            load.wait_for(200)
            served.kill(signal.SIGKILL)
            load.stop()
        assert set(load.statuses) <= {200, 0}
        stored = _stored(database_url)
        assert len(stored) == len(set(stored))
        assert missing(stored, load) == set()


def test_what_was_acknowledged_survives_a_restart_of_postgresql(
    postgres_url: str, pg_server: PgServer, tmp_path: Path
) -> None:
    _install(postgres_url)
    with _serve(postgres_url, tmp_path) as served:
        load = Load(served.port)
        load.start()
        for immediate in (True, False):
            load.wait_for(100)
            pg_server.restart(immediate=immediate)
            load.wait_for(100)
        load.stop()
        assert set(load.statuses) <= {200, 503}
        assert "Traceback" not in served.log.read_text()
    assert missing(_stored(postgres_url), load) == set()


def test_a_full_disk_is_503_and_nothing_acknowledged_is_lost(sqlite_url: str, tmp_path: Path) -> None:
    """The system lets no file of the server grow beyond a limit, which is how a full disk looks from inside."""
    _install(sqlite_url)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))

    with _serve(sqlite_url, tmp_path, limited) as served:
        load = Load(served.port)
        load.start()
        load.wait_for(5)
        load.wait_for_status(503, 20)
        load.stop()
        assert set(load.statuses) == {200, 503}
        assert missing(_stored(sqlite_url), load) == set()
        answer = post(served.port, b"x" * 700_000)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert post(served.port, sent=headers(hmac_sha256="")).status == 401
        log = served.log.read_text()
    assert "SQLITE_" in log
    assert "Traceback" not in log
    with _serve(sqlite_url, tmp_path) as served:
        late = Load(served.port)
        late.start()
        late.wait_for(50)
        late.stop()
        assert set(late.statuses) == {200}
    assert missing(_stored(sqlite_url), load) == set()
    assert missing(_stored(sqlite_url), late) == set()


def test_a_writer_goes_on_by_itself_when_there_is_room_again(sqlite_url: str) -> None:
    _install(sqlite_url)
    program = f"""
import resource, sys
from plugin.errors import StorageBusy
from plugin.store.intake import Delivery, IntakeWriter

def put(name):
    row = Delivery({ALICE!r}, name, "orders/paid", None, None, None, 0, b"x" * 50_000)
    try:
        return writer.put(row)
    except StorageBusy as error:
        return error.code

writer = IntakeWriter(sys.argv[1])
print(put("before"))
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
print(*sorted({{put(f"full-{{n}}") for n in range(40)}}))
print(put("still full"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(put("after"), put("before"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, sqlite_url], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.splitlines() == ["stored", "storage_busy stored", "storage_busy", "stored duplicate"]
    assert "Traceback" not in done.stderr


def test_bodies_cross_a_real_server_whole(sqlite_url: str, tmp_path: Path) -> None:
    _install(sqlite_url)
    large, too_large = b"[" * 4_900_000, b"x" * 10_000_000
    with _serve(sqlite_url, tmp_path) as served:
        assert post(served.port, large, headers(large, webhook_id="large")).status == 200
        refused = post(served.port, too_large)
        assert (refused.status, b"body_too_large" in refused.body) == (413, True)
        spoilt: dict[str, bytes | str] = {**headers(), "X-Shopify-Hmac-Sha256": b"\xff\xfe"}
        assert post(served.port, sent=spoilt).status == 401
        assert post(served.port).status == 200
    database = Database.open(sqlite_url)
    with database.read() as tx:
        assert tx.all("SELECT body FROM inbox WHERE webhook_id = 'large'") == [(large,)]
        assert tx.one("SELECT COUNT(*) FROM inbox") == (2,)
    database.close()
