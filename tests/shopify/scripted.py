"""Answers the development shop cannot be made to give: a transport that plays prepared answers and keeps calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from plugin.shopify.admin import AdminClient
from plugin.shopify.pace import Pace

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
TOKEN = "shpat_do_not_show_me"


@dataclass(slots=True)
class Time:
    """A clock that only moves when somebody sleeps."""

    at: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@dataclass(slots=True)
class Script:
    """Plays answers in order; fails the test when there are more calls than answers."""

    answers: list[Answer]
    calls: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.calls.append(request)
        assert self.answers, f"one call too many: {request.url}"
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    def sent(self) -> list[dict[str, Any]]:
        return [json.loads(call.content) for call in self.calls]


def scripted(*answers: Answer, time: Time | None = None, **settings: Any) -> tuple[AdminClient, Script]:
    """A client whose platform plays these answers."""
    script, clock = Script(list(answers)), time or Time()
    settings.setdefault("token", lambda: TOKEN)
    settings.setdefault("pace", Pace(clock=clock.now))
    client = AdminClient(
        "dev-one.myshopify.com",
        http_client=httpx.Client(transport=httpx.MockTransport(script)),
        sleep=clock.sleep,
        **settings,
    )
    return client, script


def data(**roots: Any) -> httpx.Response:
    """HTTP 200 with data."""
    return httpx.Response(200, json={"data": roots, "extensions": {"cost": cost()}})


def errors(*codes: str, path: list[Any] | None = None, roots: Any = None, **more: Any) -> httpx.Response:
    """HTTP 200 with top-level errors."""
    said = [{"message": "Jane Roe is secret", "path": path, "extensions": {"code": code}} for code in codes]
    return httpx.Response(200, json={"data": roots, "errors": said, **more})


def cost(requested: float = 10, available: float = 1990, rate: float = 100) -> dict[str, Any]:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": requested,
        "throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": available, "restoreRate": rate},
    }
