"""A program that uses the API with a key of a shop."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import TestResponse

from plugin.flows import api_keys
from plugin.flows.api_keys import SCOPES, Made
from tests.pages.scene import ALICE, Scene

_numbers = itertools.count(1)


def make_key(scene: Scene, *scopes: str, shop: str = ALICE, name: str = "Mail program") -> Made:
    """A key of a shop; with every scope when none is named."""
    found = scene.shop(shop)
    with scene.db.write(found.shop_id) as tx:
        return api_keys.make(
            tx, found, name, scopes or SCOPES, "staff:501", scene.times.now(), scene.web.sealer.seal
        )


@dataclass(slots=True)
class Program:
    """Sends requests with one key; every answer has the API's headers and, when it is an error, the one shape."""

    scene: Scene
    token: str
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.token}", **self.headers}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        given: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        if body is None:
            given = {}
        answer = self.scene.client().open(f"/api/v1{path}", method=method, headers=sent, **given)
        if answer.status_code >= 400:
            assert answer.json is not None
            assert set(answer.json) == {"error"}
            assert (
                {"code", "message"} <= set(answer.json["error"]) <= {"code", "message", "field", "reference"}
            )
            assert answer.json["error"]["message"].endswith((".", ")"))
        return answer

    def get(self, path: str, status: int = 200) -> Any:
        answer = self.send("GET", path)
        assert answer.status_code == status, answer.text
        return answer.json

    def post(self, path: str, body: Any = None, status: int = 201, key: str | None = None) -> Any:
        named = key or f"test-{next(_numbers)}"
        answer = self.send("POST", path, body, Idempotency_Key=named)
        assert answer.status_code == status, answer.text
        return answer.json


def program(scene: Scene, *scopes: str, shop: str = ALICE) -> Program:
    """A program with a new key."""
    return Program(scene, make_key(scene, *scopes, shop=shop).token)


def fault(answer: TestResponse) -> tuple[int, str, str | None]:
    """An error as (status, code, field)."""
    assert answer.json is not None
    error = answer.json["error"]
    return answer.status_code, error["code"], error.get("field")
