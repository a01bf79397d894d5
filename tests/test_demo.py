"""The demo for people: three addresses that answer, an end that leaves nothing running, and data that stays."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.house.sources import ROOT


@dataclass(frozen=True, slots=True)
class Running:
    """A demo that has told its addresses. `said` is everything it printed until then."""

    process: subprocess.Popen[str]
    said: str
    ports: tuple[int, int]

    def addresses(self) -> dict[str, str]:
        """What it calls each of its pages, and where that is."""
        return dict(
            re.findall(r"^ +(storefront|app admin|order admin) +(http://\S+)$", self.said, re.MULTILINE)
        )

    def ended(self) -> bool:
        """Whether it ended well and nobody listens on its ports any more."""
        return self.process.wait(60) == 0 and not any(_listens(port) for port in self.ports)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[Running]:
    """`regulars demo` in a folder and a session of its own; whatever were left of it is ended afterwards."""
    ports = free_port(), free_port()
    command = [sys.executable, str(ROOT / "commands.py"), "demo", "--people", "3", "--days", "4", *arguments]
    command += ["--port", str(ports[0]), "--shop-port", str(ports[1])]
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if "regulars audit" in line:
                break
        assert "regulars audit" in said, (folder / "log").read_text()
        yield Running(process, said, ports)
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def members(folder: Path) -> list[tuple[int, str]]:
    connection = sqlite3.connect(folder / "var/demo/regulars.db")
    try:
        assert (
            connection.execute("SELECT * FROM leases WHERE name = 'worker'").fetchall() == []
        )  # it left its post
        return connection.execute("SELECT member_id, joined_at FROM members ORDER BY member_id").fetchall()
    finally:
        connection.close()


def secret_of(folder: Path) -> str:
    """The client secret, made once for the life of the data."""
    [secret] = re.findall(
        r"^SHOPIFY_API_SECRET=(.+)$", (folder / "var/demo/demo.env").read_text(), re.MULTILINE
    )
    return str(secret)


@pytest.mark.slow
def test_the_demo_runs_ends_with_ctrl_c_and_keeps_its_data(tmp_path: Path) -> None:
    with demo(tmp_path) as first:
        assert re.search(r"^[1-9]\d* customers, .* Lived in \d+ seconds\.$", first.said, re.MULTILINE)
        addresses = first.addresses()
        assert sorted(addresses) == ["app admin", "order admin", "storefront"]
        for name, says in (("storefront", "Alpine Tea"), ("app admin", "Regulars"), ("order admin", "#1001")):
            page = requests.get(addresses[name], timeout=30)
            assert (page.status_code, says in page.text) == (200, True), name
        assert requests.get(f"http://localhost:{first.ports[0]}/healthz", timeout=30).json()["status"] == "ok"
        os.killpg(first.process.pid, signal.SIGINT)  # a terminal's Ctrl-C reaches every process
        assert first.ended()
    known = members(tmp_path)
    assert known
    secret = secret_of(tmp_path)

    with demo(tmp_path) as second:
        assert "customers" not in second.said
        assert "#1001" in requests.get(second.addresses()["order admin"], timeout=30).text
        second.process.send_signal(signal.SIGINT)  # and one that only the demo hears is enough
        assert second.ended()
    assert (members(tmp_path), secret_of(tmp_path)) == (known, secret)

    with demo(tmp_path, "--fresh") as third:
        assert "customers" in third.said
        third.process.send_signal(signal.SIGTERM)
        assert third.ended()
    assert members(tmp_path)
    assert secret_of(tmp_path) != secret
