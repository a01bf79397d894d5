"""A worker, or a web request, that is killed with SIGKILL at its n-th step; runs in a process of its own.

A step is each moment that matters: before and after every call to the platform, before and after every commit.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from http.client import HTTPConnection
from typing import Any, Literal

import httpx
import psycopg
from werkzeug.test import Client

from app import Installation, assemble
from plugin.config import Config
from plugin.store import connections
from plugin.store import db as database
from plugin.worker.effects import perform_due
from plugin.worker.loop import Worker
from webhooks.drain import drain

Job = Literal["perform", "settle", "request"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the process does and at which step it dies; 0 for never. `request` is (url, body) of a shopper."""

    config: Config
    at: datetime
    shop_id: int
    job: Job
    die_at: int
    request: tuple[str, bytes, tuple[tuple[str, str], ...]] | None = None


def run(plan: Plan) -> bool:
    """Runs the plan in a fresh process; True when it was killed, False when it came to its end."""
    process = _CONTEXT.Process(target=_live, args=(plan,))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL), f"the process ended with {process.exitcode}"
    return process.exitcode != 0


# Forks from a clean server process that has imported everything: a start takes milliseconds and copies no thread.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.worker.crashing"])


class _Steps:
    def __init__(self, die_at: int) -> None:
        self.left = die_at

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class _Calls(httpx.BaseTransport):
    """Calls to the platform, with a step on either side: what follows an answer may never happen.

    Plain HTTP on purpose: httpx's own transport reads all certificates at each start, ten times the rest of it.
    """

    def __init__(self, port: int, step: Callable[[], None]) -> None:
        self._port, self._step = port, step

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._step()
        line = HTTPConnection("127.0.0.1", self._port, timeout=10)
        line.request(request.method, request.url.raw_path.decode(), request.read(), dict(request.headers))
        answer = line.getresponse()
        found = httpx.Response(
            answer.status, headers=answer.getheaders(), content=answer.read(), request=request
        )
        line.close()
        self._step()
        return found


def _watch_commits(step: Callable[[], None]) -> None:
    writing = {"now": False}
    begin, commit_sqlite, commit_postgres = (
        database.Database._begin,
        connections.commit_sqlite,
        psycopg.Connection.commit,
    )

    def began(self: Any, connection: Any, kind: Any) -> None:
        writing["now"] = kind == "write"
        begin(self, connection, kind)

    def around(commit: Callable[[Any], None]) -> Callable[[Any], None]:
        def committed(connection: Any) -> None:
            if not writing["now"]:
                return commit(connection)
            step()
            commit(connection)
            return step()

        return committed

    setattr(database.Database, "_begin", began)  # noqa: B010
    setattr(database, "commit_sqlite", around(commit_sqlite))  # noqa: B010 (mypy knows a function is not assigned)
    setattr(psycopg.Connection, "commit", around(commit_postgres))  # noqa: B010


def _live(plan: Plan) -> None:
    step = _Steps(plan.die_at)
    _watch_commits(step)
    port = int((plan.config.devshop_url or "").rsplit(":", 1)[1])
    client = httpx.Client(transport=_Calls(port, step), timeout=10, trust_env=False)
    installation = assemble(plan.config, http_client=client, now=lambda: plan.at)
    if plan.job == "perform":
        while perform_due(installation.bench, plan.shop_id):
            continue
    elif plan.job == "settle":
        _worker(installation).settle()
    else:
        assert plan.request is not None
        url, body, headers = plan.request
        answer = Client(installation.wsgi(), use_cookies=False).post(url, data=body, headers=list(headers))
        assert answer.status_code == 200, answer.data
    installation.close()


def _worker(installation: Installation) -> Worker:
    return replace(installation.worker(), drain=lambda now: drain(installation.db, now, batch=7).total)
