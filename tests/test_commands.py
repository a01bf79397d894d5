"""The command line as contracted: what each command prints, how it ends, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

import commands
from devshop.demo import environment
from devshop.records import Delivery
from devshop.webhooks_out import headers_of
from plugin.store.db import Database
from plugin.store.migrate import head
from tests.books import Books
from tests.facts import seen
from tests.webhooks.post import order

ROOT = Path(__file__).parents[1]
RECORDED_SHOP = "recorded.myshopify.com"


@pytest.fixture
def settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of an installation in development."""
    chosen = environment(database_url, "http://127.0.0.1:1", "http://127.0.0.1:1")
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    return chosen


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands.main, list(arguments))


@pytest.fixture
def books(settings: dict[str, str]) -> Iterator[Books]:
    opened = Database.open(settings["DATABASE_URL"])
    yield Books(opened)
    opened.close()


def test_migrate_may_be_run_twice(blank_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(blank_database_url, "http://127.0.0.1:1", "http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)
    for _ in range(2):
        result = run("migrate")
        assert (result.exit_code, result.output) == (0, f"the database is at version {head()}\n")


def test_audit_says_what_it_checked_and_fails_on_a_difference(books: Books) -> None:
    books.tell(seen(1))
    fine = run("audit")
    assert (fine.exit_code, fine.output) == (
        0, "checked 1 shop, 1 member, 1 entry, 1 lot: everything agrees\n",
    )  # fmt: skip
    with books.db.write() as tx:
        tx.run("UPDATE members SET posted = 99")
    for _ in range(2):
        wrong = run("audit", "--shop", books.shop.domain)
        assert wrong.exit_code == 1
        assert f"{books.shop.domain}: member 7: cached" in wrong.output
        assert "1 difference" in wrong.output
    repaired = run("audit", "--repair-caches")
    assert repaired.exit_code == 0
    assert "set 1 members' cached sums right" in repaired.output
    assert run("audit").exit_code == 0
    nobody = run("audit", "--shop", "nobody.myshopify.com")
    assert nobody.exit_code != 0
    assert "no shop nobody.myshopify.com" in nobody.output


def test_replay_prints_counts_and_ends_with_a_clean_audit(settings: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "recorded.jsonl"
    lines = [
        ("orders/paid", order(1)),
        ("orders/paid", order(2)),
        ("themes/publish", {}),
        ("orders/paid", {"id": 1}),
    ]
    file.write_text(
        "".join(json.dumps({"topic": t, "shop": RECORDED_SHOP, "body": b}) + "\n" for t, b in lines)
    )
    result = run("replay", str(file), "--install")
    assert result.exit_code == 0, result.output
    counts = json.loads(result.stdout)
    assert sum(counts["received"].values()) == 4
    assert counts["drained"] == {"done": 2, "skipped": 1, "parked": 1, "failed": 0}
    assert "everything agrees" in run("audit").output
    file.write_text("{}\n")
    broken = run("replay", str(file))
    assert broken.exit_code == 1
    assert "Line 1" in broken.output
    assert "Traceback" not in broken.output


def test_replay_installs_nothing_outside_development(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEVSHOP_URL")
    monkeypatch.setenv("APP_URL", "https://app.example.com")
    file = tmp_path / "recorded.jsonl"
    file.write_text(json.dumps({"topic": "orders/paid", "shop": RECORDED_SHOP, "body": {}}) + "\n")
    refused = run("replay", str(file), "--install")
    assert refused.exit_code != 0
    assert "DEVSHOP_URL" in refused.output


def test_the_clock_moves_forward_in_development_only(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = run("clock", "+15d")
    assert moved.exit_code == 0
    assert moved.output.startswith(f"it is now {datetime.now(UTC) + timedelta(days=15):%Y-%m-%d}")
    again = run("clock", "+6h")
    assert again.output.startswith(f"it is now {datetime.now(UTC) + timedelta(days=15, hours=6):%Y-%m-%d}")
    for wrong in ("soon", "15"):
        refused = run("clock", wrong)
        assert refused.exit_code != 0
        assert "Write a span" in refused.output
    monkeypatch.delenv("DEVSHOP_URL")
    monkeypatch.setenv("APP_URL", "https://app.example.com")
    live = run("clock", "+1d")
    assert live.exit_code != 0
    assert "only in development" in live.output


def test_backup_and_restore(books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    books.tell(seen(1))
    file = tmp_path / "backup.sqlite"
    wrote = run("backup", str(file))
    assert wrote.exit_code == 0
    assert wrote.output.startswith("wrote ")
    again = run("backup", str(file))
    assert (again.exit_code, "exists already" in again.output) == (1, True)
    used = run("restore", str(file))
    assert (used.exit_code, "in use" in used.output) == (1, True)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    restored = run("restore", str(file))
    assert restored.exit_code == 0, restored.output
    assert run("audit").output == "checked 1 shop, 1 member, 1 entry, 1 lot: everything agrees\n"


def test_the_doctor_names_what_is_not_well(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run("doctor")
    assert found.exit_code == 1
    assert "1 installed" in found.output
    assert f"problem  {books.shop.domain}: has no token" in found.output
    with books.db.write() as tx:
        tx.run("UPDATE shops SET state = 'uninstalled'")
    well = run("doctor")
    assert well.exit_code == 0, well.output
    assert f"version {head()}" in well.output
    assert "0 installed" in well.output
    assert "does not answer" in well.output
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")
    ill = run("doctor")
    assert ill.exit_code == 1
    assert "regulars migrate" in ill.output


@pytest.mark.parametrize("command", ["migrate", "audit", "worker", "doctor"])
def test_wrong_settings_stop_every_command_with_a_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in environment("", "", ""):
        monkeypatch.delenv(name, raising=False)
    result = run(command)
    assert result.exit_code != 0
    assert "DATABASE_URL is not set" in result.output
    assert "Traceback" not in result.output


def test_the_demo_once_prints_one_json_object() -> None:
    result = run("demo", "--once", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["ok"] is True
    assert {"installed", "paid", "redeemed", "partly_refunded", "audited"} <= {
        s["step"] for s in told["steps"]
    }
    assert all(step["held"] for step in told["steps"])


@contextmanager
def command(*arguments: str, **environment_: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command in a process of its own; whatever is left of its group is ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "commands.py"), *arguments], cwd=ROOT, env=os.environ | environment_,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, sign)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    continue
        process.communicate()


def _until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_serve_takes_webhooks_and_its_worker_makes_points_of_them(
    settings: dict[str, str], books: Books
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with books.db.write() as tx:
        tx.run("UPDATE outbox SET state = 1")
    address = f"http://127.0.0.1:{port}"
    with command("serve", "--port", str(port)) as served:
        _until(lambda: served.poll() is None and _answers(address), "the server never answered")
        body = json.dumps(order(1)).encode()
        headers = headers_of(
            Delivery("hook-1", "event-1", "orders/paid", books.shop.domain, body, datetime.now(UTC)),
            settings["SHOPIFY_API_SECRET"],
        )
        assert requests.post(f"{address}/webhooks", data=body, headers=headers, timeout=10).status_code == 200
        _until(lambda: books.points(7) == (0, 100, 0), "the worker made no points")
        killed = _worker(address)
        assert killed is not None
        os.kill(int(killed.rsplit(":", 1)[1]), signal.SIGKILL)
        with books.db.write() as tx:  # its lease runs out
            tx.run("DELETE FROM leases")
        _until(lambda: _worker(address) not in (None, killed), "no worker came after the one that was killed")
        if books.db.engine == "sqlite":
            with command("worker") as second:
                assert second.wait(30) != 0
                assert second.stderr is not None
                assert b"Another worker" in second.stderr.read()
        served.terminate()
        assert served.wait(30) is not None
    if books.db.engine == "sqlite":  # the worker went with it and left its post
        with command("worker") as alone:
            time.sleep(0.1)
            _until(
                lambda: books.rows("SELECT holder FROM leases WHERE :s = :s") != [], "no worker took the post"
            )
            alone.terminate()
            assert alone.wait(30) == 0
    assert books.audit() == []


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/healthz", timeout=2).status_code == 200
    except requests.ConnectionError:
        return False


def _worker(address: str) -> str | None:
    found: str | None = requests.get(f"{address}/healthz", timeout=5).json()["worker"]
    return found


def test_sqlite_takes_one_web_process(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(sqlite_url, "http://127.0.0.1:1", "http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)
    refused = run("serve", "--processes", "2")
    assert refused.exit_code != 0
    assert "SQLite takes one web process" in refused.output
