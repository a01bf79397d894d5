"""The merchant's pages inside Shopify's frame: puts the rooms of the admin together, and shows errors as pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, current_app, g, render_template

from plugin.pages import (
    admin_actions,
    admin_activity,
    admin_campaigns,
    admin_chapters,
    admin_connections,
    admin_handing,
    admin_home,
    admin_members,
    admin_moving,
    admin_points,
    admin_programme,
    admin_questions,
    admin_referrals,
    admin_settings,
    admin_stops,
    admin_surveys,
    admin_tiers,
)
from plugin.pages.admin_frame import HTML, NAVIGATION, in_words
from plugin.pages.staff import carried_query, link

if TYPE_CHECKING:
    from plugin.pages.web import Web

# An error has no shop that was proved: nobody but Shopify's own admin may frame it, and in development its stand-in.
_MESSAGE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors https://admin.shopify.com"


def register(app: Flask, web: Web) -> None:
    """Adds every page and form of the admin."""
    in_words(app)
    app.config["DEVSHOP"] = web.config.devshop_url
    for room in (
        admin_home,
        admin_members,
        admin_actions,
        admin_points,
        admin_programme,
        admin_questions,
        admin_chapters,
        admin_campaigns,
        admin_surveys,
        admin_tiers,
        admin_referrals,
        admin_activity,
        admin_handing,
        admin_settings,
        admin_stops,
        admin_moving,
        admin_connections,
    ):
        room.register(app, web)


def message_page(title: str, message: str, status: int) -> Response:
    """A page that says one thing, such as an error; framed by the shop only if it was proved who asks.

    Its ways back lead to the shop that the address names, where every page asks again who comes.
    """
    shop = carried_query().get("shop")
    ways = [(name, link(path, shop)) for name, path in (("Home", "/"), *NAVIGATION)] if shop else []
    answer = Response(
        render_template("admin/message.html", title=title, message=message, navigation=ways),
        status, content_type=HTML,
    )  # fmt: skip
    framed = f"{_MESSAGE} {current_app.config['DEVSHOP'] or ''}".rstrip()
    answer.headers.extend(g.get("frame", {"Content-Security-Policy": framed}))
    return answer
