"""A storefront page around our blocks: renders the extension's real Liquid with the objects Shopify gives it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any, TextIO

from liquid import Environment, FileSystemLoader, Node, RenderContext, Tag, TokenStream
from liquid.token import TOKEN_TAG

from devshop.faces.liquid_filters import color_contrast

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "extensions/rewards-widget"
ASSETS = "/ext/rewards-widget/assets/"
SCHEMA = re.compile(r"\{%-?\s*schema\s*-?%\}(.*?)\{%-?\s*endschema\s*-?%\}", re.DOTALL)
HOSTILE = '"><img src=x onerror="window.attacked=1"></script><script>window.attacked=1</script>'
# As Shopify's json filter: what could end a script block is written as an escape.
_UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@dataclass(frozen=True, slots=True)
class Page:
    """What of a page the tests vary."""

    language: str = "en"
    signed_in: bool = True
    loyalty: Mapping[str, Any] | None = None
    digest: Mapping[str, Any] | None = None
    shop_name: str = "Alpina Tee"
    currency: str = "CHF"
    prices: tuple[int, ...] = (2490, 8900, 129000)
    chosen: int = 0
    gift_card: bool = False
    product: Mapping[str, Any] = field(default_factory=dict)
    customer: Mapping[str, Any] = field(default_factory=dict)
    cart: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    point_settings: Mapping[str, Any] = field(default_factory=dict)
    design: bool = False
    page_type: str = "product"
    launchers: int = 1
    point_blocks: int = 1
    referral_blocks: int = 0
    head: str = ""

    def but(self, **changes: Any) -> Page:
        """The same page with some things changed."""
        return replace(self, **changes)


def schema(block: str) -> dict[str, Any]:
    """The {% schema %} of a block."""
    found = SCHEMA.search((EXTENSION / f"blocks/{block}.liquid").read_text(encoding="utf-8"))
    assert found is not None
    loaded: dict[str, Any] = json.loads(found[1])
    return loaded


def strings(language: str) -> dict[str, Any]:
    """The texts of one language."""
    path = EXTENSION / "locales" / ("en.default.json" if language == "en" else f"{language}.json")
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def keys(texts: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Every dotted key; a text with plural forms is one key per form."""
    for key, value in texts.items():
        if isinstance(value, Mapping):
            yield from keys(value, f"{before}{key}.")
        else:
            yield f"{before}{key}"


class _SchemaNode(Node):
    """A {% schema %} shows nothing."""

    def render_to_output(self, _context: RenderContext, _buffer: TextIO) -> int:
        return 0


class _SchemaTag(Tag):
    """Skips what stands between schema and endschema."""

    name = "schema"
    block = True

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        while not (stream.current.kind == TOKEN_TAG and stream.current.value == "endschema"):
            next(stream)
        return _SchemaNode(token)


def _environment(language: str) -> Environment:
    environment = Environment(loader=FileSystemLoader(EXTENSION / "snippets", ext=".liquid"))
    environment.tags["schema"] = _SchemaTag(environment)
    texts = strings(language)

    def translate(key: str, **values: object) -> str:
        found: Any = texts
        for part in key.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping):
            found = found["one" if values.get("count") == 1 else "other"]
        assert isinstance(found, str), f"{language}: no text {key}"
        return re.sub(r"\{\{ (\w+) \}\}", lambda hit: escape(str(values[hit[1]])), found)

    environment.filters["t"] = translate
    environment.filters["color_contrast"] = color_contrast
    environment.filters["asset_url"] = lambda name: f"{ASSETS}{name}"
    environment.filters["stylesheet_tag"] = lambda url: f'<link href="{url}" rel="stylesheet">'
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False).translate(_UNSAFE)
    return environment


def render(block: str, page: Page) -> str:
    """One block on that page."""
    defaults = {one["id"]: one.get("default", "") for one in schema(block)["settings"] if "id" in one}
    given = page.settings if block == "launcher" else page.point_settings
    currency = {"iso_code": page.currency}
    variants = [{"id": 7000 + at, "price": price} for at, price in enumerate(page.prices)]
    product = {
        "gift_card?": page.gift_card,
        "variants": variants,
        "selected_or_first_available_variant": variants[page.chosen],
        **page.product,
    }
    defaults.pop("product", None)
    known: dict[str, Any] = {
        "block": {"settings": {**defaults, **given}, "shopify_attributes": ""},
        "app": {"metafields": {"storefront": {"digest": {"value": page.digest}} if page.digest else {}}},
        "customer": {
            "metafields": {"app": {"loyalty": {"value": page.loyalty}} if page.loyalty else {}},
            **page.customer,
        }
        if page.signed_in
        else None,
        "product": product if page.page_type == "product" else None,
        "cart": {
            "currency": currency,
            "cart_level_discount_applications": [],
            "taxes_included": True,
            **page.cart,
        },
        "localization": {"country": {"currency": currency}},
        "shop": {"name": page.shop_name},
        "request": {
            "design_mode": page.design,
            "page_type": page.page_type,
            "locale": {"iso_code": page.language},
        },
        "routes": {
            "root_url": "/",
            "account_login_url": "/account/login",
            "account_register_url": "/account/register",
        },
    }
    source = (EXTENSION / f"blocks/{block}.liquid").read_text(encoding="utf-8")
    return _environment(page.language).from_string(source, name=block).render(**known)


def document(page: Page) -> str:
    """The whole page: a plain theme with a product form, our product block and our embed."""
    options = "".join(f'<option value="{7000 + at}">Variant {at}</option>' for at in range(len(page.prices)))
    points = render("product-points", page) * page.point_blocks if page.page_type == "product" else ""
    filler = "<p>Green leaves from a garden at two thousand metres, dried the same day.</p>" * 30
    return f"""<!doctype html>
<html lang="{page.language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Mountain tea</title>{page.head}
<link rel="icon" href="data:,"><link rel="stylesheet" href="/theme.css"></head>
<body><header><a href="/">{escape(page.shop_name)}</a></header><main>
<div class="shopify-section" id="product-section"><h1>Mountain tea</h1>
<form action="/cart/add" method="post"><label>Size <select name="id">{options}</select></label>
<button type="submit">Buy it now</button></form>
{points}<button type="button">Add to cart</button></div>{render("referral", page) * page.referral_blocks}{filler}</main>
{render("launcher", page) * page.launchers}</body></html>"""
