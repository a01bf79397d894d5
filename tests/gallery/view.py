"""A page in one of its states, in a real window: what axe says of it, and a picture of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, Page

from tests.npm import package

SIZES = {"phone": (360, 740), "desk": (1280, 800)}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Below this a picture shows more of the same.
TALLEST = 2400
_SETTLED = """() => Promise.all([
  document.fonts.ready,
  new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  // An animation halfway through has other colours than its end; one without an end is a sign of waiting.
  ...[document, document.querySelector('regulars-launcher')?.shadowRoot].filter(Boolean)
    .flatMap((root) => root.getAnimations()).filter((one) => one.effect.getTiming().iterations !== Infinity)
    .map((one) => one.finished.catch(() => {})),
])"""


@dataclass(frozen=True, slots=True)
class View:
    """What a state shows: a whole page, the app inside the admin's frame, or the widget on a page of others."""

    window: Page
    part: str = "page"  # page, frame or widget

    @property
    def document(self) -> Frame:
        """The document that is judged."""
        return self.window.frames[1] if self.part == "frame" else self.window.main_frame

    def sized(self, size: tuple[int, int]) -> None:
        """Makes the window so large, and waits until nothing moves."""
        self.window.set_viewport_size({"width": size[0], "height": size[1]})
        self.document.evaluate(_SETTLED)

    def complaints(self) -> list[str]:
        """What axe finds wrong, with the elements."""
        document = self.document
        document.evaluate(_SETTLED)
        if not document.evaluate("typeof axe === 'object'"):
            document.evaluate((package("axe-core") / "axe.min.js").read_text(encoding="utf-8"))
        where = (
            "{include: [['regulars-launcher'], ['regulars-points']]}" if self.part == "widget" else "document"
        )
        found: dict[str, Any] = document.evaluate(
            f"(tags) => axe.run({where}, {{iframes: false, resultTypes: ['violations'], "
            "runOnly: {type: 'tag', values: tags}})",
            RULES,
        )
        assert found["passes"], "axe looked at nothing"
        return [
            f"{one['id']}: {[node['html'][:200] for node in one['nodes'][:3]]}" for one in found["violations"]
        ]

    def too_wide(self) -> bool:
        """Whether the page sticks out sideways."""
        wide: bool = self.document.evaluate("document.documentElement.scrollWidth > innerWidth")
        return wide

    def picture(self, path: Path, size: tuple[int, int]) -> None:
        """Takes a picture in a window that is as high as what it shows."""
        self.sized(size)
        height: int = self.document.evaluate(_HEIGHT[self.part])
        beside = self.window.evaluate(
            "innerHeight - (document.querySelector('iframe')?.clientHeight ?? innerHeight)"
        )
        self.sized((size[0], min(max(size[1], height + (beside if self.part == "frame" else 0)), TALLEST)))
        if self.part == "frame":
            self.window.locator("iframe").screenshot(path=path)
        else:
            self.window.screenshot(path=path)


_PAGE = "Math.ceil(document.body?.getBoundingClientRect().height ?? 0)"
_HEIGHT = {
    "page": "document.documentElement.scrollHeight",
    "frame": _PAGE,
    # The dialog scrolls inside; for the picture it shows everything.
    "widget": """(() => {
      const box = document.querySelector('regulars-launcher').shadowRoot.querySelector('dialog[open]');
      if (!box) return 0;
      for (const one of [box, ...box.querySelectorAll('*')]) {
        if (one.scrollHeight > one.clientHeight + 1 && !one.closest('.unseen')) {
          one.style.maxHeight = 'none';
          one.style.height = 'max-content';
        }
      }
      return Math.ceil(box.getBoundingClientRect().height) + 60;
    })()""",
}
