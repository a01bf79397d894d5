"""Reads a page as a browser would and lists what is wrong with it: nesting, titles, labels, ids, inline handlers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = set("area base br col embed hr img input link meta source track wbr".split())
# Elements that close by themselves when one of these opens or the parent closes; our pages close them all.
NAMED = ("a", "button", "h1", "h2", "h3", "summary", "option", "legend", "th", "caption")
NOT_TYPED = ("hidden", "submit", "button")


@dataclass
class Element:
    """One element: tag, attributes, the text inside it and the elements around it."""

    tag: str
    attributes: dict[str, str | None]
    around: list[Element]
    text: str = ""
    images: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """A parsed page. `faults` are sentences; `elements` are all elements in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.faults: list[str] = []
        self._open: list[Element] = []
        self._html = html
        self.feed(html)
        self.close()
        self._judge()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = Counter(name for name, _ in attrs)
        self.faults += [f"<{tag}> has {name} twice" for name, count in names.items() if count > 1]
        element = Element(tag, dict(attrs), list(self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1].tag != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1].tag if self._open else 'nothing'}")
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def named(self, *tags: str) -> list[Element]:
        return [one for one in self.elements if one.tag in tags]

    @property
    def text(self) -> str:
        """What a person reads, without scripts and styles."""
        body = self.named("body")
        skipped = "".join(one.text for one in self.named("script", "style"))
        return body[0].text.replace(skipped, "") if body else ""

    def _judge(self) -> None:
        self.faults += [f"<{one.tag}> is never closed" for one in self._open]
        if not self._html.lstrip().lower().startswith("<!doctype html>"):
            self.faults.append("no doctype first")
        for tag in ("html", "head", "title", "body", "h1", "main"):
            if len(self.named(tag)) != 1:
                self.faults.append(f"{len(self.named(tag))} <{tag}>")
        if not any(one.text.strip() for one in self.named("title")):
            self.faults.append("the title is empty")
        if not all(one.attributes.get("lang") for one in self.named("html")):
            self.faults.append("no language")
        ids = Counter(one.attributes["id"] for one in self.elements if "id" in one.attributes)
        self.faults += [f"id {name} {count} times" for name, count in ids.items() if count > 1]
        for one in self.elements:
            self._judge_element(one, set(ids))

    def _judge_element(self, one: Element, ids: set[str | None]) -> None:
        given = one.attributes
        self.faults += [
            f"<{one.tag}> has an inline {name}" for name in given if re.match(r"on[a-z]|style$", name)
        ]
        for name in ("aria-labelledby", "aria-describedby", "for"):
            self.faults += [
                f"{name} leads to no {each}" for each in (given.get(name) or "").split() if each not in ids
            ]
        if one.tag in NAMED and not (
            one.text.strip() or given.get("aria-label") or self._empty_on_purpose(one)
        ):
            self.faults.append(f"<{one.tag}> says nothing")
        field = one.tag in ("select", "textarea") or (
            one.tag == "input" and given.get("type") not in NOT_TYPED
        )
        if field and not self._labelled(one):
            self.faults.append(f"the field {given.get('name')} has no label")
        if (given.get("href") or "").startswith("javascript:"):
            self.faults.append("a javascript: link")
        if one.tag == "iframe" and not given.get("title"):
            self.faults.append("a frame without a title")

    def _empty_on_purpose(self, one: Element) -> bool:
        return one.attributes.get("aria-hidden") == "true" or any(e.tag == "template" for e in one.around)

    def _labelled(self, one: Element) -> bool:
        if one.attributes.get("aria-label") or one.attributes.get("aria-labelledby"):
            return True
        if any(label.tag == "label" and label.text.strip() for label in one.around):
            return True
        name = one.attributes.get("id")
        return any(
            label.attributes.get("for") == name and label.text.strip() for label in self.named("label")
        )
