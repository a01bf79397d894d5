"""Takes a picture of every page and panel in every state and lays them on one sheet a width: `make gallery`."""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser import ensure_chromium, opened
from tests.gallery.tour import NAMES, Tour
from tests.gallery.view import SIZES
from tests.house.sources import ROOT

FOLDER = ROOT / "var" / "gallery"
# How wide a picture stands on the sheet, and how many columns of them.
COLUMNS = {"phone": (210, 14), "desk": (460, 7)}
STYLE = """
body { margin: 0; padding: 16px; background: #d5d5db; font: 13px/1.4 system-ui, sans-serif; }
main { display: flex; gap: 16px; align-items: flex-start; }
section { display: grid; gap: 16px; }
figure { margin: 0; } figcaption { padding: 2px 0; overflow-wrap: anywhere; }
img { display: block; width: 100%; box-shadow: 0 1px 4px #0006; }
"""


def main(wanted: list[str]) -> None:
    """`wanted`: only states whose names contain one of these; all of them when empty."""
    ensure_chromium()
    names = [one for one in NAMES if not wanted or any(word in one for word in wanted)]
    with opened() as browser:
        heights = pictures(browser, names)
        for width in SIZES:
            file = sheet(browser, width, names, heights)
            print(f"{len(names)} states, {SIZES[width][0]} pixels wide: {file}")  # noqa: T201


def pictures(browser: Browser, names: list[str]) -> dict[str, float]:
    """Takes them all, each width of a state in one visit; gives back height by width of each file."""
    heights = {}
    with Tour(browser) as tour:
        for at, name in enumerate(names, 1):
            print(f"\r{at}/{len(names)} {name:<40}", end="", file=sys.stderr, flush=True)  # noqa: T201
            with tour.at(name) as view:
                for width, size in SIZES.items():
                    file = _file(width, name)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    view.picture(file, size)
                    heights[f"{width} {name}"] = _height(file)
    print(file=sys.stderr)  # noqa: T201
    return heights


def _file(width: str, name: str) -> Path:
    return FOLDER / width / f"{name.replace('/', '-')}.png"


def _height(file: Path) -> float:
    """Height by width, from the head of a PNG (https://www.w3.org/TR/png-3/#11IHDR)."""
    head = file.read_bytes()[16:24]
    return int.from_bytes(head[4:]) / int.from_bytes(head[:4])


def sheet(browser: Browser, width: str, names: list[str], heights: dict[str, float]) -> Path:
    """One picture of all pictures, each put where the sheet is shortest; beside it the same as a page."""
    wide, count = COLUMNS[width]
    columns: list[list[str]] = [[] for _ in range(min(count, len(names)))]
    filled = [0.0] * len(columns)
    for name in names:
        shortest = filled.index(min(filled))
        columns[shortest].append(name)
        filled[shortest] += heights[f"{width} {name}"] * wide + 40
    page = FOLDER / f"{width}.html"
    page.write_text(_html(width, columns, wide), encoding="utf-8")
    window = browser.new_page(viewport={"width": len(columns) * (wide + 16) + 16, "height": 800})
    window.goto(page.as_uri())
    window.wait_for_function("[...document.images].every((one) => one.complete)")
    file = FOLDER / f"{width}.png"
    window.screenshot(path=file, full_page=True)
    window.close()
    return file


def _html(width: str, columns: list[list[str]], wide: int) -> str:
    def figure(name: str) -> str:
        file = _file(width, name).relative_to(FOLDER).as_posix()
        return f'<figure><figcaption>{escape(name)}</figcaption><a href="{file}"><img src="{file}" alt=""></a></figure>'

    sections = "".join(
        f'<section style="width:{wide}px">{"".join(map(figure, column))}</section>' for column in columns
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Every state, {width}</title>'
        f"<style>{STYLE}</style><main>{sections}</main></html>"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
