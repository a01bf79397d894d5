"""The browser of the tests: finds or installs Chromium, and opens it for Playwright as a person's window."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --disable-dev-shm-usage --force-color-profile=srgb"
)
NOT_FOUND = (
    "No Chromium (chromium, chromium-browser or google-chrome) was found on PATH. The browser tests drive a real"
    " one. `make test` installs it on Debian as root; otherwise install it (Debian: apt-get install chromium;"
    " macOS: brew install --cask chromium) and run this again."
)


class ChromiumMissing(RuntimeError):
    """There is no Chromium on this machine; the message says what to install."""


def find_chromium() -> str | None:
    """The path of the browser's program, or None."""
    return next(filter(None, (shutil.which(name) for name in NAMES)), None)


def ensure_chromium() -> str:
    """Finds the browser; on Debian as root installs it. Raises ChromiumMissing with what to do otherwise."""
    found = find_chromium()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Chromium is not here yet: installing Debian's package for the tests.", file=sys.stderr)  # noqa: T201 (whoever runs the tests waits for it)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium", "fonts-liberation"],
        ):
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
        found = find_chromium()
    if found is None:
        raise ChromiumMissing(NOT_FOUND)
    return found


@contextmanager
def opened() -> Iterator[Browser]:
    """A running browser, closed afterwards. Raises ChromiumMissing: a browser test never passes without one."""
    program = find_chromium()
    if program is None:
        raise ChromiumMissing(NOT_FOUND)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS.split())
        try:
            yield browser
        finally:
            browser.close()


def main() -> int:
    """Finds or installs the browser for `make test`; says what to do and returns 1 when that is impossible."""
    try:
        print(f"Chromium for the tests: {ensure_chromium()}")  # noqa: T201 (its command line)
    except ChromiumMissing as missing:
        print(missing, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
