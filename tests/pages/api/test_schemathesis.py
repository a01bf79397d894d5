"""Schemathesis: the running app against its own OpenAPI document, with random good and bad requests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from plugin.pages.api import ROUTES
from plugin.pages.api.route import Route
from plugin.pages.limits import Limits
from plugin.store import audit
from plugin.store.db import Database
from tests.pages.admin_pages import placed
from tests.pages.api.caller import make_key
from tests.pages.scene import ALICE, ANNA, Scene, make_scene

EXAMPLES = 15
FORM = {"invalid_body", "invalid_query", "invalid_json", "invalid_idempotency_key", "unsupported_media_type"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A shop with a member, an order, a redemption and an answer; its rate never runs out."""
    template = request.getfixturevalue("_sqlite_template")
    path = tmp_path_factory.mktemp("schemathesis") / "app.db"
    shutil.copyfile(template, path)
    db = Database.open(f"sqlite:///{path}")
    scene = make_scene(db, limits=Limits(api_at_once=1_000_000, reads_at_once=10_000, changes_at_once=10_000))
    scene.install(ALICE)
    scene.member(ALICE, ANNA, 5000)
    placed(scene, 81, ANNA, 4000)
    yield scene
    db.close()


@pytest.fixture(scope="module")
def token(stage: Scene) -> str:
    """A key that may do everything."""
    return make_key(stage).token


@pytest.fixture(scope="module")
def described(stage: Scene) -> Any:
    """The document as it is served."""
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", stage.app)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_the_app_keeps_what_its_document_says(
    described: Any, token: str, route: Route, mode: GenerationMode
) -> None:
    """No fault of ours, only described statuses, bodies and headers; bad requests are refused, good ones are not."""

    @given(case=described[route.path][route.method].as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    def holds(case: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        answer = case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])
        if mode is GenerationMode.POSITIVE and answer.status_code >= 400:
            # Whether it is possible, only the shop's data say; but it must not fail for its form.
            # But for two things that JSON Schema lets pass: 5.0 as an integer, and any text as a time, because a
            # format is only a note there.
            error = answer.json()["error"]
            assert error["code"] not in FORM or any(
                one in error["message"] for one in ("got `float`", "RFC3339")
            )

    holds()


@pytest.mark.slow
def test_and_the_books_still_balance(stage: Scene) -> None:
    shop_id = stage.shop(ALICE).shop_id
    with stage.db.read() as tx:
        assert list(audit.audit(tx, shop_id)) == []
