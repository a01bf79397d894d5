"""Shopify's own libraries verify what the development shop signs."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from shopify_app import ShopifyApp

from devshop.shop import DevPlatform, DevShop
from tests.devshop.conftest import DOMAIN, Received
from tests.npm import ROOT, node, package

LIBRARY = """
import '@shopify/shopify-api/adapters/node';
import { shopifyApi } from '@shopify/shopify-api';
const given = JSON.parse(process.argv[2]);
const api = shopifyApi({ apiKey: 'key', apiSecretKey: 'secret', apiVersion: '2026-10', isEmbeddedApp: true,
  hostName: 'app.test', hostScheme: 'https', scopes: ['read_orders'], logger: { level: 0 } });
const { EventEmitter } = await import('node:events');
const request = Object.assign(new EventEmitter(), { method: 'POST', url: '/webhooks', headers: given.headers,
  httpVersion: '1.1', rawHeaders: [] });
const webhook = await api.webhooks.validate({ rawBody: given.body, rawRequest: request, rawResponse: {} });
const claims = await api.session.decodeSessionToken(given.idToken);
const launch = await api.utils.validateHmac(given.launch);
const proxy = await api.utils.validateHmac(given.proxy, { signator: 'appProxy' });
console.log(JSON.stringify({ webhook: webhook.valid, topic: webhook.topic, dest: claims.dest, launch, proxy }));
"""


def test_the_node_library_accepts_every_signature(
    shop: DevShop, platform: DevPlatform, received: Received
) -> None:
    shop.place_order(shop.create_customer(), [{"title": "Tee", "price": 1000}])
    platform.flush()
    _, topic, headers, body = received.deliveries[1]
    given = {
        "headers": {name.lower(): value for name, value in headers.items()},
        "body": body.decode(),
        "idToken": shop.id_token(),
        "launch": dict(parse_qsl(urlsplit(shop.launch_url()).query)),
        "proxy": dict(
            parse_qsl(urlsplit(shop.proxy_request("GET", "/me").url).query, keep_blank_values=True)
        ),
    }
    package("@shopify/shopify-api")
    script = ROOT / "node_modules" / ".devshop-reality.mjs"
    script.write_text(LIBRARY)
    try:
        done = subprocess.run(
            [node(), script, json.dumps(given)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
        )
    finally:
        script.unlink()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.strip().splitlines()[-1]) == {
        "webhook": True,
        "topic": topic.upper().replace("/", "_"),
        "dest": f"https://{DOMAIN}",
        "launch": True,
        "proxy": True,
    }


@pytest.mark.filterwarnings("ignore:The HMAC key is")
def test_the_python_library_accepts_every_signature(
    shop: DevShop, platform: DevPlatform, received: Received
) -> None:
    app = ShopifyApp(client_id="key", client_secret="secret")
    shop.create_customer()
    platform.flush()
    _, _, headers, body = received.deliveries[0]
    webhook: Any = {
        "method": "POST",
        "headers": headers,
        "url": "https://app.test/webhooks",
        "body": body.decode(),
    }
    assert app.verify_webhook_req(webhook).ok
    asked = shop.proxy_request("GET", "/me", customer_id=5)
    proxied: Any = {
        "method": "GET",
        "headers": asked.headers,
        "url": f"https://app.test{asked.url}",
        "body": "",
    }
    assert app.verify_app_proxy_req(proxied).ok
    launch: Any = {"method": "GET", "headers": {}, "url": shop.launch_url(), "body": ""}
    home = app.verify_app_home_req(launch, "/patch")
    assert home.ok
    assert home.shop == DOMAIN.removesuffix(".myshopify.com")
    exchanged = app.exchange_using_token_exchange(
        access_mode="offline",
        id_token=home.id_token,
        invalid_token_response=home.invalid_token_response,
        http_client=_client(platform),
    )
    assert exchanged.ok
    refreshed = app.refresh_token_exchanged_access_token(
        {**exchanged.access_token.__dict__, "expires": "2026-01-01T00:00:00Z"}, http_client=_client(platform)
    )
    assert refreshed.ok


def _client(platform: DevPlatform) -> httpx.Client:
    return httpx.Client(transport=platform.http_transport(), timeout=10)
