"""The API for other programs, version 1: one table of routes, from which addresses and OpenAPI document follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response

from plugin.pages.answers import json_answer
from plugin.pages.api import (
    actions,
    members,
    memberships,
    moving,
    openapi,
    programme,
    referrals,
    rewards,
    stops,
    surveys,
    webhooks,
)
from plugin.pages.api.door import view
from plugin.pages.api.route import PREFIX, Route
from plugin.pages.guards import OPEN, guard

if TYPE_CHECKING:
    from plugin.pages.web import Web

__all__ = ["PREFIX", "ROUTES", "register"]

# One file per resource; each ends with its routes.
ROUTES: tuple[Route, ...] = (
    *members.ROUTES,
    *memberships.ROUTES,
    *rewards.ROUTES,
    *referrals.ROUTES,
    *programme.ROUTES,
    *stops.ROUTES,
    *surveys.ROUTES,
    *actions.ROUTES,
    *moving.ROUTES,
    *webhooks.ROUTES,
)


def register(app: Flask, web: Web) -> None:
    """Adds every route of the table, and the document that describes them."""
    described = openapi.document(ROUTES, web.config.app_url)

    @app.get(f"{PREFIX}/openapi.json", provide_automatic_options=False)
    @guard(OPEN)
    def openapi_document() -> Response:
        return json_answer(described)

    actions.register(app, web)
    for route in ROUTES:
        app.add_url_rule(
            openapi.flask_path(route), f"api_{route.name}", view(web, route), methods=[route.method],
            provide_automatic_options=False,
        )  # fmt: skip
