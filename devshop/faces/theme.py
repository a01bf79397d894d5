"""The app's theme extension on the storefront: finds its blocks, places them, renders their real Liquid."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Response, abort, send_from_directory
from liquid import Environment, FileSystemLoader
from liquid.exceptions import LiquidError
from markupsafe import Markup, escape

from devshop.faces import liquid_filters, liquid_objects
from devshop.faces.visitor import Visitor
from devshop.order_records import Product
from devshop.records import ThemeBlock

if TYPE_CHECKING:
    from devshop.shop import DevPlatform, DevShop

_TEXTS = ("text", "textarea", "html", "richtext", "inline_richtext", "liquid")
_SCHEMA = re.compile(r"\{%-?\s*schema\s*-?%\}(.*?)\{%-?\s*endschema\s*-?%\}", re.DOTALL)
# A snippet sees `block` only if it is passed on, as in Shopify: what is assigned does not reach into {% render %}.
_LOCAL = "{%- assign block = _block -%}{%- assign section = _section -%}"


@dataclass(frozen=True, slots=True)
class Block:
    """One file of blocks/ with what its {% schema %} says."""

    extension: str
    folder: Path
    handle: str
    schema: dict[str, Any]
    source: str

    @property
    def embed(self) -> bool:
        """An app embed (head or body) rather than a block that a section holds."""
        return self.schema.get("target") != "section"

    @property
    def settings(self) -> list[dict[str, Any]]:
        """The settings that have a value; headers and paragraphs have none."""
        return [one for one in self.schema.get("settings", []) if "id" in one]

    def fits(self, template: str) -> bool:
        """Whether enabled_on or disabled_on let it stand on this kind of page."""
        wanted = self.schema.get("enabled_on", {}).get("templates")
        refused = self.schema.get("disabled_on", {}).get("templates", [])
        return (wanted is None or "*" in wanted or template in wanted) and template not in refused

    def word(self, text: object, language: str = "en") -> str:
        """A text of the schema; t:key stands for an entry of the schema's locales."""
        if isinstance(text, str) and text.startswith("t:"):
            strings = liquid_filters.strings(self.folder, language, ".schema.json")
            return str(liquid_filters.entry(strings, text[2:]) or text)
        return str(text)


@dataclass(slots=True)
class Placed:
    """The app's part of one page."""

    sections: list[Markup] = field(default_factory=list)
    body: list[Markup] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)


def blocks(root: Path) -> Iterator[Block]:
    """Every block of every theme extension below a folder, by name."""
    for description in sorted(root.glob("*/shopify.extension.toml")):
        if not _is_theme(description):
            continue
        folder = description.parent
        for path in sorted((folder / "blocks").glob("*.liquid")):
            text = path.read_text(encoding="utf-8")
            found = _SCHEMA.search(text)
            schema = json.loads(found[1]) if found else {}
            yield Block(folder.name, folder, path.stem, schema, _SCHEMA.sub("", text))


def _is_theme(description: Path) -> bool:
    about = tomllib.loads(description.read_text(encoding="utf-8"))
    return about.get("type") == "theme" or any(
        one.get("type") == "theme" for one in about.get("extensions", [])
    )


def as_placed(shop: DevShop, block: Block) -> ThemeBlock:
    """How the merchant placed a block. The development shop switches every block on to begin with."""
    kept = shop.desk.shop.theme.get(block.handle) or ThemeBlock(on=True)
    # A text without a default is an empty text in Liquid; everything else is nil.
    defaults = {
        one["id"]: one.get("default", "" if one.get("type") in _TEXTS else None) for one in block.settings
    }
    return ThemeBlock(kept.on, {**defaults, **{k: v for k, v in kept.settings.items() if k in defaults}})


def render(platform: DevPlatform, visitor: Visitor, template: str, product: Product | None) -> Placed:
    """Renders what the merchant switched on, for one page. A fault of the Liquid is shown in its place."""
    placed = Placed()
    if visitor.shop.desk.shop.installed_at is None or template == "checkout":
        return placed  # apps' blocks reach neither the checkout nor the page that says thank you
    for block in blocks(platform.extensions):
        position = as_placed(visitor.shop, block)
        if not position.on or not block.fits(template):
            continue
        html = _rendered(platform, visitor, template, product, block, position)
        (placed.body if block.embed else placed.sections).append(html)
        for kind, urls in (("javascript", placed.scripts), ("stylesheet", placed.styles)):
            if name := block.schema.get(kind):
                url = liquid_filters.asset_url(block.folder, str(name))
                if url not in urls:
                    urls.append(url)
    return placed


def _rendered(
    platform: DevPlatform,
    visitor: Visitor,
    template: str,
    product: Product | None,
    block: Block,
    position: ThemeBlock,
) -> Markup:
    tag = str(block.schema.get("tag") or "div")
    known = liquid_objects.everything(platform, visitor, template, product)
    settings = {
        one["id"]: known["product"] if one.get("type") == "product" else position.settings.get(one["id"])
        for one in block.settings
    }
    number = f"{'A' if block.embed else 'B'}devshop-{block.handle}"
    known["_block"] = {"id": number, "type": block.handle, "settings": settings, "shopify_attributes": ""}
    known["_section"] = {"id": f"template--devshop__{template}"}
    environment = Environment(
        loader=FileSystemLoader(block.folder / "snippets", ext=".liquid"), globals=known
    )
    liquid_filters.register(environment, block.folder, visitor.language, visitor.currency)
    try:
        inner = environment.from_string(_LOCAL + block.source, name=block.handle).render()
    except LiquidError as error:
        inner = (
            f'<p class="liquid-error">Liquid error in {escape(block.handle)}.liquid: {escape(str(error))}</p>'
        )
    classes = f"shopify-block shopify-app-block {block.schema.get('class') or ''}".strip()
    return Markup(f'<{tag} id="shopify-block-{number}" class="{escape(classes)}">{inner}</{tag}>')


def asset(platform: DevPlatform, extension: str, name: str) -> Response:
    """A file of the extension's assets/, as the CDN serves it: the address holds a version, so it is kept."""
    folder = platform.extensions / extension / "assets"
    if re.fullmatch(r"[a-z0-9-]+", extension) is None or not folder.is_dir():
        abort(404, "There is no such extension.")
    answer = send_from_directory(folder, name)
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer
