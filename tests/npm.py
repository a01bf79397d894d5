"""Finds what `npm ci` installed: Shopify's published packages, and a Node new enough to run them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NODE_NEEDED = (22, 12)


def package(name: str) -> Path:
    """The folder of an installed npm package. Raises FileNotFoundError saying to run `make setup`."""
    folder = ROOT / "node_modules" / name
    if not folder.is_dir():
        raise FileNotFoundError(f"npm package {name} is not installed: run `make setup`.")
    return folder


@cache
def node() -> Path:
    """A Node of version 22.12 or newer: the one that an npm package supplies, or the machine's own."""
    candidates = [str(path) for path in (ROOT / "node_modules").glob("node-*/bin/node")]
    candidates += filter(None, [shutil.which("node")])
    for candidate in candidates:
        answer = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        version = answer.stdout.strip().removeprefix("v").split(".")
        if answer.returncode == 0 and (int(version[0]), int(version[1])) >= NODE_NEEDED:
            return Path(candidate)
    raise FileNotFoundError("No Node of version 22.12 or newer: run `make setup`, or install one.")


def environment() -> dict[str, str]:
    """The environment for Shopify's tools: our Node first, nothing sent anywhere, no question asked."""
    return os.environ | {
        "PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}",
        "SHOPIFY_CLI_NO_ANALYTICS": "1",
        "DO_NOT_TRACK": "1",
        "CI": "1",
    }


@cache
def admin_schema(version: str = "2026-10") -> dict[str, Any]:
    """The introspection answer of Shopify's Admin API in that version, as `build_client_schema` takes it.

    Shopify publishes it in the npm package `@shopify/dev-mcp`.
    """
    path = package("@shopify/dev-mcp") / f"dist/data/admin_{version}.json.gz"
    answer: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    data: dict[str, Any] = answer.get("data", answer)
    return data
