"""Reads a page for the tests: its elements, what a person reads, its forms as they would be sent, what is wrong.

Whether it is valid and accessible HTML is judged by html-validate (tests/valid.py); what our policy forbids, here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from tests.valid import html_faults

VOID = set("area base br col embed hr img input link meta source track wbr".split())


@dataclass
class Element:
    """One element: tag, attributes, the text inside it and the elements around it."""

    tag: str
    attributes: dict[str, str | None]
    around: list[Element]
    text: str = ""


@dataclass(slots=True)
class Form:
    """One form: where it goes, and its fields as they would be sent untouched."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    # Boxes that are not ticked: a browser sends nothing of them.
    unticked: set[str] = field(default_factory=set)

    def filled(self, **changes: str) -> dict[str, str]:
        """The fields with some changed; dots of a name are written as two underscores."""
        changed = {name.replace("__", "."): value for name, value in changes.items()}
        assert set(changed) <= {name for name, _ in self.fields} | self.unticked, changed
        return dict(self.fields) | changed


class Page(HTMLParser):
    """A parsed page. `elements` are all elements in order; `nonce` is the word its own scripts must carry, if any."""

    def __init__(self, html: str, nonce: str = "") -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self._html, self._nonce = html, nonce
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), list(self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1].tag == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def named(self, *tags: str) -> list[Element]:
        """The elements of these names."""
        return [one for one in self.elements if one.tag in tags]

    @property
    def text(self) -> str:
        """What a person reads, without scripts and styles."""
        body = self.named("body")
        skipped = "".join(one.text for one in self.named("script", "style"))
        return body[0].text.replace(skipped, "") if body else ""

    @property
    def forms(self) -> list[Form]:
        """Every form with its native fields, in order."""
        return [self._form(one) for one in self.named("form")]

    def form(self, action: str) -> Form:
        """The first form whose address begins so."""
        return next(one for one in self.forms if one.action.partition("?")[0] == action)

    @property
    def faults(self) -> list[str]:
        """Everything wrong with a whole page: invalid, not accessible, without a heading, or against our policy."""
        found = [*html_faults(self._html), *self.forbidden]
        for tag in ("h1", "main"):
            if len(self.named(tag)) != 1:
                found.append(f"{len(self.named(tag))} <{tag}>")
        found += (
            [] if all(one.attributes.get("title") for one in self.named("iframe")) else ["a nameless frame"]
        )
        return found

    @property
    def forbidden(self) -> list[str]:
        """Code and style within the page that our policy keeps from working."""
        found = []
        for one in self.elements:
            found += [f"inline {name}" for name in one.attributes if re.match(r"on[a-z]|style$", name)]
            found += [
                "a javascript: link"
                for value in one.attributes.values()
                if (value or "").lower().startswith("javascript:")
            ]
            code = (
                one.tag == "script" and one.text.strip() and one.attributes.get("type") != "application/json"
            )
            if code and not (self._nonce and one.attributes.get("nonce") == self._nonce):
                found.append("inline script without the word of this answer")
        return found

    def _form(self, element: Element) -> Form:
        form = Form(element.attributes.get("action") or "", element.attributes.get("method") or "get")
        within = [one for one in self.elements if element in one.around]
        for one in within:
            name, value = one.attributes.get("name") or "", one.attributes.get("value") or ""
            if one.tag == "textarea":
                form.fields.append((name, one.text.removeprefix("\n")))
            elif one.attributes.get("type") == "checkbox" and "checked" not in one.attributes:
                form.unticked.add(name)
            elif one.tag == "input":
                form.fields.append((name, value))
            elif one.tag == "select":
                chosen = [
                    o for o in within if one in o.around and o.tag == "option" and "selected" in o.attributes
                ]
                assert len(chosen) == 1, f"{len(chosen)} options are chosen in {name}"
                form.fields.append((name, chosen[0].attributes.get("value") or ""))
        return form
