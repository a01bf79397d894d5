"""Runs a PostgreSQL of the tests' own: finds or installs the server, starts, stops and restarts it."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

START_TIMEOUT_S = 60.0
NOT_FOUND = (
    "No PostgreSQL server (the programs `initdb` and `postgres`, version 15 or newer) was found. The tests"
    " run on a real one. Install it (Debian: apt-get install postgresql; macOS: brew install postgresql@17)"
    " or put its bin folder on PATH, then run this again."
)


class PostgresMissing(RuntimeError):
    """There is no PostgreSQL server on this machine; the message says what to install."""


def find_binaries() -> Path | None:
    """The folder that holds both `initdb` and `postgres`, or None."""
    candidates: list[str] = []
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(os.path.dirname(os.path.realpath(on_path)))
    pg_config = shutil.which("pg_config")
    if pg_config:
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        candidates.append(answer.stdout.strip())
    for pattern in ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin"):
        candidates += sorted(glob.glob(pattern), key=_version_in, reverse=True)
    for folder in filter(None, candidates):
        if all(os.access(os.path.join(folder, name), os.X_OK) for name in ("initdb", "postgres")):
            return Path(folder)
    return None


def _version_in(path: str) -> int:
    return int("".join(character for character in path if character.isdigit()) or 0)


def ensure_binaries() -> Path:
    """Finds the server; on Debian as root installs it. Raises PostgresMissing with what to do otherwise."""
    found = find_binaries()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("PostgreSQL is not here yet: installing Debian's package for the tests.", file=sys.stderr)  # noqa: T201
        # RUNLEVEL=1 keeps the package from starting a server of its own beside ours.
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for command in (
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", "postgresql"],
        ):
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
        found = find_binaries()
    if found is None:
        raise PostgresMissing(NOT_FOUND)
    return found


class PgServer:
    """One temporary PostgreSQL cluster on a free port of 127.0.0.1 and a socket in its own folder.

    Commits are on disk when they are acknowledged (fsync and synchronous_commit on), so that fault tests mean
    something. The data outlives `stop` and `restart`, and goes with `remove`, or when this process dies.
    """

    def __init__(self, binaries: Path | None = None) -> None:
        found = binaries or find_binaries()
        if found is None:
            raise PostgresMissing(NOT_FOUND)
        self.binaries = found
        # /tmp, not the configured temporary folder: a socket's path may not exceed 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="regulars-pg-", dir="/tmp"))
        self.data = self.folder / "data"
        self.port = _free_port()
        self._as_user = _unprivileged(self.folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._initialise()

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases, as DATABASE_URL takes it."""
        return f"postgresql://regulars@127.0.0.1:{self.port}/{database}"

    @property
    def running(self) -> bool:
        """True while the server process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts and waits until it answers. Does nothing when it runs."""
        if self.running:
            return
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as_user, str(self.binaries / "postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        self._wait(self._answers, "start")

    def stop(self, *, immediate: bool = False) -> None:
        """Stops and waits. `immediate` is like a power cut: no checkpoint, recovery at the next start."""
        if self._process is None:
            return
        if self._process.poll() is None:
            how = signal.SIGQUIT if immediate else signal.SIGINT
            os.kill(self._postmaster(), how)
        self._process.wait(START_TIMEOUT_S)
        self._process = None

    def restart(self, *, immediate: bool = False) -> None:
        """Stops and starts; every open connection dies."""
        self.stop(immediate=immediate)
        self.start()

    def create(self, template: str = "template0") -> str:
        """A fresh database copied from `template`; returns its name."""
        self._databases += 1
        name = f"t{self._databases}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Drops a database, cutting whoever is still connected."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, sql: str) -> None:
        """Runs one statement as the superuser, outside a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.encode())

    def remove(self) -> None:
        """Stops the server and deletes everything. Idempotent."""
        self.stop(immediate=True)
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
            self._watchdog.wait(START_TIMEOUT_S)
            self._watchdog = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _initialise(self) -> None:
        made = subprocess.run(
            [*self._as_user, str(self.binaries / "initdb"), "-D", str(self.data), "-U", "regulars"]
            + ["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"],
            capture_output=True,
            text=True,
            cwd=self.folder,
            check=False,
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(
                f"port = {self.port}\n"
                "listen_addresses = '127.0.0.1'\n"
                f"unix_socket_directories = '{self.folder}'\n"
                "fsync = on\nsynchronous_commit = on\n"
                "shared_buffers = 64MB\nmax_connections = 100\n"
                "max_wal_size = 2GB\ncheckpoint_timeout = 30min\n"
                "timezone = 'UTC'\nlog_min_messages = warning\n"
            )
        # When this process dies in whatever way, the pipe closes and the watchdog cleans up after it.
        script = 'cat >/dev/null; kill -QUIT $(head -n1 "$0/data/postmaster.pid") 2>/dev/null; rm -rf "$0"'
        self._watchdog = subprocess.Popen(
            ["sh", "-c", script, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _postmaster(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _wait(self, ready: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not ready():
            if not self.running or time.monotonic() > deadline:
                log = (self.folder / "server.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"PostgreSQL did not {what}:\n{log}")
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unprivileged(folder: Path) -> list[str]:
    """What to put before a command so that it does not run as root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return []
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in known else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    if shutil.which("setpriv"):
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
    return ["su", user.pw_name, "-s", "/bin/sh", "-c", 'exec "$0" "$@"']


def main() -> int:
    """Finds or installs the server for `make test`; says what to do and returns 1 when that is impossible."""
    try:
        print(f"PostgreSQL server for the tests: {ensure_binaries()}")  # noqa: T201
    except PostgresMissing as missing:
        print(missing, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
