"""The commands of moving: a list that is tried and taken, a shop that moves, a programme from shop to shop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

import commands
import commands_moving
from devshop.demo import environment
from plugin.store.db import Database
from plugin.store.migrate import migrate
from plugin.worker import backfill
from tests.books import Books
from tests.faces.served import serving_demo
from tests.facts import programme


@pytest.fixture
def books(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """A shop of an installation that the commands reach by their environment."""
    for name, value in environment(database_url, "http://127.0.0.1:1", "http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)
    opened = Database.open(database_url)
    yield Books(opened)
    opened.close()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(commands.main, [str(one) for one in arguments])


def test_a_list_is_tried_then_taken(books: Books, tmp_path: Path) -> None:
    file, errors = tmp_path / "smile.csv", tmp_path / "errors.csv"
    file.write_text("customer_id,email,points\n7,a@b.io,100\n,,5\n")
    asked = run("import", "--shop", books.shop.domain, file)
    assert asked.exit_code == 1
    assert "--policy add" in asked.output
    call = ("import", "--shop", books.shop.domain, "--policy", "add", "--errors", errors, file)
    tried = run(*call, "--dry-run")
    assert tried.exit_code == 0
    assert "100 points given" in tried.output
    assert books.rows("SELECT COUNT(*) FROM entries WHERE shop_id = :s") == [(0,)]
    assert errors.read_text(encoding="utf-8-sig").splitlines()[1].startswith("3,There is neither")
    for _ in range(2):
        assert run(*call).exit_code == 0
    assert books.member(7).posted == 100
    assert books.audit() == []


def test_a_file_that_cannot_be_read_ends_with_a_sentence(books: Books, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"a,b\n\x00")
    result = run("import", "--shop", books.shop.domain, "--policy", "add", file)
    assert (result.exit_code, "cannot be read" in result.output) == (1, True)
    assert "There is no shop nobody" in run("export", "--shop", "nobody", file).output


def test_a_shop_leaves_and_arrives(
    books: Books, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.join(7)
    file, table = tmp_path / "shop.sqlite", tmp_path / "members.csv"
    assert run("export", "--shop", books.shop.domain, file).exit_code == 0
    assert "exists already" in run("export", "--shop", books.shop.domain, file).output
    assert run("export", "--shop", books.shop.domain, "--list", "members", table).output.startswith(
        "wrote 1 rows"
    )
    assert table.read_text(encoding="utf-8-sig").splitlines()[1].startswith("7,")
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    migrate(fresh)
    monkeypatch.setenv("DATABASE_URL", fresh)
    opened = Database.open(fresh)
    there = Books(opened, name="there")
    assert "without --dry-run" in run("import", "--shop", there.shop.domain, "--dry-run", file).output
    arrived = run("import", "--shop", there.shop.domain, file)
    assert (arrived.exit_code, arrived.output.startswith("read ")) == (0, True)
    assert there.points(7) == (50, 0, 0)
    opened.close()


def test_past_orders_are_read_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands_moving, "ASK_AGAIN_S", 0)
    monkeypatch.setattr(backfill, "ASK_EVERY", timedelta(0))
    with serving_demo(tmp_path, days_ago=1, installed=False) as demo:
        tea, anna = demo.shop.create_product("Tea", 2_000), next(iter(demo.shop.customers.values()))
        for _ in range(3):
            demo.shop.place_order(anna, [(tea, 1)], shipping=0)
        demo.platform.queue.clear()
        demo.time.forward(days=1)
        httpx.get(demo.shop.install())
        demo.settle()
        config = demo.app.installation.config
        for name, value in environment(config.database_url, config.app_url, demo.address).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("TOKEN_KEYS", config.token_keys[0])
        call = ("backfill", "--shop", demo.app.domain, "--earn")
        assert run(*call).output.endswith("read 3 orders: 60 points, 0 could not be read\n")
        # Once more: the same orders, and not a point more.
        again = run(*call, "--since", "2001-01-01")
        assert (again.exit_code, "read 3 orders: 0 points" in again.output) == (0, True)
        demo.shop.desk.shop.scopes = [one for one in demo.shop.desk.shop.scopes if one != "read_orders"]
        refused = run(*call)
        assert (refused.exit_code, "after 0 orders: ACCESS_DENIED" in refused.output) == (1, True)


def test_a_programme_goes_from_shop_to_shop(books: Books, tmp_path: Path) -> None:
    books.publish(programme(signup_points=77))
    other = Books(books.db, name="other")
    for name in ("rules.json", "rules.toml"):
        file = tmp_path / name
        assert (
            run("programme", "export", "--shop", books.shop.domain, file).output
            == f"wrote version 3 ({file})\n"
        )
    assert '"ok": true' in run("programme", "import", "--shop", other.shop.domain, "--dry-run", file).output
    assert run("programme", "import", "--shop", other.shop.domain, file).output == "published version 3\n"
    other.join(7)
    assert other.points(7)[0] == 77
    file.write_text(file.read_text() + "\nglow = true\n")
    refused = run("programme", "import", "--shop", other.shop.domain, file)
    assert refused.exit_code == 1
    assert "glow: This app does not know this field." in refused.output
    assert "ends in .json" in run("programme", "export", "--shop", books.shop.domain, tmp_path / "x").output
