"""The theme editor, cut down to what an app needs: its embeds and blocks, on or off, with their settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from devshop.faces import theme
from devshop.faces.theme import Block
from devshop.records import ThemeBlock

if TYPE_CHECKING:
    from devshop.shop import DevPlatform

Value = str | int | float | bool | None
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
MAX_TEXT = 500


def register(site: Blueprint, platform: DevPlatform) -> None:
    """Adds the editor, also at the address that an app's deep links use."""

    @site.get("/admin/themes/<theme_id>/editor")
    def theme_editor(theme_id: str) -> str:
        found = list(theme.blocks(platform.extensions))
        wanted = request.args.get("activateAppId") or request.args.get("addAppBlockId") or ""
        return render_template(
            "theme_editor.html",
            page_title="Theme editor",
            blocks=[(block, theme.as_placed(g.shop, block)) for block in found],
            asked=wanted.partition("/")[2],
        )

    @site.post("/admin/themes/current/editor")
    def place_block() -> Answer:
        handle = request.form.get("block", "")
        block = next((one for one in theme.blocks(platform.extensions) if one.handle == handle), None)
        if block is None:
            abort(404, "There is no such block.")
        with g.shop.desk.change():
            g.shop.desk.shop.theme[handle] = ThemeBlock("on" in request.form, _settings(block))
        flash(f"{block.word(block.schema.get('name', handle))} was saved.", "done")
        return redirect(url_for("faces.theme_editor", theme_id="current") + f"#block-{handle}")


def _settings(block: Block) -> dict[str, Value]:
    return {one["id"]: _value(one, request.form.get(one["id"], "")) for one in block.settings}


def _value(setting: dict[str, Any], text: str) -> Value:
    """What a field of the form means; what does not fit falls back to the setting's default."""
    kind, default = setting.get("type"), setting.get("default")
    kept: Value = default if isinstance(default, (str, int, float, bool)) else None
    if kind == "checkbox":
        return text == "on"
    if kind in ("range", "number"):
        try:
            number = float(text)
        except ValueError:
            return kept
        low, high = setting.get("min", number), setting.get("max", number)
        number = min(max(number, low), high)
        return int(number) if number == int(number) else number
    if kind in ("color", "color_background"):
        return text if _COLOUR.fullmatch(text) else kept
    if kind in ("select", "radio"):
        return text if text in [one.get("value") for one in setting.get("options", [])] else kept
    return text[:MAX_TEXT]


def extensions(platform: DevPlatform, shop: Any) -> list[dict[str, Any]]:
    """What shopify.app.extensions() answers: every theme extension with the blocks that are switched on."""
    found: dict[str, list[dict[str, Any]]] = {}
    for block in theme.blocks(platform.extensions):
        on = theme.as_placed(shop, block).on
        found.setdefault(block.extension, []).append(
            {
                "handle": block.handle,
                "name": block.word(block.schema.get("name", block.handle)),
                "target": block.schema.get("target", "section"),
                "status": "active" if on else "available",
                "activations": [{"target": "body", "themeId": "gid://shopify/OnlineStoreTheme/1"}]
                if on
                else [],
            }
        )
    return [
        {"handle": handle, "type": "theme_app_extension", "activations": several}
        for handle, several in found.items()
    ]
